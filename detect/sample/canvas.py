"""A picture that is drawn on in metres: soft fills, gradients, lines and curved paint that mirrors its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.sample.outlines import Points

Colour = tuple[float, float, float]
Map = NDArray[np.float32]
SHIFT = 4  # cv2 takes sub-pixel corners as integers with so many fractional bits


class Gradient(NamedTuple):
    """Colours from one point to another (metres), evenly spaced; flat beyond both."""

    start: tuple[float, float]
    end: tuple[float, float]
    colours: tuple[Colour, ...]


Fill = Colour | Gradient
Shape = Points | Sequence[Points]
Relief = Callable[[Map, Map], tuple[Map, Map]]
"""Surface slopes (nx, ny) at the places (x, y), metres: the sideways and upward parts of the unit normal."""


class Window(NamedTuple):
    """A rectangle of pixels, far edges exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def grown(self, margin: int) -> Window:
        """The window with `margin` pixels more on each side."""
        return Window(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def shared(self, other: Window) -> Window:
        """What two windows have in common; empty where right <= left or bottom <= top."""
        return Window(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.right <= self.left or self.bottom <= self.top


@dataclass
class Canvas:
    """`pixels` (3, H, W) float32 RGB in 0..1 show the `window` of a picture; `camera` (3, 3) maps metres to its pixels.

    Everything drawn is cut to the window and else the same as on the full picture, but for a few pixels that differ by
    less than 0.02: that is how the pixels which a damage changes are found by drawing its surroundings twice.
    """

    pixels: Map
    camera: NDArray[np.float64]
    window: Window
    dents: tuple[Relief, ...] = ()
    clips: list[tuple[Window, Map]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scale = float(np.sqrt(abs(np.linalg.det(self.camera[:2, :2]))))  # pixels in a metre

    def place(self, points: Points) -> NDArray[np.float64]:
        """Pixels (N, 2) of the full picture for points in metres (N, 2)."""
        flat = points @ self.camera[:, :2].T + self.camera[:, 2]
        return np.asarray(flat[:, :2] / flat[:, 2:])

    def fill(self, shape: Shape, colour: Fill, opacity: float = 1.0, soft: float = 0.0) -> None:
        """Fill one or several polygons; their edge is blurred over about `soft` metres."""
        window, cover = self._cover(shape, soft * self.scale, 0)
        self._blend(window, cover, colour, opacity)

    def line(
        self, path: Shape, colour: Fill, width: float, opacity: float = 1.0, soft: float = 0.0, *, closed: bool = False
    ) -> None:
        """One or several polylines `width` metres wide; below a pixel they are drawn a pixel wide and paler."""
        thick = width * self.scale
        window, cover = self._cover(path, soft * self.scale, max(1, round(thick)), closed)
        self._blend(window, cover, colour, opacity * min(1.0, thick))

    def shade(
        self, points: Points, colour: Callable[[Map, Map], Map], relief: Relief | None = None, bevel: float = 0.1
    ) -> None:
        """Fill with a curved surface: `colour(nx, ny)` is asked for the colours (3, h, w) of its normals.

        The normal is the sum of the `relief`, of the dents and of a `bevel` (metres) that rounds the outline.
        """
        reach = max(1, round(bevel * self.scale))
        window, cover = self._cover(points, 0, 0, margin=2 * reach)
        inner = window.shared(self.clips[-1][0] if self.clips else self.window)
        if inner.empty:
            return
        blurred = cv2.blur(cv2.blur(cover, (reach, reach)), (reach, reach))
        nx, ny = (_cut(cv2.Sobel(blurred, cv2.CV_32F, *d, scale=reach / 8), window, inner) for d in ((1, 0), (0, 1)))
        nx, ny = -0.75 * nx, 0.75 * ny
        x, y = self.metres(inner)
        facing = np.float32(np.sign(self.camera[0, 0]))  # -1 where x runs to the left
        for bumps in (*((relief,) if relief else ()), *self.dents):
            dx, dy = bumps(x, y)
            nx, ny = nx + facing * dx, ny + dy
        length = np.maximum(np.sqrt(nx * nx + ny * ny) / 0.985, 1)
        self._paint(inner, _cut(cover, window, inner), colour(nx / length, ny / length))

    def stamp(self, cover: Map, corners: Points, colour: Colour) -> None:
        """Press a cover map (h, w) onto a four-cornered field, given from its lower left corner counter-clockwise."""
        height, width = cover.shape
        pixels = self.place(corners)
        (left, top), (right, bottom) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        inner = Window(floor(left), floor(top), ceil(right) + 1, ceil(bottom) + 1)
        inner = inner.shared(self.clips[-1][0] if self.clips else self.window)
        if inner.empty:
            return
        source = np.array([(0, height), (width, height), (width, 0), (0, 0)], np.float32)
        turn = cv2.getPerspectiveTransform(source, (pixels - inner[:2]).astype(np.float32))
        pressed = cv2.warpPerspective(cover, turn, (inner.right - inner.left, inner.bottom - inner.top))
        self._paint(inner, pressed, self._colours(colour, inner))

    def metres(self, window: Window) -> tuple[Map, Map]:
        """Where each pixel of a window lies on the car's plane: x and y, (h, w) each, metres."""
        back = np.linalg.inv(self.camera)
        u = np.arange(window.left, window.right, dtype=np.float32)[None, :]
        v = np.arange(window.top, window.bottom, dtype=np.float32)[:, None]
        x, y, w = (np.float32(a) * u + np.float32(b) * v + np.float32(c) for a, b, c in back)
        return x / w, y / w

    @contextmanager
    def inside(self, points: Points) -> Iterator[None]:
        """Whatever is drawn in this block stays inside the polygon (and the enclosing blocks' ones)."""
        window, cover = self._cover(points, 0, 0)
        inner = window.shared(self.clips[-1][0] if self.clips else self.window)
        clip = _cut(cover, window, inner)
        if self.clips and not inner.empty:
            clip = clip * _cut(self.clips[-1][1], self.clips[-1][0], inner)
        self.clips.append((inner, clip))
        try:
            yield
        finally:
            self.clips.pop()

    def _cover(self, shape: Shape, soft: float, thick: int, closed: bool = True, margin: int = 0) -> tuple[Window, Map]:
        """How much of each pixel a shape covers, 0..1, in a window that reaches beyond the canvas by the margin.

        Without that margin a blur near the canvas's edge would differ from that on the full picture.
        """
        outlines = [shape] if isinstance(shape, np.ndarray) else shape
        pixels = self.place(outlines[0] if len(outlines) == 1 else np.concatenate(outlines))
        margin += round(soft * 2) + thick + 2
        (left, top), (right, bottom) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        around = Window(floor(left), floor(top), ceil(right) + 1, ceil(bottom) + 1).grown(margin)
        window = around.shared(self.window.grown(margin))
        if window.empty:
            return window, np.zeros((0, 0), np.float32)
        cover = np.zeros((window.bottom - window.top, window.right - window.left), np.uint8)
        corners = np.rint((pixels - (window.left, window.top)) * (1 << SHIFT)).astype(np.int32)
        start = 0
        for outline in outlines:
            part, start = corners[start : start + len(outline)], start + len(outline)
            if thick:
                cv2.polylines(cover, [part], closed, 255, thick, cv2.LINE_AA, SHIFT)
            else:
                cv2.fillPoly(cover, [part], 255, cv2.LINE_AA, SHIFT)
        if soft >= 0.5:
            size = 2 * round(soft) + 1
            cover = cv2.stackBlur(cover, (size, size))
        return window, cover * np.float32(1 / 255)

    def _blend(self, window: Window, cover: Map, colour: Fill, opacity: float) -> None:
        inner = window.shared(self.clips[-1][0] if self.clips else self.window)
        if inner.empty or opacity <= 0:
            return
        cover = _cut(cover, window, inner)
        if opacity < 1:
            cover = cover * np.float32(opacity)
        self._paint(inner, cover, self._colours(colour, inner))

    def _paint(self, inner: Window, cover: Map, colours: Map) -> None:
        """Lay colours (3, h, w) or (3, 1, 1) over the pixels of a window, weighted by cover (h, w)."""
        if self.clips:
            cover = cover * _cut(self.clips[-1][1], self.clips[-1][0], inner)
        part = _cut(self.pixels, self.window, inner)
        change = colours - part
        change *= cover
        part += change

    def _colours(self, colour: Fill, window: Window) -> Map:
        if not isinstance(colour, Gradient):
            return np.asarray(colour, np.float32)[:, None, None]
        start, end = self.place(np.array([colour.start, colour.end]))
        along = (end - start) / max(1e-9, float((end - start) @ (end - start)))
        u = np.arange(window.left, window.right, dtype=np.float32)[None, :] - np.float32(start[0])
        v = np.arange(window.top, window.bottom, dtype=np.float32)[:, None] - np.float32(start[1])
        share = np.clip(u * np.float32(along[0] * 255) + v * np.float32(along[1] * 255), 0, 255).astype(np.uint8)
        return np.stack([cv2.LUT(share, channel) for channel in _ramp(colour.colours)])


def _cut(values: Map, window: Window, inner: Window) -> Map:
    """The part of a window's values (..., h, w) that lies in an inner window."""
    top, left = inner.top - window.top, inner.left - window.left
    return values[..., top : top + inner.bottom - inner.top, left : left + inner.right - inner.left]


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """A colour between two: all of `a` at 0, all of `b` at 1."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share


def scaled(colour: Colour, by: float) -> Colour:
    """A brighter or darker colour, no channel above 1."""
    return min(1.0, colour[0] * by), min(1.0, colour[1] * by), min(1.0, colour[2] * by)


@lru_cache(maxsize=1024)
def _ramp(colours: tuple[Colour, ...]) -> list[Map]:
    """Each channel of a gradient in 256 steps."""
    at, stops = np.linspace(0, 1, 256), np.linspace(0, 1, len(colours))
    return [np.interp(at, stops, channel).astype(np.float32) for channel in zip(*colours, strict=True)]
