"""Outlines as arrays of points (N, 2), in metres: x to the right, y up, the ground at y = 0."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


def rounded(corners: Sequence[tuple[float, float, float]], *, closed: bool = True) -> Points:
    """A polygon whose corners (x, y, r) are replaced by a quadratic Bézier that starts and ends r before the corner.

    r is cut to half of the shorter edge at that corner, so a large r gives one smooth sweep. An open path keeps
    its two ends. The same car is drawn many times, so outlines are kept; they cannot be written to.
    """
    return _rounded(tuple(corners), closed)


@lru_cache(maxsize=4096)
def _rounded(corners: tuple[tuple[float, float, float], ...], closed: bool, steps: int = 7) -> Points:
    given = np.asarray(corners, dtype=np.float64)
    xy, radius = given[:, :2], given[:, 2:]
    to_last, to_next = np.roll(xy, 1, axis=0) - xy, np.roll(xy, -1, axis=0) - xy
    far_last = np.linalg.norm(to_last, axis=1, keepdims=True) + 1e-9
    far_next = np.linalg.norm(to_next, axis=1, keepdims=True) + 1e-9
    reach = np.minimum(radius, np.minimum(far_last, far_next) / 2)
    start, end = xy + to_last / far_last * reach, xy + to_next / far_next * reach
    t = np.linspace(0, 1, steps)[None, :, None]
    curve = (1 - t) ** 2 * start[:, None] + 2 * t * (1 - t) * xy[:, None] + t**2 * end[:, None]
    if not closed:
        curve[0], curve[-1] = xy[0], xy[-1]
    points = np.asarray(curve.reshape(-1, 2))
    points.flags.writeable = False
    return points


def polygon(*corners: tuple[float, float], radius: float = 0.0) -> Points:
    """A polygon with every corner rounded alike."""
    if radius == 0:
        return np.asarray(corners, dtype=np.float64)
    return rounded([(x, y, radius) for x, y in corners])


def rectangle(x1: float, y1: float, x2: float, y2: float, radius: float = 0.0) -> Points:
    """An upright rectangle from (x1, y1) to (x2, y2)."""
    return polygon((x1, y1), (x2, y1), (x2, y2), (x1, y2), radius=radius)


def ellipse(x: float, y: float, rx: float, ry: float | None = None, *, tilt: float = 0.0, steps: int = 40) -> Points:
    """An ellipse (a circle without `ry`) around (x, y); `tilt` in radians, counter-clockwise."""
    points = _circle(steps) * (rx, rx if ry is None else ry)
    return shifted(turned(points, tilt) if tilt else points, x, y)


@lru_cache(maxsize=8)
def _circle(steps: int) -> Points:
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    return np.asarray(np.stack([np.cos(angle), np.sin(angle)], axis=1), np.float64)


def arc(x: float, y: float, radius: float, start: float, end: float, steps: int = 24) -> Points:
    """An open arc around (x, y), angles in degrees, counter-clockwise from the positive x axis."""
    angle = np.radians(np.linspace(start, end, steps))
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=1)


def turned(points: ArrayLike, angle: float) -> Points:
    """The points turned about the origin by `angle` radians, counter-clockwise."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(np.asarray(points, dtype=np.float64) @ np.array([[cos, sin], [-sin, cos]]))


def shifted(points: Points, dx: float, dy: float) -> Points:
    """The points moved by (dx, dy)."""
    return np.asarray(points + np.array([dx, dy]))


def mirrored(points: Points) -> Points:
    """The points seen in a mirror that stands on x = 0."""
    return points * (-1.0, 1.0)


def within(points: Points, u: float, v: float) -> tuple[float, float]:
    """The point at (u, v) in 0..1 of the rectangle around a shape: (0, 0) is its lower left corner."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0] + u * (high[0] - low[0])), float(low[1] + v * (high[1] - low[1]))


def shrunk(points: Points, share: float) -> Points:
    """The shape made smaller about its centre: 0.1 takes a tenth off its extent."""
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    return np.asarray(centre + (points - centre) * (1 - share))


def crooked(
    rng: np.random.Generator, start: tuple[float, float], heading: float, length: float, bend: float, steps: int = 9
) -> Points:
    """A random walk of `length` metres from `start`: each step turns by about `bend` radians off the heading."""
    turn = heading + rng.normal(0, bend, steps)
    step = length / steps * rng.uniform(0.6, 1.4, steps)
    walk = np.cumsum(np.stack([step * np.cos(turn), step * np.sin(turn)], axis=1), axis=0)
    return np.vstack([[0.0, 0.0], walk]) + start
