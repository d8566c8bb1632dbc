"""Augmentation keeps boxes on what they show, and drops slivers; by seed alone."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.recipes import Augment
from detect.training.augmentation import Augmentation, Defects

KINDS = ("mirror", "flip", "rotation", "shift", "zoom", "hue", "saturation", "brightness")
STILL: dict[str, Any] = dict.fromkeys(KINDS, 0)
BOXES = np.array([[30.0, 20.0, 70.0, 50.0], [100.0, 90.0, 150.0, 110.0]])
LABELS = np.array([1, 2])
COLOURS = {1: (220, 30, 30), 2: (30, 30, 220)}


def picture() -> NDArray[np.uint8]:
    """A grey picture, 200 x 160, with a red and a blue rectangle where BOXES say."""
    pixels = np.full((160, 200, 3), 128, dtype=np.uint8)
    for (x1, y1, x2, y2), label in zip(BOXES.astype(int), LABELS, strict=True):
        pixels[y1:y2, x1:x2] = COLOURS[label]
    return pixels


def drawn(pixels: NDArray[np.uint8], label: int) -> list[float] | None:
    """The box around the pixels of a rectangle's colour."""
    near = np.abs(pixels.astype(int) - COLOURS[label]).sum(axis=2) < 120
    rows, columns = np.nonzero(near)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else None


@pytest.mark.parametrize(
    "kind",
    [
        {"mirror": 1},
        {"flip": 1},
        {"shift": 0.3},
        {"zoom": 0.6},
        {"shift": 0.2, "zoom": 0.4, "mirror": 0.5, "flip": 0.5},
    ],
    ids=str,
)
def test_boxes_stay_on_what_they_show(kind: dict[str, float]) -> None:
    augmented = Augmentation(Augment(**{**STILL, **kind}))
    changed = 0
    for seed in range(25):
        pixels, boxes, labels = augmented(picture(), BOXES, LABELS, seed)
        for box, label in zip(boxes, labels, strict=True):
            seen = drawn(pixels, int(label))
            assert seen is not None
            np.testing.assert_allclose(box, seen, atol=2.0)
        changed += len(boxes) < 2 or not np.allclose(boxes, BOXES)
    assert changed > 20


def test_turned_boxes_enclose_what_they_show() -> None:
    augmented = Augmentation(Augment(**{**STILL, "rotation": 30}))
    for seed in range(25):
        pixels, boxes, labels = augmented(picture(), BOXES, LABELS, seed)
        for box, label in zip(boxes, labels, strict=True):
            seen = np.array(drawn(pixels, int(label)))
            assert (box[:2] <= seen[:2] + 2).all()
            assert (box[2:] >= seen[2:] - 2).all()
            np.testing.assert_allclose(box, seen, atol=2.0, err_msg="and no more than that")


def test_slivers_are_dropped() -> None:
    """Of every box that is kept, a quarter or more is in the picture."""
    augmented, kept = Augmentation(Augment(**{**STILL, "shift": 0.9})), []
    for seed in range(200):
        _, boxes, labels = augmented(picture(), BOXES, LABELS, seed)
        whole = {1: 40 * 30, 2: 50 * 20}
        kept += [(x2 - x1) * (y2 - y1) / whole[int(k)] for (x1, y1, x2, y2), k in zip(boxes, labels, strict=True)]
    assert min(kept) >= 0.24
    assert 20 < len(kept) < 300


@pytest.mark.parametrize("kind", ["hue", "saturation", "brightness"])
def test_colours_change_and_boxes_do_not(kind: str) -> None:
    augmented = Augmentation(Augment(**{**STILL, kind: 0.4}))
    pixels, boxes, _ = augmented(picture(), BOXES, LABELS, 3)
    np.testing.assert_allclose(boxes, BOXES, atol=1e-4)
    assert (pixels != picture()).mean() > 0.01


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    augmented = Augmentation(Augment())
    first = augmented(picture(), BOXES, LABELS, 7)
    augmented(picture(), BOXES, LABELS, 8)
    again, other = augmented(picture(), BOXES, LABELS, 7), augmented(picture(), BOXES, LABELS, 9)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()


def test_nothing_to_vary_and_no_boxes() -> None:
    none = np.empty((0, 4)), np.empty(0, dtype=np.int64)
    still = Augmentation(Augment(**STILL))
    pixels, boxes, labels = still(picture(), *none, 1)
    np.testing.assert_array_equal(pixels, picture())
    assert (boxes.shape, labels.shape) == ((0, 4), (0,))
    assert Augmentation(Augment())(picture(), *none, 1)[1].shape == (0, 4)


DEFECTS = ["grey", "blur", "noise", "jpeg", "cutout", "contrast"]


