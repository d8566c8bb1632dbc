"""A car seen from its left side, nose at x = 0; the right side is the same in a mirror."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from detect.sample.canvas import Canvas, Gradient, Map, Relief
from detect.sample.cars import Body, Car
from detect.sample.fittings import GAP, draw_headlamp, draw_pane, draw_taillamp
from detect.sample.light import Light
from detect.sample.outlines import Points, arc, ellipse, polygon, rectangle, rounded, shifted
from detect.sample.wheels import draw_wheel


def draw_side(canvas: Canvas, car: Car, light: Light, flat: Mapping[str, int]) -> None:
    """Draw the whole car; `flat` holds the severity of the tyres without air, by "front" and "rear"."""
    body = car.body
    _shadow(canvas, body)
    paint = light.material(car.paint, gloss=0.15)
    canvas.shade(body.outline(), paint, relief(car), bevel=0.15)
    with canvas.inside(body.outline()):
        _lower(canvas, car, light)
        _arches(canvas, car, light)
        _seams(canvas, car)
    for x, end in ((body.front, "front"), (body.rear, "rear")):
        _well(canvas, body, x)
        draw_wheel(canvas, car, x, flat.get(end, 0))
    with canvas.inside(body.outline()):
        _glass(canvas, car, light)
        shapes = lamps(body)
        draw_headlamp(canvas, shapes["head"], light, ((0.38, 0.46),))
        draw_taillamp(canvas, shapes["tail"], light)
    _handles(canvas, car, light)
    _mirror(canvas, car, light)


def relief(car: Car) -> Relief:
    """The flanks' upward slope by height: tucked-in sill, a crease low on the doors, a shoulder under the windows."""
    body = car.body
    sill, belt, roof = body.clearance, body.belt[0], body.height
    shoulder = belt - 0.11 - 0.06 * car.crease
    low = sill + 0.20 + 0.06 * car.crease
    flank = [(sill, -0.55), (sill + 0.08, -0.30), (low - 0.03, -0.12), (low, 0.16), (low + 0.10, 0.07)]
    crease = [(shoulder - 0.20, -0.06), (shoulder - 0.012, -0.16), (shoulder + 0.012, 0.20)]
    above = [(belt, 0.34), (belt + 0.02, 0.20), (roof - 0.16, 0.30), (roof - 0.02, 0.45)]
    knots = [*flank, *crease, *above]
    height, slope = zip(*knots, strict=True)
    table = np.interp(np.linspace(0, 2, 1024), height, slope).astype(np.float32)
    rise = np.float32(0.4 * (body.belt[1] - body.belt[0]) + 0.03 * car.crease) / np.float32(body.rear - body.front)
    middle = np.float32(body.length / 2)

    def slopes(x: Map, y: Map) -> tuple[Map, Map]:
        along = (x - middle) / middle
        level = y - rise * (x - np.float32(body.front)) + np.float32(0.02) * along * along
        ny = table[np.clip(level * np.float32(512), 0, 1023).astype(np.int16)]
        return np.float32(0.16) * along, ny

    return slopes


def _shadow(canvas: Canvas, body: Body) -> None:
    canvas.fill(rectangle(-0.05, -0.15, body.length + 0.05, 0.10, 0.05), (0.02, 0.02, 0.03), 0.42, soft=0.16)
    canvas.fill(rectangle(0.15, -0.05, body.length - 0.15, 0.14, 0.05), (0.01, 0.01, 0.015), 0.78, soft=0.07)
    canvas.fill(
        rectangle(0.25, body.clearance * 0.7, body.length - 0.25, body.clearance + 0.12, 0.05), (0.012, 0.012, 0.016)
    )
    for x in (body.front, body.rear):
        canvas.fill(ellipse(x, -0.005, body.radius * 1.05, 0.05), (0, 0, 0), 0.85, soft=0.04)


def _lower(canvas: Canvas, car: Car, light: Light) -> None:
    """Bumper skirts and sill, in plastic; higher where the car has cladding."""
    body = car.body
    c, length, high = body.clearance, body.length, 0.15 if body.cladding else 0.055
    plastic = light.material((0.075, 0.076, 0.08), gloss=0.05, shine=0.1)
    sill = rectangle(body.front - 0.1, c - 0.05, body.rear + 0.1, c + high)
    front = polygon(
        (-0.1, c - 0.05),
        (body.front, c - 0.05),
        (body.front, c + high),
        (0.32, c + high + 0.04),
        (-0.1, c + high + 0.05),
    )
    rear = polygon(
        (body.rear, c - 0.05),
        (length + 0.1, c - 0.05),
        (length + 0.1, c + high + 0.10),
        (length - 0.4, c + high + 0.06),
        (body.rear, c + high),
    )
    for shape in (sill, front, rear):
        canvas.shade(shape, plastic, lambda x, y: (0 * x, 0 * y + np.float32(0.10)), bevel=0.05)
        canvas.line(shifted(shape[2:], 0, 0.006), (1, 1, 1), 0.008, 0.15)
    canvas.fill(
        rounded([(0.10, c + 0.13, 0.02), (0.36, c + 0.15, 0.03), (0.30, c + 0.24, 0.03), (0.07, c + 0.25, 0.03)]),
        (0.03, 0.03, 0.035),
        0.9,
    )
    canvas.fill(rectangle(length - 0.30, c + 0.19, length - 0.10, c + 0.225, 0.01), (0.62, 0.06, 0.05), 0.9)


