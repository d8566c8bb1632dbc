"""A car seen from the rear: its left side is to the left of the picture."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from detect.sample.canvas import Canvas
from detect.sample.cars import Body, Car
from detect.sample.ends import bulging, draw_mirrors, draw_roof, draw_stance, pane_between, silhouette
from detect.sample.fittings import GAP, draw_emblem, draw_pane, draw_plate, draw_taillamp
from detect.sample.light import Light
from detect.sample.outlines import Points, ellipse, mirrored, polygon, rectangle, rounded, shifted


def draw_rear(canvas: Canvas, car: Car, light: Light, flat: Mapping[str, int]) -> None:
    """Draw the whole car; `flat` holds the severity of the tyres without air, by "right" and "left" of the picture."""
    body = car.body
    draw_mirrors(canvas, car, light, front=False)
    draw_stance(canvas, body, flat)
    deck, shape = body.deck[1], outline(body)
    bumper = [(body.clearance, -0.5), (body.clearance + 0.14, -0.10), (0.50, 0.0), (0.54, 0.36), (0.60, -0.04)]
    above = [(deck - 0.22, -0.08), (deck - 0.05, 0.05), (deck - 0.03, 0.30), (deck + 0.06, 0.36)]
    knots = [*bumper, *above, (body.height - 0.1, 0.4), (body.height, 0.5)]
    draw_roof(canvas, car)
    canvas.shade(shape, light.material(car.paint, gloss=0.15), bulging(body, knots), bevel=0.13)
    with canvas.inside(shape):
        _window(canvas, car, light)
        _tailgate(canvas, car)
        _bumper(canvas, car, light)
        for lens in (lamp(body), mirrored(lamp(body))):
            draw_taillamp(canvas, lens, light)
    draw_emblem(canvas, car, deck - 0.10, 0.045)
    draw_number(canvas, car)


def draw_number(canvas: Canvas, car: Car) -> None:
    """The number plate, which lies over the paint and what happened to it."""
    draw_plate(canvas, car, _plate_height(car.body))


def outline(body: Body) -> Points:
    """The silhouette."""
    return silhouette(body, body.deck[1] - 0.02)


def window(body: Body) -> Points:
    """The pane behind."""
    return pane_between(body, body.deck[1] + (0.05 if body.name == "sedan" else 0.09), 0.085)


@lru_cache(maxsize=64)
def lamp(body: Body) -> Points:
    """The tail lamp to the right of the picture; the other is its mirror image."""
    w, deck = body.width / 2, body.deck[1]
    if body.name == "van":
        return rounded([(w - 0.17, 0.70, 0.03), (w + 0.02, 0.72, 0.03), (w + 0.0, 1.10, 0.05), (w - 0.15, 1.18, 0.05)])
    return rounded(
        [
            (w * 0.50, deck - 0.05, 0.03),
            (w + 0.02, deck - 0.03, 0.05),
            (w + 0.02, deck - 0.24, 0.05),
            (w * 0.78, deck - 0.27, 0.06),
            (w * 0.52, deck - 0.16, 0.05),
        ]
    )


@lru_cache(maxsize=64)
def tailgate(body: Body) -> Points:
    """The boot lid or tailgate below the window."""
    w, deck = body.width / 2, body.deck[1]
    low = 0.60
    return rounded(
        [
            (-w * 0.68, low, 0.05),
            (w * 0.68, low, 0.05),
            (w * 0.74, deck - 0.28, 0.1),
            (w * 0.80, deck + 0.015, 0.05),
            (-w * 0.80, deck + 0.015, 0.05),
            (-w * 0.74, deck - 0.28, 0.1),
        ]
    )


def _plate_height(body: Body) -> float:
    return 0.46 if body.name == "sedan" else body.deck[1] - 0.26


def _window(canvas: Canvas, car: Car, light: Light) -> None:
    body = car.body
    shape = window(body)
    canvas.fill(shifted(shape, 0, -0.014), (0.015, 0.015, 0.018))
    wide = body.width * 0.22
    draw_pane(canvas, shape, car, light, seats=(-wide, wide))
    (_, low), (_, top) = shape.min(axis=0), shape.max(axis=0)
    with canvas.inside(shape):
        wires = [polygon((-2, y), (2, y)) for y in np.linspace(low, top, 8)[1:7]]
        canvas.line(wires, (0.28, 0.17, 0.10), 0.005, 0.5)
    canvas.fill(rectangle(-0.13, top - 0.012, 0.13, top + 0.012, 0.008), (0.75, 0.05, 0.05))
    if body.name != "sedan":
        canvas.line(polygon((0.02, low + 0.01), (-0.36, low + 0.05)), (0.01, 0.01, 0.01), 0.018)
        canvas.fill(ellipse(0.03, low + 0.005, 0.03), (0.02, 0.02, 0.02))


def _tailgate(canvas: Canvas, car: Car) -> None:
    body = car.body
    shape, y = tailgate(body), _plate_height(body)
    canvas.line(shifted(shape, 0.006, -0.008), (1, 1, 1), 0.007, 0.22, closed=True)
    canvas.line(shape, GAP, 0.009, 0.85, closed=True)
    recess = rounded([(-0.36, y - 0.09, 0.04), (0.36, y - 0.09, 0.04), (0.32, y + 0.10, 0.05), (-0.32, y + 0.10, 0.05)])
    canvas.fill(recess, (0, 0, 0), 0.30, soft=0.015)
    if car.chrome:
        canvas.line(polygon((-0.32, y + 0.095), (0.32, y + 0.095)), (0.82, 0.83, 0.85), 0.022)


def _bumper(canvas: Canvas, car: Car, light: Light) -> None:
    body = car.body
    w, c = body.width / 2, body.clearance
    plastic = light.material((0.06, 0.061, 0.065), gloss=0.05, shine=0.1)
    high = c + (0.20 if body.cladding else 0.11)
    lower = rounded(
        [
            (-w - 0.1, c - 0.1, 0),
            (w + 0.1, c - 0.1, 0),
            (w + 0.1, high - 0.04, 0),
            (w * 0.7, high, 0.1),
            (-w * 0.7, high, 0.1),
            (-w - 0.1, high - 0.04, 0),
        ]
    )
    canvas.shade(lower, plastic, bulging(body, [(0, 0.1), (2, 0.1)]), bevel=0.04)
    canvas.line(polygon((-w - 0.05, 0.575), (w + 0.05, 0.575)), GAP, 0.009, 0.6)
    for side in (1, -1):
        reflector = rectangle(side * w * 0.88 - 0.075, high + 0.045, side * w * 0.88 + 0.075, high + 0.085, 0.012)
        canvas.fill(reflector, (0.66, 0.05, 0.05))
        if car.seed % 3 == 0 or side == -1:
            x = side * w * 0.55
            canvas.fill(ellipse(x, c + 0.015, 0.055, 0.034), (0.55, 0.55, 0.57))
            canvas.fill(ellipse(x, c + 0.013, 0.042, 0.024), (0.02, 0.02, 0.02))
