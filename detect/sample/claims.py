"""Claims: a car, what is damaged on it, and the photos that were taken of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from detect.sample.backgrounds import PLACES
from detect.sample.camera import Sensor, look, make_sensor
from detect.sample.cars import Body, Car, make_car
from detect.sample.damage import CLASSES, WHOLE_PART, Damage, places
from detect.sample.light import Light, make_light
from detect.sample.parts import VIEWS, centre, extent
from detect.sample.scene import Scene

TURNED, ORIENTATIONS = 0.11, (3, 6, 8)  # share of the files that are stored turned, and their EXIF orientations
# Broken lamps and flat tyres show in two views, so they are drawn less often to come out as frequent as the others.
WEIGHTS = {"dent": 1.15, "scratch": 1.15, "crack": 1.15, "glass shatter": 1.05, "lamp broken": 0.80, "tire flat": 0.70}
MAX_DAMAGES = 4  # damages in one photo


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo to be taken: its file name, the scene and the sensor's state."""

    name: str
    scene: Scene
    sensor: Sensor


@dataclass(frozen=True, slots=True)
class Claim:
    """What the photos of a claim have in common: the same car at the same place in the same light."""

    number: int
    car: Car
    place: str
    light: Light
    damages: tuple[Damage, ...]
    ratio: float  # of the photos' long to their short side

    def seen(self, view: str) -> tuple[Damage, ...]:
        """The damages that show in a view."""
        return tuple(d for d in self.damages if d.seen(self.car.body, view))


def photos(seed: int, width: int) -> Iterator[Photo]:
    """All photos of a seed, without end, claim after claim. A claim depends on the seed and its own number only."""
    for number in count():
        yield from _photos_of(seed, number, width)


def _photos_of(seed: int, number: int, width: int) -> Iterator[Photo]:
    """Two to four sides of the car, and often a second look at a damaged one from nearby."""
    rng = np.random.default_rng([seed, number])
    car = make_car(rng)
    place = str(rng.choice(PLACES))
    light = make_light(rng, indoors=place == "garage")
    views = [str(v) for v in rng.permutation(VIEWS)[: int(rng.integers(2, 5))]]
    claim = Claim(number, car, place, light, _damages(rng, car, views), float(rng.choice([4 / 3, 3 / 2])))
    shots = [(view, False) for view in views]
    hurt = [view for view in views if claim.seen(view)]
    if hurt and rng.random() < 0.6:
        shots.append((str(rng.choice(hurt)), True))
    for k, (view, close) in enumerate(shots):
        shot = np.random.default_rng([seed, number, k])
        orientation = int(shot.choice(ORIENTATIONS)) if shot.random() < TURNED else 1
        scene = _scene(shot, claim, view, close, orientation in (6, 8), width)
        name = f"claim-{number + 1:04d}_{k + 1}_{view}.jpg"
        yield Photo(name, scene, make_sensor(shot, light.night, orientation))


def _damages(rng: np.random.Generator, car: Car, views: list[str]) -> tuple[Damage, ...]:
    """What happened to the car, spread over the views so that no photo shows more than MAX_DAMAGES damages."""
    if rng.random() < 0.09:
        return ()
    made: list[Damage] = []
    chances = np.array([WEIGHTS[label] for label in CLASSES])
    for view in views:
        wanted = int(rng.choice([0, 1, 2, 3, 4], p=[0.11, 0.09, 0.22, 0.30, 0.28]))
        for _ in range(8):
            shown = [d for d in made if d.seen(car.body, view)]
            if len(shown) >= min(wanted, MAX_DAMAGES):
                break
            label = str(rng.choice(CLASSES, p=chances / chances.sum()))
            damage = _damage(rng, car, label, view)
            others = [v for v in views if v != view and damage.seen(car.body, v)]
            full = any(sum(d.seen(car.body, v) for d in made) >= MAX_DAMAGES for v in others)
            if not full and not _clash(car, damage, shown, view):
                made.append(damage)
    return tuple(made)


def _damage(rng: np.random.Generator, car: Car, label: str, view: str) -> Damage:
    severity = int(rng.choice([1, 2, 3, 4, 5], p=[0.08, 0.14, 0.24, 0.28, 0.26]))
    place = str(rng.choice(places(label, car.body, view)))
    u, v = float(rng.uniform(0.22, 0.78)), float(rng.uniform(0.30, 0.70))
    if place.endswith(("bumper", "tailgate", "lid")):  # beside the number plate
        u = float(rng.choice([-1, 1]) * rng.uniform(0.26, 0.38)) + 0.5
    if place.endswith("fender"):  # above the wheel
        v = float(rng.uniform(0.62, 0.82))
    return Damage(label, severity, place, view, (u, v), int(rng.integers(2**31)))


def _clash(car: Car, damage: Damage, shown: list[Damage], view: str) -> bool:
    """Whether a damage would lie on or too near to another one."""
    spot = np.array(damage.spot(car.body, view))
    apart = 0.30 * extent(car.body, view) / 1.9
    near = [float(np.linalg.norm(spot - d.spot(car.body, view))) < min(0.7, apart) for d in shown]
    return any(near) or any(
        d.place == damage.place for d in shown if damage.label in WHOLE_PART or damage.label == "glass shatter"
    )


def _scene(rng: np.random.Generator, claim: Claim, view: str, close: bool, portrait: bool, width: int) -> Scene:
    body, seen = claim.car.body, claim.seen(view)
    long, short = width, round(width / claim.ratio)
    size = (short, long) if portrait else (long, short)
    side = view in ("left", "right")
    if seen and (close or portrait or rng.random() < (0.6 if side else 0.15)):
        target = seen[int(rng.integers(len(seen)))].spot(body, view)
        at, field = _near(rng, body, view, target)
    else:
        narrow = portrait and side  # a part of the car, since all of it would be tiny
        field = extent(body, view) * float(rng.uniform(1.04, 1.26)) * (0.66 if narrow else 1.0)
        x = centre(body, view) + float(rng.normal(0, 0.15 if narrow else 0.03)) * field
        at = (x, body.height * float(rng.uniform(0.44, 0.62)))
    yaw, roll = float(np.clip(rng.normal(0, 0.13), -0.28, 0.28)), float(rng.normal(0, 0.018))
    camera = look(at, field, *size, yaw=yaw, roll=roll, mirror=view == "right")
    return Scene(claim.car, view, claim.place, claim.light, camera, *size, seen, int(rng.integers(2**31)))


def _near(
    rng: np.random.Generator, body: Body, view: str, target: tuple[float, float]
) -> tuple[tuple[float, float], float]:
    """Where to look, and how many metres of the car to show, so that `target` is in the picture but seldom amid it."""
    field = float(rng.uniform(2.0, 3.2) if view in ("left", "right") else rng.uniform(1.35, 1.9))
    middle, reach = centre(body, view), max(0.0, extent(body, view) / 2 - field * 0.33)
    x = float(np.clip(target[0] + rng.normal(0, 0.16 * field), middle - reach, middle + reach))
    y = float(np.clip(target[1] + rng.normal(0, 0.10 * field), 0.35, body.height - 0.35))
    return (x, y), field
