"""Light on a scene, and how paint, plastic and metal answer to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from detect.sample.canvas import Colour, Map

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
        table = self._ball(np.asarray(base, np.float32), gloss, shine)

        def colour(nx: Map, ny: Map) -> Map:
            half = np.float32((GRID - 1) / 2)
            found = cv2.remap(table, (nx + 1) * half, (ny + 1) * half, cv2.INTER_LINEAR)
            return np.ascontiguousarray(np.moveaxis(found, 2, 0))

        return colour

    def mirrored(self, up: Map) -> Map:
        """The surroundings as seen in a mirror, by the upward part of the reflected ray, -1..1: RGB (..., 3)."""
        dark = tuple(0.35 * g + 0.3 * h * 0.3 for g, h in zip(self.ground, self.haze, strict=True))
        bright = tuple(min(1.0, 1.08 * h + 0.04) for h in self.haze)
        stops = (-1.0, -0.25, -0.03, 0.05, 0.13, 0.3, 0.75, 1.0)
        colours = (self.ground, self.ground, dark, dark, bright, self.haze, self.sky, self.sky)
        rgb = [np.interp(up, stops, channel) for channel in zip(*colours, strict=True)]
        return np.stack(rgb, axis=-1).astype(np.float32)

    def _ball(self, base: Map, gloss: float, shine: float) -> Map:
        axis = np.linspace(-1, 1, GRID, dtype=np.float32)
        nx, ny = np.meshgrid(axis, axis)
        nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0.02, 1))
        lx, ly, lz = self.sun
        facing = np.clip(nx * lx + ny * ly + nz * lz, 0, None)[..., None]
        lit = base * (self.ambient * (0.72 + 0.4 * ny[..., None]) + self.sunshine * facing)
        fresnel = (gloss + (0.55 - gloss) * (1 - nz) ** 2.0)[..., None] * min(1.0, gloss * 8)
        around = self.mirrored(2 * nz * ny)
        glint = np.clip(2 * nz * nx * lx + 2 * nz * ny * ly + (2 * nz * nz - 1) * lz, 0, 1) ** 40
        return np.asarray(lit * (1 - fresnel) + around * fresnel + shine * self.sunshine * glint[..., None], np.float32)


DAY = Light((-0.42, 0.72, 0.55), 0.62, 0.62, (1.0, 1.0, 1.0), (0.52, 0.66, 0.85), (0.90, 0.93, 0.96), (0.30, 0.29, 0.28), 1.0)
MOODS = {
    "noon": DAY,
    "morning": replace(DAY, sun=(0.62, 0.52, 0.58), tint=(1.07, 1.0, 0.88), haze=(1.0, 0.92, 0.80), sky=(0.60, 0.70, 0.84)),
    "overcast": replace(
        DAY, sunshine=0.18, ambient=0.92, tint=(0.97, 1.0, 1.04), sky=(0.74, 0.78, 0.83), haze=(0.88, 0.9, 0.92), exposure=0.96
    ),
    "dusk": replace(
        DAY, sun=(-0.75, 0.35, 0.55), sunshine=0.4, ambient=0.55, tint=(1.10, 0.97, 0.86), sky=(0.36, 0.42, 0.62), haze=(0.98, 0.74, 0.55),
        exposure=0.86,
    ),
    "night": replace(
        DAY, sun=(0.2, 0.85, 0.48), sunshine=0.6, ambient=0.4, tint=(0.92, 0.97, 1.10), sky=(0.09, 0.11, 0.19), haze=(0.38, 0.38, 0.42),
        ground=(0.16, 0.16, 0.18), exposure=0.68, night=True,
    ),
}
INDOORS = replace(
    DAY, sun=(0.1, 0.9, 0.42), sunshine=0.34, ambient=0.66, tint=(1.0, 1.0, 0.95), sky=(0.86, 0.88, 0.86), haze=(0.62, 0.63, 0.62),
    ground=(0.24, 0.24, 0.24), exposure=0.88,
)  # fmt: skip


def make_light(rng: np.random.Generator, *, indoors: bool) -> Light:
    """A light by chance: a mood of the day outdoors, lamps under the ceiling indoors; the sun from either side."""
    mood = INDOORS if indoors else MOODS[str(rng.choice(list(MOODS), p=[0.3, 0.2, 0.24, 0.14, 0.12]))]
    side = 1 if rng.random() < 0.5 else -1
    sun = np.array(mood.sun) * (side, 1, 1) + rng.normal(0, 0.08, 3)
    x, y, z = (float(v) for v in sun / np.linalg.norm(sun))
    return replace(mood, sun=(x, y, z), exposure=mood.exposure * float(rng.uniform(0.92, 1.08)))
