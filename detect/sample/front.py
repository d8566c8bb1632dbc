"""A car seen from the front: its left side is to the right of the picture."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from detect.sample.canvas import Canvas, Gradient
from detect.sample.cars import Body, Car
from detect.sample.ends import bulging, draw_mirrors, draw_roof, draw_stance, pane_between, silhouette
from detect.sample.fittings import GAP, draw_emblem, draw_headlamp, draw_pane, draw_plate
from detect.sample.light import Light
from detect.sample.outlines import Points, ellipse, mirrored, polygon, rectangle, rounded, shifted


def draw_front(canvas: Canvas, car: Car, light: Light, flat: Mapping[str, int]) -> None:
    """Draw the whole car; `flat` holds the severity of the tyres without air, by "right" and "left" of the picture."""
    body = car.body
    draw_stance(canvas, body, flat)
    nose, shape = body.nose, outline(body)
    bumper = [(body.clearance, -0.5), (body.clearance + 0.14, -0.10), (0.40, 0.02), (0.42, 0.22), (0.55, 0.06)]
    above = [(nose - 0.05, 0.10), (nose + 0.05, 0.34), (nose + 0.2, 0.45), (body.belt[0] + 0.05, 0.30)]
    knots = [*bumper, *above, (body.height - 0.1, 0.4), (body.height, 0.5)]
    draw_roof(canvas, car)
    paint = light.material(car.paint, gloss=0.15)
    canvas.shade(shape, paint, bulging(body, knots), bevel=0.13)
    with canvas.inside(shape):
        _hood(canvas, car, light)
        _windshield(canvas, car, light)
        _bumper(canvas, car, light)
    _grille(canvas, car)
    for lens, bulbs in (
        (lamp(body), ((0.30, 0.42), (0.64, 0.52))),
        (mirrored(lamp(body)), ((0.36, 0.52), (0.70, 0.42))),
    ):
        draw_headlamp(canvas, lens, light, bulbs)
    draw_emblem(canvas, car, nose - 0.005)
    draw_number(canvas, car)
    draw_mirrors(canvas, car, light, front=True)


def draw_number(canvas: Canvas, car: Car) -> None:
    """The number plate, which lies over the paint and what happened to it."""
    draw_plate(canvas, car, _plate_height(car.body))


def outline(body: Body) -> Points:
    """The silhouette."""
    return silhouette(body, body.nose + 0.12)


@lru_cache(maxsize=64)
def hood(body: Body) -> Points:
    """The bonnet, from the grille's upper edge to the windshield."""
    w, nose, cowl = body.width / 2, body.nose, body.cowl[1] + 0.02
    half = [(w * 0.60, nose + 0.015, 0.10), (w * 0.78, nose + 0.10, 0.10), (w - 0.15, cowl, 0.05)]
    return rounded(
        [(0.0, nose + 0.05, 0.3), *half, (0.0, cowl + 0.005, 0.3), *[(-x, y, r) for x, y, r in reversed(half)]]
    )


def windshield(body: Body) -> Points:
    """The pane in front."""
    return pane_between(body, body.cowl[1] + 0.01, 0.055)


@lru_cache(maxsize=64)
def lamp(body: Body) -> Points:
    """The headlamp to the right of the picture; the other is its mirror image."""
    w, nose = body.width / 2, body.nose
    tall = 0.04 if body.cladding or body.name == "van" else 0.0
    upper = [(w * 0.44, nose - 0.03, 0.04), (w * 0.58, nose + 0.01, 0.1), (w * 0.95, nose + 0.075, 0.07)]
    lower = [
        (w * 0.975, nose - 0.03, 0.08),
        (w * 0.90, nose - 0.13 - tall, 0.06),
        (w * 0.52, nose - 0.145 - tall, 0.07),
    ]
    return rounded([*upper, *lower])


def _plate_height(body: Body) -> float:
    return body.clearance + 0.45 * (body.nose - body.clearance)


def _hood(canvas: Canvas, car: Car, light: Light) -> None:
    body = car.body
    nose, cowl, shape = body.nose, body.cowl[1], hood(body)
    paint = light.material(car.paint, gloss=0.15)
    canvas.shade(
        shape, paint, bulging(body, [(nose, 0.30), (nose + 0.06, 0.52), (cowl, 0.80), (cowl + 0.1, 0.8)]), bevel=0.06
    )
    canvas.line(shape, GAP, 0.009, 0.8, closed=True)
    with canvas.inside(shape):
        for side in (1, -1):
            near, far = side * body.width * (0.17 + 0.05 * car.crease), side * body.width * (0.24 + 0.05 * car.crease)
            canvas.line(polygon((near, nose), (far, cowl + 0.04)), (1, 1, 1), 0.016, 0.30, soft=0.008)
            canvas.line(
                polygon((near - side * 0.02, nose), (far - side * 0.025, cowl + 0.04)),
                (0, 0, 0),
                0.02,
                0.25,
                soft=0.012,
            )


