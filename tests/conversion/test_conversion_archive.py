"""Zip files: exports read as they come, hostile ones refused with nothing written outside."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detect.conversion import archive, read, write
from detect.data import Box
from detect.errors import DataError, Problems

Tree = Callable[..., Path]

CVAT = (
    '<annotations><meta><task><labels><label><name>dent</name></label></labels></task></meta>'
    '<image id="0" name="a/1.jpg" width="100" height="50"><box label="dent" source="manual" occluded="0" xtl="1"'
    ' ytl="2" xbr="30" ybr="140" z_order="0"/></image></annotations>'
)  # fmt: skip


def photo() -> bytes:
    from tests.conversion.grey import photo as grey

    return grey(100, 50)


def zipped(path: Path, members: Mapping[Any, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked in this test."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_an_export_of_cvat(tmp_path: Path, unpacked: Path) -> None:
    export = zipped(tmp_path / "export.zip", {"annotations.xml": CVAT.encode(), "images/a/1.jpg": photo()})
    problems = Problems()
    dataset = read(export, problems=problems)
    (image,) = dataset.images
    assert (image.name, image.boxes) == ("a/1.jpg", (Box("dent", 1.0, 2.0, 30.0, 50.0),))
    assert image.path is not None and image.path.is_relative_to(unpacked)
    # messages name the archive, not the folder it was unpacked to
    assert [(p.kind, p.file) for p in problems] == [("box clipped", f"{export}/annotations.xml")]
    out = write(dataset, tmp_path / "out", "yolo")
    assert (out / "images/a/1.jpg").read_bytes() == photo()


def test_any_format_may_be_zipped(tmp_path: Path, unpacked: Path) -> None:
    labels = {"data/1.txt": b"0 0.5 0.5 0.2 0.4\n", "data/classes.txt": b"dent\n", "data/1.jpg": photo()}
    assert read(zipped(tmp_path / "yolo.ZIP", labels)).boxes == 1


def test_a_video_with_its_frames(tmp_path: Path, unpacked: Path) -> None:
    xml = CVAT[: CVAT.index("<image")] + (
        '<track id="0" label="dent"><box frame="0" outside="0" xtl="1" ytl="2" xbr="30" ybr="40"/></track>'
        "</annotations>"
    )
    export = zipped(tmp_path / "v.zip", {"annotations.xml": xml.encode(), "images/frame_000000.PNG": photo()})
    (image,) = read(export).images
    assert (image.name, len(image.boxes), (image.width, image.height)) == ("frame_000000.PNG", 1, (100, 50))


def test_errors_name_the_archive(tmp_path: Path, unpacked: Path) -> None:
    export = zipped(tmp_path / "export.zip", {"annotations.xml": CVAT[:-30].encode(), "images/a/1.jpg": photo()})
    with pytest.raises(DataError) as caught:
        read(export)
    assert str(caught.value).startswith(f"{export}/annotations.xml: is not good XML")
    assert str(unpacked) not in str(caught.value)


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


HOSTILE = [
    ({"../evil.txt": b"x"}, "leads out of the folder"),
    ({"a/../../evil.txt": b"x"}, "leads out of the folder"),
    ({"/etc/evil.txt": b"x"}, "leads out of the folder"),
    ({"C:/evil.txt": b"x"}, "leads out of the folder"),
    ({"..\\evil.txt": b"x"}, "leads out of the folder"),
    ({link("images"): b"/etc"}, "is a link"),
    ({"a.txt": b"x", "a.txt/b.txt": b"x"}, "cannot be unpacked|not a good zip"),  # a file cannot be a folder as well
]  # fmt: skip


@pytest.mark.parametrize(("members", "words"), HOSTILE)
def test_members_that_are_refused(members: Mapping[Any, bytes], words: str, tmp_path: Path, unpacked: Path) -> None:
    path = zipped(tmp_path / "evil.zip", {**members, "good.txt": b"x"})
    with pytest.raises(DataError, match=words):
        read(path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["evil.zip", "unpacked"]
    assert list(unpacked.iterdir()) == []


def test_all_refused_members_are_named(tmp_path: Path, unpacked: Path) -> None:
    path = zipped(tmp_path / "evil.zip", {"../a": b"x", "../b": b"x", link("c"): b"/etc"})
    with pytest.raises(DataError) as caught:
        read(path)
    assert [problem.where for problem in caught.value.problems] == ["'../a'", "'../b'", "'c'"]


def test_a_name_that_stands_twice(tmp_path: Path, unpacked: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("a.txt", "1")
        file.writestr("a.txt", "2")
    with pytest.raises(DataError, match="appears twice"):
        read(path)


def test_a_bomb(tmp_path: Path, unpacked: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {f"{n}.xml": bytes(30 * 10**6) for n in range(5)})  # 150 MB in 150 kB
    with pytest.raises(DataError, match=r"unpacks to more than 0\.1 GB"):
        read(path)
    assert list(unpacked.iterdir()) == []


def test_sizes_in_the_archive_are_not_believed(tmp_path: Path, unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FREE", 1000)
    path = zipped(tmp_path / "liar.zip", {"a.txt": bytes(10**6)})
    data = path.read_bytes().replace(struct.pack("<I", 10**6), struct.pack("<I", 10))  # it says 10 bytes
    path.write_bytes(data)
    with pytest.raises(DataError):
        read(path)
    assert list(unpacked.iterdir()) == []


def test_an_encrypted_archive_says_what_to_do(tmp_path: Path, unpacked: Path) -> None:
    path = zipped(tmp_path / "secret.zip", {"a.txt": b"x"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match="is encrypted; unpack the archive yourself"):
        read(path)


def test_a_full_disk(tmp_path: Path, unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10))
    path = zipped(tmp_path / "export.zip", {"annotations.xml": CVAT.encode()})
    with pytest.raises(DataError, match="unpacks to more than"):
        read(path)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_archives_raise_nothing_but_our_errors(data: st.DataObject) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("annotations.xml", CVAT)
        file.writestr("images/a/1.jpg", photo())
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
        try:
            read(path, on_error="skip")
        except DataError:
            return
