"""A scene: one car, one place, one light, one camera. Pixels and the boxes of what is damaged come out of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detect.sample import front, rear, side
from detect.sample.backgrounds import draw_background
from detect.sample.canvas import Canvas, Map, Window
from detect.sample.cars import Car
from detect.sample.clutter import draw_clutter_before, draw_clutter_behind, draw_dirt
from detect.sample.damage import Damage, dented
from detect.sample.light import Light
from detect.sample.marks import MARKS, draw_mark
from detect.sample.parts import centre

SEEN = 14 / 255  # a pixel has changed when one of its colours has by so much


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that determines a picture before it meets the sensor. `camera` maps metres to pixels, (3, 3)."""

    car: Car
    view: str
    place: str
    light: Light
    camera: NDArray[np.float64]
    width: int
    height: int
    damages: tuple[Damage, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Found:
    """A damage and the pixels it changed: the box x1, y1, x2, y2 and how many."""

    damage: Damage
    box: tuple[int, int, int, int]
    changed: int


def render(scene: Scene) -> Map:
    """The picture (3, H, W), RGB in 0..1."""
    whole = _whole(scene)
    return _graded(scene, _marked(scene, _with_car(scene, _background(scene), whole), whole), whole)


def render_with_truth(scene: Scene) -> tuple[Map, list[Found]]:
    """The picture, and for each damage the box around all pixels that would differ without it.

    A damage too faint or too small to see is taken off the car, so that nothing is drawn which is not boxed.
    """
    background, whole = _background(scene), _whole(scene)
    while True:
        unmarked = _with_car(scene, background, whole)
        picture = _graded(scene, _marked(scene, unmarked.copy(), whole), whole)
        found = [_find(scene, background, unmarked, picture, damage) for damage in scene.damages]
        kept = [f for f in found if f is not None]
        if len(kept) == len(found):
            return picture, kept
        scene = replace(scene, damages=tuple(f.damage for f in kept))


def _find(scene: Scene, background: Map, unmarked: Map, picture: Map, damage: Damage) -> Found | None:
    """Draw the damage's surroundings once more without it and compare."""
    window = _window(scene, damage)
    if window.empty:
        return None
    others = replace(scene, damages=tuple(d for d in scene.damages if d is not damage))
    drawn_over = damage.label in MARKS
    without = _part(unmarked, window).copy() if drawn_over else _with_car(others, background, window)
    without = _graded(scene, _marked(others, without, window), window)
    changed = np.abs(_part(picture, window) - without).max(axis=0) > SEEN
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    count, least = int(changed.sum()), 0.018 * max(scene.width, scene.height)
    if len(rows) < least or len(columns) < least or count < least * least:
        return None
    left, top = window.left, window.top
    box = (left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1)
    return Found(damage, box, count)


def _part(pixels: Map, window: Window) -> Map:
    return pixels[:, window.top : window.bottom, window.left : window.right]


def _whole(scene: Scene) -> Window:
    return Window(0, 0, scene.width, scene.height)


def _window(scene: Scene, damage: Damage) -> Window:
    """The part of the picture that a damage can reach."""
    canvas = Canvas(np.zeros((3, 1, 1), np.float32), scene.camera, _whole(scene))
    pixels = canvas.place(damage.around(scene.car.body, scene.view))
    low, high = np.floor(pixels.min(axis=0)).astype(int), np.ceil(pixels.max(axis=0)).astype(int)
    return Window(int(low[0]), int(low[1]), int(high[0]), int(high[1])).shared(_whole(scene))


def _background(scene: Scene) -> Map:
    pixels = np.zeros((3, scene.height, scene.width), np.float32)
    canvas = Canvas(pixels, _centred(scene), _whole(scene))
    draw_background(canvas, scene.place, scene.light, scene.car.seed, np.random.default_rng([scene.seed, 1]))
    draw_clutter_behind(canvas, scene.place, scene.light, np.random.default_rng([scene.seed, 2]))
    return pixels


def _centred(scene: Scene) -> NDArray[np.float64]:
    """The camera for things placed from the car's middle."""
    move = np.eye(3)
    move[0, 2] = centre(scene.car.body, scene.view)
    return scene.camera @ move


def _with_car(scene: Scene, background: Map, window: Window) -> Map:
    """The window's pixels with the car on it, its dents and flat tyres."""
    car, view = scene.car, scene.view
    pixels = _part(background, window).copy()
    dents = tuple(dented(d, car.body, view) for d in scene.damages if d.label == "dent")
    canvas = Canvas(pixels, scene.camera, window, dents)
    flat = {_wheel(d, view): d.severity for d in scene.damages if d.label == "tire flat"}
    {"front": front.draw_front, "rear": rear.draw_rear}.get(view, side.draw_side)(canvas, car, scene.light, flat)
    draw_dirt(canvas, car, view)
    return pixels


def _marked(scene: Scene, pixels: Map, window: Window) -> Map:
    """The window's pixels after drawing, in place, the other damages and what stands before the car."""
    canvas = Canvas(pixels, scene.camera, window)
    for damage in scene.damages:
        draw_mark(canvas, scene.car, scene.view, damage)
    if number := {"front": front.draw_number, "rear": rear.draw_number}.get(scene.view):
        number(canvas, scene.car)
    before = Canvas(pixels, _centred(scene), window)
    draw_clutter_before(before, scene.place, scene.light, np.random.default_rng([scene.seed, 3]))
    return pixels


def _wheel(damage: Damage, view: str) -> str:
    """Which wheel the views' draw functions call it: by end from the side, by side of the picture else."""
    end, hand, _ = damage.place.split()
    if view in ("left", "right"):
        return end
    return hand if view == "rear" else {"left": "right", "right": "left"}[hand]


def _graded(scene: Scene, pixels: Map, window: Window) -> Map:
    """Exposure, colour of the light and the lens's darker corners; highlights roll off softly."""
    light = scene.light
    x = (np.arange(window.left, window.right, dtype=np.float32) / scene.width - 0.5)[None, :]
    y = (np.arange(window.top, window.bottom, dtype=np.float32) / scene.height - 0.5)[:, None]
    fall = np.float32(light.exposure) * (1 - np.float32(0.9 if light.night else 0.35) * (x * x + y * y))
    graded = np.stack([plane * (fall * np.float32(t)) for plane, t in zip(pixels, light.tint, strict=True)])
    over = np.clip(graded - np.float32(0.75), 0, 0.5)
    graded -= over * over
    return np.asarray(np.clip(graded, 0, 1, out=graded))
