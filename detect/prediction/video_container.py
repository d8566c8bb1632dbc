"""What the container of a video says of its whole, to know what is not there: MP4, Matroska and AVI.

Source: ISO/IEC 14496-12, 4.2 and 8.2.2 (boxes of MP4, movie header); RFC 8794 and RFC 9559 (EBML, Matroska)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp", b"sidx")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def is_mp4(path: Path) -> bool:
    """Whether it begins with a box, as MP4 and QuickTime do."""
    with path.open("rb") as file:
        return file.read(8)[4:] in _BOXES


def is_avi(path: Path) -> bool:
    """Whether it begins as AVI does."""
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"AVI "


def breaks_off(path: Path) -> bool:
    """Whether the file is shorter than its container says; that of MP4 and Matroska says so."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(len(_EBML)) == _EBML:
            return _end_of_segment(file) > size
        boxes = _boxes(file, 0, size) if is_mp4(path) else ()
        return any(at + length > size for _, at, length in boxes)


def length_of_mp4(path: Path) -> float:
    """How many seconds are shown of an MP4, edited as it is; 0 where it does not say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        movies = [(at, length) for name, at, length in _boxes(file, 0, size) if name == b"moov"]
        for at, length in movies:
            for name, place, _ in _boxes(file, at + 8, min(at + length, size)):
                if name == b"mvhd":
                    file.seek(place + 8)
                    return _seconds(file.read(32))
    return 0.0


def _seconds(header: bytes) -> float:
    """The duration in a movie header, whose first byte says whether times have 4 or 8 bytes; all ones: not known."""
    scale, duration = (header[20:24], header[24:32]) if header[:1] == b"\1" else (header[12:16], header[16:20])
    known = duration != b"\xff" * len(duration)
    return int.from_bytes(duration) / max(int.from_bytes(scale), 1) if known else 0.0


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an MP4 between two places: name, place and length of each."""
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        length = int.from_bytes(head[8:16]) if length == 1 else length or end - at
        yield head[4:8], at, max(length, 8)
        at += max(length, 8)


def _end_of_segment(file: BinaryIO) -> int:
    """Where the segment of a Matroska file ends, which holds all frames; -1 where it does not say."""
    file.seek(len(_EBML))
    file.seek(_number(file)[0], 1)
    if file.read(len(_SEGMENT)) != _SEGMENT:
        return -1
    length, unknown = _number(file)
    return -1 if unknown else file.tell() + length


def _number(file: BinaryIO) -> tuple[int, bool]:
    """A number of EBML, whose first byte says how long it is; True where all its bits are set: not known."""
    first = int.from_bytes(file.read(1))
    more = 8 - first.bit_length()
    value = (first & (0x7F >> more)) << 8 * more | int.from_bytes(file.read(more)) if first else 0
    return value, value == (1 << 7 * (more + 1)) - 1
