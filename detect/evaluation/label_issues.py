"""Likely label issues: where a detector contradicts the annotation, and is sure of it.

Each kind of error is scored by itself, from the match table: one score over all kinds (ObjectLab, Tkachenko et al.,
ICML 2023 workshop) finds moved boxes well and hardly anything else. Predictions on photos that the detector was
trained on say little; take held-out ones, or those of a cross-validation.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from detect.evaluation.bootstrap import Floats
from detect.evaluation.match import MatchTable
from detect.evaluation.mistakes import NEAR
from detect.evaluation.pairs import Rows, overlap, same_key

LIKELY = 0.7  # from this score on an error is likely enough to be shown


class Issue(IntEnum):
    """What may be wrong with the annotation."""

    NONE = 0
    CLASS = 1  # a true box that is surely of another class
    BOX = 2  # a true box that surely has other edges
    EXTRA = 3  # a true box where nothing is seen, in a class that is otherwise found
    MISSING = 4  # a detection that is sure of something that nobody annotated


ISSUES = ("", "class", "box", "extra", "missing")


class LabelIssues(NamedTuple):
    """The likeliest doubt about each true box and each detection of a table, and its score in 0..1.

    truth (G,) and truth_score (G,); detection (D,), where only MISSING occurs, and detection_score (D,);
    `other` (G,) the class that a CLASS doubt would rather see, or -1.
    """

    truth: Rows
    truth_score: Floats
    other: Rows
    detection: Rows
    detection_score: Floats


def label_issues(table: MatchTable, iou: float = 0.5) -> LabelIssues:
    """How much the detections contradict each true box, where a box is met from `iou` on.

    Sureness is confidence over what is usual for the class (the median of its right detections), at most 1. CLASS:
    sureness x overlap of the surest meeting detection of another class, less that of its own. BOX: sureness x
    (1 - overlap) of its surest own detection. EXTRA: the share of its class that is met, less the best trace of
    anything there. MISSING: confidence x (1 - best overlap) of a detection that overlaps no true box by NEAR or more.
    Ignored true boxes are never an issue.
    """
    ours, true = table.detections, table.truths
    d, g = same_key(ours.image, true.image)
    shared = overlap(ours.xyxy[d], true.xyxy[g], true.crowd[g])
    nearest = np.zeros(len(ours.score))
    np.maximum.at(nearest, d, shared)
    near = shared > NEAR
    d, g, shared = d[near], g[near], shared[near]
    alike, meets, size = ours.label[d] == true.label[g], shared >= iou, len(true.label)
    sure = np.minimum(1, ours.score / _usual(table, d[alike & meets], g[alike & meets])[ours.label])[d]
    scores, real = np.zeros((len(Issue), size)), ~table.truth_ignored[0]
    scores[Issue.CLASS], other = _best(g, d, np.where(~alike & meets, sure * shared, 0), size)
    scores[Issue.CLASS] -= _best(g, d, np.where(alike, sure * shared, 0), size)[0]
    own, row = _best(g, d, np.where(alike, sure, 0), size)
    scores[Issue.BOX] = own * (1 - overlap(ours.xyxy[row], true.xyxy, true.crowd)) if len(d) else 0
    traces = _best(g, d, sure * np.minimum(1, shared / iou), size)[0]
    scores[Issue.EXTRA] = _met_share(table, g[alike & meets]) * (1 - traces)
    scores = np.where(real, np.clip(scores, 0, 1), 0)
    kind = scores.argmax(axis=0)
    missing = np.where(nearest < NEAR, ours.score * (1 - nearest), 0)
    return LabelIssues(
        kind.astype(np.int64),
        scores.max(axis=0, initial=0),
        np.where(kind == Issue.CLASS, ours.label[other], -1) if len(d) else np.full(size, -1),
        np.where(missing > 0, Issue.MISSING, Issue.NONE).astype(np.int64),
        missing,
    )


def _best(g: Rows, d: Rows, value: Floats, size: int) -> tuple[Floats, Rows]:
    """(G,) the highest value at each true box and the detection that has it; 0 and detection 0 without one."""
    order = np.argsort(value, kind="stable")
    best, row = np.zeros(size), np.zeros(size, dtype=np.int64)
    best[g[order]], row[g[order]] = value[order], d[order]
    return best, row


def _usual(table: MatchTable, d: Rows, g: Rows) -> Floats:
    """(K,) the median over the met true boxes of a class of the confidence of their surest detection; 1 without any."""
    surest = _best(g, d, table.detections.score[d], len(table.truths.label))[0]
    of_class = [surest[(table.truths.label == k) & (surest > 0)] for k in range(len(table.classes))]
    return np.array([np.median(values) if len(values) else 1.0 for values in of_class])


def _met_share(table: MatchTable, met: Rows) -> Floats:
    """(G,) the share of true boxes of the same class that a detection of that class meets."""
    label, classes = table.truths.label, len(table.classes)
    real = ~table.truth_ignored[0]
    found = np.zeros(len(label), dtype=bool)
    found[met] = True
    total = np.bincount(label[real], minlength=classes)
    return np.asarray((np.bincount(label[found & real], minlength=classes) / np.maximum(total, 1))[label])
