"""Zip files as CVAT, Label Studio and Roboflow export them, unpacked without trusting a word of them.

Refused: names that leave the target, links and other special files, encrypted members, names that stand twice, and
more than what the limits below allow. Sizes are counted while unpacking; what the archive says of them is not believed.
An archive inside an archive becomes a folder of its name; the limits are for all of them together.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO

from detect.conversion.source import NOISE, walk
from detect.errors import DataError, Problem, Problems
from detect.progress import bar

MOST_BYTES = 200 * 10**9
"""Of all members together, unpacked."""

MOST_RATIO = 200
"""Unpacked to packed size of the whole archive, after the first FREE bytes. XML and JSON reach 30."""

FREE = 100 * 10**6
MOST_MEMBERS = 2_000_000
MOST_DEPTH = 3
"""The archive itself counts as 1."""

_CHUNK = 1 << 20


def moved(problem: Problem, folder: Path, archive: Path) -> Problem:
    """The problem as one of the archive, not of the folder it was unpacked to."""
    here, there = str(folder), str(archive)
    return replace(problem, file=problem.file.replace(here, there), what=problem.what.replace(here, there))


@contextmanager
def unpacking(path: Path) -> Iterator[tuple[Path, Path]]:
    """A new temporary folder with the members of a zip in it, and where in it the data lies.

    It stays if the block ends well, for whoever links the photos.

    Raises DataError where the archive is broken or breaks a rule above; then nothing stays.
    """
    folder = Path(tempfile.mkdtemp(prefix="damage-detect-", suffix=f"-{path.stem[:40]}"))
    try:
        yield folder, unpack(path, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


@dataclass
class _Unpacking:
    """What may be written, and what has been, of an archive and of those inside it."""

    most: int
    written: int = 0
    members: int = 0
    inner: list[Path] = field(default_factory=list)
    """The folders that archives inside became."""

    def copy(self, source: IO[bytes], target: IO[bytes], name: str) -> None:
        """Copy a member of the archive `name`. Raises DataError beyond the limit."""
        while chunk := source.read(_CHUNK):
            self.written += len(chunk)
            if self.written > self.most:
                what = f"unpacks to more than {self.most / 1e9:.1f} GB, more than a real export of its size; refused"
                raise DataError(f"{name}: {what} (if you trust it, unpack it yourself and name the folder)")
            target.write(chunk)


def unpack(path: Path, folder: Path) -> Path:
    """Unpack a zip, and those inside it, into a folder; where the data then lies.

    That is the folder, or where the zip holds nothing but another, the folder that this one became. Raises DataError
    with every member that is refused.
    """
    most = min(MOST_BYTES, max(FREE, MOST_RATIO * path.stat().st_size), shutil.disk_usage(folder).free)
    state = _Unpacking(most)
    _unpack(path, str(path), folder, state, 1)
    files = [folder / file for file in walk(folder)] if state.inner else []
    whole = [place for place in state.inner if all(place in file.parents for file in files)]
    return max(whole, key=lambda place: len(place.parts), default=folder)


def _unpack(packed: Path | IO[bytes], name: str, folder: Path, state: _Unpacking, depth: int) -> None:
    """Unpack one archive, which messages call `name`."""
    if depth > MOST_DEPTH:
        raise DataError(f"{name}: lies {depth - 1} archives deep; more than {MOST_DEPTH - 1} are refused")
    try:
        with zipfile.ZipFile(packed) as archive:
            members = _checked(archive, name, state)
            with bar(f"Unpacking {name.rpartition('/')[2]}", len(members)) as advance:
                for inside, member in members:
                    place = folder / inside
                    with archive.open(member) as source:
                        if _is_archive(inside):
                            _unpack_inner(source, f"{name}/{inside}", place, state, depth + 1)
                        else:
                            place.parent.mkdir(parents=True, exist_ok=True)
                            with place.open("xb") as file:
                                state.copy(source, file, name)
                    advance()
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{name}: cannot be unpacked: {error.strerror}") from error
        raise DataError(f"{name}: is not a good zip file: {error}") from error
    except Exception as error:  # zlib.error, lzma.LZMAError: what a decoder says of broken data
        if isinstance(error, DataError):
            raise
        raise DataError(f"{name}: is not a good zip file: {error}") from error


def _unpack_inner(source: IO[bytes], name: str, folder: Path, state: _Unpacking, depth: int) -> None:
    """Unpack an archive inside another into a folder, which is called as it."""
    with tempfile.TemporaryFile() as packed:
        state.copy(source, packed, name)
        folder.mkdir(parents=True)
        state.inner.append(folder)
        _unpack(packed, name, folder, state, depth)


def _is_archive(name: str) -> bool:
    """Whether a member is an archive itself; what macOS notes of one, `__MACOSX/._a.zip`, is none."""
    parts = PurePosixPath(name).parts
    return name.lower().endswith(".zip") and not parts[-1].startswith(".") and NOISE.isdisjoint(parts)


def _checked(archive: zipfile.ZipFile, path: str, state: _Unpacking) -> list[tuple[str, zipfile.ZipInfo]]:
    """The members that are files, each with its name. Raises DataError with all that break a rule.

    Backslashes, which some tools on Windows write, part folders as slashes do.
    """
    problems, members, seen = Problems(), [], set()
    for member in archive.infolist():
        name = member.filename.replace("\\", "/")
        mode = member.external_attr >> 16
        if wrong := _why_refused(name, mode, member.flag_bits, name in seen):
            problems.add("error", "unsafe member", wrong, file=path, where=repr(member.filename))
        elif not name.endswith("/"):
            members.append((name, member))
        seen.add(name)
    state.members += len(seen)
    if state.members > MOST_MEMBERS:
        problems.add("error", "too many members", f"holds more than {MOST_MEMBERS} files", file=path)
    problems.raise_errors()
    return members


def _why_refused(name: str, mode: int, flags: int, twice: bool) -> str:
    """What is wrong with a member, "" where nothing is."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or name[1:2] == ":" or "\0" in name:
        return "its name leads out of the folder; refused"
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or another special file; refused"
    if flags & 1:
        return "is encrypted; unpack the archive yourself and name the folder"
    return "appears twice in the archive" if twice else ""
