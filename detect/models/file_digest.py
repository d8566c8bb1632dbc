"""A digest in an exported model, by which damage shows: its numbers have no checksum, and any would give boxes.

The file holds MARK and, after it, the BLAKE2b digest of all its other bytes, and of the files that belong to it.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Sequence
from pathlib import Path

from detect.errors import ModelError

MARK = "damage-detect digest "
PLACE = MARK + "0" * 64  # what a writer leaves for it


def write_digest(path: Path, others: Sequence[Path] = ()) -> None:
    """Put the digest where PLACE stands in a file."""
    place, digest, _ = _digest(path, others)
    with path.open("rb+") as file:
        file.seek(place)
        file.write(digest)


def require_unchanged(path: Path, others: Sequence[Path] = ()) -> None:
    """Raise ModelError where a file is not as it was written. Older ones have no digest, and pass."""
    place, digest, there = _digest(path, others)
    if place and digest != there:
        raise ModelError(f"{path}: is damaged, or was changed after `detect export`; copy or export it again")


def _digest(path: Path, others: Sequence[Path]) -> tuple[int, bytes, bytes]:
    """Where the digest stands (0: nowhere), what it must be, and what it is."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = content.rfind(MARK.encode())
        if found < 0:
            return 0, b"", b""
        place = found + len(MARK)
        digest = hashlib.blake2b(digest_size=32)
        with memoryview(content) as whole:
            for part in (whole[:place], whole[place + 64 :]):
                digest.update(part)
                part.release()
        there = content[place : place + 64]
    for other in others:
        with other.open("rb") as file:
            while part_of_it := file.read(2**20):
                digest.update(part_of_it)
    return place, digest.hexdigest().encode(), there
