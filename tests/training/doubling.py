"""A detector whose doubles only a fitted suppression takes away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detect.geometry import as_boxes
from detect.models.detector import Picture
from detect.models.nms import Candidates, candidates
from detect.operating_point import OperatingPoint, Suppression


class Doubling:
    """A detector that sees each damage well, and again, at an IoU of 0.45, surer than it sees the next.

    Photos are 100 pixels; photo k has a dent of 40 x 40 at (k, k) and a dent that truly overlaps it by IoU 0.33.
    """

    name, imgsz, suppression = "doubling", 64, Suppression(0.7)
    classes: tuple[str, ...] = ("dent",)
    point: OperatingPoint | None = None

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        found = []
        for picture in pictures:
            k = int(picture[0, 0, 0])
            truth = as_boxes([[k, k, k + 40, k + 40], [k + 20, k, k + 60, k + 40]])
            double = truth + np.array([0, 0, 0, -22.0])  # IoU 18 / 40 with the one it doubles
            found.append(candidates(np.vstack([truth, double]), np.array([0.9, 0.8, 0.85, 0.75]), np.zeros(4, int)))
        return found
