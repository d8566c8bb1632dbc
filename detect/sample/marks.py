"""Damage that is drawn over a finished car: scratches, cracks, shattered glass, broken lamps."""

from __future__ import annotations

import numpy as np

from detect.sample.canvas import Canvas, Colour, Gradient
from detect.sample.cars import Car
from detect.sample.damage import Damage
from detect.sample.outlines import Points, crooked, ellipse, shifted, within
from detect.sample.parts import outline, parts

WHITE: Colour = (0.93, 0.95, 0.96)
DARK: Colour = (0.02, 0.02, 0.025)


def _scratch(canvas: Canvas, car: Car, damage: Damage, part: Points, rng: np.random.Generator) -> None:
    """Strokes side by side: primer on dark paint, dark grooves with bare edges on light paint."""
    middle, severity = within(part, *damage.at), damage.severity
    light = float(np.dot(car.paint, (0.3, 0.59, 0.11))) > 0.42
    core: Colour = (0.22, 0.21, 0.20) if light else (0.84, 0.84, 0.82)
    edge: Colour = (0.97, 0.97, 0.97) if light else (0.30, 0.29, 0.28)
    heading, length = float(rng.uniform(-0.35, 0.35)), 0.50 + 0.10 * severity
    along, across = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
    for k in range(2 + severity):
        reach = length * float(rng.uniform(0.55, 1.0))
        start = (
            middle - along * reach / 2 + along * rng.normal(0, 0.05) + across * rng.normal(0, 0.018 + 0.010 * severity)
        )
        path = crooked(rng, (float(start[0]), float(start[1])), heading, reach, 0.10, 8)
        width = float(rng.uniform(0.008, 0.012)) + 0.0024 * severity
        canvas.line(path + across * width, edge, width, 0.55)
        canvas.line(path, core, width, 0.65 + 0.06 * severity)
        if k % 2 == 0:
            canvas.line(path + across * 0.012, core, 0.035 + 0.004 * severity, 0.16, soft=0.012)


def _folds(canvas: Canvas, _car: Car, damage: Damage, part: Points, rng: np.random.Generator) -> None:
    """Where a dent's sheet is bent sharply: its rim, dark above and bright below, and a crease across."""
    middle, size = np.array(within(part, *damage.at)), 0.18 + 0.038 * damage.severity
    # the first three draws are those of `dented`, so that rim and bowl agree
    long, short, tilt = size * rng.uniform(1.0, 1.5), size * rng.uniform(0.75, 1.0), rng.uniform(-0.6, 0.6)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])

    def arc(start: float, end: float, share: float) -> Points:
        angle = np.radians(np.linspace(start, end, 14))
        return np.asarray(middle + share * np.stack([long * np.cos(angle), short * np.sin(angle)], axis=1) @ turn.T)

    strength = 0.45 + 0.07 * damage.severity
    canvas.line(arc(15, 165, 0.80), DARK, 0.030, strength, soft=0.010)
    canvas.line(arc(195, 345, 0.80), WHITE, 0.026, strength * 0.8, soft=0.010)
    fold = crooked(rng, tuple(middle - turn @ (0.62 * long, 0.0)), tilt, 1.24 * long, 0.10, 9)
    canvas.line(shifted(fold, 0.0, -0.018), WHITE, 0.018, strength, soft=0.006)
    canvas.line(fold, DARK, 0.016, strength + 0.1, soft=0.003)


def _crack(canvas: Canvas, _car: Car, damage: Damage, part: Points, rng: np.random.Generator) -> None:
    """A crack that forks as it runs, its edges chipped, a piece missing where it starts."""
    middle, severity = within(part, *damage.at), damage.severity
    heading, length = float(rng.uniform(-0.6, 0.6)), 0.46 + 0.09 * severity
    paths: list[tuple[Points, float]] = []
    for turn in (0.0, np.pi + float(rng.normal(0, 0.4))):
        trunk = crooked(rng, middle, heading + turn, length * float(rng.uniform(0.45, 0.65)), 0.6, 9)
        paths += [(trunk[:5], 1.0), (trunk[4:], 0.7)]
        for _ in range(1 + severity // 3):
            k = int(rng.integers(1, 5))
            lean = float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.2))
            twig = crooked(
                rng, (trunk[k, 0], trunk[k, 1]), heading + turn + lean, length * float(rng.uniform(0.16, 0.30)), 0.6, 6
            )
            paths += [(twig[:4], 0.7), (twig[3:], 0.5)]
    wide = 0.0140 + 0.0030 * severity
    raw: Colour = (0.74, 0.73, 0.70)
    for share in (1.0, 0.7, 0.5):
        canvas.line([shifted(path, 0.003, -0.006) for path, s in paths if s == share], raw, wide * share * 1.7, 0.7)
    for share in (1.0, 0.7, 0.5):
        canvas.line([path for path, s in paths if s == share], (0.008, 0.008, 0.01), wide * share)
    hole = _jagged(rng, middle, 0.040 + 0.018 * severity, 0.030 + 0.013 * severity, 11)
    canvas.fill(shifted(hole, 0.004, -0.007), raw)
    canvas.fill(hole, (0.012, 0.012, 0.014))


