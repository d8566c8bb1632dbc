"""The ground below the car, in perspective. x = 0 is below the car's middle."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.sample.canvas import Canvas, Colour, Gradient, Map
from detect.sample.light import Light
from detect.sample.outlines import rectangle

EYE = 1.4  # height of the camera, and so of the horizon, metres
AWAY = 6.0  # from the camera to the car, metres
FAR = 12.0  # as far to either side as anything is drawn, metres

# Ground coordinates (across, away from the camera) to the car's plane: a thing z metres away looks AWAY / z as large.
ON_GROUND: NDArray[np.float64] = np.array([[AWAY, 0, 0], [0, EYE, -EYE * AWAY], [0, 1, 0]])


def lying(canvas: Canvas) -> Canvas:
    """The same pixels, drawn on in ground coordinates: metres across and away from the camera."""
    return Canvas(canvas.pixels, canvas.camera @ ON_GROUND, canvas.window, clips=canvas.clips)


def draw_ground(canvas: Canvas, place: str, light: Light, foot: float, style: int, rng: np.random.Generator) -> None:
    """The floor from the camera to the height `foot` of the picture, in perspective."""
    kinds = {
        "street": ("asphalt",),
        "parking": ("asphalt", "asphalt", "paving"),
        "garage": ("concrete",),
        "yard": ("paving", "gravel", "concrete", "grass"),
    }[place]
    kind = kinds[style // 7 % len(kinds)]
    colours = {
        "asphalt": (0.36, 0.36, 0.37),
        "concrete": (0.55, 0.54, 0.52),
        "paving": (0.46, 0.42, 0.38),
        "gravel": (0.50, 0.47, 0.42),
        "grass": (0.24, 0.33, 0.13),
    }
    base = np.array(colours[kind]) * (0.8 + 0.05 * (style % 8))
    shade = Gradient((0, foot), (0, -1.2), (light.lit(base, 0.85), light.lit(base, 1.0), light.lit(base, 0.8)))
    floor = rectangle(-FAR, -9, FAR, foot)
    canvas.fill(floor, shade)
    with canvas.inside(floor):
        _grain(
            canvas,
            {"asphalt": 0.10, "concrete": 0.05, "paving": 0.07, "gravel": 0.26, "grass": 0.26}[kind],
            kind in ("gravel", "grass"),
            rng,
        )
        flat = lying(canvas)
        if kind in ("paving", "concrete"):
            _joints(flat, 0.5 if kind == "paving" else 2.5, light.lit(base, 0.5), rng)
        if place in ("parking", "garage"):
            paint = light.lit(((0.9, 0.9, 0.88), (0.85, 0.66, 0.12))[style % 3 == 0], 0.95)
            start = float(rng.uniform(-1.5, 0))
            for x in np.arange(start - 7.5, 8, 2.5):
                flat.fill(rectangle(x, 3.0, x + 0.11, 8.5), paint, 0.75)
        if place == "street" and rng.random() < 0.7:
            for x in np.arange(-9, 9, 3.0):
                flat.fill(rectangle(x, 4.05, x + 1.6, 4.17), light.lit((0.9, 0.9, 0.88)), 0.7)


def _joints(flat: Canvas, pitch: float, colour: Colour, rng: np.random.Generator) -> None:
    shift, half = float(rng.uniform(0, pitch)), 0.012
    joints = [rectangle(-6, z - half * 1.6, 6, z + half * 1.6) for z in np.arange(2.2 + shift, 13, pitch)]
    joints += [rectangle(x - half, 2.2, x + half, 14) for x in np.arange(-6 + shift, 6, pitch)]
    flat.fill(joints, colour, 0.6)


def _grain(canvas: Canvas, strength: float, coarse: bool, rng: np.random.Generator) -> None:
    """Speckles that lie on the ground, inside the clip: a tile of noise, repeated, seen in perspective."""
    window, cover = canvas.clips[-1]
    if window.empty:
        return
    size, pitch = 192, 0.022 if coarse else 0.012
    noise = rng.standard_normal((size, size), dtype=np.float32)
    blotches = np.tile(rng.standard_normal((8, 8), dtype=np.float32), (3, 3))
    blotches = cv2.resize(blotches, (3 * size, 3 * size), interpolation=cv2.INTER_CUBIC)[
        size : 2 * size, size : 2 * size
    ]
    noise = cv2.GaussianBlur(noise, (0, 0), 0.8, borderType=cv2.BORDER_REFLECT) + 0.35 * blotches
    tile = canvas.camera @ ON_GROUND @ np.array([[pitch, 0, 0], [0, pitch, 2.0], [0, 0, 1.0]])
    shift = np.array([[1, 0, -window.left], [0, 1, -window.top], [0, 0, 1.0]])
    size_there = (window.right - window.left, window.bottom - window.top)
    speckle: Map = cv2.warpPerspective(
        noise, shift @ tile, size_there, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    np.clip(speckle, -2.5, 2.5, out=speckle)
    canvas.pixels[:, window.top : window.bottom, window.left : window.right] *= (
        1 + np.float32(strength) * speckle * cover
    )
