"""What is fitted to a body: panes, head and tail lamps, plates."""

from __future__ import annotations

import cv2
import numpy as np

from detect.sample.canvas import Canvas, Colour, Gradient, mixed, scaled
from detect.sample.cars import Car
from detect.sample.light import Light
from detect.sample.outlines import Points, ellipse, polygon, rectangle, rounded

GAP: Colour = (0.02, 0.02, 0.025)


def draw_pane(canvas: Canvas, pane: Points, car: Car, light: Light, seats: tuple[float, ...]) -> None:
    """A window: a dark inside with seats at some x, the sky mirrored in its upper part, two bands of glare."""
    (x1, y1), (x2, y2) = pane.min(axis=0), pane.max(axis=0)
    height = y2 - y1
    r, g, b = car.inside
    canvas.fill(pane, Gradient((0, y2), (0, y1), ((r * 1.7, g * 1.7, b * 1.8), (r, g, b), (r * 0.7, g * 0.7, b * 0.7))))
    sky = scaled(mixed(light.haze, light.sky, 0.4), 0.8 if light.night else 1.0)
    with canvas.inside(pane):
        for x in seats:
            _seat(canvas, x, y1, min(1.0, height / 0.42), (r * 0.40, g * 0.40, b * 0.42))
        canvas.fill(rectangle(x1 - 0.2, y1 + height * 0.66, x2 + 0.2, y2 + 0.2), sky, 0.34, soft=height * 0.34)
        lean = height * 0.6
        for at, wide in ((0.12, 0.15), (0.40, 0.05), (0.72, 0.09)):
            x, wide = x1 + (x2 - x1) * at, wide * (x2 - x1)
            band = polygon((x, y1), (x + wide, y1), (x + wide + lean, y2), (x + lean, y2))
            canvas.fill(band, Gradient((x, y1), (x, y2), (scaled(sky, 0.4), sky)), 0.17, soft=0.01)


def _seat(canvas: Canvas, x: float, y: float, size: float, colour: Colour) -> None:
    canvas.fill(rectangle(x - 0.15 * size, y - 0.3, x + 0.15 * size, y + 0.15 * size, 0.07), colour)
    canvas.fill(rectangle(x - 0.09 * size, y + 0.18 * size, x + 0.09 * size, y + 0.31 * size, 0.05), colour)


def draw_headlamp(canvas: Canvas, shape: Points, light: Light, bulbs: tuple[tuple[float, float], ...]) -> None:
    """A clear lens over a dark bowl, with projectors at these shares (u, v) of its extent and a bright upper edge."""
    (x1, y1), (x2, y2) = shape.min(axis=0), shape.max(axis=0)
    wide, high = x2 - x1, y2 - y1
    canvas.fill(shape, Gradient((x1, y2), (x2, y1), ((0.50, 0.53, 0.57), (0.20, 0.22, 0.25), (0.34, 0.36, 0.40))))
    with canvas.inside(shape):
        ribs = [polygon((x, y1), (x + 0.03, y2)) for x in x1 + wide * np.linspace(0.1, 0.9, 5)]
        canvas.line(ribs, (0.62, 0.65, 0.69), 0.008, 0.35)
        for u, v in bulbs:
            _projector(canvas, x1 + wide * u, y1 + high * v, high * 0.31, 1.0 if light.night else 0.86)
        edge = (1.0, 1.0, 1.0) if light.night else (0.93, 0.95, 0.97)
        canvas.line(shape, edge, 0.030, 0.55, closed=True)
        canvas.line(shape, (0.05, 0.05, 0.06), 0.014, 0.9, closed=True)
        x = x1 + wide * 0.2
        canvas.fill(
            polygon((x, y1), (x + wide * 0.14, y1), (x + wide * 0.26, y2), (x + wide * 0.12, y2)), (1, 1, 1), 0.20
        )
    canvas.line(shape, GAP, 0.012, 0.8, closed=True)


def _projector(canvas: Canvas, x: float, y: float, radius: float, glow: float) -> None:
    rings = (
        (1.25, (0.08, 0.08, 0.09)),
        (1.0, (0.72, 0.74, 0.77)),
        (0.82, (0.13, 0.14, 0.17)),
        (0.58, (0.40, 0.44, 0.50)),
    )
    for share, colour in rings:
        canvas.fill(ellipse(x, y, radius * share), colour)
    canvas.fill(ellipse(x, y, radius * 0.34), (glow, glow, glow), soft=0.008)
    canvas.fill(ellipse(x - radius * 0.2, y + radius * 0.25, radius * 0.16), (1, 1, 1), 0.9)


