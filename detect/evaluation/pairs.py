"""Which boxes meet: pairs within one image, their overlap, and the greedy choice among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detect.geometry import Boxes

Rows = NDArray[np.int64]


def same_key(a: Rows, b: Rows) -> tuple[Rows, Rows]:
    """Every pair (i, j) with a[i] == b[j], ordered by i and then by j: two arrays of P rows."""
    order = np.argsort(b, kind="stable")
    keys = b[order]
    first = np.searchsorted(keys, a, side="left")
    count = np.searchsorted(keys, a, side="right") - first
    i = np.repeat(np.arange(len(a)), count)
    within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    return i, order[np.repeat(first, count) + within]


def size(boxes: Boxes) -> Boxes:
    """Width and height, (N, 2) pixels, as the file gave them.

    COCO's tools calculate with the x, y, width and height of the file. Here the corners are kept, and their
    difference may miss the width by its last bit: enough to push a box over the border between two sizes, or an
    IoU over a threshold that it meets exactly. Rounding to a billionth of a pixel gives back the very number.
    """
    return np.round(boxes[:, 2:] - boxes[:, :2], 9)


def area(boxes: Boxes) -> NDArray[np.float64]:
    """(N,) square pixels."""
    return np.asarray(np.prod(size(boxes), axis=1))


def with_filed_corners(boxes: Boxes) -> Boxes:
    """The boxes (N, 4) with far corners x + width, y + height, in the digits that COCO's tools get for them."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + size(boxes)], axis=1)


def overlap(a: Boxes, b: Boxes, crowd: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """IoU of a[p] with b[p]: (P,) in 0..1. Where crowd[p] is set, the share of a[p] that b[p] covers (COCO)."""
    width = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    shared = np.where((width > 0) & (height > 0), width * height, 0.0)
    whole = area(a) + area(b) - shared
    if crowd is not None:
        whole = np.where(crowd, area(a), whole)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)


def greedy(
    detection: Rows, truth: Rows, columns: NDArray[np.uint64], reusable: NDArray[np.bool_]
) -> NDArray[np.uint64]:
    """Give each detection, in turn, the first truth on its list that is still free; (P,) the columns where it was.

    The P candidate pairs stand in the order of choice. `columns` is a bit set per pair: the settings (IoU
    threshold, area range) in which the pair may match. All settings are matched in one pass, one bit each, and
    independently. `reusable` (G,) truths are never used up.
    """
    taken = [0] * len(reusable)
    once = (~reusable).tolist()
    won = [0] * len(detection)
    current, matched = -1, 0
    for pair, (d, g, bits) in enumerate(zip(detection.tolist(), truth.tolist(), columns.tolist(), strict=True)):
        if d != current:
            current, matched = d, 0
        if new := bits & ~matched & ~taken[g]:
            matched |= new
            won[pair] = new
            if once[g]:
                taken[g] |= new
    return np.array(won, dtype=np.uint64)
