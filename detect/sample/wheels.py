"""Wheels, whole and flat."""

from __future__ import annotations

import numpy as np

from detect.sample.canvas import Canvas, Colour, Gradient
from detect.sample.cars import Car
from detect.sample.shapes import Points, arc, ellipse, polygon, turned

RUBBER: Colour = (0.075, 0.075, 0.08)


def draw_wheel(canvas: Canvas, car: Car, x: float, flat: int) -> None:
    """A wheel that stands on the ground at x, seen from the side; `flat` 0 is full of air, 5 lies on its rim."""
    radius = car.body.radius
    sunk = 0.0 if flat == 0 else radius * (0.07 + 0.045 * flat)
    hub = radius - sunk
    _tyre(canvas, x, hub, radius, sunk, flat)
    _rim(canvas, car, x, hub, radius * 0.70)


def _tyre(canvas: Canvas, x: float, hub: float, radius: float, sunk: float, flat: int) -> None:
    if flat == 0:
        outline = ellipse(x, hub, radius, steps=64)
    else:
        outline = _squashed(x, hub, radius, sunk)
    canvas.fill(outline, Gradient((x, hub + radius), (x, 0), [(0.10, 0.10, 0.105), RUBBER, (0.045, 0.045, 0.05)]))
    canvas.line(ellipse(x, hub, radius * 0.93, steps=48), (0.17, 0.17, 0.175), 0.012, 0.7, closed=True)
    canvas.line(ellipse(x, hub, radius * 0.83, steps=48), (0.13, 0.13, 0.135), 0.03, 0.6, closed=True)
    canvas.line(arc(x, hub, radius * 0.86, 50, 130), (0.30, 0.30, 0.31), 0.018, 0.5, soft=0.02)
    if flat:
        _folds(canvas, x, radius, sunk)


def _squashed(x: float, hub: float, radius: float, sunk: float) -> Points:
    """A circle that sank into the ground: cut off at y = 0, its rubber pressed out to both sides."""
    around = ellipse(0, 0, radius, steps=72)
    low = np.clip(-around[:, 1] / radius, 0, 1) ** 2
    around[:, 0] *= 1 + low * sunk / radius * 1.15
    around[:, 1] = np.maximum(around[:, 1] + hub, 0.0)
    return around + (x, 0)


def _folds(canvas: Canvas, x: float, radius: float, sunk: float) -> None:
    """The sidewall's folds beside the contact with the ground catch the light."""
    reach = radius * 0.62 + sunk
    for side in (-1, 1):
        bulge = ellipse(x + side * reach * 0.95, sunk * 0.42, 0.085 + sunk * 0.35, sunk * 0.40)
        canvas.fill(bulge, (0.26, 0.26, 0.265), 0.75, soft=0.025)
        for k in range(3):
            start = (x + side * (reach * 0.55 + 0.05 * k), sunk * (0.75 + 0.1 * k))
            canvas.line(polygon(start, (start[0] + side * 0.07, 0.012)), (0.02, 0.02, 0.02), 0.014, 0.8)
    canvas.fill(ellipse(x, 0.0, radius * 0.9, 0.012), (0.01, 0.01, 0.01), 0.8, soft=0.012)


def _rim(canvas: Canvas, car: Car, x: float, hub: float, radius: float) -> None:
    base = np.array(car.rim)
    bright, dull, dark = (tuple(float(v) for v in np.clip(base * k, 0, 1)) for k in (1.25, 0.8, 0.35))
    canvas.fill(ellipse(x, hub, radius), Gradient((x - radius, hub + radius), (x + radius, hub - radius), [bright, dull, dark]))
    canvas.fill(ellipse(x, hub, radius * 0.93), (0.035, 0.035, 0.04))
    canvas.fill(ellipse(x, hub, radius * 0.52), (0.16, 0.15, 0.15))  # the brake disc
    canvas.line(ellipse(x, hub, radius * 0.50), (0.30, 0.29, 0.29), 0.012, closed=True)
    phase = (car.seed % 628) / 100 + x
    for k in range(car.spokes):
        angle = phase + 2 * np.pi * k / car.spokes
        for blade in _spoke(car, radius):
            shape = turned(blade, angle) + (x, hub)
            canvas.fill(shape, Gradient((x - radius, hub + radius), (x + radius, hub - radius), [bright, tuple(base), dull]))
            canvas.line(shape[:2], bright, 0.008, 0.6)
    canvas.line(ellipse(x, hub, radius * 0.955), tuple(base), 0.022, closed=True)
    canvas.line(arc(x, hub, radius * 0.955, 40, 150), bright, 0.016, 0.9)
    canvas.fill(ellipse(x, hub, radius * 0.21), Gradient((x, hub + radius * 0.2), (x, hub - radius * 0.2), [bright, dull]))
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
