"""What a video file holds, by its packets: how many frames, when each of them is shown, and how many are not there.

The packets are read and not decoded, at the speed of the disk. So it is known before the first frame is looked at
whether all are there, and each decoded frame is known by its time stamp: OpenCV passes over a frame that cannot be
decoded without a word, and the frames after it would be called by wrong numbers.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from detect.prediction.video_container import breaks_off, is_avi, is_mp4, length_of_mp4

USUAL_RATE = 25.0  # frames per second, where the file states none
SOUND = 500.0  # milliseconds that the sound may go on after the last frame


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """`frames` are there of those `announced` (0: not known), `missing` of them at the end; `rate` is per second.

    `stamps` are the milliseconds from the start at which each frame is shown, rising; none where they are not known.
    `cut`: the file is shorter than it says. `by_order`: a decoded frame does not have the stamp of its packet, as in
    AVI where frames are stored in another order than they are shown.
    """

    frames: int
    stamps: tuple[float, ...]
    rate: float
    announced: int
    missing: int = 0
    cut: bool = False
    by_order: bool = False

    def seconds(self, number: int) -> float:
        """When a frame is shown, in seconds from the start."""
        return round(self.stamps[number] / 1000 if self.stamps else number / self.rate, 9)

    def number(self, stamp: float, after: int) -> int:
        """The number of the frame with this time stamp, which comes after another; the next where none has it."""
        place = bisect_left(self.stamps, stamp - 0.5)
        known = place < len(self.stamps) and abs(self.stamps[place] - stamp) <= 0.5
        return max(place, after + 1) if known and not self.by_order else after + 1

    @property
    def step(self) -> float:
        """The usual time from one frame to the next, in milliseconds."""
        stated = 1000 / self.rate
        seen = median(b - a for a, b in pairwise(self.stamps)) if len(self.stamps) > 1 else stated
        return stated if abs(seen - stated) < 0.1 * stated else seen  # stamps may be whole milliseconds

    def holes(self) -> list[tuple[int, int]]:
        """Where frames of a steady rate are announced and not in the file: the number of the next, and how many."""
        step, steps = self.step, [b - a for a, b in pairwise(self.stamps)]
        wide = [(number, round(one / step) - 1) for number, one in enumerate(steps, 1) if one > 1.5 * step]
        steady = all(abs(one - step) < 0.1 * step + 1 for one in steps if one <= 1.5 * step)
        lost = sum(count for _, count in wide)
        return wide if steady and lost == self.announced - self.frames - self.missing else []


def video_index(path: Path) -> VideoIndex | None:
    """None where OpenCV cannot read the file as a video, or finds no frame in it."""
    import cv2

    packets = opened(path, [cv2.CAP_PROP_FORMAT, -1])  # -1: as they are
    stamps = [float(packets.get(cv2.CAP_PROP_POS_MSEC)) for _ in iter(packets.grab, False)]
    announced, rate = (float(packets.get(key)) for key in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS))
    packets.release()
    if not stamps:
        return None
    known = tuple(sorted(set(stamps)))
    # What an edit list hides has the stamp 0. Where there are no stamps all have it.
    usable = len(stamps) == 1 or (len(known) > 1 and stamps.count(known[0]) == len(stamps) - len(known) + 1)
    index = VideoIndex(
        len(known) if usable else len(stamps),
        known if usable else (),
        rate if 0 < rate < 1e4 else USUAL_RATE,
        int(announced) if 0 < announced < 1e9 else 0,
        cut=breaks_off(path),
    )
    return replace(index, missing=max(_missing(path, index), 0) if index.announced else 0)


def opened(path: Path, settings: Sequence[int] = ()) -> Any:
    """The file as OpenCV's VideoCapture. What FFmpeg says of every damaged block is said here once for each frame."""
    import cv2

    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read when the first video is opened
    return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, list(settings))


def _missing(path: Path, index: VideoIndex) -> int:
    """How many frames at the end are announced and not there.

    The count of an MP4 that was cut is exact. That of a whole one may hold frames that an edit list hides, AVI's those
    that were never recorded, and Matroska's is made of the length, perhaps that of the sound: there the length counts.
    """
    if not index.stamps or (index.cut and is_mp4(path)):
        return index.announced - index.frames
    length = (length_of_mp4(path) if is_mp4(path) else 0.0) or index.announced / index.rate
    late = 1000 * length - index.stamps[-1] - index.step
    return round(late / index.step) if index.cut or is_avi(path) or late > SOUND else 0
