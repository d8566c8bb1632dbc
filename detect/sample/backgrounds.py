"""Where the car stands: a street, a parking lot, a garage, a yard. x = 0 is below the car's middle."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.sample.canvas import Canvas, Gradient, Window, mixed
from detect.sample.ground import FAR, draw_ground
from detect.sample.light import Light
from detect.sample.outlines import ellipse, polygon, rectangle

PLACES = ("street", "parking", "garage", "yard")


def draw_background(canvas: Canvas, place: str, light: Light, style: int, rng: np.random.Generator) -> None:
    """Fill the whole canvas with a place; what is far is a little out of focus.

    `style` picks what all photos of a claim share, such as the floor; `rng` what differs from photo to photo.
    """
    draw = {"street": _street, "parking": _parking, "garage": _garage, "yard": _yard}[place]
    height, width = canvas.pixels.shape[1:]
    half = np.diag([0.5, 0.5, 1.0])
    rough = Canvas(
        np.zeros((3, height // 2, width // 2), np.float32), half @ canvas.camera, Window(0, 0, width // 2, height // 2)
    )
    foot = draw(rough, light, style, rng)
    soft = 2 * round(rough.scale * float(rng.uniform(0.004, 0.014))) + 1
    for k, plane in enumerate(rough.pixels):
        canvas.pixels[k] = cv2.resize(cv2.blur(cv2.blur(plane, (soft, soft)), (soft, soft)), (width, height))
    draw_ground(canvas, place, light, foot, style, rng)


def _sky(canvas: Canvas, light: Light, rng: np.random.Generator) -> None:
    canvas.fill(rectangle(-FAR, -9, FAR, FAR), Gradient((0, 1.2), (0, 4.5), (light.haze, light.sky)))
    for _ in range(int(rng.integers(0, 7))):
        x, y, size = rng.uniform(-6, 6), rng.uniform(2.2, 5), rng.uniform(0.5, 1.6)
        canvas.fill(ellipse(x, y, size, size * 0.22), mixed(light.haze, (1, 1, 1), 0.3), 0.5, soft=size * 0.16)


def _tree(canvas: Canvas, light: Light, rng: np.random.Generator, x: float, foot: float, size: float) -> None:
    trunk, green = light.lit((0.26, 0.20, 0.15)), np.array((0.20, 0.30, 0.13)) * rng.uniform(0.7, 1.3)
    canvas.fill(
        polygon((x - 0.07 * size, foot), (x + 0.07 * size, foot), (x + 0.04, foot + size), (x - 0.04, foot + size)),
        trunk,
    )
    for k in range(9):
        dx, dy = rng.normal(0, 0.42 * size), rng.normal(1.35, 0.35) * size
        canvas.fill(
            ellipse(x + dx, foot + dy, 0.42 * size, 0.34 * size), light.lit(green, 0.65 + 0.07 * k), 0.9, soft=0.06
        )


def _street(canvas: Canvas, light: Light, _style: int, rng: np.random.Generator) -> float:
    """House fronts behind a pavement."""
    _sky(canvas, light, rng)
    foot, x = 0.70, -7.0 + float(rng.uniform(0, 2))
    while x < 7:
        wide, tall = float(rng.uniform(2.2, 4.0)), float(rng.uniform(2.2, 5.0))
        _house(canvas, light, rng, x, foot, wide, tall)
        x += wide + (float(rng.uniform(0.2, 1.2)) if rng.random() < 0.3 else 0.02)
    for _ in range(int(rng.integers(0, 3))):
        _tree(canvas, light, rng, float(rng.uniform(-4, 4)), foot - 0.05, float(rng.uniform(1.0, 1.7)))
    canvas.fill(
        rectangle(-FAR, 0.45, FAR, foot),
        Gradient((0, foot), (0, 0.45), (light.lit((0.42, 0.41, 0.40)), light.lit((0.56, 0.55, 0.53)))),
    )
    canvas.fill(rectangle(-FAR, 0.40, FAR, 0.46), light.lit((0.36, 0.36, 0.36)))
    return 0.40


def _house(
    canvas: Canvas, light: Light, rng: np.random.Generator, x: float, foot: float, wide: float, tall: float
) -> None:
    walls = (
        (0.72, 0.62, 0.50),
        (0.62, 0.42, 0.34),
        (0.66, 0.66, 0.64),
        (0.80, 0.76, 0.66),
        (0.48, 0.52, 0.56),
        (0.55, 0.30, 0.26),
    )
    wall = np.array(walls[int(rng.integers(len(walls)))])
    canvas.fill(
        rectangle(x, foot, x + wide, foot + tall),
        Gradient((x, foot), (x, foot + tall), (light.lit(wall, 0.62), light.lit(wall, 0.85))),
    )
    canvas.fill(rectangle(x, foot, x + wide, foot + 0.22), light.lit(wall, 0.45))
    columns, rows = max(2, round(wide / 0.8)), int((tall - 0.5) / 0.95)
    corners = [(x + wide * (c + 0.5) / columns, foot + 0.42 + r * 0.95) for r in range(rows) for c in range(columns)]
    if not corners:
        return
    canvas.fill([rectangle(a - 0.25, b - 0.04, a + 0.25, b + 0.60) for a, b in corners], light.lit(wall, 1.0))
    lamps = [light.night and rng.random() < 0.35 for _ in corners]
    dark = mixed(light.lit((0.14, 0.17, 0.20)), light.haze, float(rng.uniform(0, 0.25)))
    for lamp, colour in ((False, dark), (True, (0.95, 0.80, 0.45))):
        panes = [
            rectangle(a - 0.20, b, a + 0.20, b + 0.56) for (a, b), on in zip(corners, lamps, strict=True) if on == lamp
        ]
        if panes:
            canvas.fill(panes, colour)


def _parking(canvas: Canvas, light: Light, _style: int, rng: np.random.Generator) -> float:
    """An open lot: a hedge, trees, other cars far off."""
    _sky(canvas, light, rng)
    for _ in range(int(rng.integers(3, 8))):
        _tree(canvas, light, rng, float(rng.uniform(-7, 7)), 1.0, float(rng.uniform(0.8, 1.6)))
    hedge = np.array((0.17, 0.25, 0.12)) * rng.uniform(0.8, 1.3)
    canvas.fill(rectangle(-FAR, 0.8, FAR, 1.55), light.lit(hedge, 0.7))
    for _ in range(26):
        x, y = rng.uniform(-7, 7), rng.uniform(1.1, 1.6)
        canvas.fill(ellipse(x, y, 0.4, 0.16), light.lit(hedge, float(rng.uniform(0.6, 1.15))), 0.8, soft=0.05)
    canvas.fill(
        rectangle(-FAR, 0.45, FAR, 0.95),
        Gradient((0, 0.95), (0, 0.4), (light.lit((0.40, 0.40, 0.41)), light.lit((0.36, 0.36, 0.37)))),
    )
    for x in np.arange(-7, 7, 1.9) + rng.uniform(0, 1.9):
        if rng.random() < 0.6:
            _distant_car(canvas, light, rng, float(x), 0.86)
    return 0.45


def _distant_car(canvas: Canvas, light: Light, rng: np.random.Generator, x: float, foot: float) -> None:
    paint = np.array(
        ((0.8, 0.8, 0.8), (0.15, 0.15, 0.16), (0.5, 0.08, 0.08), (0.12, 0.2, 0.4), (0.5, 0.5, 0.52))[
            int(rng.integers(5))
        ]
    )
    canvas.fill(rectangle(x - 0.42, foot - 0.03, x + 0.42, foot + 0.06), (0.02, 0.02, 0.02), 0.8, soft=0.02)
    canvas.fill(
        polygon(
            (x - 0.33, foot + 0.3),
            (x + 0.33, foot + 0.3),
            (x + 0.24, foot + 0.55),
            (x - 0.24, foot + 0.55),
            radius=0.06,
        ),
        light.lit(paint, 0.7),
    )
    canvas.fill(
        polygon(
            (x - 0.27, foot + 0.33),
            (x + 0.27, foot + 0.33),
            (x + 0.21, foot + 0.51),
            (x - 0.21, foot + 0.51),
            radius=0.04,
        ),
        (0.05, 0.06, 0.07),
    )
    canvas.fill(
        rectangle(x - 0.40, foot + 0.05, x + 0.40, foot + 0.34, 0.07),
        Gradient((x, foot + 0.34), (x, foot), (light.lit(paint, 1.0), light.lit(paint, 0.45))),
    )


def _garage(canvas: Canvas, light: Light, style: int, rng: np.random.Generator) -> float:
    """Concrete walls with a painted band, pillars, a strip of lamps."""
    wall = np.array((0.62, 0.61, 0.58)) * (0.78 + 0.04 * (style % 7))
    canvas.fill(
        rectangle(-FAR, -9, FAR, FAR), Gradient((0, 0.5), (0, 3.2), (light.lit(wall, 0.62), light.lit(wall, 0.95)))
    )
    bands = ((0.72, 0.55, 0.10), (0.12, 0.35, 0.55), (0.16, 0.42, 0.30), (0.62, 0.16, 0.12), (0.45, 0.45, 0.44))
    band = np.array(bands[style % len(bands)])
    canvas.fill(rectangle(-FAR, 0.5, FAR, 0.85 + 0.05 * (style % 8)), light.lit(band, 0.75))
    for y in (1.7, 2.6):
        canvas.fill(rectangle(-FAR, y, FAR, y + 0.012), (0.15, 0.15, 0.14), 0.5)
    for x in np.arange(-8, 8, float(rng.uniform(2.6, 3.6))) + rng.uniform(0, 2):
        canvas.fill(rectangle(x - 0.06, 0.4, x + 0.5, FAR), (0, 0, 0), 0.35, soft=0.15)
        pillar = Gradient((x - 0.22, 0), (x + 0.22, 0), (light.lit(wall, 0.95), light.lit(wall, 0.6)))
        canvas.fill(rectangle(x - 0.22, 0.38, x + 0.22, FAR), pillar)
        canvas.fill(rectangle(x - 0.22, 0.55, x + 0.22, 0.95), light.lit((0.75, 0.62, 0.12), 0.8))
        for k in range(3):
            canvas.fill(
                polygon(
                    (x - 0.22, 0.58 + 0.13 * k),
                    (x + 0.22, 0.68 + 0.13 * k),
                    (x + 0.22, 0.74 + 0.13 * k),
                    (x - 0.22, 0.64 + 0.13 * k),
                ),
                (0.05, 0.05, 0.05),
            )
    canvas.fill(rectangle(-FAR, 3.0, FAR, FAR), light.lit(wall, 0.35))
    for x in np.arange(-8, 8, 2.6) + rng.uniform(0, 2):
        canvas.fill(rectangle(x, 2.92, x + 1.5, 3.02), (1, 1, 0.96), soft=0.03)
    return 0.48


def _yard(canvas: Canvas, light: Light, style: int, rng: np.random.Generator) -> float:
    """A wall of bricks, a wooden fence or a roller door close behind the car."""
    _sky(canvas, light, rng)
    if rng.random() < 0.6:
        _tree(canvas, light, rng, float(rng.uniform(-3, 3)), 1.5, float(rng.uniform(1.2, 2.0)))
    foot, top = 0.5, float(rng.uniform(1.7, 3.4))
    kind = style % 3
    base = np.array(((0.52, 0.27, 0.20), (0.45, 0.34, 0.22), (0.52, 0.55, 0.57))[kind]) * rng.uniform(0.8, 1.2)
    canvas.fill(
        rectangle(-FAR, foot, FAR, top),
        Gradient((0, foot), (0, top), (light.lit(base, 0.6), light.lit(base, 0.95))),
    )
    if kind == 0:
        _bricks(canvas, light, rng, foot, top, base)
    elif kind == 1:
        boards = np.arange(-7, 7, 0.17)
        for k in range(3):
            canvas.fill(
                [rectangle(x, foot, x + 0.15, top) for x in boards[rng.random(len(boards)) < 0.35]],
                light.lit(base, 0.7 + 0.2 * k),
                0.8,
            )
        canvas.line([polygon((x, foot), (x, top)) for x in boards], (0.04, 0.03, 0.02), 0.02)
    else:
        canvas.fill([rectangle(-7, y, 7, y + 0.035) for y in np.arange(foot, top, 0.11)], light.lit(base, 0.45), 0.7)
    canvas.fill(rectangle(-FAR, foot - 0.05, FAR, foot + 0.18), (0, 0, 0), 0.4, soft=0.10)
    return foot


def _bricks(
    canvas: Canvas, light: Light, rng: np.random.Generator, foot: float, top: float, base: NDArray[np.float64]
) -> None:
    mortar = light.lit((0.55, 0.52, 0.48), 0.7)
    rows = np.arange(foot, top, 0.10)
    bricks = [(x, y) for k, y in enumerate(rows) for x in np.arange(-6.5 + 0.15 * (k % 2), 6.5, 0.30)]
    for share in (0.65, 0.85, 1.3):
        odd = [bricks[int(k)] for k in rng.choice(len(bricks), len(bricks) // 25)]
        canvas.fill([rectangle(x, y, x + 0.30, y + 0.10) for x, y in odd], light.lit(base * share), 0.6)
    canvas.line([polygon((-7, y), (7, y)) for y in rows], mortar, 0.014, 0.8)
    canvas.line([polygon((x, y), (x, y + 0.10)) for x, y in bricks], mortar, 0.013, 0.7)
