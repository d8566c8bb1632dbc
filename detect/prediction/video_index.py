"""What a video file holds, by its packets: how many frames, when each of them is shown, and whether it was cut.

The packets are read and not decoded, at the speed of the disk. So it is known before the first frame is looked at
whether all are there, and each decoded frame is told by its time stamp: OpenCV passes over a frame that cannot be
decoded without a word, and the frames after it would be called by wrong numbers.
Source: ISO/IEC 14496-12, 4.2 (boxes of MP4); RFC 8794 and RFC 9559 (EBML, Matroska)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO

USUAL_RATE = 25.0  # frames per second, where the file states none
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp", b"sidx")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """`count` frames are there, `missing` at the end are announced and are not, `rate` is the stated one per second.

    `stamps` are the milliseconds from the start at which each frame is shown, rising; none where they are not known.
    """

    count: int
    stamps: tuple[float, ...]
    rate: float
    missing: int

    def seconds(self, number: int) -> float:
        """When a frame is shown, in seconds from the start."""
        return round(self.stamps[number] / 1000 if self.stamps else number / self.rate, 9)

    def number(self, stamp: float, after: int) -> int:
        """The number of the frame with this time stamp, which comes after another; the next where none has it."""
        from bisect import bisect_left

        place = bisect_left(self.stamps, stamp - 0.5)
        known = place < len(self.stamps) and abs(self.stamps[place] - stamp) <= 0.5
        return max(place, after + 1) if known else after + 1


def video_index(path: Path) -> VideoIndex | None:
    """None where OpenCV cannot read the file as a video, or finds no frame in it."""
    import cv2

    packets: Any = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])  # -1: as they are
    stamps = [float(packets.get(cv2.CAP_PROP_POS_MSEC)) for _ in iter(packets.grab, False)]
    announced, rate = (float(packets.get(key)) for key in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS))
    packets.release()
    if not stamps:
        return None
    rate = rate if 0 < rate < 1e4 else USUAL_RATE
    known = tuple(sorted(set(stamps)))
    # What was cut away by an edit list has the stamp 0, and is not shown; without stamps all have it.
    usable = len(known) > 1 and stamps.count(known[0]) == len(stamps) - len(known) + 1
    count = len(known) if usable or len(stamps) == 1 else len(stamps)
    index = VideoIndex(count, known if count == len(known) else (), rate, 0)
    return replace(index, missing=_missing(path, index, announced))


def _missing(path: Path, index: VideoIndex, announced: float) -> int:
    """How many frames at the end are announced and not there.

    The count that AVI states is exact. MP4's counts frames that an edit list hides, too, and Matroska's is made of the
    length, which may be that of the sound: they are believed where the file is shorter than it says.
    """
    if breaks_off(path) is False or not index.count < announced < 1e9:
        return 0
    if index.stamps:
        step = median(b - a for a, b in zip(index.stamps, index.stamps[1:], strict=False)) if index.count > 1 else 0.0
        seconds = announced / index.rate - (index.stamps[-1] + step) / 1000
        return min(max(round(seconds * index.rate), 0), int(announced) - index.count)
    return int(announced) - index.count


def breaks_off(path: Path) -> bool | None:
    """Whether the file is shorter than its container says; None where that says nothing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        end = -1
        if head[4:8] in _BOXES:
            end = _end_of_boxes(file, size)
        elif head.startswith(_EBML):
            end = _end_of_segment(file)
    return None if end < 0 else end > size


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Where the last box at the top of an MP4 ends."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        length = int.from_bytes(head[8:16]) if length == 1 else length or size - at
        at += max(length, 8)
    return at


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
