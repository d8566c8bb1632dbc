"""A detector that needs no weights, and photos for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Photo

from detect.data import Image
from detect.geometry import as_boxes
from detect.models.detector import Picture
from detect.models.nms import Candidates
from detect.operating_point import OperatingPoint, Suppression


class Brightest:
    """A detector that finds one box over each picture, as sure as the picture is bright; none in a black one."""

    name, imgsz, suppression = "brightest", 64, Suppression()
    classes: tuple[str, ...] = ("light",)
    point: OperatingPoint | None = None

    def __init__(self) -> None:
        self.batches: list[int] = []

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        self.batches.append(len(pictures))
        found = []
        for picture in pictures:
            height, width = picture.shape[:2]
            score = float(picture.mean()) / 255
            rows = as_boxes([[0, 0, width, height]]), np.array([score]), np.array([0])
            found.append(Candidates(*rows).at(np.array([score]) > confidence))
        return found


def photo(path: Path, grey: int = 128, size: tuple[int, int] = (20, 10)) -> Image:
    path.parent.mkdir(parents=True, exist_ok=True)
    Photo.new("RGB", size, (grey, grey, grey)).save(path)
    return Image(path.name, *size, path=path)
