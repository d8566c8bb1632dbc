"""The frames of a video as images, every so many of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from detect.data import Attributes, Image
from detect.errors import DataError, Level, Problem
from detect.prediction.video_container import breaks_off
from detect.prediction.video_index import VideoIndex, opened, video_index

if TYPE_CHECKING:
    from detect.models.detector import Picture

FEW = 2.0, 0.2  # seconds, and the share of the whole, up to which frames that are missing are a note
TRIES = 8  # after a frame that cannot be decoded: each passes over some packets, and none are left at the end
SKIP = "--on-error skip leaves it out"


class Video:
    """A video file; `images` are its frames, named clip.mp4/000120 by their number from 0.

    Each has its time in seconds from the start as the attribute `seconds`: the container's time stamp, or the number by
    the frame rate where there is none. Frames are upright, turned as the file says. They are decoded one after another
    as they are asked for, and never held all at once. `problems`: frames that are announced and not there. Raises
    DataError where the file is no video.
    """

    def __init__(self, path: Path, name: str, every: int = 1) -> None:
        self.path = path
        self._decoder: _Decoder | None = None
        index = video_index(path)
        first = _Decoder(path, index) if index is not None else None
        frame = first.picture() if first is not None and first.advance() else None
        if index is None or first is None or frame is None:
            raise DataError(_why_none(path))
        if first.number > 0 and first.rest() + 1 == index.frames:  # nothing is lost at the beginning
            index = replace(index, by_order=True)
        self.index, self.end = index, index.frames
        self.problems = list(self._not_there())
        height, width = frame.shape[:2]
        self.images = tuple(
            Image(f"{name}/{number:06d}", width, height, attributes=Attributes({"seconds": index.seconds(number)}))
            for number in range(0, index.frames, every)
        )

    def close(self) -> None:
        """Hold the file open no longer; it is opened again when a frame is asked for."""
        self._decoder = None

    def picture(self, image: Image) -> Picture:
        """A frame as RGB (height, width, 3) uint8.

        Raises DataError where it cannot be decoded. Where no later one can either the video ends there, which is told
        once: the error for those after it holds no problem.
        """
        number = int(image.name.rpartition("/")[2])
        if number >= self.end:
            raise DataError(())
        if self._decoder is None or number < self._decoder.number:
            self._decoder = _Decoder(self.path, self.index)
        decoder = self._decoder
        while decoder.number < number:
            if not decoder.advance():
                self.end = decoder.number + 1
                known = self.problems and self.index.frames - self.end <= 2  # a cut goes through a frame
                raise DataError(() if known else self._missing_end(self.end, self.index.frames - self.end))
        picture = decoder.picture() if decoder.number == number else None
        if picture is None:
            what = f"at {self.index.seconds(number):.2f} s cannot be decoded, and later ones can"
            raise DataError(Problem("error", "undecodable frame", what, str(self.path), f"frame {number}", SKIP))
        return picture

    def _not_there(self) -> Iterator[Problem]:
        """What is announced and not in the file, which is known before a frame is looked at."""
        index = self.index
        if index.missing:
            yield self._missing_end(index.frames, index.missing)
        elif index.cut and not index.announced:
            what = "the file is shorter than it says; how much of the video is missing is not known"
            yield Problem("note", "video cut short", what, str(self.path), remedy="was it copied whole?")
        if holes := index.holes():
            lost = sum(count for _, count in holes)
            what = (
                f"{lost} of {index.announced} frames are not in the file, the first {holes[0][1]} of them before here"
            )
            level, remedy = self._judged(lost, index.announced)
            where = f"frame {holes[0][0]} at {index.seconds(holes[0][0]):.2f} s"
            yield Problem(level, "frames missing", what, str(self.path), where, remedy)

    def _missing_end(self, first: int, missing: int) -> Problem:
        """The last frames are not there."""
        whole, seconds = first + missing, missing * self.index.step / 1000
        last = f"the last {missing} of {whole} frames are" if missing > 1 else f"the last of {whole} frames is"
        what = f"{last} missing or cannot be decoded ({seconds:.2f} s)"
        level, remedy = self._judged(missing, whole)
        return Problem(level, "video cut short", what, str(self.path), remedy=remedy)

    def _judged(self, missing: int, whole: int) -> tuple[Level, str]:
        """A few frames that are missing are a note, more an error; with the remedy."""
        if missing <= 2 or (missing * self.index.step <= 1000 * FEW[0] and missing <= FEW[1] * whole):
            return "note", "the rest is looked at"
        return "error", "was it copied whole? --on-error skip looks at the rest"


class Videos:
    """Several videos, of which one is open at a time."""

    def __init__(self) -> None:
        self.names: dict[str, Video] = {}
        self._open: Video | None = None

    def add(self, path: Path, name: str, every: int) -> Video:
        """One more, under a name of its own. Raises DataError as Video does."""
        return self.names.setdefault(name, Video(path, name, every))

    def picture(self, image: Image) -> Picture:
        """See Video.picture."""
        video = self.names[image.name.rpartition("/")[0]]
        if self._open is not None and self._open is not video:
            self._open.close()
        self._open = video
        return video.picture(image)


class _Decoder:
    """Frames one after another; `number` is that of the last one, -1 before the first."""

    def __init__(self, path: Path, index: VideoIndex) -> None:
        self.index, self.number = index, -1
        self.capture = opened(path)

    def advance(self) -> bool:
        """Go to the next frame that can be decoded; False where there is none."""
        import cv2

        if not any(self.capture.grab() for _ in range(TRIES)):
            return False
        self.number = self.index.number(float(self.capture.get(cv2.CAP_PROP_POS_MSEC)), self.number)
        return True

    def rest(self) -> int:
        """How many more frames can be decoded."""
        return sum(1 for _ in iter(self.capture.grab, False))

    def picture(self) -> Picture | None:
        """The frame as RGB; None where it cannot be decoded after all."""
        import cv2

        good, frame = self.capture.retrieve()
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), dtype=np.uint8) if good else None


def _why_none(path: Path) -> Problem:
    """What is wrong with a file that gives no frame."""
    what, remedy = "cannot be read as a video", "does it have a codec that OpenCV knows (H.264, MJPEG)?"
    if not path.stat().st_size:
        what, remedy = "cannot be read as a video: it is empty", "copy it again"
    elif breaks_off(path):
        what, remedy = "cannot be read as a video: the file breaks off", "was it copied whole?"
    return Problem("error", "video", what, str(path), remedy=remedy)
