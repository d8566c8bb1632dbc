"""Things that are no damage: cones, poles, puddles, stains and cracks in the asphalt, dirt and stickers on the car."""

from __future__ import annotations

import numpy as np

from detect.sample.canvas import Canvas, Colour, Gradient
from detect.sample.cars import Body, Car
from detect.sample.ground import lying
from detect.sample.light import Light
from detect.sample.outlines import crooked, ellipse, polygon, rectangle, shifted, within
from detect.sample.parts import parts


def draw_clutter_behind(canvas: Canvas, place: str, light: Light, rng: np.random.Generator) -> None:
    """What lies or stands behind the car."""
    flat = lying(canvas)
    for _ in range(int(rng.integers(0, 4))):
        _stain(flat, light, rng)
    if place != "garage" and rng.random() < 0.5:
        x = float(rng.choice([-1, 1]) * rng.uniform(1.2, 2.8))
        _pole(canvas, light, x, rng)
    if rng.random() < 0.25:
        _cone(canvas, light, float(rng.choice([-1, 1]) * rng.uniform(1.3, 2.9)), 0.10)


def draw_clutter_before(canvas: Canvas, place: str, light: Light, rng: np.random.Generator) -> None:
    """What stands between the camera and the car: now and then a cone or leaves."""
    if rng.random() < 0.10:
        _cone(canvas, light, float(rng.choice([-1, 1]) * rng.uniform(1.3, 2.5)), -0.28)
    if place in ("street", "yard", "parking") and rng.random() < 0.35:
        for _ in range(int(rng.integers(4, 14))):
            x, y = float(rng.uniform(-2.8, 2.8)), float(rng.uniform(-0.9, -0.12))
            leaf = (0.45, 0.28, 0.08) if rng.random() < 0.6 else (0.40, 0.36, 0.10)
            canvas.fill(ellipse(x, y, 0.035, 0.016, tilt=float(rng.uniform(0, 3))), leaf, 0.9)


def draw_dirt(canvas: Canvas, car: Car, view: str) -> None:
    """Splashes low on the body, and on some cars a sticker or a bird's greeting."""
    rng = np.random.default_rng([car.seed, len(view)])
    body = car.body
    wide = body.length if view in ("left", "right") else body.width
    start = 0.0 if view in ("left", "right") else -wide / 2
    mud: Colour = (0.36, 0.30, 0.23)
    canvas.fill(rectangle(start, body.clearance, start + wide, body.clearance + 0.16), mud, 0.35 * car.dirt, soft=0.10)
    for _ in range(int(18 * car.dirt)):
        x, y = start + wide * float(rng.uniform(0.05, 0.95)), body.clearance + abs(float(rng.normal(0.06, 0.10)))
        canvas.fill(
            ellipse(x, y, float(rng.uniform(0.012, 0.05)), float(rng.uniform(0.008, 0.02))), mud, 0.6, soft=0.008
        )
    if rng.random() < 0.3:
        _sticker(canvas, body, view, rng)


def _sticker(canvas: Canvas, body: Body, view: str, rng: np.random.Generator) -> None:
    names = [n for n in parts(body, view) if n.endswith(("door", "tailgate", "lid", "hood"))]
    part = parts(body, view)[names[int(rng.integers(len(names)))]]
    x, y = within(part, 0.5 + float(rng.choice([-1, 1]) * rng.uniform(0.2, 0.36)), float(rng.uniform(0.4, 0.8)))
    colours: tuple[Colour, ...] = (
        (0.9, 0.75, 0.1),
        (0.1, 0.45, 0.25),
        (0.85, 0.85, 0.85),
        (0.75, 0.15, 0.1),
        (0.1, 0.3, 0.7),
    )
    first, second = (colours[int(k)] for k in rng.choice(len(colours), 2, replace=False))
    if rng.random() < 0.5:
        canvas.fill(ellipse(x, y, 0.055), first)
        canvas.fill(ellipse(x, y, 0.036), second)
    else:
        canvas.fill(rectangle(x - 0.09, y - 0.03, x + 0.09, y + 0.03, 0.01), first)
        canvas.fill(rectangle(x - 0.075, y - 0.008, x + 0.075, y + 0.008), second)


def _stain(flat: Canvas, light: Light, rng: np.random.Generator) -> None:
    """A puddle that mirrors the sky, a dark spot of oil or a crack filled with tar."""
    x, z, kind = float(rng.uniform(-3, 3)), float(rng.uniform(3.6, 8.0)), rng.random()
    if kind < 0.35:
        puddle = ellipse(x, z, float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.25, 0.6)))
        flat.fill(puddle, (0.10, 0.10, 0.11), 0.6)
        flat.fill(
            puddle * 0.94 + np.array([x, z]) * 0.06, Gradient((x, z + 0.5), (x, z - 0.5), (light.haze, light.sky)), 0.45
        )
    elif kind < 0.65:
        flat.fill(
            ellipse(x, z, float(rng.uniform(0.15, 0.4)), float(rng.uniform(0.15, 0.4))),
            (0.03, 0.03, 0.035),
            0.5,
            soft=0.0,
        )
    else:
        path = crooked(rng, (x, z), float(rng.uniform(0, 3.1)), float(rng.uniform(0.8, 2.4)), 0.4, 10)
        band = np.vstack([path, shifted(path[::-1], 0.03, 0.03)])
        flat.fill(band, (0.04, 0.04, 0.045), 0.8)


def _pole(canvas: Canvas, light: Light, x: float, rng: np.random.Generator) -> None:
    grey = 0.30 * (light.ambient + light.sunshine)
    wide = float(rng.uniform(0.035, 0.07))
    metal = Gradient(
        (x - wide, 0), (x + wide, 0), ((grey * 1.3, grey * 1.3, grey * 1.35), (grey * 0.5, grey * 0.5, grey * 0.55))
    )
    if rng.random() < 0.5:
        canvas.fill(rectangle(x - wide, 0.25, x + wide, 9), metal)
        return
    canvas.fill(rectangle(x - wide * 1.5, 0.2, x + wide * 1.5, 1.0, 0.03), metal)
    for y in (0.7, 0.85):
        canvas.fill(rectangle(x - wide * 1.5, y, x + wide * 1.5, y + 0.07), (0.75, 0.15, 0.1))


def _cone(canvas: Canvas, light: Light, x: float, foot: float) -> None:
    level = 0.55 * light.ambient + 0.7 * light.sunshine
    orange, white = (0.95 * level, 0.32 * level, 0.05), (0.92 * level,) * 3
    canvas.fill(ellipse(x, foot, 0.24, 0.05), (0, 0, 0), 0.5, soft=0.04)
    canvas.fill(rectangle(x - 0.18, foot, x + 0.18, foot + 0.045, 0.015), (0.7 * level, 0.22 * level, 0.04))
    for low, high, colour in (
        (0.04, 0.18, orange),
        (0.18, 0.29, white),
        (0.29, 0.37, orange),
        (0.37, 0.44, white),
        (0.44, 0.52, orange),
    ):
        a, b = 0.125 * (1 - low / 0.62), 0.125 * (1 - high / 0.62)
        band = polygon((x - a, foot + low), (x + a, foot + low), (x + b, foot + high), (x - b, foot + high))
        r, g, b_ = colour
        canvas.fill(band, Gradient((x - 0.12, 0), (x + 0.12, 0), (colour, (r * 0.55, g * 0.55, b_ * 0.55))))
