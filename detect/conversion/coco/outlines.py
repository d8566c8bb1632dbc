"""The extent of a COCO segmentation: polygons, nested or flat, or a mask as run lengths, plain or compressed.

A mask has {"size": [height, width], "counts": ...}: how many pixels are unset and set by turns, down the columns::

    . #       counts [2, 2]; compressed, each count is written in characters of five bits each, the third and all
    . #       later ones as what they differ from the last but one

Source: https://cocodataset.org/#format-data; the compression: pycocotools, common/maskApi.c, rleFrString
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from detect.conversion.coco.numbers import SANE, numbers
from detect.conversion.shapes import Corners, run_lengths
from detect.conversion.sizes import Size

_DEEP = 4
"""Lists in lists; polygons of several parts as pairs take three."""

_LONGEST = 50
"""Bits of a compressed count; an image has fewer pixels."""


def extent(outline: Any, size: Size | None) -> Corners | None:
    """x1, y1, x2, y2 around a segmentation; None where it holds nothing. `size` is that of the image where it is known.

    Raises ValueError, with what is wrong, where it is something else.
    """
    if not outline or outline == [[]]:
        return None
    if isinstance(outline, dict):
        return _mask(outline, size)
    points = numbers(polygon(outline))
    if points is None or len(points) < 6:
        raise ValueError(f"its segmentation is no outline of three points x, y or more: {str(outline)[:60]}")
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def polygon(outline: Any) -> list[Any]:
    """The points of an outline in lists, x and y by turns; empty where they are no pairs."""
    rings = list(_rings(outline, _DEEP)) if isinstance(outline, list) else []
    return [] if any(len(ring) % 2 for ring in rings) else list(chain.from_iterable(rings))


def _rings(values: list[Any], deep: int) -> Iterator[list[Any]]:
    """The lists that hold no lists."""
    if deep and values and all(isinstance(value, list) for value in values):
        for value in values:
            yield from _rings(value, deep - 1)
    else:
        yield values


def _mask(outline: dict[str, Any], size: Size | None) -> Corners:
    counts, stated = outline.get("counts"), outline.get("size")
    sides = numbers(stated) if isinstance(stated, list) and len(stated) == 2 else None
    if sides is None or not all(side.is_integer() and 0 < side < SANE for side in sides):
        raise ValueError(f"its mask needs a size [height, width], got {str(stated)[:60]}")
    height, width = map(int, sides)
    if size is not None and size != (width, height):
        raise ValueError(f"its mask is {width} x {height}, the image {size[0]} x {size[1]}")
    if isinstance(counts, str):
        counts = _decompressed(counts)
    if not isinstance(counts, list) or not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError(f"its mask needs counts of pixels, got {str(counts)[:60]}")
    if sum(counts) != height * width:
        raise ValueError(f"the counts of its mask must add up to {width} x {height} pixels")
    top, left, bottom, right = run_lengths(counts, 0, 0, height, width)  # its rows are the columns here
    return left, top, right, bottom


def _decompressed(text: str) -> list[int]:
    """The counts in a compressed mask. Raises ValueError where it is none."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > _LONGEST:
            raise ValueError(f"its mask is no run lengths: {text[:60]!r}")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:  # more of this count follows
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError(f"its mask breaks off: {text[-60:]!r}")
    return counts
