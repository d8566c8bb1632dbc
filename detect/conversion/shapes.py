"""The upright box around shapes that are none: pixels, x to the right and y down, angles clockwise in degrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, hypot, radians, sin
from xml.etree.ElementTree import Element

Corners = tuple[float, float, float, float]


def extent(points: Sequence[tuple[float, float]]) -> Corners:
    """Around points."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def turned_rectangle(
    x1: float, y1: float, x2: float, y2: float, angle: float, *, about: tuple[float, float] | None = None
) -> Corners:
    """Around a rectangle turned about its centre, or about another point.

    Half the width of the extent is |w/2 cos| + |h/2 sin|, half its height |w/2 sin| + |h/2 cos|.
    """
    c, s = cos(radians(angle)), sin(radians(angle))
    cx, cy, w, h = (x1 + x2) / 2, (y1 + y2) / 2, abs(x2 - x1) / 2, abs(y2 - y1) / 2
    if about is not None:
        dx, dy = cx - about[0], cy - about[1]
        cx, cy = about[0] + dx * c - dy * s, about[1] + dx * s + dy * c
    wide, high = w * abs(c) + h * abs(s), w * abs(s) + h * abs(c)
    return cx - wide, cy - high, cx + wide, cy + high


def turned_ellipse(cx: float, cy: float, rx: float, ry: float, angle: float) -> Corners:
    """Around an ellipse turned about its centre: half the width is the root of (rx cos)^2 + (ry sin)^2."""
    c, s = cos(radians(angle)), sin(radians(angle))
    w, h = hypot(rx * c, ry * s), hypot(rx * s, ry * c)
    return cx - w, cy - h, cx + w, cy + h


def run_lengths(counts: Sequence[int], left: int, top: int, width: int, height: int) -> Corners:
    """Around a mask's set pixels: `counts` are unset and set pixels by turns, row by row in a window.

    Raises ValueError where they do not add up to the window.
    """
    import numpy as np

    runs = np.array(counts, dtype=np.int64)
    if width <= 0 or height <= 0 or (runs < 0).any() or runs.sum() != width * height:
        raise ValueError(f"its rle must add up to {width} x {height} pixels")
    edges = np.cumsum(runs)
    first, last = edges[:-1:2], edges[1::2] - 1
    first, last = first[last >= first], last[last >= first]
    if not len(first):
        return float(left), float(top), float(left), float(top)
    whole = first // width != last // width  # a run over the end of a row touches both sides
    x1 = 0 if whole.any() else int((first % width).min())
    x2 = width - 1 if whole.any() else int((last % width).max())
    return (
        float(left + x1),
        float(top + first[0] // width),
        float(left + x2 + 1),
        float(top + last[-1] // width + 1),
    )


def cvat_corners(shape: str, values: Mapping[str, str]) -> Corners | None:
    """x1, y1, x2, y2 around a shape of CVAT, from its XML attributes; None for an open line.

    Raises ValueError or KeyError where a number is missing or is none.
    Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
    """
    if shape == "box":
        x1, y1, x2, y2 = (float(values[key]) for key in ("xtl", "ytl", "xbr", "ybr"))
        angle = float(values.get("rotation", 0))
        return turned_rectangle(x1, y1, x2, y2, angle) if angle % 360 else (x1, y1, x2, y2)
    if shape == "ellipse":
        cx, cy, rx, ry = (float(values[key]) for key in ("cx", "cy", "rx", "ry"))
        return turned_ellipse(cx, cy, rx, ry, float(values.get("rotation", 0)))
    if shape == "mask":
        left, top, width, height = (int(float(values[key])) for key in ("left", "top", "width", "height"))
        return run_lengths([int(count) for count in values["rle"].split(",")], left, top, width, height)
    points = cvat_points(values["points"])
    if shape == "polyline" and (len(points) < 3 or points[0] != points[-1]):
        return None
    return extent(points)


def cvat_points(text: str) -> list[tuple[float, float]]:
    """The points in `x,y;x,y`. Raises ValueError."""
    return [(float(x), float(y)) for x, y in (point.split(",") for point in text.split(";"))]


def between(before: Element, after: Element, share: float) -> Corners | None:
    """Around a shape of a CVAT track on its way from one element to another; None where it does not move.

    Boxes and ellipses move in their own terms, rotation the shorter way round; of polygons the extent moves.
    """
    keys = {"box": ("xtl", "ytl", "xbr", "ybr"), "ellipse": ("cx", "cy", "rx", "ry")}.get(before.tag)
    if keys is None:
        if before.tag == "mask":
            return None
        one, two = cvat_corners(before.tag, before.attrib), cvat_corners(after.tag, after.attrib)
        return _mixed(one, two, share) if one and two else None
    pose, goal = ([float(node.attrib[key]) for key in keys] for node in (before, after))
    start, end = (float(node.get("rotation", 0)) for node in (before, after))
    turn = start + ((end - start + 180) % 360 - 180) * share
    moved = {key: str(value) for key, value in zip(keys, _mixed(pose, goal, share), strict=True)}
    return cvat_corners(before.tag, {**moved, "rotation": str(turn)})


def _mixed(one: Sequence[float], two: Sequence[float], share: float) -> Corners:
    a, b, c, d = (x + (y - x) * share for x, y in zip(one, two, strict=True))
    return a, b, c, d
