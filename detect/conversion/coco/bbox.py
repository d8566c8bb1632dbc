"""The box of one COCO annotation: its bbox, or the extent of its outline where it has none, with its attributes."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose, isfinite
from typing import Any

from detect.conversion.coco.contents import Document
from detect.conversion.coco.ids import Key
from detect.conversion.coco.numbers import numbers
from detect.conversion.coco.outlines import extent
from detect.conversion.shapes import Corners, turned_rectangle
from detect.conversion.tidy import PRECISION
from detect.data import NONE, Attributes, Value

NO_BBOX = "annotation without bbox"


class NoBox(Exception):
    """The annotation is something else than a box; the text names it: "caption"."""


Shape = tuple[Corners, float, bool]
"""x1, y1, x2, y2 in pixels, the area that is to be expected of it, and whether it stands for a turned rectangle."""


@dataclass
class Shapes:
    """Reads the annotations of one document; `as_corners`: every bbox is x1, y1, x2, y2."""

    document: Document
    as_corners: bool = False

    def __post_init__(self) -> None:
        self._own = self.document.own

    def __call__(self, row: dict[str, Any], image: Key) -> Shape:
        """The shape of an annotation of that image. Raises NoBox, and ValueError with what is wrong."""
        bbox, outline = row.get("bbox"), row.get("segmentation")
        stated = self._numbers(bbox) if bbox else None
        if stated is None or not (stated[2] and stated[3]):
            if around := extent(outline, self.document.size(image)):
                self.document.texts += _has_text(outline)
                return around, _area(around), False
            if stated is None or not any(stated):
                raise NoBox(kind_of(row))
        x, y, w, h = stated
        if self.as_corners:
            w, h = round(w - x, PRECISION), round(h - y, PRECISION)
        box = x, y, round(x + w, PRECISION), round(y + h, PRECISION)
        angle = _rotation(row) if "attributes" in row and not self._own and not outline else 0
        if not angle % 360:
            return box, w * h, False
        x1, y1, x2, y2 = (round(value, PRECISION) for value in turned_rectangle(*box, angle))
        return (x1, y1, x2, y2), w * h, True

    def attributes(self, row: dict[str, Any], area: float) -> Attributes:
        """The attributes of an annotation, without those that say nothing: not occluded, not turned, its own area."""
        found: dict[str, Value] = {}
        stated = row.get("attributes")
        if isinstance(stated, dict):
            found = {str(key): value for key, value in stated.items() if isinstance(value, str | int | float)}
            if not found.get("occluded", True):
                del found["occluded"]
            if not self._own and not row.get("segmentation") and numbers([found.get("rotation")]):
                del found["rotation"]  # the box is the one around the turned rectangle
        for key in ("iscrowd", "ignore"):
            if row.get(key):
                found[key] = 1
        score = row.get("score")
        if isinstance(score, int | float) and not isinstance(score, bool):
            found["score"] = score
        own = row.get("area")
        if isinstance(own, int | float) and not isclose(own, area, rel_tol=1e-9, abs_tol=10**-PRECISION):
            found["area"] = own
        return Attributes(found) if found else NONE

    def _numbers(self, bbox: Any) -> list[float]:
        found = numbers(bbox) if isinstance(bbox, list) and len(bbox) == 4 else None
        if found is None:
            raise ValueError(f"bbox must be four numbers x, y, width, height, got {str(bbox)[:60]}")
        if str in map(type, bbox):
            self.document.texts += 1
        return found


def kind_of(row: dict[str, Any]) -> str:
    """What an annotation without a box is."""
    for key, kind in (("caption", "caption"), ("keypoints", "key points"), ("segments_info", "panoptic segments")):
        if key in row:
            return kind
    if "bboxes" in row or "segmentations" in row:
        return "track"
    return NO_BBOX


def _rotation(row: dict[str, Any]) -> float:
    """Degrees clockwise by which CVAT says that a bbox must be turned about its centre. Raises ValueError."""
    stated = row.get("attributes")
    found = numbers([stated.get("rotation")]) if isinstance(stated, dict) else None
    if found is None:
        return 0
    if not isfinite(found[0]):
        raise ValueError(f"its rotation must be a finite number of degrees, got {found[0]}")
    return found[0]


def _area(corners: Corners) -> float:
    x1, y1, x2, y2 = corners
    return (x2 - x1) * (y2 - y1)


def _has_text(outline: Any) -> bool:
    return isinstance(outline, str) or (isinstance(outline, list) and any(map(_has_text, outline)))
