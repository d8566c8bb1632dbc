"""The upright box around each of CVAT's shapes.

Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, hypot, radians, sin

import numpy as np

Corners = tuple[float, float, float, float]

NO_BOX = frozenset({"points", "tag", "cuboid", "skeleton"})
"""Shapes that stand for no rectangle."""


def corners(shape: str, values: Mapping[str, str]) -> Corners | None:
    """x1, y1, x2, y2 around a shape, from its XML attributes; None for an open line.

    Raises ValueError or KeyError where a number is missing or is none.
    """
    if shape == "box":
        x1, y1, x2, y2 = (float(values[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        angle = float(values.get("rotation", 0))
        return _turned_box(x1, y1, x2, y2, angle) if angle % 360 else (x1, y1, x2, y2)
    if shape == "ellipse":
        cx, cy, rx, ry = (float(values[key]) for key in ("cx", "cy", "rx", "ry"))
        return _turned_ellipse(cx, cy, rx, ry, float(values.get("rotation", 0)))
    if shape == "mask":
        return _mask(values)
    points = [tuple(map(float, point.split(","))) for point in values["points"].split(";")]
    if shape == "polyline" and (len(points) < 3 or points[0] != points[-1]):
        return None
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _turned_box(x1: float, y1: float, x2: float, y2: float, angle: float) -> Corners:
    """Around a box of w x h turned about its centre, clockwise in degrees.

    Half the width of the extent is |w/2 cos| + |h/2 sin|, half its height |w/2 sin| + |h/2 cos|.
    """
    cx, cy, w, h = (x1 + x2) / 2, (y1 + y2) / 2, abs(x2 - x1) / 2, abs(y2 - y1) / 2
    c, s = abs(cos(radians(angle))), abs(sin(radians(angle)))
    return cx - w * c - h * s, cy - w * s - h * c, cx + w * c + h * s, cy + w * s + h * c


def _turned_ellipse(cx: float, cy: float, rx: float, ry: float, angle: float) -> Corners:
    """Around an ellipse turned about its centre: half the width is the root of (rx cos)^2 + (ry sin)^2."""
    c, s = cos(radians(angle)), sin(radians(angle))
    w, h = hypot(rx * c, ry * s), hypot(rx * s, ry * c)
    return cx - w, cy - h, cx + w, cy + h


def _mask(values: Mapping[str, str]) -> Corners:
    """Around a mask's set pixels: `rle` counts unset and set pixels by turns, row by row in a window."""
    left, top, width, height = (int(float(values[key])) for key in ("left", "top", "width", "height"))
    counts = np.array([int(count) for count in values["rle"].split(",")], dtype=np.int64)
    if width <= 0 or height <= 0 or (counts < 0).any() or counts.sum() != width * height:
        raise ValueError(f"its rle must add up to {width} x {height} pixels")
    edges = np.cumsum(counts)
    first, last = edges[:-1:2], edges[1::2] - 1
    first, last = first[last >= first], last[last >= first]
    if not len(first):
        return float(left), float(top), float(left), float(top)
    whole = first // width != last // width  # a run over the end of a row touches both sides
    x1 = 0 if whole.any() else (first % width).min()
    x2 = width - 1 if whole.any() else (last % width).max()
    return (
        float(left + x1),
        float(top + first[0] // width),
        float(left + x2 + 1),
        float(top + last[-1] // width + 1),
    )