def draw_taillamp(canvas: Canvas, shape: Points, light: Light) -> None:
    """A red lens with glowing bars, a clear field for reversing and a glare."""
    (x1, y1), (x2, y2) = shape.min(axis=0), shape.max(axis=0)
    wide, high = x2 - x1, y2 - y1
    boost = 1.2 if light.night else 1.0
    canvas.fill(
        shape,
        Gradient(
            (0, y2), (0, y1), ((0.50 * boost, 0.03, 0.04), (0.72 * boost, 0.05, 0.06), (0.34 * boost, 0.01, 0.02))
        ),
    )
    with canvas.inside(shape):
        bars = [rectangle(x1, y1 + high * low, x2, y1 + high * top, 0.01) for low, top in ((0.60, 0.72), (0.80, 0.90))]
        canvas.fill(bars, (1.0, 0.32 * boost, 0.26 * boost), 0.75, soft=0.008)
        canvas.fill(rectangle(x1 - 0.1, y1 + high * 0.16, x2 + 0.1, y1 + high * 0.36), (0.84, 0.82, 0.80), 0.72)
        canvas.fill(rectangle(x1 - 0.1, y1, x2 + 0.1, y1 + high * 0.13), (0.86, 0.42, 0.08), 0.8)
        ribs = [polygon((x, y1), (x, y2)) for x in np.linspace(x1, x2, 8)[1:7]]
        canvas.line(ribs, (0.25, 0.0, 0.0), 0.005, 0.5)
        canvas.fill(
            polygon((x1, y2), (x1 + wide * 0.25, y2), (x1 + wide * 0.6, y1), (x1 + wide * 0.4, y1)), (1, 1, 1), 0.13
        )
        canvas.line(shape, (0.16, 0.0, 0.0), 0.02, 0.8, closed=True)
    canvas.line(shape, GAP, 0.011, 0.85, closed=True)


def draw_plate(canvas: Canvas, car: Car, y: float) -> None:
    """A number plate in the middle, its centre at height y."""
    canvas.fill(rectangle(-0.275, y - 0.075, 0.275, y + 0.07, 0.015), (0.01, 0.01, 0.01), 0.6, soft=0.02)
    canvas.fill(rectangle(-0.26, y - 0.056, 0.26, y + 0.056, 0.012), car.plate_colour)
    canvas.fill(rectangle(-0.26, y - 0.056, -0.22, y + 0.056, 0.01), (0.06, 0.14, 0.45))
    canvas.line(rectangle(-0.26, y - 0.056, 0.26, y + 0.056, 0.012), (0.1, 0.1, 0.1), 0.006, 0.8, closed=True)
    canvas.stamp(_lettering(car.plate), rectangle(-0.205, y - 0.048, 0.245, y + 0.048), (0.04, 0.04, 0.05))


def _lettering(text: str) -> np.ndarray:
    """A text as a cover map (24 * 4, 450 / 2), 0..1."""
    cover = np.zeros((72, 340), np.uint8)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.9, 4)
    cv2.putText(cover, text, ((340 - width) // 2, 36 + height // 2), cv2.FONT_HERSHEY_DUPLEX, 1.9, 255, 4, cv2.LINE_AA)
    return cover.astype(np.float32) / 255


def draw_emblem(canvas: Canvas, car: Car, y: float, size: float = 0.055) -> None:
    """The maker's badge: a ring with a shape of its own in it."""
    canvas.fill(ellipse(0, y, size * 1.15, size), (0.82, 0.83, 0.85))
    canvas.fill(ellipse(0, y, size * 0.9, size * 0.76), (0.10, 0.10, 0.12))
    s = size * 0.62
    marks = (
        polygon((-s, -s * 0.5), (s, -s * 0.5), (0, s)),
        polygon((-s, -s * 0.25), (s, -s * 0.25), (s, s * 0.25), (-s, s * 0.25)),
        polygon((-s * 0.25, -s), (s * 0.25, -s), (s * 0.25, s), (-s * 0.25, s)),
        polygon((0, -s), (s, 0), (0, s), (-s, 0)),
    )
    canvas.fill(marks[car.seed % 4] + (0, y), (0.86, 0.87, 0.89))


def door_mirror(x: float, y: float, side: int) -> Points:
    """The housing of a door mirror seen from the front or the rear; `side` is +1 to the right, -1 to the left."""
    shape = rounded(
        [
            (0.0, 0.03, 0.02),
            (0.05, -0.02, 0.04),
            (0.20, -0.01, 0.06),
            (0.21, 0.11, 0.06),
            (0.06, 0.13, 0.06),
            (0.03, 0.06, 0.02),
        ]
    )
    return np.asarray(shape * (side, 1) + (x, y))
