"""The way of a box out of a network: suppression, letterbox, picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from detect.data import Box
from detect.geometry import as_boxes, iou
from detect.models.grid import boxes_in
from detect.models.letterbox import back, letterbox, resize
from detect.models.nms import Candidates, candidates, suppress
from detect.operating_point import Suppression


def found(rows: list[list[float]]) -> Candidates:
    """Rows x1, y1, x2, y2, score, class."""
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Candidates(as_boxes(table[:, :4]), table[:, 4], table[:, 5].astype(np.int64))


def crowd(count: int, classes: int = 1) -> Candidates:
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 60, (count, 2)), rng.uniform(5, 30, (count, 2))
    rows = [corner, corner + size, rng.uniform(0, 1, (count, 1)), rng.integers(0, classes, (count, 1))]
    return found(np.concatenate(rows, axis=1).tolist())


HARD = Suppression(0.5)
PAIR = [[5, 5, 15, 15, 0.6, 0], [6, 5, 16, 15, 0.9, 0], [46, 46, 54, 54, 0.3, 0]]


def test_the_weaker_of_two_overlapping_boxes_of_one_class_goes() -> None:
    kept = suppress(found(PAIR), HARD)
    assert kept.score.tolist() == [0.9, 0.3]
    assert kept.xyxy[0].tolist() == [6, 5, 16, 15]


def test_boxes_of_two_classes_do_not_suppress_each_other_unless_asked() -> None:
    both = found([[5, 5, 15, 15, 0.6, 0], [5, 5, 15, 15, 0.9, 1]])
    assert suppress(both, HARD).label.tolist() == [1, 0]
    assert suppress(both, Suppression(0.5, per_class=False)).label.tolist() == [1]
    over_the_edge = found([[-30, -30, 20, 20, 0.6, 1], [80, 80, 110, 110, 0.9, 0]])  # far apart
    assert suppress(over_the_edge, Suppression(0.3)).label.tolist() == [0, 1]


def test_soft_suppression_weakens_by_overlap() -> None:
    """The two overlap by IoU 9 / 11; sigma 0.5."""
    kept = suppress(found(PAIR), Suppression(1, sigma=0.5))
    assert kept.score.tolist() == pytest.approx([0.9, 0.3, 0.6 * math.exp(-((9 / 11) ** 2) / 0.5)])
    assert suppress(found(PAIR), Suppression(1, sigma=0.5), confidence=0.25).score.tolist() == [0.9, 0.3]
    assert suppress(found(PAIR), Suppression(0.8, sigma=0.5)).score.tolist() == [0.9, 0.3]
    both = found([[5, 5, 15, 15, 0.6, 0], [5, 5, 15, 15, 0.9, 1]])
    assert suppress(both, Suppression(sigma=0.5)).score.tolist() == [0.9, 0.6]
    assert suppress(both, Suppression(1, sigma=0.5, per_class=False)).score.tolist() == [0.9, 0.6 * float(np.exp(-2.0))]


@pytest.mark.parametrize("how", [HARD, Suppression(sigma=0.5), Suppression(0.3, per_class=False)])
def test_nothing_gives_nothing_and_the_input_is_left_alone(how: Suppression) -> None:
    assert suppress(found([]), how).xyxy.shape == (0, 4)
    some = crowd(50, classes=3)
    before = some.score.copy()
    assert (np.diff(suppress(some, how).score) <= 0).all()
    np.testing.assert_array_equal(some.score, before)


def test_survivors_do_not_overlap_and_are_sorted() -> None:
    kept = suppress(crowd(400), Suppression(0.4), most=30)
    assert len(kept.score) == 30
    assert (np.diff(kept.score) <= 0).all()
    overlaps = iou(kept.xyxy, kept.xyxy)
    assert overlaps[~np.eye(30, dtype=bool)].max() <= 0.4 + 1e-6


@pytest.mark.parametrize("how", [HARD, Suppression(0.2), Suppression(0.9, per_class=False)])
def test_the_first_boxes_are_the_same_however_many_follow(how: Suppression) -> None:
    """Those after the first few are not compared where they cannot matter; where few survive they all are."""
    many = crowd(3000, classes=3)
    everything = suppress(many, how, most=3000)
    assert len(everything.score) > 30
    for most in (1, 30, 300):
        for some, all_ in zip(suppress(many, how, most=most), everything.at(slice(most)), strict=True):
            np.testing.assert_array_equal(some, all_)


def test_one_anchor_may_give_a_box_per_class() -> None:
    """A raw output is (A, 4 + C): centre and size, then the scores of the classes."""
    raw = torch.tensor([[10, 10, 10, 10, 0.6, 0.5], [50, 50, 8, 8, 0.3, 0.001]], dtype=torch.float32)
    xyxy, score, label = boxes_in(raw, 0.01)
    assert label.tolist() == [0, 1, 0]
    assert xyxy[0].tolist() == [5, 5, 15, 15]
    assert score.tolist() == pytest.approx([0.6, 0.5, 0.3])
    assert [part.shape for part in boxes_in(raw, 0.9)] == [(0, 4), (0,), (0,)]
    assert [part.shape for part in boxes_in(torch.empty(0, 6), 0.9)] == [(0, 4), (0,), (0,)]


def test_candidates_without_an_area_are_none() -> None:
    some = candidates(as_boxes([[0, 0, 0, 5], [0, 0, 4, 5], [3, 3, 9, 9]]), np.array([0.9, 0.2, 0.4]), np.arange(3))
    assert some.label.tolist() == [2, 1]
    assert some.boxes(("a", "b", "c"))[0] == Box("c", 3, 3, 9, 9, 0.4)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (100, 37), (33, 200), (64, 64), (1, 1)])
def test_letterbox_undoes_itself(width: int, height: int) -> None:
    placed = letterbox(np.zeros((height, width, 3), dtype=np.uint8), 320)
    assert placed.pixels.shape[1] % 32 == 0
    assert placed.pixels.shape[2] % 32 == 0
    assert max(placed.pixels.shape) == 320
    corners = as_boxes([[0, 0, width, height]]) * np.array(placed.scale * 2) + [placed.left, placed.top] * 2
    assert np.allclose(placed.undo(corners), [[0, 0, width, height]])
    assert placed.undo(as_boxes([])).shape == (0, 4)


@pytest.mark.parametrize(("width", "height"), [(3000, 2000), (1000, 155), (2000, 20), (90, 4000)])
def test_a_side_rounded_to_whole_pixels_is_undone(width: int, height: int) -> None:
    """What fills the input fills the photo, however thin: one factor for both sides would be off by up to a half."""
    photo = np.zeros((height, width, 3), dtype=np.uint8)
    small, scale = resize(photo, 320)
    filled = as_boxes([[0, 0, small.shape[1], small.shape[0]]])
    assert np.allclose(back(filled, scale), [[0, 0, width, height]])
    placed = letterbox(photo, 320)
    rows, columns = (np.flatnonzero((placed.pixels == 0).any(axis=axis)) for axis in ((0, 2), (0, 1)))
    filled = as_boxes([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]])
    assert np.allclose(placed.undo(filled), [[0, 0, width, height]])


def test_letterbox_keeps_the_picture_where_it_says() -> None:
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    picture[10:, 20:] = 255
    placed = letterbox(picture, 64)  # scale 1.6: 64 x 32
    assert (placed.scale, placed.left, placed.top, tuple(placed.pixels.shape)) == ((1.6, 1.6), 0, 0, (3, 32, 64))
    assert placed.pixels[:, 24, 48].tolist() == [255] * 3
    assert placed.pixels[:, 8, 16].tolist() == [0] * 3
