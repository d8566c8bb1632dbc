"""Boxes as arrays: pure numpy on (N, 4) float64.

(0,0) ───────────────► x          xyxy = x1, y1, x2, y2     xywh = x1, y1, width, height
  │     x1        x2
  │  y1 ┌─────────┐               pixels of the upright image, origin at its top-left corner.
  │     │         │               The far edges are exclusive: width = x2 - x1, no `+ 1` anywhere.
  │  y2 └─────────┘               A box over the whole image is (0, 0, width, height).
  ▼ y
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Boxes = NDArray[np.float64]


def as_boxes(boxes: ArrayLike) -> Boxes:
    """(N, 4) float64 from any sequence of four numbers each; an empty sequence gives (0, 4)."""
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)


def area(xyxy: Boxes) -> NDArray[np.float64]:
    """Areas (N,) in square pixels; 0 where a box has no extent."""
    return np.clip(xyxy[:, 2] - xyxy[:, 0], 0, None) * np.clip(xyxy[:, 3] - xyxy[:, 1], 0, None)


def xyxy_to_xywh(xyxy: Boxes) -> Boxes:
    """Corners (N, 4) to top-left corner and size (N, 4)."""
    return np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)


def xywh_to_xyxy(xywh: Boxes) -> Boxes:
    """Top-left corner and size (N, 4) to corners (N, 4)."""
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def clip(xyxy: Boxes, width: float, height: float) -> Boxes:
    """Boxes (N, 4) cut to an image of width x height pixels."""
    return np.clip(xyxy, 0, np.array([width, height, width, height], dtype=np.float64))


def intersection(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Areas shared by each pair of a (N, 4) and b (M, 4): (N, M) square pixels."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    size = np.clip(high - low, 0, None)
    return np.asarray(size[..., 0] * size[..., 1])


def iou(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Intersection over union of each pair of a (N, 4) and b (M, 4): (N, M) in 0..1; 0 where both are empty."""
    shared = intersection(a, b)
    union = area(a)[:, None] + area(b)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
