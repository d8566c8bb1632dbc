"""What a car is: the landmarks of its body shape, its paint and trim."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from detect.sample.canvas import Colour
from detect.sample.outlines import Points, rounded


@dataclass(frozen=True, slots=True)
class Body:
    """A body shape in metres, nose at x = 0, ground at y = 0.

    ::

                  roof1 ──────── roof2            (x, y) of each landmark;
                 ╱                   ╲            a hatchback's deck is its tail light,
          cowl ╱                       ╲ tail     a sedan's the end of its boot lid
         ╭────╯─────────── belt ────────╯──╮ deck
        nose   (front) ──────── (rear)     │      wheels stand at x = front and x = rear
    """

    name: str
    length: float
    width: float
    front: float
    rear: float
    radius: float
    clearance: float
    nose: float
    cowl: tuple[float, float]
    roof1: tuple[float, float]
    roof2: tuple[float, float]
    tail: tuple[float, float]
    deck: tuple[float, float]
    belt: tuple[float, float]  # height of the windows' lower edge at the front and at the back
    pillar: float  # x of the pillar between the doors
    cladding: bool = False

    @property
    def height(self) -> float:
        """Height of the roof over the ground, metres."""
        return max(self.roof1[1], self.roof2[1]) + 0.03

    def outline(self) -> Points:
        """The side view's silhouette without wheels, clockwise from under the nose."""
        c, mid = self.clearance, (self.roof1[0] + self.roof2[0]) / 2
        deck_x, deck_y = self.deck
        return rounded(
            [
                (0.16, c, 0.06),
                (0.05, c + 0.12, 0.10),
                (0.0, 0.52, 0.12),
                (0.05, self.nose - 0.06, 0.10),
                (0.20, self.nose + 0.03, 0.14),
                (self.cowl[0] * 0.62, self.cowl[1] - 0.05, 0.5),
                (*self.cowl, 0.12),
                (*self.roof1, 0.34),
                (mid, self.height, 0.6),
                (*self.roof2, 0.30),
                (*self.tail, 0.12),
                (deck_x, deck_y, 0.09),
                (self.length - 0.01, deck_y - 0.18, 0.12),
                (self.length, 0.52, 0.14),
                (self.length - 0.05, c + 0.14, 0.10),
                (self.length - 0.18, c + 0.02, 0.06),
            ]
        )


HATCH = Body(
    name="hatch", length=4.02, width=1.76, front=0.80, rear=3.36, radius=0.335, clearance=0.20, nose=0.74,
    cowl=(1.12, 1.00), roof1=(1.86, 1.43), roof2=(3.18, 1.43), tail=(3.80, 1.06), deck=(3.95, 0.92),
    belt=(0.95, 1.03), pillar=2.14,
)  # fmt: skip
SEDAN = Body(
    name="sedan", length=4.66, width=1.82, front=0.90, rear=3.68, radius=0.345, clearance=0.19, nose=0.72,
    cowl=(1.36, 0.98), roof1=(2.14, 1.40), roof2=(3.20, 1.39), tail=(3.98, 1.06), deck=(4.56, 1.01),
    belt=(0.93, 0.99), pillar=2.44,
)  # fmt: skip
SUV = Body(
    name="suv", length=4.50, width=1.90, front=0.88, rear=3.60, radius=0.385, clearance=0.27, nose=0.90,
    cowl=(1.24, 1.13), roof1=(1.90, 1.62), roof2=(3.72, 1.60), tail=(4.26, 1.20), deck=(4.42, 1.05),
    belt=(1.08, 1.13), pillar=2.34, cladding=True,
)  # fmt: skip
VAN = Body(
    name="van", length=4.74, width=1.92, front=0.92, rear=3.82, radius=0.355, clearance=0.22, nose=0.84,
    cowl=(0.98, 1.12), roof1=(1.72, 1.80), roof2=(4.36, 1.82), tail=(4.64, 1.24), deck=(4.69, 1.08),
    belt=(1.06, 1.10), pillar=2.22,
)  # fmt: skip

PAINTS: dict[str, Colour] = {
    "white": (0.86, 0.87, 0.87), "silver": (0.60, 0.62, 0.64), "grey": (0.29, 0.31, 0.33),
    "black": (0.045, 0.045, 0.05), "red": (0.62, 0.05, 0.06), "blue": (0.06, 0.17, 0.46),
    "sky": (0.27, 0.47, 0.66), "green": (0.07, 0.24, 0.17), "beige": (0.66, 0.59, 0.47),
    "orange": (0.80, 0.33, 0.05), "yellow": (0.86, 0.68, 0.10), "wine": (0.28, 0.04, 0.08),
}  # fmt: skip
OFTEN = (0.17, 0.15, 0.14, 0.10, 0.12, 0.12, 0.05, 0.04, 0.04, 0.03, 0.02, 0.02)


@dataclass(frozen=True, slots=True)
class Car:
    """One car: its body and everything that stays the same on all photos of a claim."""

    body: Body
    paint: Colour
    trim: Colour
    rim: Colour
    spokes: int
    rim_style: int
    grille: int
    crease: float
    chrome: bool
    plate: str
    plate_colour: Colour
    inside: Colour
    dirt: float
    seed: int


def make_car(rng: np.random.Generator) -> Car:
    """A car by chance."""
    body = (HATCH, SEDAN, SUV, VAN)[rng.choice(4, p=[0.32, 0.28, 0.26, 0.14])]
    paint = np.array(PAINTS[str(rng.choice(list(PAINTS), p=np.array(OFTEN) / sum(OFTEN)))])
    paint = np.clip(paint * rng.uniform(0.88, 1.10) + rng.normal(0, 0.012, 3), 0.02, 0.92)
    rim = rng.choice(np.array([0.72, 0.62, 0.50, 0.20, 0.78]))
    letters = "".join(rng.choice(list("ABCDEFGHJKLMNPRSTVWXYZ"), 4))
    return Car(
        body=replace(
            body,
            nose=body.nose + float(rng.uniform(-0.02, 0.02)),
            radius=body.radius + float(rng.uniform(-0.01, 0.012)),
        ),
        paint=(float(paint[0]), float(paint[1]), float(paint[2])),
        trim=(0.055, 0.057, 0.06),
        rim=(float(rim), float(rim) * 1.005, float(rim) * 1.02),
        spokes=int(rng.choice([5, 6, 7, 8, 10])),
        rim_style=int(rng.integers(3)),
        grille=int(rng.integers(4)),
        crease=float(rng.uniform(0, 1)),
        chrome=bool(rng.random() < 0.4),
        plate=f"{letters[:2]} {rng.integers(100, 999)} {letters[2:]}",
        plate_colour=((0.92, 0.92, 0.90), (0.90, 0.80, 0.30))[int(rng.random() < 0.25)],
        inside=((0.055, 0.06, 0.07), (0.10, 0.09, 0.085))[int(rng.random() < 0.3)],
        dirt=float(rng.uniform(0, 1) ** 2),
        seed=int(rng.integers(2**31)),
    )
