"""What the front and the rear of a car have in common: silhouette, tyres, shadow, mirrors. x = 0 is the middle."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from detect.sample.canvas import Canvas, Gradient, Map, Relief
from detect.sample.cars import Body, Car
from detect.sample.fittings import GAP, door_mirror
from detect.sample.light import Light
from detect.sample.outlines import Points, ellipse, polygon, rectangle, rounded
from detect.sample.wheels import RUBBER

TYRE = 0.225  # width of a tyre's tread, metres


@lru_cache(maxsize=64)
def silhouette(body: Body, shoulder: float) -> Points:
    """The outline from the front or the rear; `shoulder` is the height at which the fenders turn into the hood."""
    w, c, h, belt = body.width / 2, body.clearance, body.height, body.belt[0]
    lean = _lean(body)
    half = [
        (w - 0.17, c, 0.06),
        (w - 0.04, c + 0.10, 0.10),
        (w, 0.52, 0.20),
        (w - 0.005, shoulder - 0.04, 0.16),
        (w - 0.06, shoulder + 0.03, 0.08),
        (w - 0.13, belt + 0.05, 0.06),
        (w - 0.13 - lean, h - 0.06, 0.12),
        (w - 0.40 - lean, h, 0.22),
    ]
    return rounded(half + [(-x, y, r) for x, y, r in reversed(half)])


def pane_between(body: Body, low: float, inset: float) -> Points:
    """The windshield or the rear window: from height `low` up to the roof, `inset` from the silhouette."""
    w, h = body.width / 2, body.height
    foot, head, top = w - 0.13 - inset, w - 0.13 - _lean(body) - inset + 0.01, h - 0.085
    half = [(foot, low + 0.03, 0.05), (head, top - 0.025, 0.07)]
    middle = [(0.0, top + 0.005, 0.3)]
    other = [(-x, y, r) for x, y, r in reversed(half)]
    return rounded([*half, *middle, *other, (0.0, low - 0.01, 0.4)])


def _lean(body: Body) -> float:
    """How far the roof's edge stands in from the window's foot, metres."""
    return 0.13 if body.name == "van" else 0.17 if body.cladding else 0.19


def bulging(body: Body, knots: list[tuple[float, float]]) -> Relief:
    """A surface that turns away to both sides; `knots` are upward slopes by height."""
    height, slope = zip(*knots, strict=True)
    table = np.interp(np.linspace(0, 2, 1024), height, slope).astype(np.float32)
    half = np.float32(body.width / 2)

    def slopes(x: Map, y: Map) -> tuple[Map, Map]:
        share = x / half
        return np.float32(0.55) * share * share * share + np.float32(0.10) * share, table[
            np.clip(y * np.float32(512), 0, 1023).astype(np.int16)
        ]

    return slopes


def draw_stance(canvas: Canvas, body: Body, flat: Mapping[str, int]) -> None:
    """Shadow, underside and the two tyres; `flat` holds severities by "right" and "left" of the picture."""
    w = body.width / 2
    canvas.fill(rectangle(-w - 0.10, -0.15, w + 0.10, 0.10, 0.05), (0.02, 0.02, 0.03), 0.42, soft=0.12)
    canvas.fill(rectangle(-w + 0.02, -0.05, w - 0.02, 0.14, 0.05), (0.01, 0.01, 0.015), 0.8, soft=0.06)
    canvas.fill(rectangle(-w + 0.08, 0.10, w - 0.08, 0.45), (0.010, 0.010, 0.012))
    for side, name in ((1, "right"), (-1, "left")):
        _tread(canvas, tyre(body, side), flat.get(name, 0))


def tyre(body: Body, side: int) -> Points:
    """The visible tyre to the right (+1) or left (-1) of the picture: an upright rectangle."""
    x = side * (body.width / 2 - 0.045 - TYRE / 2)
    return rectangle(x - TYRE / 2, 0.0, x + TYRE / 2, body.radius * 1.5)


def _tread(canvas: Canvas, box: Points, flat: int) -> None:
    """A tyre's tread; without air it is wider at its foot, where the sidewalls fold over."""
    x1, (x2, y2) = box[:, 0].min(), box.max(axis=0)
    bulge = 0.035 + 0.013 * flat if flat else 0.0
    low = 0.085 + 0.010 * flat
    half = [(x2, y2, 0.0), (x2, low + 0.13, 0.05), (x2 + bulge, low * 0.8, 0.06), (x2 + bulge * 0.9, 0.0, 0.03)]
    middle = x1 + x2
    shape = rounded(half + [(middle - x, y, r) for x, y, r in reversed(half)])
    canvas.fill(ellipse(middle / 2, -0.005, TYRE * 0.62 + bulge, 0.035), (0, 0, 0), 0.85, soft=0.03)
    edge, centre = (0.03, 0.03, 0.032), (0.12, 0.12, 0.125)
    canvas.fill(shape, Gradient((x1, 0), (x2, 0), (edge, centre, RUBBER, centre, edge)))
    with canvas.inside(shape):
        grooves = [polygon((x, low if flat else 0), (x, y2)) for x in np.linspace(x1, x2, 5)[1:4]]
        canvas.line(grooves, (0.015, 0.015, 0.015), 0.016)
        canvas.line(
            [polygon((x1, 0.03 + 0.05 * k), (x2, 0.03 + 0.05 * k)) for k in range(12)], (0.02, 0.02, 0.02), 0.010, 0.8
        )
        if flat:
            _pressed(canvas, (x1, x2), bulge, low)


