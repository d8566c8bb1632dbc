"""Boxes as arrays: values worked out by hand, no boxes at all, and pycocotools' mask.iou as the judge."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from pycocotools import mask

from detect import geometry
from detect.geometry import Boxes, area, as_boxes, clip, intersection, iou, xywh_to_xyxy, xyxy_to_xywh

UNIT = [0, 0, 10, 10]

PAIRS = [
    # a, b, shared area, IoU
    (UNIT, UNIT, 100, 1.0),  # equal
    (UNIT, [5, 0, 15, 10], 50, 50 / 150),  # half to the right
    (UNIT, [5, 5, 15, 15], 25, 25 / 175),  # a corner
    (UNIT, [2, 2, 4, 4], 4, 4 / 100),  # one inside the other
    (UNIT, [10, 0, 20, 10], 0, 0.0),  # far edges are exclusive: touching is not sharing
    (UNIT, [30, 30, 40, 40], 0, 0.0),  # apart on both axes: two negative sides make no area
    (UNIT, [3, 3, 3, 9], 0, 0.0),  # no width
    ([3, 3, 3, 3], [3, 3, 3, 3], 0, 0.0),  # two points: no 0 / 0
    ([0.25, 0, 0.75, 1], [0.5, 0, 1, 1], 0.25, 0.25 / 0.75),  # fractions of a pixel
]


@pytest.mark.parametrize(("a", "b", "shared", "ratio"), PAIRS)
def test_intersection_and_iou_by_hand(a: list[float], b: list[float], shared: float, ratio: float) -> None:
    assert intersection(as_boxes([a]), as_boxes([b])).tolist() == [[shared]]
    assert_allclose(iou(as_boxes([a]), as_boxes([b])), [[ratio]], atol=1e-15)


def test_rows_are_a_and_columns_are_b() -> None:
    a, b = as_boxes([UNIT, [5, 0, 15, 10]]), as_boxes([UNIT, [0, 0, 20, 10], [90, 90, 95, 95]])
    assert_allclose(iou(a, b), [[1, 1 / 2, 0], [1 / 3, 1 / 2, 0]])


def test_area_of_a_turned_over_box_is_zero() -> None:
    assert area(as_boxes([UNIT, [10, 10, 0, 0], [0, 10, 10, 0]])).tolist() == [100, 0, 0]


def test_corners_to_size_by_hand() -> None:
    assert xyxy_to_xywh(as_boxes([[10, 20, 40, 25]])).tolist() == [[10, 20, 30, 5]]


def test_clip_cuts_at_all_four_edges_and_keeps_the_input() -> None:
    boxes = as_boxes([[-5, -5, 210, 120], [10, 10, 20, 20], [300, 300, 400, 400]])
    assert clip(boxes, 200, 100).tolist() == [[0, 0, 200, 100], [10, 10, 20, 20], [200, 100, 200, 100]]
    assert boxes[0].tolist() == [-5, -5, 210, 120]


NONE = as_boxes([])
ONE = as_boxes([UNIT])

Returned = tuple[NDArray[Any], tuple[int, ...]]  # an array and the shape that it must have
AT_ZERO: dict[str, list[Returned]] = {  # every public function of the module, given no boxes
    "as_boxes": [(as_boxes([]), (0, 4))],
    "area": [(area(NONE), (0,))],
    "xyxy_to_xywh": [(xyxy_to_xywh(NONE), (0, 4))],
    "xywh_to_xyxy": [(xywh_to_xyxy(NONE), (0, 4))],
    "clip": [(clip(NONE, 5, 5), (0, 4))],
    "intersection": [(intersection(NONE, ONE), (0, 1)), (intersection(ONE, NONE), (1, 0))],
    "iou": [(iou(NONE, ONE), (0, 1)), (iou(ONE, NONE), (1, 0)), (iou(NONE, NONE), (0, 0))],
}


@pytest.mark.parametrize("name", AT_ZERO)
def test_no_boxes(name: str) -> None:
    for result, shape in AT_ZERO[name]:
        assert result.shape == shape
        assert result.dtype == np.float64


def test_no_function_is_left_out_at_zero() -> None:
    functions = inspect.getmembers(geometry, inspect.isfunction)
    assert {n for n, f in functions if f.__module__ == geometry.__name__ and n[0] != "_"} == set(AT_ZERO)


corner = st.floats(0, 1000, allow_subnormal=False)
size = st.one_of(st.just(0.0), st.floats(1e-3, 1000))
boxes_xywh = st.lists(st.tuples(corner, corner, size, size), min_size=1, max_size=6).map(as_boxes)


@given(boxes_xywh, boxes_xywh)
def test_iou_equals_pycocotools(a: Boxes, b: Boxes) -> None:
    theirs = np.asarray(mask.iou(a, b, [0] * len(b)))  # crowd = 0
    # 0 / 0 is undefined: pycocotools gives NaN for two boxes without area, here it is 0.
    assert_allclose(iou(xywh_to_xyxy(a), xywh_to_xyxy(b)), np.nan_to_num(theirs), rtol=1e-6, atol=1e-9)


@given(boxes_xywh, boxes_xywh)
def test_iou_is_a_share_and_symmetric(a: Boxes, b: Boxes) -> None:
    a, b = xywh_to_xyxy(a), xywh_to_xyxy(b)
    overlap = iou(a, b)
    assert ((overlap >= 0) & (overlap <= 1 + 1e-12)).all()
    assert_array_equal(overlap, iou(b, a).T)


@given(boxes_xywh)
def test_size_and_corners_are_inverse(xywh: Boxes) -> None:
    assert_allclose(xyxy_to_xywh(xywh_to_xyxy(xywh)), xywh, atol=1e-9)
