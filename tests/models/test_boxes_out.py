"""The way of a box out of a network: suppression, letterbox, picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from detect.geometry import as_boxes, iou
from detect.models.letterbox import letterbox
from detect.models.nms import suppress


def raw(rows: list[list[float]], classes: int) -> torch.Tensor:
    """Rows cx, cy, w, h, score of each class -> (1, 4 + classes, A)."""
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4 + classes).T[None]


def test_the_weaker_of_two_overlapping_boxes_of_one_class_goes() -> None:
    out = suppress(raw([[10, 10, 10, 10, 0.6, 0], [11, 10, 10, 10, 0.9, 0], [50, 50, 8, 8, 0.3, 0]], 2), 0.01, 0.5)
    assert out[0][:, 4].tolist() == pytest.approx([0.9, 0.3])
    assert out[0][0, :4].tolist() == [6, 5, 16, 15]


def test_boxes_of_two_classes_do_not_suppress_each_other() -> None:
    out = suppress(raw([[10, 10, 10, 10, 0.6, 0], [10, 10, 10, 10, 0, 0.9]], 2), 0.01, 0.5)
    assert out[0][:, 5].tolist() == [1, 0]


def test_one_anchor_may_give_a_box_per_class() -> None:
    out = suppress(raw([[10, 10, 10, 10, 0.6, 0.5]], 2), 0.01, 0.5)
    assert out[0][:, 5].tolist() == [0, 1]


def test_nothing_above_the_confidence_gives_no_rows() -> None:
    assert suppress(raw([[10, 10, 10, 10, 0.1, 0.1]], 2), 0.5, 0.5)[0].shape == (0, 6)
    assert suppress(raw([], 2), 0.5, 0.5)[0].shape == (0, 6)


def test_survivors_do_not_overlap_and_are_sorted() -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.uniform(0, 60, (400, 2)), rng.uniform(5, 30, (400, 2)), rng.uniform(0, 1, (400, 1))], 1)
    kept = suppress(raw(rows.tolist(), 1), 0.1, 0.4, most=30)[0].numpy()
    assert len(kept) == 30
    assert (np.diff(kept[:, 4]) <= 0).all()
    overlaps = iou(as_boxes(kept[:, :4]), as_boxes(kept[:, :4]))
    assert overlaps[~np.eye(30, dtype=bool)].max() <= 0.4 + 1e-6


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (100, 37), (33, 200), (64, 64), (1, 1)])
def test_letterbox_undoes_itself(width: int, height: int) -> None:
    placed = letterbox(np.zeros((height, width, 3), dtype=np.uint8), 320)
    assert placed.tensor.shape[1] % 32 == 0
    assert placed.tensor.shape[2] % 32 == 0
    assert max(placed.tensor.shape) == 320
    corners = as_boxes([[0, 0, width, height]]) * placed.scale + [placed.left, placed.top] * 2
    assert np.allclose(placed.undo(corners, width, height), [[0, 0, width, height]])
    assert placed.undo(as_boxes([]), width, height).shape == (0, 4)


def test_letterbox_keeps_the_picture_where_it_says() -> None:
    picture = np.zeros((20, 40, 3), dtype=np.uint8)
    picture[10:, 20:] = 255
    placed = letterbox(picture, 64)  # scale 1.6: 64 x 32
    assert (placed.scale, placed.left, placed.top, tuple(placed.tensor.shape)) == (1.6, 0, 0, (3, 32, 64))
    assert placed.tensor[:, 24, 48].tolist() == [255] * 3
    assert placed.tensor[:, 8, 16].tolist() == [0] * 3