def _pressed(canvas: Canvas, edges: tuple[float, float], bulge: float, low: float) -> None:
    """The sidewalls of a flat tyre bulge out to both sides and catch the light; its tread caves in between."""
    x1, x2 = edges
    canvas.fill(rectangle(x1, -0.1, x2, low * 0.9), (0.035, 0.035, 0.037), 0.9, soft=0.02)
    for side, x in ((-1, x1), (1, x2)):
        canvas.fill(
            ellipse(x + side * bulge * 0.40, low * 0.66, 0.030 + bulge * 0.5, low * 0.42),
            (0.40, 0.40, 0.41),
            0.9,
            soft=0.02,
        )
        for k in range(3):
            start = (x - side * 0.02, low * (0.3 + 0.35 * k))
            canvas.line(polygon(start, (x + side * bulge, start[1] - 0.012)), (0.02, 0.02, 0.02), 0.009, 0.9)
    canvas.line(
        polygon((x1 + 0.01, low * 1.15), ((x1 + x2) / 2, low * 0.92), (x2 - 0.01, low * 1.15)),
        (0.40, 0.40, 0.41),
        0.014,
        0.8,
    )
    canvas.fill(rectangle(x1 - 0.2, -0.05, x2 + 0.2, low * 0.12), (0.01, 0.01, 0.01), 0.9, soft=0.012)


def draw_mirrors(canvas: Canvas, car: Car, light: Light, front: bool) -> None:
    """The door mirrors: housings in body colour from the front, glass from the rear."""
    body = car.body
    for side in (1, -1):
        x, y = side * (body.width / 2 - 0.11), body.belt[0] + 0.03
        canvas.fill(
            polygon(
                (x - side * 0.08, y - 0.03),
                (x + side * 0.08, y + 0.01),
                (x + side * 0.08, y + 0.05),
                (x - side * 0.08, y + 0.03),
            ),
            (0.03, 0.03, 0.03),
        )
        shape = door_mirror(x, y, side)
        canvas.shade(shape, light.material(car.paint, gloss=0.15), bevel=0.07)
        canvas.line(shape, GAP, 0.007, 0.6, closed=True)
        if not front:
            x, y = shape.mean(axis=0)
            canvas.fill(ellipse(x, y, 0.065, 0.04), light.haze, 0.6)


def draw_roof(canvas: Canvas, car: Car) -> None:
    """Rails along the roof of cars with cladding, else a fin."""
    body = car.body
    if body.cladding:
        for side in (1, -1):
            x = side * (body.width / 2 - 0.22 - _lean(body))
            canvas.fill(
                rectangle(x - 0.025, body.height - 0.09, x + 0.025, body.height + 0.025, 0.015), (0.10, 0.10, 0.11)
            )
