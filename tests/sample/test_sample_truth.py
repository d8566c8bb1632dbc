"""The boxes say what was drawn: tight, complete, inside the picture, and nothing else differs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from detect.sample import CLASSES, draw_sample
from detect.sample.camera import look
from detect.sample.canvas import Window
from detect.sample.cars import make_car
from detect.sample.claims import MAX_DAMAGES, Photo, photos
from detect.sample.damage import WHOLE_PART, Damage, places
from detect.sample.light import DAY
from detect.sample.parts import VIEWS, parts
from detect.sample.scene import SEEN, Scene, _background, _with_car, render, render_with_truth

WIDTH = 320


@pytest.fixture(scope="module")
def taken() -> list[Photo]:
    return list(islice(photos(3, WIDTH), 36))


def scene(label: str, severity: int, view: str, seed: int = 5) -> Scene:
    """One damage near the middle of a picture that shows most of the car."""
    car = make_car(np.random.default_rng(seed))
    place = places(label, car.body, view)[0]
    damage = Damage(label, severity, place, view, (0.5, 0.65), 11)
    camera = look(damage.spot(car.body, view), 2.4, WIDTH, 240, yaw=0.1, roll=0.01, mirror=view == "right")
    return Scene(car, view, "yard", DAY, camera, WIDTH, 240, (damage,), 9)


@pytest.mark.parametrize("label", CLASSES)
@pytest.mark.parametrize("view", ["left", "right", "front"])
def test_the_box_is_what_differs_from_the_whole_car(label: str, view: str) -> None:
    hurt = scene(label, 4, view)
    picture, found = render_with_truth(hurt)
    changed = np.abs(picture - render(replace(hurt, damages=()))).max(axis=0) > SEEN
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert found[0].box == pytest.approx((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), abs=1)
    assert found[0].changed == pytest.approx(changed.sum(), rel=0.01)


def test_each_box_of_a_planned_photo_holds_all_that_its_damage_changed(taken: list[Photo]) -> None:
    several = [p for p in taken if len(p.scene.damages) > 1][:4]
    assert len(several) == 4
    for photo in several:
        picture, found = render_with_truth(photo.scene)
        kept = tuple(f.damage for f in found)
        for f in found:
            others = replace(photo.scene, damages=tuple(d for d in kept if d is not f.damage))
            changed = np.abs(picture - render(others)).max(axis=0) > SEEN
            x1, y1, x2, y2 = f.box
            rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
            assert (x1, y1, x2, y2) == pytest.approx((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1), abs=1)


def test_a_part_is_drawn_as_in_the_whole(taken: list[Photo]) -> None:
    for photo in taken[:6]:
        scene = photo.scene
        whole = Window(0, 0, scene.width, scene.height)
        part = Window(60, 50, scene.width - 70, scene.height - 30)
        background = _background(scene)
        cut = _with_car(scene, background, whole)[:, part.top : part.bottom, part.left : part.right]
        assert np.abs(cut - _with_car(scene, background, part)).max() < 0.02 < SEEN


@pytest.mark.parametrize("label", CLASSES)
def test_a_heavier_damage_changes_more(label: str) -> None:
    light, heavy = (render_with_truth(scene(label, severity, "left"))[1][0].changed for severity in (1, 5))
    assert heavy > 1.1 * light


def test_what_is_out_of_the_picture_or_too_small_is_neither_boxed_nor_drawn() -> None:
    near = scene("scratch", 1, "left")
    far = replace(near, camera=look((2.0, 0.7), 60.0, WIDTH, 240))
    picture, found = render_with_truth(far)
    assert found == []
    assert np.array_equal(picture, render(replace(far, damages=())))


def test_boxes_lie_in_the_picture_and_are_worth_looking_for() -> None:
    labels: Counter[str] = Counter()
    for pixels, image in draw_sample(36, width=WIDTH, seed=3):
        assert pixels.shape == (image.height, image.width, 3)
        assert pixels.dtype == np.uint8
        assert len(image.boxes) <= MAX_DAMAGES
        for box in image.boxes:
            labels[box.label] += 1
            assert 0 <= box.x1 < box.x2 <= image.width
            assert 0 <= box.y1 < box.y2 <= image.height
            assert min(box.width, box.height) >= 0.018 * WIDTH
            assert box.attributes["severity"] in (1, 2, 3, 4, 5)
            assert isinstance(box.attributes["place"], str)
    assert set(labels) == set(CLASSES)


def test_labels_are_planned_about_evenly_and_a_fifth_of_the_photos_is_clean() -> None:
    planned = list(islice(photos(0, WIDTH), 900))
    counts = Counter(d.label for p in planned for d in p.scene.damages)
    assert set(counts) == set(CLASSES)
    assert max(counts.values()) < 1.5 * min(counts.values())
    assert 0.12 < np.mean([not p.scene.damages for p in planned]) < 0.25
    assert {p.scene.view for p in planned} == set(VIEWS)
    assert {p.sensor.orientation for p in planned} == {1, 3, 6, 8}
    assert 0.06 < np.mean([p.sensor.orientation != 1 for p in planned]) < 0.16


def test_a_lamp_and_a_tyre_show_from_two_sides_and_a_panel_from_one() -> None:
    body = make_car(np.random.default_rng(1)).body
    for label in CLASSES:
        for view in VIEWS:
            for place in places(label, body, view):
                damage = Damage(label, 3, place, view, (0.5, 0.5), 0)
                seen = [v for v in VIEWS if damage.seen(body, v)]
                assert view in seen
                assert len(seen) == (2 if label in WHOLE_PART else 1)
                assert all(place in parts(body, v) for v in seen)
