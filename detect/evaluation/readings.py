"""Other meanings of the four numbers of a box: corners, centres, shares, another size, a turned photo.

::

    as read     x1, y1 ┌─────┐          a, b = x1, y1    the numbers that stood in the file, if they were
                       │     │          c, d = w, h      taken for x, y, width, height
                       └─────┘ x2, y2

A reading gets the pixels of the photo back from the boxes as they were read: first by the form of the numbers, then by
their unit, then by the way in which the photo was turned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.geometry import Boxes, xyxy_to_xywh

Undo = Callable[[Boxes, Boxes], Boxes]

NICE = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 2, 2.0, 3.0, 4.0)
FACTORS = tuple(np.geomspace(0.1, 10, 95).tolist())  # each 5 % more than the one before
SIDES = tuple(sorted({*range(128, 1025, 32), *range(1088, 2049, 64), 200, 300, 500, 550, 600, 1000, 1333, 1500}))
SWAPPED = [1, 0, 3, 2]
FRAMES = ((640, 480), (480, 640), (800, 600), (1024, 768), (1280, 720), (1920, 1080), (1333, 800), (800, 1333))


class Reading(NamedTuple):
    """What boxes look like, what to do about it, and how to get pixels of the photos from them.

    `undo` takes boxes (K, 4) and the width and height of their photos (K, 2). `factor`: by how much the boxes are too
    large, where that is all, else 0.
    """

    kind: str
    looks: str
    remedy: str
    undo: Undo
    factor: float = 0.0


def readings() -> Iterator[Reading]:
    """All of them, the more usual ones first."""
    forms, units = list(_forms()), [*shares(), *other_sizes()]
    yield from (*forms, *mirrored(), *turned(), *units)
    yield from map(scaled, FACTORS)
    for unit in units:
        for form in forms:
            yield _both(form, unit)


def mirrored() -> Iterator[Reading]:
    """The photo was mirrored when it was looked at, or another edge counted from."""
    yield Reading(
        "mirrored",
        "those of mirrored photos",
        "Mirror them back: x = photo width - x - width.",
        lambda boxes, size: _from_corners(size[:, 0] - boxes[:, 2], boxes[:, 1], size[:, 0] - boxes[:, 0], boxes[:, 3]),
    )
    yield Reading(
        "upside down",
        "those of photos upside down, with y counted from the lower edge",
        "Count y from the upper edge: y = photo height - y - height.",
        lambda boxes, size: _from_corners(boxes[:, 0], size[:, 1] - boxes[:, 3], boxes[:, 2], size[:, 1] - boxes[:, 1]),
    )


def turned() -> Iterator[Reading]:
    """The photo was turned when it was looked at."""
    for turns, undo in enumerate((_quarter, _half, _three_quarters), 1):
        yield Reading(
            "turned",
            f"those of photos that were turned by {90 * turns} degrees",
            "Predict each photo upright, as its EXIF orientation says, or turn the boxes back.",
            undo,
        )


def scaled(factor: float) -> Reading:
    """Boxes so many times as large as they should be."""
    return Reading(
        "another size",
        f"those of photos in another size, {factor:.3g} times as large",
        f"Divide them by {factor:.3g}.",
        lambda boxes, _: boxes / factor,
        factor,
    )


def _forms() -> Iterator[Reading]:
    """Other orders and meanings of the four numbers."""
    wanted = "bbox has to be [x, y, width, height] with x and y of the top-left corner"
    yield Reading(
        "corners",
        "corners (x1, y1, x2, y2) that were read as x, y, width, height",
        f"{wanted}: [x1, y1, x2 - x1, y2 - y1].",
        lambda boxes, _: _ordered(xyxy_to_xywh(boxes)),
    )
    yield Reading(
        "centres",
        "centres (cx, cy, width, height) that were read as x, y, width, height",
        f"{wanted}: [cx - width / 2, cy - height / 2, width, height].",
        lambda boxes, _: boxes - np.tile((boxes[:, 2:] - boxes[:, :2]) / 2, 2),
    )
    yield Reading(
        "swapped",
        "y, x, height, width that were read as x, y, width, height",
        f"{wanted}, x before y.",
        lambda boxes, _: boxes[:, SWAPPED],
    )
    yield Reading(
        "swapped",
        "corners with y before x (y1, x1, y2, x2) that were read as x, y, width, height",
        f"{wanted}: [x1, y1, x2 - x1, y2 - y1].",
        lambda boxes, _: _ordered(xyxy_to_xywh(boxes))[:, SWAPPED],
    )
    yield Reading(
        "sizes",
        "x, y, width, height that were read as corners (x1, y1, x2, y2)",
        "The far corners have to be x + width and y + height.",
        lambda boxes, _: np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1),
    )


def _both(form: Reading, unit: Reading) -> Reading:
    return Reading(
        form.kind,
        f"{form.looks}, and like {unit.looks}",
        f"{form.remedy} {unit.remedy}",
        lambda boxes, size: unit.undo(form.undo(boxes, size), size),
    )


def shares() -> Iterator[Reading]:
    """Parts of the photo, not pixels."""
    yield _frame("shares", "shares of the photo (0 to 1), not pixels", 1, 1)
    yield from map(scaled, NICE)
    yield _frame("shares", "percent of the photo (0 to 100), not pixels", 100, 100)
    yield _frame("shares", "thousandths of the photo (0 to 1000), not pixels", 1000, 1000)


def other_sizes() -> Iterator[Reading]:
    """Pixels of photos in another size."""
    for wide, high in (*((side, side) for side in SIDES), *FRAMES):
        yield _frame("another size", f"those of photos in another size, {wide} x {high} pixels", wide, high)
    for side in SIDES:
        yield Reading(
            "another size",
            f"those of photos in another size, {side} x {side} pixels with a border (letterbox)",
            f"Take off the border, and divide by {side} / the longer side of the photo.",
            partial(_letterbox, side),
        )
        for which, axis in (("longer", np.max), ("shorter", np.min)):
            yield Reading(
                "another size",
                f"those of photos in another size, their {which} side of {side} pixels",
                f"Multiply them by the photo's {which} side / {side}.",
                partial(_side, side, axis),
            )
    yield Reading(
        "another size",
        "those of photos whose width and height were exchanged",
        "Multiply x and width by the photo's width / its height, y and height by its height / its width.",
        lambda boxes, size: boxes * np.tile(size / size[:, ::-1], 2),
    )


def _frame(kind: str, looks: str, wide: int, high: int) -> Reading:
    width, height = (f" / {whole}" if whole > 1 else "" for whole in (wide, high))
    remedy = f"Multiply x and width by the photo's width{width}, y and height by the photo's height{height}."
    return Reading(kind, looks, remedy, lambda boxes, size: boxes * np.tile(size / (wide, high), 2))


def _letterbox(side: int, boxes: Boxes, size: Boxes) -> Boxes:
    scale: Boxes = side / size.max(axis=1, keepdims=True)
    return (boxes - np.tile((side - size * scale) / 2, 2)) / scale


def _side(side: int, longest: Callable[..., Boxes], boxes: Boxes, size: Boxes) -> Boxes:
    scale: Boxes = longest(size, axis=1, keepdims=True) / side
    return boxes * scale


def _quarter(boxes: Boxes, size: Boxes) -> Boxes:
    """The camera lay on its right side: what was read as x is y here, and y counts from the right edge."""
    return _from_corners(size[:, 0] - boxes[:, 3], boxes[:, 0], size[:, 0] - boxes[:, 1], boxes[:, 2])


def _half(boxes: Boxes, size: Boxes) -> Boxes:
    return np.tile(size, 2) - boxes[:, [2, 3, 0, 1]]


def _three_quarters(boxes: Boxes, size: Boxes) -> Boxes:
    return _from_corners(boxes[:, 1], size[:, 1] - boxes[:, 2], boxes[:, 3], size[:, 1] - boxes[:, 0])


def _from_corners(*columns: NDArray[np.float64]) -> Boxes:
    return np.column_stack(columns)


def _ordered(boxes: Boxes) -> Boxes:
    """Boxes whose far corners are not before the near ones; those that were become empty."""
    return np.concatenate([boxes[:, :2], np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)
