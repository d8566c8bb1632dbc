"""Archives in archives, within the limits of one; names with backslashes; links, which are not followed out."""

from __future__ import annotations

import io
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import archive, read
from detect.data import Box
from detect.errors import DataError
from tests.conversion.grey import photo
from tests.conversion.test_conversion_archive import CVAT, zipped

EXPORT = {"annotations.xml": CVAT.encode(), "images/a/1.jpg": photo(100, 50)}
BOX = Box("dent", 1.0, 2.0, 30.0, 50.0)


@pytest.fixture(autouse=True)
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked in this test."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def packed(members: Mapping[Any, bytes]) -> bytes:
    """A zip as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def other(name: str) -> bytes:
    return CVAT.replace("a/1.jpg", name).encode()


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ({"job_12.zip": packed(EXPORT)}, ["a/1.jpg"]),  # zipped once more
        ({"mail/job_12.ZIP": packed(EXPORT), "__MACOSX/mail/._job_12.zip": b"?", ".DS_Store": b"?"}, ["a/1.jpg"]),
        ({"b.zip": packed({"job_12.zip": packed(EXPORT)})}, ["a/1.jpg"]),  # and once more
        ({"1.zip": packed(EXPORT), "2.zip": packed({"x.xml": other("b/2.jpg")})}, ["a/1.jpg", "b/2.jpg"]),  # two jobs
        # photos and annotations apart
        ({"annotations.zip": packed({"x.xml": CVAT.encode()}), "images/a/1.jpg": photo(100, 50)}, ["a/1.jpg"]),
        ({name.replace("/", "\\"): content for name, content in EXPORT.items()}, ["a/1.jpg"]),  # of Windows
        ({**EXPORT, "empty\\": b"", "images\\": b""}, ["a/1.jpg"]),  # folders of their own
        ({"jobs\\12.zip": packed({name.replace("/", "\\"): content for name, content in EXPORT.items()})}, ["a/1.jpg"]),
    ],
)
def test_archives_that_are_read(members: Mapping[str, bytes], names: list[str], tmp_path: Path) -> None:
    images = read(zipped(tmp_path / "in.zip", members)).images
    assert [image.name for image in images] == names
    assert images[0].boxes == (BOX,)


def test_yolo_inside(tmp_path: Path) -> None:
    files = {"classes.txt": b"dent\n", "images/1.jpg": photo(100, 50), "labels/1.txt": b"0 0.5 0.5 0.2 0.4\n"}
    (image,) = read(zipped(tmp_path / "in.zip", {"yolo.zip": packed(files)})).images
    assert (image.name, len(image.boxes)) == ("1.jpg", 1)


def member(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (mode | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("members", "words"),
    [
        # what is refused, and how the message begins: it names both
        ({"job.zip": packed({"../evil.txt": b"x"})}, "in.zip/job.zip: '../evil.txt': its name leads out"),
        ({"job.zip": packed({member("images", stat.S_IFLNK): b"/etc"})}, "in.zip/job.zip: 'images': is a link"),
        ({"job.zip": packed({member("a.jpg", stat.S_IFLNK): b"../../x"})}, "in.zip/job.zip: 'a.jpg': is a link"),
        ({"job.zip": b"PK nothing"}, "in.zip/job.zip: is not a good zip file"),
        (
            {"1.zip": packed({"2.zip": packed({"3.zip": packed(EXPORT)})})},
            "in.zip/1.zip/2.zip/3.zip: lies 3 archives deep",
        ),
        ({"..\\evil.zip": packed(EXPORT)}, "in.zip: '..\\\\evil.zip': its name leads out"),
        ({"a\\..\\..\\evil.txt": b"x"}, "its name leads out"),
        ({"\\\\host\\evil.txt": b"x"}, "its name leads out"),
        ({"C:\\evil.txt": b"x"}, "its name leads out"),
        ({"a/b.txt": b"x", "a\\b.txt": b"y"}, "'a\\\\b.txt': appears twice"),
        ({"a.zip": packed({}), "a.zip/b.txt": b"x", **EXPORT}, None),  # two things in one folder are no matter
    ],
)
def test_archives_that_are_refused(members: Mapping[Any, bytes], words: str | None, tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", members)
    if words is None:
        assert read(path).boxes == 1
        return
    with pytest.raises(DataError) as caught:
        read(path)
    assert words in str(caught.value)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["in.zip", "unpacked"]
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_errors_name_both_archives(tmp_path: Path) -> None:
    path = zipped(tmp_path / "in.zip", {"job.zip": packed({"annotations.xml": CVAT[:-30].encode()})})
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}/job.zip/annotations.xml: is not good XML")


def test_bytes_are_counted_over_all_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FREE", 1_000_000)
    part = packed({"a.xml": bytes(600_000)})
    assert len(part) < 2000  # each alone is within the limit
    with pytest.raises(DataError, match=r"in\.zip/2\.zip: unpacks to more than 0\.0 GB"):
        read(zipped(tmp_path / "in.zip", {"1.zip": part, "2.zip": part}))


def test_members_are_counted_over_all_archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 5)
    part = packed({f"{n}.txt": b"" for n in range(2)})
    assert archive.unpack(zipped(tmp_path / "ok.zip", {"1.zip": part}), tmp_path / "unpacked").name == "1.zip"
    with pytest.raises(DataError, match=r"in\.zip/2\.zip: holds more than 5 files"):
        read(zipped(tmp_path / "in.zip", {"1.zip": part, "2.zip": part}))


def test_an_encrypted_archive_inside_is_named(tmp_path: Path) -> None:
    data = bytearray(packed({"a.txt": b"x"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match=r"in\.zip/secret\.zip: 'a\.txt': is encrypted"):
        read(zipped(tmp_path / "in.zip", {"secret.zip": bytes(data)}))