def _windshield(canvas: Canvas, car: Car, light: Light) -> None:
    body = car.body
    shape, low = windshield(body), body.cowl[1]
    canvas.fill(shifted(shape, 0, -0.018), (0.015, 0.015, 0.018))
    wide = body.width * 0.22
    draw_pane(canvas, shape, car, light, seats=(-wide, wide))
    with canvas.inside(shape):
        canvas.fill(ellipse(wide, low + 0.05, 0.17, 0.10), (0.02, 0.02, 0.02), 0.9)
        canvas.fill(ellipse(wide, low + 0.05, 0.145, 0.08), car.inside, 0.9)
        canvas.fill(rectangle(-2, low - 0.1, 2, low + 0.055), (0.02, 0.02, 0.024), 0.9, soft=0.02)
        canvas.fill(rectangle(-0.06, body.height - 0.16, 0.06, body.height - 0.11, 0.02), (0.02, 0.02, 0.02))
    for start, end in (((-0.05, low + 0.02), (-0.52, low + 0.07)), ((0.50, low + 0.04), (0.02, low + 0.075))):
        canvas.line(polygon(start, end), (0.01, 0.01, 0.01), 0.018)


def _bumper(canvas: Canvas, car: Car, light: Light) -> None:
    body = car.body
    w, c, nose = body.width / 2, body.clearance, body.nose
    plastic = light.material((0.06, 0.061, 0.065), gloss=0.05, shine=0.1)
    high = c + (0.09 if body.cladding else 0.05)
    canvas.shade(rectangle(-w - 0.1, c - 0.1, w + 0.1, high), plastic, bulging(body, [(0, 0.1), (2, 0.1)]), bevel=0.04)
    top = _plate_height(body) - 0.085
    intake = rounded(
        [(-w * 0.50, high + 0.015, 0.03), (w * 0.50, high + 0.015, 0.03), (w * 0.57, top, 0.04), (-w * 0.57, top, 0.04)]
    )
    canvas.fill(intake, Gradient((0, top), (0, high), ((0.008, 0.008, 0.01), (0.03, 0.03, 0.033))))
    with canvas.inside(intake):
        bars = [polygon((-w, y), (w, y)) for y in np.linspace(high + 0.015, top, 5)[1:4]]
        canvas.line(bars, (0.11, 0.11, 0.115), 0.010)
    for side in (1, -1):
        fog = rounded(
            [
                (w * 0.65, high + 0.03, 0.03),
                (w * 0.89, high + 0.06, 0.05),
                (w * 0.93, top + 0.10, 0.05),
                (w * 0.69, top + 0.05, 0.04),
            ]
        )
        canvas.fill(fog * (side, 1), (0.02, 0.02, 0.023))
        canvas.line(fog[:14] * (side, 1), (1, 1, 1), 0.008, 0.2)
        x, y = side * w * 0.79, (high + top + 0.12) / 2
        for radius, colour in ((0.052, (0.55, 0.56, 0.58)), (0.042, (0.22, 0.23, 0.25)), (0.026, (0.80, 0.81, 0.83))):
            canvas.fill(ellipse(x, y, radius), colour)
    for side in (1, -1):
        seam = polygon((side * w * 0.96, nose - 0.10), (side * w * 1.02, nose - 0.16))
        canvas.line(seam, GAP, 0.009, 0.7)


def _grille(canvas: Canvas, car: Car) -> None:
    body = car.body
    w, nose = body.width / 2, body.nose
    deep = (0.17, 0.22, 0.12, 0.19)[car.grille]
    shape = rounded(
        [
            (-w * 0.42, nose + 0.01, 0.04),
            (w * 0.42, nose + 0.01, 0.04),
            (w * 0.36, nose - deep, 0.06),
            (-w * 0.36, nose - deep, 0.06),
        ]
    )
    shine = (0.78, 0.79, 0.81) if car.chrome else (0.16, 0.16, 0.17)
    canvas.fill(shape, Gradient((0, nose), (0, nose - deep), ((0.05, 0.05, 0.055), (0.008, 0.008, 0.01))))
    with canvas.inside(shape):
        if car.grille in (0, 2):
            slats = [polygon((-w, y), (w, y)) for y in nose - deep * np.arange(1, 5) / 5]
        elif car.grille == 1:
            slats = [polygon((x, nose), (x, nose - deep)) for x in 0.05 * np.arange(-8, 9)]
        else:
            slats = [
                polygon((x - d, nose), (x + d, nose - deep)) for x in 0.05 * np.arange(-14, 15) for d in (-0.12, 0.12)
            ]
        canvas.line(slats, (0.14, 0.14, 0.15) if car.grille == 3 else shine, 0.010, 0.9)
    canvas.line(shape, shine, 0.016, closed=True)