def _arches(canvas: Canvas, car: Car, light: Light) -> None:
    """The flare around each wheel: a lighter lip above, a shade behind; in plastic on cars with cladding."""
    body = car.body
    for x in (body.front, body.rear):
        radius, hub = body.radius + 0.045, body.radius
        if body.cladding:
            plastic = light.material((0.075, 0.076, 0.08), gloss=0.05, shine=0.1)
            canvas.shade(ellipse(x, hub, radius + 0.07), plastic, bevel=0.05)
            continue
        canvas.line(arc(x, hub, radius + 0.055, 15, 165), (0, 0, 0), 0.05, 0.16, soft=0.05)
        canvas.line(arc(x, hub, radius + 0.014, 10, 170), (1, 1, 1), 0.016, 0.28, soft=0.006)


def _well(canvas: Canvas, body: Body, x: float) -> None:
    """The dark inside of a wheel arch, open below the sill."""
    radius, hub = body.radius + 0.045, body.radius
    low = float(np.degrees(np.arcsin(np.clip((hub - body.clearance) / radius, -1, 1))))
    around = arc(x, hub, radius, -low, 180 + low, 48)
    canvas.fill(around, Gradient((x, hub + radius), (x, 0), ((0.03, 0.03, 0.035), (0.008, 0.008, 0.01))))


@lru_cache(maxsize=64)
def doors(body: Body) -> dict[str, Points]:
    """The two doors' outlines, window frames left out."""
    c, (belt1, belt2) = body.clearance + 0.075, body.belt
    first = body.cowl[0] + 0.16
    arch = body.rear - body.radius - 0.10
    last = min(body.rear + 0.10, body.tail[0] - 0.45)
    middle = (belt1 + belt2) / 2
    if body.cladding:
        c += 0.06
    hinge = [(first + 0.07, c, 0.06), (first - 0.01, 0.6, 0.25), (first + 0.02, belt1, 0.02)]
    front = [*hinge, (body.pillar, middle, 0.01), (body.pillar - 0.01, c, 0.06)]
    over = [(last, belt2, 0.02), (last - 0.02, body.radius * 2 + 0.18, 0.12), (arch - 0.02, body.radius + 0.10, 0.14)]
    rear = [(body.pillar + 0.01, c, 0.06), (body.pillar + 0.015, middle, 0.01), *over, (arch - 0.02, c, 0.06)]
    return {"front": rounded(front), "rear": rounded(rear)}


def _seams(canvas: Canvas, car: Car) -> None:
    body = car.body
    nose, (cowl_x, cowl_y) = body.nose, body.cowl
    bumper = rounded(
        [(body.front - body.radius - 0.05, 0.42, 0), (body.front - 0.42, 0.58, 0.1), (0.46, nose - 0.10, 0.05)],
        closed=False,
    )
    hood = rounded(
        [(0.56, nose + 0.02, 0), (cowl_x * 0.75, cowl_y - 0.12, 0.4), (cowl_x + 0.14, cowl_y - 0.07, 0)], closed=False
    )
    tail = rounded(
        [(body.rear + body.radius + 0.05, 0.46, 0), (body.length - 0.36, 0.64, 0.12), (body.length + 0.02, 0.68, 0)],
        closed=False,
    )
    flap_x, flap_y = body.rear + 0.24, body.belt[1] - 0.20
    flap = rectangle(flap_x - 0.07, flap_y - 0.065, flap_x + 0.07, flap_y + 0.065, 0.03)
    for path, closed in (
        *((door, True) for door in doors(body).values()),
        (bumper, False),
        (hood, False),
        (tail, False),
        (flap, True),
    ):
        canvas.line(shifted(path, 0.006, -0.008), (1, 1, 1), 0.007, 0.20, closed=closed)
        canvas.line(path, GAP, 0.0085, 0.8, closed=closed)


