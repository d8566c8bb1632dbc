"""From a model's candidates to boxes: suppression of the many that mean one thing, without a time limit.

Hard suppression drops the weaker of two boxes that overlap by more than `iou`. Soft suppression (Bodla et al.,
Soft-NMS, ICCV 2017, the Gaussian kind) lowers the score of those that overlap less, too, by exp(-IoU^2 / sigma); with
an `iou` of 1 it drops none, which keeps damages that truly overlap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detect.data import Box
from detect.geometry import Boxes, clip, iou
from detect.point import Suppression

CANDIDATES = 30_000  # of one image before suppression, as in the reference implementation
MOST = 300  # boxes of one image after it


class Candidates(NamedTuple):
    """What a model sees in one picture before suppression.

    xyxy (N, 4) in pixels of the picture, over whose edges they may reach; score (N,) in 0..1; label (N,), the number of
    a class, from 0.
    """

    xyxy: Boxes
    score: NDArray[np.float64]
    label: NDArray[np.int64]

    def at(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Candidates:
        """Some of them."""
        return Candidates(self.xyxy[rows], self.score[rows], self.label[rows])

    def inside(self, width: int, height: int) -> Candidates:
        """Cut to a picture of this size; those that are outside of it are out."""
        return candidates(clip(self.xyxy, width, height), self.score, self.label)

    def boxes(self, classes: tuple[str, ...]) -> tuple[Box, ...]:
        """The same as boxes with names."""
        rows = zip(self.xyxy.tolist(), self.score.tolist(), self.label.tolist(), strict=True)
        return tuple(Box(classes[label], x1, y1, x2, y2, score) for (x1, y1, x2, y2), score, label in rows)


def candidates(xyxy: Boxes, score: NDArray[np.float64], label: NDArray[np.int64]) -> Candidates:
    """Those that have an area, strongest first, CANDIDATES at most."""
    rows = np.flatnonzero((xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1]))
    rows = rows[np.argsort(-score[rows], kind="stable")][:CANDIDATES]
    return Candidates(xyxy[rows], score[rows], label[rows])


def from_yolo(raw: Tensor, confidence: float) -> Tensor:
    """The boxes of one image in a YOLO's raw output.

    raw: (4 + C, A) with centre x, centre y, width, height in input pixels and C class scores for each of A anchor
    points, each of which may give a box for every class whose score exceeds `confidence`. Returns (N, 6) rows x1, y1,
    x2, y2, score, class.
    """
    anchor, label = torch.nonzero(confidence < raw[4:].T, as_tuple=True)
    score = raw[4 + label, anchor]
    centre, size = raw[:2, anchor].T, raw[2:4, anchor].T
    return torch.cat([centre - size / 2, centre + size / 2, score[:, None], label[:, None].to(score.dtype)], dim=1)


def suppress(found: Candidates, how: Suppression, confidence: float = 0.0, most: int = MOST) -> Candidates:
    """What is left of candidates, best first, `most` at most; soft suppression drops scores of `confidence` or less."""
    if how.sigma:
        return _soft(found, how, confidence, most)
    from torchvision.ops import batched_nms, nms

    xyxy, score = torch.from_numpy(found.xyxy), torch.from_numpy(found.score)
    if how.per_class:
        keep = batched_nms(xyxy, score, torch.from_numpy(found.label), how.iou)
    else:
        keep = nms(xyxy, score, how.iou)
    return found.at(keep.numpy()[:most])


def _soft(found: Candidates, how: Suppression, confidence: float, most: int) -> Candidates:
    """Take the strongest, weaken what overlaps it, and again. Those too weak are out for good."""
    score, left, kept = found.score.copy(), np.arange(len(found.score)), list[int]()
    while len(left) and len(kept) < most:
        best = left[score[left].argmax()]
        kept.append(int(best))
        left = left[left != best]
        near = left[found.label[left] == found.label[best]] if how.per_class else left
        overlap = iou(found.xyxy[best][None], found.xyxy[near])[0]
        score[near] *= np.where(overlap > how.iou, 0.0, np.exp(-(overlap**2) / how.sigma))
        left = left[score[left] > confidence]
    return found._replace(score=score).at(np.array(kept, dtype=np.intp))
