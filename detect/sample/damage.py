"""The six types of damage: what they are, where they sit and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detect.sample.canvas import Map, Relief
from detect.sample.cars import Body
from detect.sample.outlines import Points, within
from detect.sample.parts import parts

CLASSES = ("dent", "scratch", "crack", "glass shatter", "lamp broken", "tire flat")
# How far from its middle a damage of severity s can reach, metres: least + more * s.
REACH = {"dent": (0.33, 0.060), "scratch": (0.56, 0.055), "crack": (0.44, 0.065)}
WHOLE_PART = ("lamp broken", "tire flat")  # seen from every side from which the part is seen


@dataclass(frozen=True, slots=True)
class Damage:
    """One damage of a car. `at` is its middle in shares (u, v) of the place's extent, as seen in the view `home`."""

    label: str
    severity: int
    place: str
    home: str
    at: tuple[float, float]
    seed: int

    def seen(self, body: Body, view: str) -> bool:
        """Whether it shows in a view."""
        return self.place in parts(body, view) and (view == self.home or self.label in WHOLE_PART)

    def spot(self, body: Body, view: str) -> tuple[float, float]:
        """Its middle, in the metres of a view."""
        return within(parts(body, view)[self.place], *self.at)

    def around(self, body: Body, view: str) -> Points:
        """Corners of a field outside of which it changes nothing, in the metres of a view."""
        part = parts(body, view)[self.place]
        if self.label in REACH:
            least, more = REACH[self.label]
            (x, y), far = self.spot(body, view), least + more * self.severity
            return np.array([(x - far, y - far), (x + far, y + far), (x - far, y + far), (x + far, y - far)])
        (x1, y1), (x2, y2) = part.min(axis=0) - 0.3, part.max(axis=0) + 0.3
        return np.array([(x1, y1), (x2, y2), (x1, y2), (x2, y1)])


def places(label: str, body: Body, view: str) -> list[str]:
    """The places of a view that a damage of that type can have."""
    words = {
        "dent": ("door", "fender", "hood", "bumper", "tailgate", "trunk lid"),
        "scratch": ("door", "fender", "bumper", "hood", "tailgate", "trunk lid"),
        "crack": ("bumper", "fender", "door", "tailgate", "trunk lid"),
        "glass shatter": ("window", "windshield"),
        "lamp broken": ("headlamp", "tail lamp"),
        "tire flat": ("wheel",),
    }[label]
    return [place for place in parts(body, view) if place.endswith(words)]


def dented(damage: Damage, body: Body, view: str) -> Relief:
    """The slopes of a dent: a bowl that runs out at its rim, with a fold across.

    A bowl of depth (1 - q)^2, where q = 1 on the rim, slopes by 4 (1 - q) towards its middle.
    """
    rng = np.random.default_rng(damage.seed)
    spot = damage.spot(body, view)
    x0, y0 = np.float32(spot[0]), np.float32(spot[1])
    size = 0.18 + 0.038 * damage.severity
    long, short = np.float32(size * rng.uniform(1.0, 1.5)), np.float32(size * rng.uniform(0.75, 1.0))
    tilt = rng.uniform(-0.6, 0.6)
    cos, sin = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    steep = np.float32((1.3 + 0.30 * damage.severity) * 2.6 / 2)
    fold, sharp = np.float32(0.22 + 0.08 * damage.severity), np.float32(size * 0.30)
    off = np.float32(rng.uniform(-0.25, 0.25) * size)

    def slopes(x: Map, y: Map) -> tuple[Map, Map]:
        u, v = (x - x0) * cos + (y - y0) * sin, (y - y0) * cos - (x - x0) * sin
        u, v = u / long, v / short
        bowl = np.clip(1 - u * u - v * v, 0, None)
        ridge = (v * short - off) / sharp
        crease = fold * ridge * np.exp(-ridge * ridge) * bowl * np.float32(2.3)
        nu, nv = -steep * bowl * u, -steep * bowl * v + crease
        return np.asarray(nu * cos - nv * sin, np.float32), np.asarray(nu * sin + nv * cos, np.float32)

    return slopes