@lru_cache(maxsize=64)
def windows(body: Body) -> dict[str, Points]:
    """Panes of the front door, the rear door and the pillar behind."""
    belt1, belt2 = body.belt
    drop = 0.085
    top1, top2, middle = body.roof1[1] - drop, body.roof2[1] - drop, body.height - drop - 0.01
    start, end = body.cowl[0] + 0.26, body.tail[0] - 0.24
    lean = (body.tail[0] - body.roof2[0]) / max(0.05, body.roof2[1] - body.tail[1])
    last = min(body.rear + 0.06, end - 0.35)
    high = body.roof2[0] - 0.04
    cut = min(high - 0.05, last - 0.08)
    front = [
        (start, belt1 + 0.015, 0.03),
        (body.roof1[0] + 0.12, top1, 0.10),
        (body.pillar - 0.06, middle, 0.03),
        (body.pillar - 0.04, belt1 + 0.02, 0.03),
    ]
    rear = [
        (body.pillar + 0.04, belt1 + 0.025, 0.03),
        (body.pillar + 0.02, middle, 0.03),
        (cut, top2 + 0.005, 0.05),
        (last, belt2 + 0.02, 0.04),
    ]
    point = [(end - 0.02 - 0.05 * lean, belt2 + 0.06, 0.06), (end - 0.1, belt2 + 0.025, 0.04)]
    back = [(last + 0.05, belt2 + 0.02, 0.03), (cut + 0.05, top2, 0.03), (high, top2 - 0.01, 0.06), *point]
    return {"front": rounded(front), "rear": rounded(rear), "back": rounded(back)}


def _glass(canvas: Canvas, car: Car, light: Light) -> None:
    body = car.body
    panes = windows(body)
    canvas.fill(_hull(np.vstack(list(panes.values())), 0.020), (0.018, 0.018, 0.02))
    seats = {"front": (body.pillar - 0.30,), "rear": (body.rear - 0.42,), "back": ()}
    for name, pane in panes.items():
        draw_pane(canvas, pane, car, light, seats[name])
    if car.chrome:
        strip = polygon((body.cowl[0] + 0.22, body.belt[0] - 0.008), (body.tail[0] - 0.28, body.belt[1] - 0.006))
        canvas.line(strip, (0.80, 0.81, 0.82), 0.016)


@lru_cache(maxsize=64)
def lamps(body: Body) -> dict[str, Points]:
    """Head and tail lamp as far as they reach around the corners."""
    nose, (deck_x, deck_y), end = body.nose, body.deck, body.length + 0.02
    head = [
        (0.02, nose - 0.17, 0.04),
        (0.10, nose - 0.02, 0.05),
        (0.62, nose + 0.035, 0.03),
        (0.44, nose - 0.11, 0.08),
        (0.2, nose - 0.19, 0.05),
    ]
    if body.name == "van":
        tail = [(end, 0.72, 0.02), (end, 1.16, 0.02), (end - 0.14, 1.20, 0.04), (end - 0.19, 0.74, 0.05)]
    else:
        tail = [
            (end, deck_y - 0.25, 0.03),
            (end, deck_y - 0.05, 0.03),
            (deck_x - 0.34, deck_y - 0.03, 0.05),
            (deck_x - 0.30, deck_y - 0.14, 0.05),
            (end - 0.12, deck_y - 0.26, 0.04),
        ]
    return {"head": rounded(head), "tail": rounded(tail)}


def _handles(canvas: Canvas, car: Car, light: Light) -> None:
    body = car.body
    paint = light.material(car.paint, gloss=0.15)
    last = min(body.rear + 0.02, body.tail[0] - 0.55)
    for x, y in ((body.pillar - 0.17, body.belt[0] - 0.10), (last - 0.12, body.belt[1] - 0.10)):
        canvas.fill(rectangle(x - 0.09, y - 0.035, x + 0.09, y + 0.025, 0.025), (0, 0, 0), 0.40, soft=0.015)
        canvas.shade(rectangle(x - 0.10, y - 0.012, x + 0.09, y + 0.02, 0.016), paint, bevel=0.03)
        if car.chrome:
            canvas.line(polygon((x - 0.085, y + 0.010), (x + 0.08, y + 0.010)), (0.9, 0.9, 0.9), 0.009, 0.9)


def _mirror(canvas: Canvas, car: Car, light: Light) -> None:
    x, y = car.body.cowl[0] + 0.30, car.body.belt[0] + 0.01
    shadow = rounded(
        [(x - 0.02, y - 0.05, 0.03), (x + 0.24, y - 0.06, 0.05), (x + 0.2, y + 0.06, 0.06), (x + 0.02, y + 0.08, 0.06)]
    )
    canvas.fill(shadow, (0, 0, 0), 0.35, soft=0.03)
    housing = rounded(
        [(x - 0.03, y, 0.03), (x + 0.17, y - 0.01, 0.04), (x + 0.17, y + 0.10, 0.04), (x + 0.03, y + 0.125, 0.06)]
    )
    canvas.shade(housing, light.material(car.paint, gloss=0.15), bevel=0.06)
    canvas.line(housing, GAP, 0.006, 0.5, closed=True)


def _hull(points: Points, margin: float) -> Points:
    """The convex hull of some points, moved outwards by about `margin`."""
    hull = cv2.convexHull(points.astype(np.float32)).reshape(-1, 2).astype(np.float64)
    away = hull - hull.mean(axis=0)
    return np.asarray(hull + margin * away / np.linalg.norm(away, axis=1, keepdims=True))