@pytest.mark.parametrize("kind", DEFECTS)
def test_defects_change_the_picture_and_leave_boxes_where_they_are(kind: str) -> None:
    """The same for both kinds of detectors; a cut-out may hide a box, which is then dropped."""
    recipe = Augment(**{**STILL, kind: 1 if kind != "contrast" else 0.6})
    augmented, alone = Augmentation(recipe), Defects(recipe)
    assert alone
    for seed in range(10):
        pixels, boxes, labels = augmented(picture(), BOXES, LABELS, seed)
        assert pixels.shape == picture().shape
        assert (pixels != picture()).any()
        for box, label in zip(boxes, labels, strict=True):
            whole = BOXES[LABELS.tolist().index(int(label))]
            assert (box >= whole - 1e-3)[:2].all()
            assert (box <= whole + 1e-3)[2:].all()
        if kind != "cutout":
            np.testing.assert_allclose(boxes, BOXES, atol=1e-3)
        once, again = (alone(picture(), BOXES, LABELS, seed) for _ in range(2))
        assert (once[0] != picture()).any()
        for one, other in zip(once, again, strict=True):
            np.testing.assert_array_equal(one, other)


def test_grey_is_grey_and_a_cutout_covers_a_fifth_at_most() -> None:
    grey, *_ = Defects(Augment(**{**STILL, "grey": 1}))(picture(), BOXES, LABELS, 1)
    assert np.ptp(grey, axis=2).max() == 0
    for seed in range(20):
        cut, *_ = Defects(Augment(**{**STILL, "cutout": 1}))(picture(), BOXES, LABELS, seed)
        assert 0.002 < (cut != picture()).any(axis=2).mean() <= 0.2


def test_a_cutout_takes_only_what_it_covers() -> None:
    """A box that a shift has moved over the edge stays, as long as enough of it is in the picture and uncovered."""
    box, label = np.array([[20.0, 60.0, 60.0, 100.0]]), np.array([1])
    moved = Augmentation(Augment(**{**STILL, "shift": 0.2}))
    cut = Augmentation(Augment(**{**STILL, "shift": 0.2, "cutout": 1}))
    over = lost = 0
    for seed in range(150):
        _, before, _ = moved(picture(), box, label, seed)
        pixels, after, _ = cut(picture(), box, label, seed)
        if len(before) and before[0][0] == 0:
            over += 1
            lost += not len(after)
            if not len(after):
                x1, y1, x2, y2 = before[0].astype(int)
                assert (pixels[y1:y2, x1:x2] == 114).all(axis=2).mean() > 0.4
    assert over > 20
    assert lost < 0.2 * over


def test_without_defects_there_is_nothing_to_do() -> None:
    assert not Defects(Augment())
    assert not Defects(Augment(**STILL))


def test_zoom_keeps_the_shape_of_things() -> None:
    """A square stays a square: height and width are scaled alike."""
    augmented = Augmentation(Augment(**{**STILL, "zoom": 0.3}))
    for seed in range(20):
        _, boxes, labels = augmented(picture(), BOXES, LABELS, seed)
        for box, label in zip(boxes, labels, strict=True):
            if box[0] > 0 and box[1] > 0 and box[2] < 200 and box[3] < 160:
                assert (box[2] - box[0]) / (box[3] - box[1]) == pytest.approx(
                    {1: 40 / 30, 2: 50 / 20}[int(label)], rel=0.02
                )


def test_a_cutout_elsewhere_leaves_a_box_alone() -> None:
    """To the last digit: rounded to pixels, a box of 8 pixels would lose an eighth."""
    box, cut = (
        np.array([[50.4, 50.4, 58.6, 58.7], [20.5, 30.2, 21.9, 60.0]]),
        Augmentation(Augment(**{**STILL, "cutout": 1})),
    )
    untouched = touched = 0
    for seed in range(100):
        pixels, boxes, labels = cut(picture(), box, LABELS, seed)
        hidden = (pixels == 114).all(axis=2)
        for number, (x1, y1, x2, y2) in enumerate(box, start=1):
            if hidden[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].any():
                touched += 1
            else:
                untouched += 1
                np.testing.assert_allclose(boxes[labels == number], box[[number - 1]], atol=1e-4)
    assert untouched > 100
    assert touched > 10


def test_a_worker_that_starts_anew_builds_it_anew() -> None:
    """Unpickled from the library's own classes, it would import the library, which then looks for a newer version."""
    for augmented in (Augmentation(Augment()), Defects(Augment(cutout=1))):
        assert b"albumentations" not in pickle.dumps(augmented)
        again = deepcopy(augmented)
        for one, other in zip(augmented(picture(), BOXES, LABELS, 7), again(picture(), BOXES, LABELS, 7), strict=True):
            np.testing.assert_array_equal(one, other)
