"""Wheels, whole and flat."""

from __future__ import annotations

import numpy as np

from detect.sample.canvas import Canvas, Colour, Gradient, scaled
from detect.sample.cars import Car
from detect.sample.outlines import Points, arc, ellipse, polygon, rectangle, shifted, turned

RUBBER: Colour = (0.075, 0.075, 0.08)


def draw_wheel(canvas: Canvas, car: Car, x: float, flat: int) -> None:
    """A wheel that stands on the ground at x, seen from the side; `flat` 0 is full of air, 5 lies on its rim."""
    radius = car.body.radius
    sunk = 0.0 if flat == 0 else radius * (0.13 + 0.035 * flat)
    _tyre(canvas, x, radius, sunk)
    _rim(canvas, car, x, radius - sunk, radius * 0.675)


def _tyre(canvas: Canvas, x: float, radius: float, sunk: float) -> None:
    hub = radius - sunk
    outline = _squashed(x, radius, sunk)
    canvas.fill(outline, Gradient((x, hub + radius), (x, 0), ((0.10, 0.10, 0.105), RUBBER, (0.045, 0.045, 0.05))))
    with canvas.inside(outline):
        canvas.line(ellipse(x, hub, radius * 0.93, steps=48), (0.17, 0.17, 0.175), 0.012, 0.7, closed=True)
        canvas.line(ellipse(x, hub, radius * 0.81, steps=48), (0.13, 0.13, 0.135), 0.03, 0.6, closed=True)
        canvas.line(arc(x, hub, radius * 0.86, 50, 130), (0.30, 0.30, 0.31), 0.018, 0.5, soft=0.02)
        if sunk:
            _folds(canvas, x, radius, sunk)


def _squashed(x: float, radius: float, sunk: float) -> Points:
    """A circle that sank into the ground: cut off at y = 0, its rubber pressed out to both sides."""
    around = ellipse(0, 0, radius, steps=72)
    low = np.clip(-around[:, 1] / radius + 0.1, 0, 1) ** 2
    around[:, 0] *= 1 + low * sunk / radius * 1.3
    around[:, 1] = np.maximum(around[:, 1] + radius - sunk, 0.0)
    return shifted(around, x, 0)


def _folds(canvas: Canvas, x: float, radius: float, sunk: float) -> None:
    """The pressed-out sidewall catches the light beside its contact with the ground, and creases under the rim."""
    for side in (-1, 1):
        bulge = x + side * (radius * 0.64 + sunk * 0.55)
        canvas.fill(
            ellipse(bulge, sunk * 0.55, radius * 0.34, sunk * 0.42, tilt=-side * 0.35),
            (0.34, 0.34, 0.35),
            0.85,
            soft=0.03,
        )
        for k in range(3):
            foot = x + side * radius * (0.34 + 0.24 * k)
            crease = polygon((foot, sunk * 0.9), (foot + side * 0.03, sunk * 0.45), (foot + side * 0.035, 0.0))
            canvas.line(crease, (0.015, 0.015, 0.015), 0.012, 0.8)
            canvas.line(shifted(crease, side * 0.014, 0), (0.40, 0.40, 0.41), 0.010, 0.35, soft=0.008)
    canvas.fill(rectangle(x - radius, -0.02, x + radius, sunk * 0.10), (0.01, 0.01, 0.01), 0.8, soft=0.01)


def _rim(canvas: Canvas, car: Car, x: float, hub: float, radius: float) -> None:
    bright, dull, dark = scaled(car.rim, 1.25), scaled(car.rim, 0.8), scaled(car.rim, 0.35)
    sheen = Gradient((x - radius, hub + radius), (x + radius, hub - radius), (bright, dull, dark))
    canvas.fill(ellipse(x, hub, radius), sheen)
    canvas.fill(ellipse(x, hub, radius * 0.93), (0.035, 0.035, 0.04))
    canvas.fill(ellipse(x, hub, radius * 0.52), (0.16, 0.15, 0.15))  # the brake disc
    canvas.line(ellipse(x, hub, radius * 0.50), (0.30, 0.29, 0.29), 0.012, closed=True)
    phase = (car.seed % 628) / 100 + x
    angles = phase + 2 * np.pi * np.arange(car.spokes) / car.spokes
    blades = [shifted(turned(blade, angle), x, hub) for angle in angles for blade in _spoke(car, radius)]
    canvas.fill(blades, Gradient((x - radius, hub + radius), (x + radius, hub - radius), (bright, car.rim, dull)))
    canvas.line([blade[:2] for blade in blades], bright, 0.008, 0.6)
    canvas.line(ellipse(x, hub, radius * 0.955), car.rim, 0.022, closed=True)
    canvas.line(arc(x, hub, radius * 0.955, 40, 150), bright, 0.016, 0.9)
    canvas.fill(
        ellipse(x, hub, radius * 0.21), Gradient((x, hub + radius * 0.2), (x, hub - radius * 0.2), (bright, dull))
    )
    canvas.fill(ellipse(x, hub, radius * 0.12), dark)


def _spoke(car: Car, radius: float) -> list[Points]:
    """The blades of one spoke, pointing along x from the hub at the origin."""
    wide = radius * 0.9 / car.spokes
    near, far = radius * 0.14, radius * 0.95
    if car.rim_style == 0:
        return [polygon((near, wide * 0.75), (far, wide * 0.45), (far, -wide * 0.45), (near, -wide * 0.75))]
    if car.rim_style == 1:
        blade = polygon((near, wide * 0.7), (far, wide * 0.95), (far, wide * 0.45), (near, wide * 0.05))
        return [blade, blade * (1, -1)]
    return [polygon((near, wide * 0.5), (far, wide * 1.25), (far, wide * 0.35), (near, -wide * 0.55))]
