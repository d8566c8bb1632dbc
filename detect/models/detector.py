"""What every detector can do, whichever library it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detect.data import Box
from detect.models.nms import Candidates, suppress
from detect.operating_point import OperatingPoint, Suppression

Picture = NDArray[np.uint8]
LOWEST_SCORE = 0.001  # of a box that counts: in validation, in an exported graph


class Detector(Protocol):
    """A trained model, ready for photos. `classes` are in the order of its outputs."""

    name: str
    classes: tuple[str, ...]
    imgsz: int
    suppression: Suppression  # what it was trained or fitted with
    point: OperatingPoint | None  # what was fitted to it, see `detect thresholds`

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """What it sees in each picture before suppression, with scores above `confidence`.

        A picture is upright RGB, (height, width, 3) uint8; pictures may differ in size.
        """
        ...


def detect(
    detector: Detector,
    pictures: Sequence[Picture],
    confidence: float = LOWEST_SCORE,
    suppression: Suppression | None = None,
) -> list[tuple[Box, ...]]:
    """Boxes of each picture, best first, in the picture's own pixels; without `suppression` the detector's own."""
    how = suppression or detector.suppression
    found = detector.candidates(pictures, confidence)
    kept = [suppress(one, how, confidence) for one in found]
    sizes = [picture.shape[1::-1] for picture in pictures]
    return [one.inside(*size).boxes(detector.classes) for one, size in zip(kept, sizes, strict=True)]
