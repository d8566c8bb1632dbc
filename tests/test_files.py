"""A killed command leaves the old file or the new one, never half; a full disk is said plainly."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from detect.errors import DetectError
from detect.files import atomic_file, atomic_folder, link_or_copy, refuse_to_overwrite, write_bytes, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_and_bytes_are_written_as_given(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "Größe\r\n凹\n")  # the folder is made, line ends stay
    write_bytes(tmp_path / "new" / "b.bin", b"\x00\xff")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "Größe\r\n凹\n".encode()
    assert (tmp_path / "new" / "b.bin").read_bytes() == b"\x00\xff"
    assert names(tmp_path / "new") == ["a.txt", "b.bin"]


class Stopped(Exception):
    pass


def test_a_file_stays_as_it_was_when_the_block_fails(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(Stopped), atomic_file(target) as temporary:
        temporary.write_text("half")
        raise Stopped
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


KILLED = """
import os, signal
from pathlib import Path
from detect.files import atomic_file, atomic_folder
with {manager}(Path({target!r})) as temporary:
    ({inside}).write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_in_mid_write(manager: str, inside: str, target: Path) -> None:
    code = KILLED.format(manager=manager, inside=inside, target=str(target))
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL


def test_kill_9_in_mid_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    kill_in_mid_write("atomic_file", "temporary", target)
    assert target.read_text() == "old"
    write_text(target, "new")  # what the killed process left behind is in nobody's way
    assert target.read_text() == "new"


def test_kill_9_in_mid_write_leaves_no_folder(tmp_path: Path) -> None:
    target = tmp_path / "data"
    kill_in_mid_write("atomic_folder", "temporary / 'a.txt'", target)
    assert not target.exists()
    with atomic_folder(target) as temporary:
        (temporary / "b.txt").write_text("whole")
    assert names(target) == ["b.txt"]


ERRORS = [
    # what the system says, what the user reads
    (errno.ENOSPC, "No space left on device"),
    (errno.EDQUOT, "Disk quota exceeded"),
    (errno.EACCES, "Permission denied"),
]


@pytest.mark.parametrize(("code", "said"), ERRORS)
def test_a_full_disk_is_explained_and_changes_nothing(tmp_path: Path, code: int, said: str) -> None:
    file, folder = tmp_path / "a.json", tmp_path / "data"
    file.write_text("old")
    with pytest.raises(DetectError, match=rf"a\.json: could not be written: {said}"), atomic_file(file) as temporary:
        temporary.write_text("half")
        raise OSError(code, os.strerror(code))
    with pytest.raises(DetectError, match=f"data: could not be written: {said}"), atomic_folder(folder) as temporary:
        (temporary / "a.txt").write_text("half")
        raise OSError(code, os.strerror(code))
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(DetectError, match="No space left on device"), atomic_file(target) as temporary:
        temporary.symlink_to("/dev/full")
        temporary.write_text("x" * 100_000)
    assert target.read_text() == "old"


def test_a_source_that_is_missing_is_named(tmp_path: Path) -> None:
    said = r"data: could not be written: No such file or directory: .*gone\.jpg"
    with pytest.raises(DetectError, match=said), atomic_folder(tmp_path / "data") as temporary:
        link_or_copy(tmp_path / "gone.jpg", temporary / "gone.jpg")
    assert names(tmp_path) == []


def test_a_folder_where_a_file_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DetectError, match="could not be written"):
        write_text(tmp_path / "file" / "a.json", "{}")


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "data"
    with pytest.raises(Stopped), atomic_folder(target) as temporary:
        (temporary / "a.txt").write_text("half")
        assert not target.exists()
        raise Stopped
    assert names(tmp_path / "deep") == []


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.mkdir()
    with atomic_folder(target) as temporary:
        (temporary / "a.txt").write_text("whole")
    assert names(target) == ["a.txt"]
    assert target.stat().st_mode & 0o777 == 0o777 & ~_umask()  # readable like any folder, not 0700


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


OCCUPIED = [
    # what is at the path, is it in the way?
    ("nothing", False),
    ("empty folder", False),
    ("file", True),
    ("folder", True),
]


@pytest.mark.parametrize(("there", "refused"), OCCUPIED)
def test_nothing_is_ever_overwritten(tmp_path: Path, there: str, refused: bool) -> None:
    target = tmp_path / "data"
    if there == "file":
        target.write_text("mine")
    elif there != "nothing":
        target.mkdir()
    if there == "folder":
        (target / "mine.txt").write_text("mine")
    if not refused:
        refuse_to_overwrite(target)
        return
    with pytest.raises(DetectError, match="data: already there"):
        refuse_to_overwrite(target)
    with pytest.raises(DetectError, match="data: already there"), atomic_folder(target):
        pytest.fail("the work must not begin")


def test_a_hard_link_where_it_can_be_and_a_copy_where_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"photo")
    link_or_copy(source, tmp_path / "linked" / "a.jpg")
    assert (tmp_path / "linked" / "a.jpg").samefile(source)

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(source, tmp_path / "copied" / "a.jpg")
    assert (tmp_path / "copied" / "a.jpg").read_bytes() == b"photo"
    assert not (tmp_path / "copied" / "a.jpg").samefile(source)


def test_a_link_never_replaces_a_file(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        link_or_copy(source, target)
    assert target.read_bytes() == b"old"
