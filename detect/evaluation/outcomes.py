"""At one confidence per class and one IoU: what became of every detection and of every true box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.bootstrap import Floats, Weights, divided, per_image
from detect.evaluation.match import MatchTable
from detect.evaluation.mistakes import Kind, Kinds, kinds
from detect.evaluation.naming import Metric, OfClass
from detect.evaluation.pairs import Rows, greedy, overlap, same_key


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
    """N detections at or above the confidence (K,) of their class, and the table's G truths.

    `judged` are the kinds of all the table's detections; `rows` (N,) into these; `kind` (N,) Kind; `truth` (N,) the row
    of the truth that a detection found, took for another class, repeats or boxes poorly, or -1; `pair` (N,) the truth
    that stands with it in the confusion matrix, each at most once, or -1; `missed` (G,).
    """

    table: MatchTable
    judged: Kinds
    confidence: Floats
    iou: float
    rows: Rows
    kind: Rows
    truth: Rows
    pair: Rows
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
        paired = self.pair >= 0
        unpaired = ~paired & (self.kind != Kind.IGNORED)
        unseen = self.missed.copy()
        unseen[self.pair[paired]] = False
        np.add.at(matrix, (true_label[self.pair[paired]], label[paired]), 1)
        np.add.at(matrix[background], label[unpaired], 1)
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

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(N,) false positives."""
        return np.asarray((self.kind != Kind.FOUND) & (self.kind != Kind.IGNORED))


def judge(table: MatchTable, iou: float, confidence: float | Floats, judged: Kinds | None = None) -> Outcomes:
    """Judge every detection that is as sure as its class's `confidence` (K,), or one number for all.

    `judged` are the kinds of all detections at `iou`, where they are known already. Raises ConfigError where `iou` was
    not matched.
    """
    judged = kinds(table, iou) if judged is None else judged
    least = np.broadcast_to(np.asarray(confidence, dtype=np.float64), len(table.classes))
    rows = np.flatnonzero(table.detections.score >= least[table.detections.label])
    kind, truth = judged.kind[rows], judged.truth[rows]
    missed: NDArray[np.bool_] = ~table.truth_ignored[0]
    missed[truth[kind == Kind.FOUND]] = False
    pair = np.where(kind == Kind.FOUND, truth, -1)
    _pair_wrong_classes(table, rows, kind, pair, missed, iou)
    return Outcomes(table, judged, least, iou, rows, kind, truth, pair, missed)


def by_true_class(outcomes: Outcomes) -> Floats:
    """(K, K + 1) the confusion matrix as shares of the true boxes of each class; NaN for a class without any."""
    counts = outcomes.confusion[:-1].astype(np.float64)
    return divided(counts, counts.sum(axis=1, keepdims=True))


def point_metrics(outcomes: Outcomes, weights: Weights) -> dict[Metric, Floats]:
    """Precision, recall, F1 and false alarms per image at the operating point, overall and per class; (B,) by name."""
    table, classes, images = outcomes.table, len(outcomes.table.classes), len(outcomes.table.images)
    image, label = table.detections.image[outcomes.rows], table.detections.label[outcomes.rows]
    hit, wrong = outcomes.kind == Kind.FOUND, outcomes.wrong
    true = ~table.truth_ignored[0]
    hits = per_image(images, image[hit], label[hit], classes) @ weights
    alarms = per_image(images, image[wrong], label[wrong], classes) @ weights
    truths = per_image(images, table.truths.image[true], table.truths.label[true], classes) @ weights
    metrics: dict[Metric, Floats] = dict(_rates(hits.sum(axis=0), alarms.sum(axis=0), truths.sum(axis=0)).items())
    metrics["false_alarms_per_image"] = divided(alarms.sum(axis=0), weights.sum(axis=0))
    for k, name in enumerate(table.classes):
        metrics |= {OfClass(name, key): value for key, value in _rates(hits[k], alarms[k], truths[k]).items()}
    return metrics


def cost_per_image(outcomes: Outcomes, cost: Floats, weights: Weights) -> Floats:
    """What confusions, false alarms and misses cost per image, (B,); `cost` (K + 1, K + 1) as the confusion matrix."""
    table, images, background = outcomes.table, len(outcomes.table.images), len(outcomes.table.classes)
    ours = table.detections
    paired, unpaired = outcomes.pair >= 0, (outcomes.pair < 0) & outcomes.wrong
    unseen = outcomes.missed.copy()
    unseen[outcomes.pair[paired]] = False
    swapped, false = outcomes.rows[paired], outcomes.rows[unpaired]
    image = np.concatenate([ours.image[swapped], ours.image[false], table.truths.image[unseen]])
    price = np.concatenate(
        [
            cost[table.truths.label[outcomes.pair[paired]], ours.label[swapped]],
            cost[background, ours.label[false]],
            cost[table.truths.label[unseen], background],
        ]
    )
    return divided((per_image(images, image, np.zeros_like(image), 1, price) @ weights)[0], weights.sum(axis=0))


def _rates(hits: Floats, alarms: Floats, truths: Floats) -> dict[str, Floats]:
    return {
        "precision": divided(hits, hits + alarms),
        "recall": divided(hits, truths),
        "f1": divided(2 * hits, hits + alarms + truths),
    }


def _pair_wrong_classes(
    table: MatchTable, rows: Rows, kind: Rows, pair: Rows, missed: NDArray[np.bool_], iou: float
) -> None:
    """Give detections of a wrong class, the surest first, the missed truth that they overlap best."""
    swapped = np.flatnonzero(kind == Kind.WRONG_CLASS)
    swapped = swapped[np.argsort(-table.detections.score[rows[swapped]], kind="stable")]
    left = np.flatnonzero(missed)
    i, j = same_key(table.detections.image[rows[swapped]], table.truths.image[left])
    shared = overlap(table.detections.xyxy[rows[swapped[i]]], table.truths.xyxy[left[j]])
    order = np.lexsort((-shared, i))
    order = order[shared[order] >= iou]
    one = np.ones(len(order), dtype=np.uint64)
    won = order[greedy(i[order], j[order], one, np.zeros(len(left), dtype=bool)) != 0]
    pair[swapped[i[won]]] = left[j[won]]


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
