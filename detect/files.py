"""Writing so that a killed command leaves the old file or the new one, never half."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from detect.errors import DetectError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room on the disk, none of it for this user, or for such a file


class NotWritten(DetectError):
    """A file or a folder that could not be written; what was there before is as it was."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder, moved onto `path` when the block ends well, removed when it does not.

    Raises NotWritten where the disk is full or the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            _sync(temporary)
            temporary.replace(path)
        finally:
            with suppress(OSError):  # it may never have been there
                temporary.unlink()


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole file atomically, UTF-8, line ends as given."""
    write_bytes(path, text.encode("utf-8"))


def append(path: Path, data: bytes) -> None:
    """Add to the end of a file, all or nothing. Raises NotWritten."""
    with _explained(path), path.open("ab", buffering=0) as file:
        before, rest = os.fstat(file.fileno()).st_size, memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), before)
            raise


def require_room(folder: Path, size: int) -> None:
    """Raise OSError where the disk has no room for so many bytes in a folder; for writers that do not notice."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        return
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, max(1, size))


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed to it when the block ends well, removed when it does not.

    Raises DetectError where `path` is a file or a folder that is not empty: nothing is ever overwritten.
    """
    path = Path(path)
    refuse_to_overwrite(path)
    temporary: Path | None = None
    with _explained(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
            temporary.chmod(0o777 & ~_umask())
            yield temporary
            if path.is_dir():
                path.rmdir()
            temporary.rename(path)
        finally:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)


def refuse_to_overwrite(path: Path) -> None:
    """Raise DetectError where `path` is a file or a folder with something in it."""
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise DetectError(f"{path}: already there; give another name or remove it first")


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, or a copy where the file system refuses one. The target's folder is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except FileExistsError:
        raise
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.filename and f".{path.name}." not in str(error.filename):  # not our temporary: a source, a folder
            reason += f": {error.filename}"
        if error.errno in FULL:
            reason += f" ({_free(path)})"
        raise NotWritten(f"{path}: could not be written: {reason}; nothing was changed{_remedy(error)}") from error


def _remedy(error: OSError) -> str:
    if error.errno in FULL:
        return "; make room there, or name another place"
    return "; name a place where you may write" if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else ""


def _free(path: Path) -> str:
    """How much room there is where a path lies."""
    there = next(folder for folder in path.absolute().parents if folder.is_dir())
    return f"{shutil.disk_usage(there).free / 1e6:.1f} MB are free in {there}"


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
