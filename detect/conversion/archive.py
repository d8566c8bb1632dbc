"""Zip files as CVAT, Label Studio and Roboflow export them, unpacked without trusting a word of them.

Refused: names that leave the target, links and other special files, encrypted members, names that stand twice, and
more than what the limits below allow. Sizes are counted while unpacking; what the archive says of them is not believed.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from detect.errors import DataError, Problem, Problems
from detect.progress import bar

MOST_BYTES = 200 * 10**9
"""Of all members together, unpacked."""

MOST_RATIO = 200
"""Unpacked to packed size of the whole archive, after the first FREE bytes. XML and JSON reach 30."""

FREE = 100 * 10**6
MOST_MEMBERS = 2_000_000
_CHUNK = 1 << 20


def moved(problem: Problem, folder: Path, archive: Path) -> Problem:
    """The problem as one of the archive, not of the folder it was unpacked to."""
    here, there = str(folder), str(archive)
    return replace(problem, file=problem.file.replace(here, there), what=problem.what.replace(here, there))


@contextmanager
def unpacking(path: Path) -> Iterator[Path]:
    """A new temporary folder with the members of a zip in it; it stays if the block ends well, for whoever links it.

    Raises DataError where the archive is broken or breaks a rule above; then nothing stays.
    """
    folder = Path(tempfile.mkdtemp(prefix="damage-detect-", suffix=f"-{path.stem[:40]}"))
    try:
        unpack(path, folder)
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def unpack(path: Path, folder: Path) -> None:
    """Unpack a zip into a folder. Raises DataError with every member that is refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(archive, path)
            size = path.stat().st_size
            limit = min(MOST_BYTES, max(FREE, MOST_RATIO * size))
            room = shutil.disk_usage(folder).free
            written = 0
            with bar(f"Unpacking {path.name}", len(members)) as advance:
                for member in members:
                    with archive.open(member) as source:
                        written = _copy(source, folder / member.filename, written, min(limit, room), path)
                    advance()
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{path}: cannot be unpacked: {error.strerror}") from error
        raise DataError(f"{path}: is not a good zip file: {error}") from error
    except Exception as error:  # zlib.error, lzma.LZMAError: what a decoder says of broken data
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: is not a good zip file: {error}") from error


def _checked(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The members that are files. Raises DataError with all that break a rule."""
    problems, members, seen = Problems(), [], set()
    for member in archive.infolist():
        name = member.filename
        mode = member.external_attr >> 16
        if wrong := _why_refused(name, mode, member.flag_bits, name in seen):
            problems.add("error", "unsafe member", wrong, file=path, where=repr(name))
        elif not member.is_dir():
            members.append(member)
        seen.add(name)
    if len(seen) > MOST_MEMBERS:
        problems.add("error", "too many members", f"holds more than {MOST_MEMBERS} files", file=path)
    problems.raise_errors()
    return members


def _why_refused(name: str, mode: int, flags: int, twice: bool) -> str:
    """What is wrong with a member, "" where nothing is."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or name[1:2] == ":" or "\0" in name:
        return "its name leads out of the folder; refused"
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or another special file; refused"
    if flags & 1:
        return "is encrypted; unpack the archive yourself and name the folder"
    return "appears twice in the archive" if twice else ""


def _copy(source: IO[bytes], target: Path, written: int, limit: int, path: Path) -> int:
    """Copy a member; how many bytes are written by now. Raises DataError beyond the limit."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > limit:
                what = f"unpacks to more than {limit / 1e9:.1f} GB, more than a real export of its size; refused"
                raise DataError(f"{path}: {what} (if you trust it, unpack it yourself and name the folder)")
            file.write(chunk)
    return written
