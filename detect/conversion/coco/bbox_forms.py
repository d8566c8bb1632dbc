"""What the four numbers of a bbox are: x, y, width, height in pixels as they should be, or something else.

Decided on the whole file, since a single box can be either, and before a box is made: the first row of a usual file
shows that it is usual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isclose
from typing import Any, Literal

from detect.conversion.coco.numbers import numbers
from detect.conversion.coco.outlines import polygon
from detect.conversion.sizes import Size

Form = Literal["usual", "shares", "corners", "corners perhaps"]

_SLACK = 0.01
"""Shares over the edge of the image that are rounding."""

_TINY = 8
"""Pixels of a side of an image that may hold nothing but boxes in its first pixel."""

_CLOSE = 1.0
"""Pixels within which an outline and its bbox agree."""

_ENOUGH = 3
"""Boxes that all reach beyond their images, and as corners do not, before they are taken for corners."""


def form_of(rows: Iterable[Any], size: Callable[[Any], Size | None]) -> Form:
    """The form of all boxes of a document; `size` gives that of the image of a row."""
    rows = [row for row in rows if isinstance(row, dict)]
    if _are_shares(rows, size):
        return "shares"
    proven = over = 0
    for row in rows:
        bbox = _bbox(row)
        if bbox is None or max(map(abs, bbox[:2])) <= _CLOSE:  # from the corner of the image both readings are one
            continue
        evidence = _evidence(bbox, row, size(row))
        if evidence == "no":
            return "usual"
        proven += evidence == "proven"
        over += evidence == "over"
    if proven or over >= _ENOUGH:
        return "corners"
    return "corners perhaps" if over else "usual"


def _are_shares(rows: list[dict[str, Any]], size: Callable[[Any], Size | None]) -> bool:
    some = False
    for row in rows:
        for values in _stated(row):
            if not all(-_SLACK <= value <= 1 + _SLACK for value in values):
                return False
            some |= any(values)
        if some and min(size(row) or (_TINY,)) < _TINY:
            return False
    return some


def _stated(row: dict[str, Any]) -> Iterator[list[float]]:
    """The numbers of a row's bbox, or of its outline where it has none."""
    bbox = _bbox(row)
    if bbox is not None:
        yield bbox
    elif points := numbers(polygon(row.get("segmentation"))):
        yield points


def _bbox(row: dict[str, Any]) -> list[float] | None:
    bbox = row.get("bbox")
    return numbers(bbox) if isinstance(bbox, list) and len(bbox) == 4 else None


def _evidence(bbox: list[float], row: dict[str, Any], size: Size | None) -> Literal["no", "proven", "over"]:
    """What a row says about its bbox being corners: it is not, it must be, or it reaches beyond the image if not."""
    x, y, right, bottom = bbox
    wide, high = size or (float("inf"), float("inf"))
    if not (x < right <= wide + _CLOSE and y < bottom <= high + _CLOSE and x >= -_CLOSE and y >= -_CLOSE):
        return "no"
    points = numbers(polygon(row.get("segmentation")))
    if points:
        ends = max(points[::2]), max(points[1::2])
        return "proven" if _near(ends, (right, bottom)) and not _near(ends, (x + right, y + bottom)) else "no"
    area = numbers([row.get("area")])
    if area and isclose(area[0], (right - x) * (bottom - y), rel_tol=1e-3) and area[0] < 0.99 * right * bottom:
        return "proven"
    return "over" if x + right > wide + _CLOSE or y + bottom > high + _CLOSE else "no"


def _near(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return all(abs(a - b) <= _CLOSE for a, b in zip(one, other, strict=True))