def _shatter(canvas: Canvas, _car: Car, damage: Damage, part: Points, rng: np.random.Generator) -> None:
    """A web around the blow: rays, rings between them, facets that glitter, and a hole under the heaviest."""
    severity = damage.severity
    x, y = within(part, *damage.at)
    reach, rays = 0.17 + 0.07 * severity, 13 + 2 * severity
    angle = np.linspace(0, 2 * np.pi, rays, endpoint=False) + rng.normal(0, 0.11, rays)
    share = np.array([0.07, 0.16, 0.28, 0.44, 0.66, 1.0])
    far = reach * share[:, None] * rng.uniform(0.8, 1.15, (6, rays))
    far[-1] *= rng.uniform(0.75, 1.15, rays)
    web = np.stack([x + far * np.cos(angle), y + far * np.sin(angle)], axis=-1)
    web[1:5] += rng.normal(0, 0.006, (4, rays, 2))
    canvas.fill(ellipse(x, y, reach * 0.95), (0.78, 0.84, 0.86), 0.16 + 0.03 * severity, soft=reach * 0.35)
    _glitter(canvas, web, rng)
    canvas.line([np.vstack([[(x, y)], web[:, k]]) for k in range(rays)], WHITE, 0.0048, 0.9)
    around = np.arange(rays + 1) % rays
    chords = [web[ring, around[k : k + 2]] for ring in range(5) for k in range(rays) if ring < 3 or rng.random() < 0.72]
    canvas.line(chords, WHITE, 0.0045, 0.8)
    canvas.fill(ellipse(x, y, reach * 0.26), WHITE, 0.55, soft=reach * 0.10)
    if severity >= 4:
        canvas.fill(web[2] * 0.95 + np.array([x, y]) * 0.05, WHITE, 0.85)
        canvas.fill(web[2] * 0.8 + np.array([x, y]) * 0.2, (0.012, 0.012, 0.014))


def _glitter(canvas: Canvas, web: Points, rng: np.random.Generator) -> None:
    """The facets between rays and rings, some white, some dark."""
    rings, rays = web.shape[:2]
    for colour, least, strength in (((0.02, 0.03, 0.03), 0.80, 0.20), (WHITE, 0.70, 0.22), (WHITE, 0.80, 0.35)):
        chosen = np.argwhere(rng.random((rings - 1, rays)) > least)
        facets = [web[[r, r, r + 1, r + 1], [k, (k + 1) % rays, (k + 1) % rays, k]] for r, k in chosen]
        if facets:
            canvas.fill(facets, colour, strength)


def _lamp(canvas: Canvas, _car: Car, damage: Damage, part: Points, rng: np.random.Generator) -> None:
    """A lens with a hole: splinters around it, the dark bowl, a bulb and its wire within."""
    severity = damage.severity
    red = damage.place.endswith("tail lamp")
    low, high = part.min(axis=0), part.max(axis=0)
    wide, tall = high - low
    x, y = within(part, 0.3 + 0.4 * damage.at[0], 0.35 + 0.3 * damage.at[1])
    grow = 0.24 + 0.08 * severity
    hole = _jagged(rng, (x, y), wide * grow, tall * (grow + 0.12), 13)
    lens: Colour = (0.98, 0.50, 0.46) if red else WHITE
    turns = 2 * np.pi * np.arange(5 + severity) / (5 + severity) + rng.normal(0, 0.2, 5 + severity)
    canvas.line([crooked(rng, (x, y), float(turn), wide * 0.75, 0.25, 6) for turn in turns], lens, 0.008, 0.9)
    canvas.fill(shifted(hole, 0, 0.012), lens, 0.95)
    canvas.fill(hole, Gradient((x, y + tall * 0.4), (x, y - tall * 0.4), ((0.010, 0.010, 0.012), (0.05, 0.048, 0.045))))
    with canvas.inside(hole):
        canvas.line(crooked(rng, (x - wide * 0.1, y - tall * 0.4), 1.2, tall * 0.7, 0.7), (0.78, 0.42, 0.08), 0.014)
        canvas.fill(ellipse(x + wide * 0.08, y, tall * 0.11), (0.40, 0.39, 0.36))
        canvas.fill(ellipse(x + wide * 0.08, y, tall * 0.06), (0.12, 0.11, 0.10))
    for k in range(3 + severity):
        corner = hole[int(rng.integers(len(hole)))]
        inward = (np.array([x, y]) - corner) * float(rng.uniform(0.25, 0.6))
        sideways = np.array([-inward[1], inward[0]]) * float(rng.uniform(0.2, 0.5))
        splinter = np.stack([corner - sideways, corner + sideways, corner + inward])
        canvas.fill(splinter, lens if k % 2 else (0.55, 0.56, 0.58), 0.85)


def _jagged(rng: np.random.Generator, middle: tuple[float, float], rx: float, ry: float, corners: int) -> Points:
    """A star-shaped hole with corners now near, now far."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.normal(0, 0.08, corners)
    far = np.where(np.arange(corners) % 2 == 0, 1.0, 0.66) * rng.uniform(0.8, 1.2, corners)
    return np.stack([middle[0] + rx * far * np.cos(angle), middle[1] + ry * far * np.sin(angle)], axis=1)


# Drawn over a finished car; a dent is a change of the surface itself, and has its folds drawn over besides.
MARKS = {"scratch": _scratch, "crack": _crack, "glass shatter": _shatter, "lamp broken": _lamp}


def draw_mark(canvas: Canvas, car: Car, view: str, damage: Damage) -> None:
    """Draw one damage inside its place; flat tyres are drawn with the car and change nothing here."""
    if draw := _folds if damage.label == "dent" else MARKS.get(damage.label):
        part = parts(car.body, view)[damage.place]
        with canvas.inside(outline(car.body, view)), canvas.inside(part):
            draw(canvas, car, damage, part, np.random.default_rng(damage.seed))
