"""How precision, recall and F1 move with the confidence, and the confidence that suits best."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluate.match import MatchTable

Floats = NDArray[np.float64]


class Sweep(NamedTuple):
    """Totals of all classes at each distinct score, falling: confidence, hits and detections (N,); truths in all."""

    confidence: Floats
    hits: NDArray[np.int64]
    detections: NDArray[np.int64]
    truths: int

    @property
    def f1(self) -> Floats:
        """2 TP / (detections + truths), (N,): F1 with the fraction cleared; NaN where both are 0."""
        return _divided(2 * self.hits, self.detections + self.truths)

    def at(self, confidence: Floats) -> tuple[Floats, Floats, Floats]:
        """Precision, recall and F1 of the detections at or above each confidence; NaN where undefined."""
        place = np.searchsorted(-self.confidence, -confidence, side="right")
        hits = np.concatenate([[0], self.hits])[place]
        count = np.concatenate([[0], self.detections])[place]
        truths = np.full_like(hits, self.truths)
        return _divided(hits, count), _divided(hits, truths), _divided(2 * hits, count + truths)


def sweep(table: MatchTable, iou: float, label: int | None = None) -> Sweep:
    """Every confidence that makes a difference, for one class or for all of them together."""
    t = table.threshold(iou)
    wanted = np.ones(len(table.detections.score), bool) if label is None else table.detections.label == label
    rows = np.flatnonzero(wanted & ~table.ignored[0, t])
    rows = rows[np.argsort(-table.detections.score[rows], kind="stable")]
    score = table.detections.score[rows]
    ends = np.flatnonzero(np.diff(score, append=-1.0))
    hits = np.cumsum(table.found[0, t, rows])[ends]
    counted = ~table.truth_ignored[0] if label is None else ~table.truth_ignored[0] & (table.truths.label == label)
    return Sweep(score[ends], hits, ends + 1, int(counted.sum()))


def best_confidence(curve: Sweep) -> float | None:
    """The shortest decimal that cuts where F1 is highest, the surest cut among equals; None: nothing is ever found.

    Any number between two neighbouring scores gives the same counts, so the one that can be read out and typed again
    is given: 0.4 and not 0.4137205.
    """
    if not curve.hits.any():
        return None
    best = int(np.nanargmax(curve.f1))
    score = float(curve.confidence[best])
    lower = float(curve.confidence[best + 1]) if best + 1 < len(curve.confidence) else 0.0
    for digits in range(1, 17):
        scale = 10.0**digits
        short = math.floor(score * scale) / scale
        if lower < short <= score:
            return short
    return score


def _divided(a: NDArray[np.int64], b: NDArray[np.int64]) -> Floats:
    return np.asarray(np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0))
