"""From a model's candidates to boxes: suppression of the many that mean one thing, without a time limit.

Hard suppression drops the weaker of two boxes that overlap by more than `iou`. Soft suppression (Bodla et al.,
Soft-NMS, ICCV 2017, the Gaussian kind) lowers the score of those that overlap less, too, by exp(-IoU^2 / sigma); with
an `iou` of 1 it drops none, which keeps damages that truly overlap.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.data import Box
from detect.geometry import Boxes, clip, iou, xyxy_to_xywh
from detect.operating_point import Suppression

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


def candidates(
    xyxy: Boxes, score: NDArray[np.float64], label: NDArray[np.int64], *, most: int | None = CANDIDATES
) -> Candidates:
    """Those that have an area, strongest first, `most` at most."""
    rows = np.flatnonzero((xyxy[:, 2] > xyxy[:, 0]) & (xyxy[:, 3] > xyxy[:, 1]))
    rows = rows[np.argsort(-score[rows], kind="stable")][:most]
    return Candidates(xyxy[rows], score[rows], label[rows])


def suppress(found: Candidates, how: Suppression, confidence: float = 0.0, most: int = MOST) -> Candidates:
    """What is left of candidates, best first, `most` at most; soft suppression drops scores of `confidence` or less."""
    if how.sigma:
        return _soft(found, how, confidence, most)
    found = found.at(np.argsort(-found.score, kind="stable"))
    count = 4 * most  # what stays depends only on the stronger ones: all 30,000 seldom have to be compared
    while len((kept := _hard(found.at(slice(count)), how)).score) < most and count < len(found.score):
        count *= 4
    return kept.at(slice(most))


def _hard(found: Candidates, how: Suppression) -> Candidates:
    if not len(found.score):
        return found
    from cv2 import dnn

    suppression: Any = dnn.NMSBoxesBatched
    labels = found.label if how.per_class else np.zeros_like(found.label)
    xyxy = found.xyxy - min(0.0, float(found.xyxy.min()))  # OpenCV parts classes by moving them; they must begin at 0
    keep = suppression(xyxy_to_xywh(xyxy), found.score.astype(np.float32), labels, 0.0, how.iou)
    return found.at(np.asarray(keep, dtype=np.intp))


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
