"""The frames of a video as images, every so many of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from detect.data import Image
from detect.errors import DataError, Problem

if TYPE_CHECKING:
    from detect.models.detector import Picture


class Video:
    """A video file; `images` are its frames, named clip.mp4/000120 by their number from 0.

    They are decoded one after another as they are asked for, and never held all at once. Raises DataError where the
    file is no video.
    """

    def __init__(self, path: Path, every: int = 1) -> None:
        import cv2

        self.path = path
        self.capture: Any = cv2.VideoCapture(str(path))
        count = int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)) if self.capture.isOpened() else 0
        if count <= 0 and self.capture.isOpened():  # a recording that was streamed does not state its length
            count = sum(1 for _ in iter(self.capture.grab, False))
            self._rewind()
        if count <= 0:
            raise DataError(
                f"{path}: cannot be read as a video; does it have a codec that OpenCV knows (H.264, MJPEG)?"
            )
        width, height = (int(self.capture.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        self.numbers = {f"{path.name}/{number:06d}": number for number in range(0, count, every)}
        self.images = tuple(Image(name, width, height) for name in self.numbers)
        self.next, self.count, self.end = 0, count, count

    def _rewind(self) -> None:
        import cv2

        self.capture.release()
        self.capture, self.next = cv2.VideoCapture(str(self.path)), 0

    def picture(self, image: Image) -> Picture:
        """A frame as RGB (height, width, 3) uint8.

        The video ends with the first frame that cannot be decoded: many files announce more frames than they have.
        Raises DataError for it and for those after it, which is no error of level "error" but for the first of all.
        """
        import cv2

        number = self.numbers[image.name]
        if number >= self.end:
            raise DataError(())
        if number < self.next:
            self._rewind()
        while self.next < number:  # seeking is not exact in every container; decoding is
            self.capture.grab()
            self.next += 1
        good, frame = self.capture.read()
        self.next += 1
        if not good:
            self.end = number
            what = f"frame {number} of {self.count} cannot be decoded"
            if not number:
                raise DataError(Problem("error", "video", what, str(self.path)))
            raise DataError(Problem("note", "video", what, str(self.path), remedy="the video ends there"))
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), dtype=np.uint8)
