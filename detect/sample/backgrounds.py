"""Where the car stands: a street, a parking lot, a garage, a yard. x = 0 is below the car's middle."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.sample.canvas import Canvas, Colour, Gradient, Map, Window
from detect.sample.light import Light
from detect.sample.shapes import ellipse, polygon, rectangle

EYE = 1.4  # height of the camera, and so of the horizon, metres
AWAY = 6.0  # from the camera to the car, metres
FAR = 12.0
PLACES = ("street", "parking", "garage", "yard")

# Ground coordinates (across, away from the camera) to the car's plane: a thing z metres away looks AWAY / z as large.
ON_GROUND: NDArray[np.float64] = np.array([[AWAY, 0, 0], [0, EYE, -EYE * AWAY], [0, 1, 0]])


def draw_background(canvas: Canvas, place: str, light: Light, rng: np.random.Generator) -> None:
    """Fill the whole canvas with a place; what is far is a little out of focus."""
    draw: dict[str, Callable[[Canvas, Light, np.random.Generator], float]] = {
        "street": _street, "parking": _parking, "garage": _garage, "yard": _yard
    }  # fmt: skip
    height, width = canvas.pixels.shape[1:]
    half = np.diag([0.5, 0.5, 1.0])
    rough = Canvas(np.zeros((3, height // 2, width // 2), np.float32), half @ canvas.camera, Window(0, 0, width // 2, height // 2))
    foot = draw[place](rough, light, rng)
    soft = 2 * int(round(rough.scale * rng.uniform(0.004, 0.014))) + 1
    for k, plane in enumerate(rough.pixels):
        canvas.pixels[k] = cv2.resize(cv2.blur(cv2.blur(plane, (soft, soft)), (soft, soft)), (width, height))
    _ground(canvas, place, light, foot, rng)


def lying(canvas: Canvas) -> Canvas:
    """The same pixels, drawn on in ground coordinates: metres across and away from the camera."""
    return Canvas(canvas.pixels, canvas.camera @ ON_GROUND, canvas.window, clips=canvas.clips)


def _lit(light: Light, colour: Colour | NDArray[np.float64], share: float = 1.0) -> Colour:
    level = (0.55 * light.ambient + 0.75 * light.sunshine + 0.10) * share * (0.6 if light.night else 1.0)
    r, g, b = (float(np.clip(c * level, 0, 1)) for c in colour)
    return r, g, b


def _sky(canvas: Canvas, light: Light, rng: np.random.Generator) -> None:
    canvas.fill(rectangle(-FAR, -9, FAR, FAR), Gradient((0, 1.2), (0, 4.5), (light.haze, light.sky)))
    for _ in range(int(rng.integers(0, 7))):
        x, y, size = rng.uniform(-6, 6), rng.uniform(2.2, 5), rng.uniform(0.5, 1.6)
        canvas.fill(ellipse(x, y, size, size * 0.22), _mixed(light.haze, (1, 1, 1), 0.3), 0.5, soft=size * 0.16)


def _mixed(a: Colour, b: Colour, share: float) -> Colour:
    r, g, b_ = (float(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return r, g, b_


def _tree(canvas: Canvas, light: Light, rng: np.random.Generator, x: float, foot: float, size: float) -> None:
    trunk, green = _lit(light, (0.26, 0.20, 0.15)), np.array((0.20, 0.30, 0.13)) * rng.uniform(0.7, 1.3)
    canvas.fill(polygon((x - 0.07 * size, foot), (x + 0.07 * size, foot), (x + 0.04, foot + size), (x - 0.04, foot + size)), trunk)
    for k in range(9):
        dx, dy = rng.normal(0, 0.42 * size), rng.normal(1.35, 0.35) * size
        canvas.fill(ellipse(x + dx, foot + dy, 0.42 * size, 0.34 * size), _lit(light, green, 0.65 + 0.07 * k), 0.9, soft=0.06)


def _street(canvas: Canvas, light: Light, rng: np.random.Generator) -> float:
    """House fronts behind a pavement."""
    _sky(canvas, light, rng)
    foot, x = 0.70, -7.0 + float(rng.uniform(0, 2))
    while x < 7:
        wide, tall = float(rng.uniform(2.2, 4.0)), float(rng.uniform(2.2, 5.0))
        _house(canvas, light, rng, x, foot, wide, tall)
        x += wide + (float(rng.uniform(0.2, 1.2)) if rng.random() < 0.3 else 0.02)
    for _ in range(int(rng.integers(0, 3))):
        _tree(canvas, light, rng, float(rng.uniform(-4, 4)), foot - 0.05, float(rng.uniform(1.0, 1.7)))
    canvas.fill(rectangle(-FAR, 0.45, FAR, foot), Gradient((0, foot), (0, 0.45), (_lit(light, (0.42, 0.41, 0.40)), _lit(light, (0.56, 0.55, 0.53)))))
    canvas.fill(rectangle(-FAR, 0.40, FAR, 0.46), _lit(light, (0.36, 0.36, 0.36)))
    return 0.40


def _house(canvas: Canvas, light: Light, rng: np.random.Generator, x: float, foot: float, wide: float, tall: float) -> None:
    walls = ((0.72, 0.62, 0.50), (0.62, 0.42, 0.34), (0.66, 0.66, 0.64), (0.80, 0.76, 0.66), (0.48, 0.52, 0.56), (0.55, 0.30, 0.26))
    wall = np.array(walls[int(rng.integers(len(walls)))])
    canvas.fill(rectangle(x, foot, x + wide, foot + tall), Gradient((x, foot), (x, foot + tall), (_lit(light, wall, 0.62), _lit(light, wall, 0.85))))
    canvas.fill(rectangle(x, foot, x + wide, foot + 0.22), _lit(light, wall, 0.45))
    across = max(2, round(wide / 0.8))
    glows = light.night
    for row in range(int((tall - 0.5) / 0.95)):
        for column in range(across):
            cx, cy = x + wide * (column + 0.5) / across, foot + 0.42 + row * 0.95
            lit_up = glows and rng.random() < 0.35
            pane = (0.95, 0.80, 0.45) if lit_up else _mixed(_lit(light, (0.14, 0.17, 0.20)), light.haze, float(rng.uniform(0, 0.25)))
            canvas.fill(rectangle(cx - 0.25, cy - 0.04, cx + 0.25, cy + 0.60), _lit(light, wall, 1.0))
            canvas.fill(rectangle(cx - 0.20, cy, cx + 0.20, cy + 0.56), pane)


def _parking(canvas: Canvas, light: Light, rng: np.random.Generator) -> float:
    """An open lot: a hedge, trees, other cars far off."""
    _sky(canvas, light, rng)
    for _ in range(int(rng.integers(3, 8))):
        _tree(canvas, light, rng, float(rng.uniform(-7, 7)), 1.0, float(rng.uniform(0.8, 1.6)))
    hedge = np.array((0.17, 0.25, 0.12)) * rng.uniform(0.8, 1.3)
    canvas.fill(rectangle(-FAR, 0.8, FAR, 1.55), _lit(light, hedge, 0.7))
    for _ in range(26):
        x, y = rng.uniform(-7, 7), rng.uniform(1.1, 1.6)
        canvas.fill(ellipse(x, y, 0.4, 0.16), _lit(light, hedge, float(rng.uniform(0.6, 1.15))), 0.8, soft=0.05)
    canvas.fill(rectangle(-FAR, 0.45, FAR, 0.95), Gradient((0, 0.95), (0, 0.4), (_lit(light, (0.40, 0.40, 0.41)), _lit(light, (0.36, 0.36, 0.37)))))
    for x in np.arange(-7, 7, 1.9) + rng.uniform(0, 1.9):
        if rng.random() < 0.6:
            _distant_car(canvas, light, rng, float(x), 0.86)
    return 0.45


def _distant_car(canvas: Canvas, light: Light, rng: np.random.Generator, x: float, foot: float) -> None:
    paint = np.array(((0.8, 0.8, 0.8), (0.15, 0.15, 0.16), (0.5, 0.08, 0.08), (0.12, 0.2, 0.4), (0.5, 0.5, 0.52))[int(rng.integers(5))])
    canvas.fill(rectangle(x - 0.42, foot - 0.03, x + 0.42, foot + 0.06), (0.02, 0.02, 0.02), 0.8, soft=0.02)
    canvas.fill(polygon((x - 0.33, foot + 0.3), (x + 0.33, foot + 0.3), (x + 0.24, foot + 0.55), (x - 0.24, foot + 0.55), radius=0.06), _lit(light, paint, 0.7))
    canvas.fill(polygon((x - 0.27, foot + 0.33), (x + 0.27, foot + 0.33), (x + 0.21, foot + 0.51), (x - 0.21, foot + 0.51), radius=0.04), (0.05, 0.06, 0.07))
    canvas.fill(rectangle(x - 0.40, foot + 0.05, x + 0.40, foot + 0.34, 0.07), Gradient((x, foot + 0.34), (x, foot), (_lit(light, paint, 1.0), _lit(light, paint, 0.45))))


def _garage(canvas: Canvas, light: Light, rng: np.random.Generator) -> float:
    """Concrete walls with a painted band, pillars, a strip of lamps."""
    wall = np.array((0.62, 0.61, 0.58)) * rng.uniform(0.75, 1.05)
    canvas.fill(rectangle(-FAR, -9, FAR, FAR), Gradient((0, 0.5), (0, 3.2), (_lit(light, wall, 0.62), _lit(light, wall, 0.95))))
    bands = ((0.72, 0.55, 0.10), (0.12, 0.35, 0.55), (0.16, 0.42, 0.30), (0.62, 0.16, 0.12), (0.45, 0.45, 0.44))
    band = np.array(bands[int(rng.integers(len(bands)))])
    canvas.fill(rectangle(-FAR, 0.5, FAR, float(rng.uniform(0.85, 1.2))), _lit(light, band, 0.75))
    for y in (1.7, 2.6):
        canvas.fill(rectangle(-FAR, y, FAR, y + 0.012), (0.15, 0.15, 0.14), 0.5)
    for x in np.arange(-8, 8, float(rng.uniform(2.6, 3.6))) + rng.uniform(0, 2):
        canvas.fill(rectangle(x - 0.06, 0.4, x + 0.5, FAR), (0, 0, 0), 0.35, soft=0.15)
        pillar = Gradient((x - 0.22, 0), (x + 0.22, 0), (_lit(light, wall, 0.95), _lit(light, wall, 0.6)))
        canvas.fill(rectangle(x - 0.22, 0.38, x + 0.22, FAR), pillar)
        canvas.fill(rectangle(x - 0.22, 0.55, x + 0.22, 0.95), _lit(light, (0.75, 0.62, 0.12), 0.8))
        for k in range(3):
            canvas.fill(polygon((x - 0.22, 0.58 + 0.13 * k), (x + 0.22, 0.68 + 0.13 * k), (x + 0.22, 0.74 + 0.13 * k), (x - 0.22, 0.64 + 0.13 * k)), (0.05, 0.05, 0.05))
    canvas.fill(rectangle(-FAR, 3.0, FAR, FAR), _lit(light, wall, 0.35))
    for x in np.arange(-8, 8, 2.6) + rng.uniform(0, 2):
        canvas.fill(rectangle(x, 2.92, x + 1.5, 3.02), (1, 1, 0.96), soft=0.03)
    return 0.48


def _yard(canvas: Canvas, light: Light, rng: np.random.Generator) -> float:
    """A wall of bricks, a wooden fence or a roller door close behind the car."""
    _sky(canvas, light, rng)
    if rng.random() < 0.6:
        _tree(canvas, light, rng, float(rng.uniform(-3, 3)), 1.5, float(rng.uniform(1.2, 2.0)))
    foot, top = 0.5, float(rng.uniform(1.7, 3.4))
    kind = int(rng.integers(3))
    base = np.array(((0.52, 0.27, 0.20), (0.45, 0.34, 0.22), (0.52, 0.55, 0.57))[kind]) * rng.uniform(0.8, 1.2)
    canvas.fill(rectangle(-FAR, foot, FAR, top), Gradient((0, foot), (0, top), (_lit(light, base, 0.6), _lit(light, base, 0.95))))
    if kind == 0:
        _bricks(canvas, light, rng, foot, top, base)
    elif kind == 1:
        for x in np.arange(-7, 7, 0.17):
            canvas.fill(rectangle(x, foot, x + 0.15, top - float(rng.uniform(0, 0.05))), _lit(light, base, float(rng.uniform(0.7, 1.1))), 0.8)
            canvas.line(polygon((x, foot), (x, top)), (0.04, 0.03, 0.02), 0.02)
    else:
        for y in np.arange(foot, top, 0.11):
            canvas.fill(rectangle(-7, y, 7, y + 0.035), _lit(light, base, 0.45), 0.7)
    canvas.fill(rectangle(-FAR, foot - 0.05, FAR, foot + 0.18), (0, 0, 0), 0.4, soft=0.10)
    return foot


def _bricks(canvas: Canvas, light: Light, rng: np.random.Generator, foot: float, top: float, base: NDArray[np.float64]) -> None:
    mortar = _lit(light, (0.55, 0.52, 0.48), 0.7)
    for row, y in enumerate(np.arange(foot, top, 0.10)):
        canvas.line(polygon((-7, y), (7, y)), mortar, 0.014, 0.8)
        for x in np.arange(-6.5, 6.5, 0.30) + (0.15 if row % 2 else 0.0):
            canvas.line(polygon((x, y), (x, y + 0.10)), mortar, 0.013, 0.7)
            if rng.random() < 0.12:
                canvas.fill(rectangle(x, y, x + 0.30, y + 0.10), _lit(light, base * rng.uniform(0.6, 1.35)), 0.6)


def _ground(canvas: Canvas, place: str, light: Light, foot: float, rng: np.random.Generator) -> None:
    """The floor from the camera to the height `foot` of the picture, in perspective."""
    kinds = {"street": ("asphalt",), "parking": ("asphalt", "asphalt", "paving"), "garage": ("concrete",), "yard": ("paving", "gravel", "concrete", "grass")}[place]
    kind = kinds[int(rng.integers(len(kinds)))]
    colours = {"asphalt": (0.36, 0.36, 0.37), "concrete": (0.55, 0.54, 0.52), "paving": (0.46, 0.42, 0.38), "gravel": (0.50, 0.47, 0.42), "grass": (0.24, 0.33, 0.13)}
    base = np.array(colours[kind]) * rng.uniform(0.8, 1.15)
    shade = Gradient((0, foot), (0, -1.2), (_lit(light, base, 0.85), _lit(light, base, 1.0), _lit(light, base, 0.8)))
    floor = rectangle(-FAR, -9, FAR, foot)
    canvas.fill(floor, shade)
    with canvas.inside(floor):
        _grain(canvas, {"asphalt": 0.10, "concrete": 0.05, "paving": 0.07, "gravel": 0.26, "grass": 0.26}[kind], kind in ("gravel", "grass"), rng)
        flat = lying(canvas)
        if kind in ("paving", "concrete"):
            _joints(flat, 0.5 if kind == "paving" else 2.5, _lit(light, base, 0.5), rng)
        if place in ("parking", "garage"):
            paint = _lit(light, ((0.9, 0.9, 0.88), (0.85, 0.66, 0.12))[int(rng.random() < 0.3)], 0.95)
            start = float(rng.uniform(-1.5, 0))
            for x in np.arange(start - 7.5, 8, 2.5):
                flat.fill(rectangle(x, 3.0, x + 0.11, 8.5), paint, 0.75)
        if place == "street" and rng.random() < 0.7:
            for x in np.arange(-9, 9, 3.0):
                flat.fill(rectangle(x, 4.05, x + 1.6, 4.17), _lit(light, (0.9, 0.9, 0.88)), 0.7)


def _joints(flat: Canvas, pitch: float, colour: Colour, rng: np.random.Generator) -> None:
    shift, half = float(rng.uniform(0, pitch)), 0.012
    for z in np.arange(2.2 + shift, 13, pitch):
        flat.fill(rectangle(-6, z - half * 1.6, 6, z + half * 1.6), colour, 0.6)
    for x in np.arange(-6 + shift, 6, pitch):
        flat.fill(rectangle(x - half, 2.2, x + half, 14), colour, 0.6)


def _grain(canvas: Canvas, strength: float, coarse: bool, rng: np.random.Generator) -> None:
    """Speckles that lie on the ground: a tile of noise, repeated, seen in perspective, fading with the distance."""
    size, pitch = 192, 0.022 if coarse else 0.012
    noise = rng.standard_normal((size, size), dtype=np.float32)
    blotches = np.tile(rng.standard_normal((8, 8), dtype=np.float32), (3, 3))
    blotches = cv2.resize(blotches, (3 * size, 3 * size), interpolation=cv2.INTER_CUBIC)[size : 2 * size, size : 2 * size]
    noise = cv2.GaussianBlur(noise, (0, 0), 0.8, borderType=cv2.BORDER_REFLECT) + 0.35 * blotches
    tile = canvas.camera @ ON_GROUND @ np.array([[pitch, 0, 0], [0, pitch, 2.0], [0, 0, 1.0]])
    shift = np.array([[1, 0, -canvas.window.left], [0, 1, -canvas.window.top], [0, 0, 1.0]])
    height, width = canvas.pixels.shape[1:]
    speckle: Map = cv2.warpPerspective(noise, shift @ tile, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    cover = canvas.clips[-1] if canvas.clips else np.float32(1)
    canvas.pixels *= 1 + np.float32(strength) * np.clip(speckle, -2.5, 2.5) * cover
