"""At one confidence and one IoU: what became of every detection and of every true box."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluate.match import MatchTable
from detect.evaluate.pairs import Rows, greedy, overlap, same_key

NEAR = 0.1  # below this IoU a detection has nothing to do with a true box (TIDE's background threshold)


class Verdict(IntEnum):
    """Of one detection. FOUND is a true positive; the next four are the false positives; IGNORED is neither."""

    FOUND = 0
    WRONG_CLASS = 1  # it meets a missed truth of another class
    DUPLICATE = 2  # it meets a truth of its class that a surer detection has
    POOR_BOX = 3  # it meets a truth of its class, but not well enough
    FALSE_ALARM = 4  # it meets nothing
    IGNORED = 5  # it meets a crowd or a truth marked `ignore`


class Counts(NamedTuple):
    """True positives, false positives and misses; what they make is NaN where it is 0 / 0."""

    true_positives: int
    false_positives: int
    misses: int

    @property
    def precision(self) -> float:
        """The share of detections that are right."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """The share of true boxes that are found."""
        return _ratio(self.true_positives, self.true_positives + self.misses)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.misses)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """N detections at or above the confidence, and the table's G truths.

    `rows` (N,) into the table's detections; `verdict` (N,) Verdict; `truth` (N,) the row of the truth that a
    detection found, took for another class, repeats or boxes poorly, or -1; `missed` (G,).
    """

    table: MatchTable
    confidence: float
    iou: float
    rows: Rows
    verdict: NDArray[np.int64]
    truth: Rows
    missed: NDArray[np.bool_]

    @property
    def confusion(self) -> NDArray[np.int64]:
        """(K + 1, K + 1) counts: truth down, prediction across, background last.

        Row c sums to the true boxes of class c and column k to the detections of class k that count, so the diagonal
        over those sums is recall and precision, exactly.
        """
        background = len(self.table.classes)
        matrix = np.zeros((background + 1, background + 1), dtype=np.int64)
        label, true_label = self.table.detections.label[self.rows], self.table.truths.label
        paired = self.verdict <= Verdict.WRONG_CLASS
        alone = ~paired & (self.verdict != Verdict.IGNORED)
        unseen = self.missed.copy()
        unseen[self.truth[self.verdict == Verdict.WRONG_CLASS]] = False
        np.add.at(matrix, (true_label[self.truth[paired]], label[paired]), 1)
        np.add.at(matrix[background], label[alone], 1)
        np.add.at(matrix[:, background], true_label[unseen], 1)
        return matrix

    @property
    def classes(self) -> tuple[Counts, ...]:
        """The counts of each class."""
        matrix = self.confusion
        hits = np.diagonal(matrix)[:-1]
        alarms = matrix.sum(axis=0)[:-1] - hits
        misses = matrix.sum(axis=1)[:-1] - hits
        return tuple(Counts(*map(int, three)) for three in zip(hits, alarms, misses, strict=True))

    @property
    def overall(self) -> Counts:
        """The counts of all classes together."""
        totals = np.array(self.classes, dtype=np.int64).reshape(-1, 3).sum(axis=0)
        return Counts(*totals.tolist())


def outcomes(table: MatchTable, iou: float, confidence: float) -> Outcomes:
    """Judge every detection with a score of at least `confidence`. Raises ConfigError where `iou` was not matched."""
    t = table.threshold(iou)
    rows = np.flatnonzero(table.detections.score >= confidence)
    found, ignored = table.found[0, t, rows], table.ignored[0, t, rows]
    verdict = np.where(found, Verdict.FOUND, np.where(ignored, Verdict.IGNORED, Verdict.FALSE_ALARM))
    truth = np.where(found, table.truth[t, rows], -1).astype(np.int64)
    missed = ~table.truth_ignored[0]
    missed[truth[found]] = False
    _name_wrong_classes(table, rows, verdict, truth, missed, iou)
    _name_near_misses(table, rows, verdict, truth, iou)
    return Outcomes(table, confidence, iou, rows, verdict, truth, missed)


def _name_wrong_classes(
    table: MatchTable, rows: Rows, verdict: Rows, truth: Rows, missed: NDArray[np.bool_], iou: float
) -> None:
    """Give false alarms, the surest first, the missed truth of any class that they overlap best."""
    alarms = np.flatnonzero(verdict == Verdict.FALSE_ALARM)
    alarms = alarms[np.argsort(-table.detections.score[rows[alarms]], kind="stable")]
    left = np.flatnonzero(missed)
    i, j = same_key(table.detections.image[rows[alarms]], table.truths.image[left])
    shared = overlap(table.detections.xyxy[rows[alarms[i]]], table.truths.xyxy[left[j]])
    order = np.lexsort((-shared, i))
    order = order[shared[order] >= iou]
    one = np.ones(len(order), dtype=np.uint64)
    won = order[greedy(i[order], j[order], one, np.zeros(len(left), dtype=bool)) != 0]
    verdict[alarms[i[won]]] = Verdict.WRONG_CLASS
    truth[alarms[i[won]]] = left[j[won]]


def _name_near_misses(table: MatchTable, rows: Rows, verdict: Rows, truth: Rows, iou: float) -> None:
    """Of the false alarms left, those that meet a truth of their own class repeat it or box it poorly."""
    alarms = np.flatnonzero(verdict == Verdict.FALSE_ALARM)
    real = np.flatnonzero(~table.truth_ignored[0])
    images = len(table.images)
    ours, theirs = table.detections, table.truths
    i, j = same_key(
        ours.label[rows[alarms]] * images + ours.image[rows[alarms]],
        theirs.label[real] * images + theirs.image[real],
    )
    shared = overlap(ours.xyxy[rows[alarms[i]]], theirs.xyxy[real[j]])
    order = np.lexsort((shared, i))  # the best of each detection comes last, and is what stays written
    order = order[shared[order] >= NEAR]
    at = alarms[i[order]]
    verdict[at] = np.where(shared[order] >= iou, Verdict.DUPLICATE, Verdict.POOR_BOX)
    truth[at] = real[j[order]]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
