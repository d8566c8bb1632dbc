"""Light on a scene, and how paint, plastic and metal answer to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.sample.canvas import Colour, Map, mixed, scaled

GRID = 96  # cells of a material's table from one edge of the sphere to the other


@dataclass(frozen=True, slots=True)
class Light:
    """Sun and surroundings. `sun` points towards it: (right, up, to the viewer), unit length; colours are RGB 0..1."""

    sun: tuple[float, float, float]
    sunshine: float
    ambient: float
    tint: Colour
    sky: Colour
    haze: Colour
    ground: Colour
    exposure: float
    night: bool = False

    def material(self, base: Colour, gloss: float, shine: float = 0.5) -> Callable[[Map, Map], Map]:
        """What a surface of that colour looks like by its normal: (nx, ny) -> RGB (3, h, w).

        The answer is looked up in a table made once, a picture of a lit ball of the material. `gloss` is the share of
        the surroundings that is mirrored at right angles, `shine` the strength of the sun's own reflection.
        """
        table = _ball(self, base, gloss, shine)

        def colour(nx: Map, ny: Map) -> Map:
            half = np.float32((GRID - 1) / 2)
            found = cv2.remap(table, (nx + 1) * half, (ny + 1) * half, cv2.INTER_LINEAR)
            return np.ascontiguousarray(np.moveaxis(found, 2, 0))

        return colour

    def lit(self, colour: Colour | NDArray[np.float64], share: float = 1.0) -> Colour:
        """A dull surface of that colour in this light; `share` of it reaches there."""
        level = (0.55 * self.ambient + 0.75 * self.sunshine + 0.10) * share * (0.6 if self.night else 1.0)
        r, g, b = (float(np.clip(c * level, 0, 1)) for c in colour)
        return r, g, b

    def mirrored(self, up: Map) -> Map:
        """The surroundings as seen in a mirror, by the upward part of the reflected ray, -1..1: RGB (..., 3)."""
        dark, bright = mixed(scaled(self.ground, 0.5), scaled(self.haze, 0.3), 0.3), scaled(self.haze, 1.12)
        stops = (-1.0, -0.25, -0.03, 0.05, 0.13, 0.3, 0.75, 1.0)
        colours = (self.ground, self.ground, dark, dark, bright, self.haze, self.sky, self.sky)
        rgb = [np.interp(up, stops, channel) for channel in zip(*colours, strict=True)]
        return np.stack(rgb, axis=-1).astype(np.float32)


@lru_cache(maxsize=64)
def _ball(light: Light, base: Colour, gloss: float, shine: float) -> Map:
    """A lit ball of a material, seen by its normals: (GRID, GRID, 3)."""
    axis = np.linspace(-1, 1, GRID, dtype=np.float32)
    nx, ny = np.meshgrid(axis, axis)
    nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0.02, 1))
    lx, ly, lz = light.sun
    facing = np.clip(nx * lx + ny * ly + nz * lz, 0, None)[..., None]
    lit = np.asarray(base, np.float32) * (light.ambient * (0.72 + 0.4 * ny[..., None]) + light.sunshine * facing)
    fresnel = (gloss + (0.5 - gloss) * (1 - nz) ** 2.0)[..., None] * min(1.0, gloss * 8)
    around = light.mirrored(2 * nz * ny) * (1 - 0.55 * np.abs(2 * nz * nx))[..., None]
    glint = np.clip(2 * nz * nx * lx + 2 * nz * ny * ly + (2 * nz * nz - 1) * lz, 0, 1) ** 40
    return np.asarray(lit * (1 - fresnel) + around * fresnel + shine * light.sunshine * glint[..., None], np.float32)


DAY = Light(
    sun=(-0.42, 0.72, 0.55),
    sunshine=0.70,
    ambient=0.66,
    tint=(1.0, 1.0, 1.0),
    sky=(0.46, 0.63, 0.88),
    haze=(0.92, 0.95, 0.98),
    ground=(0.34, 0.33, 0.32),
    exposure=1.12,
)
MORNING = replace(DAY, sun=(0.62, 0.52, 0.58), tint=(1.07, 1.0, 0.89), haze=(1.0, 0.94, 0.84), sky=(0.58, 0.71, 0.88))
OVERCAST = replace(
    DAY, sunshine=0.20, ambient=0.98, tint=(0.97, 1.0, 1.04), sky=(0.76, 0.80, 0.85), haze=(0.90, 0.92, 0.94)
)
DUSK = replace(
    DAY,
    sun=(-0.75, 0.35, 0.55),
    sunshine=0.46,
    ambient=0.62,
    tint=(1.09, 0.97, 0.87),
    sky=(0.40, 0.47, 0.68),
    haze=(1.0, 0.78, 0.60),
    exposure=1.02,
)
NIGHT = replace(
    DAY,
    sun=(0.2, 0.85, 0.48),
    sunshine=0.75,
    ambient=0.52,
    tint=(0.92, 0.97, 1.10),
    sky=(0.10, 0.13, 0.22),
    haze=(0.36, 0.37, 0.42),
    ground=(0.18, 0.18, 0.20),
    exposure=0.86,
    night=True,
)
INDOORS = replace(
    DAY,
    sun=(0.1, 0.9, 0.42),
    sunshine=0.46,
    ambient=0.76,
    tint=(1.0, 1.0, 0.95),
    sky=(0.90, 0.92, 0.90),
    haze=(0.66, 0.67, 0.66),
    ground=(0.28, 0.28, 0.28),
    exposure=1.08,
)
OUTDOORS, OFTEN = (DAY, MORNING, OVERCAST, DUSK, NIGHT), (0.32, 0.20, 0.24, 0.13, 0.11)


def make_light(rng: np.random.Generator, *, indoors: bool) -> Light:
    """A light by chance: a mood of the day outdoors, lamps under the ceiling indoors; the sun from either side."""
    mood = INDOORS if indoors else OUTDOORS[int(rng.choice(len(OUTDOORS), p=OFTEN))]
    side = 1 if rng.random() < 0.5 else -1
    sun = np.array(mood.sun) * (side, 1, 1) + rng.normal(0, 0.08, 3)
    x, y, z = (float(v) for v in sun / np.linalg.norm(sun))
    return replace(mood, sun=(x, y, z), exposure=mood.exposure * float(rng.uniform(0.92, 1.08)))
