"""How precision, recall and F1 move with the confidence, and the confidence that suits best."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.bootstrap import Floats
from detect.evaluation.goals import F1, Goal
from detect.evaluation.match import MatchTable
from detect.evaluation.mistakes import kinds
from detect.evaluation.outcomes import judge
from detect.progress import track

FALLBACK = 0.5  # the confidence where none is given and no choice helps
MIN_TRUTHS = 10  # true boxes of a class below which its own choice would be luck
CLASSES_SHOWN = 5  # classes named in a remark
ROUNDS, TRIALS = 2, 24  # of the descent: passes over the classes, cuts tried in each


class Cut(NamedTuple):
    """The confidence (None: nothing is ever found) and whether the goal is reached there."""

    confidence: float | None
    reached: bool


class Choice(NamedTuple):
    """confidence (K,) per class, remarks, and whether there was anything to choose by."""

    confidence: Floats
    notes: tuple[str, ...]
    made: bool


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


def best_confidence(curve: Sweep, goal: Goal = F1, label: int | None = None) -> Cut:
    """Where to cut this curve to reach the goal; `label` is the class that it belongs to, None for all together.

    Any number between two neighbouring scores gives the same counts, so the one that can be read out and typed again
    is given: 0.4 and not 0.4137205.
    """
    if not curve.hits.any():
        return Cut(None, False)
    hits, precision, recall = curve.hits > 0, curve.hits / curve.detections, curve.hits / max(1, curve.truths)
    reached = True
    if goal.kind == "f1":
        place = int(np.nanargmax(curve.f1))
    elif goal.kind == "cost":
        place = int(np.argmin(_cost(curve, goal, label)))
    elif goal.kind == "precision":  # the lowest confidence that still has it, so that most is found
        enough = np.flatnonzero(hits & (precision >= goal.target))
        reached = len(enough) > 0
        place = int(enough[-1]) if reached else int(np.argmax(np.where(hits, precision, -1)))
    else:  # the highest confidence that already has it, so that least is false
        enough = np.flatnonzero(recall >= goal.target)
        reached = len(enough) > 0
        place = int(enough[0] if reached else np.argmax(curve.hits))
    return Cut(_shortest(curve.confidence, place), reached)


def choose(table: MatchTable, iou: float, goal: Goal) -> Choice:
    """The confidence of each class that reaches the goal on this data.

    A class with fewer than MIN_TRUTHS true boxes, or of which nothing is found at any confidence, takes the confidence
    chosen for all classes together: on three boxes any number looks best.
    """
    shared = best_confidence(sweep(table, iou), goal)
    fallback = FALLBACK if shared.confidence is None else shared.confidence
    confidence = np.full(len(table.classes), fallback)
    few, short = [], []
    for k, name in enumerate(table.classes):
        curve = sweep(table, iou, k)
        cut = best_confidence(curve, goal, k)
        if cut.confidence is None or curve.truths < MIN_TRUTHS:
            few.append(name)
            continue
        confidence[k] = cut.confidence
        if not cut.reached:
            short.append(name)
    notes = _about(goal, few, short, shared)
    if goal.cost is not None and goal.has_confusions:
        confidence = _descend(table, iou, goal.cost, confidence)
    return Choice(confidence, tuple(notes), shared.confidence is not None)


def _about(goal: Goal, few: list[str], short: list[str], shared: Cut) -> list[str]:
    if shared.confidence is None:
        return [f"No detection is right at any confidence; counted at {FALLBACK:g}."]
    notes = []
    if few:
        them = f"{len(few)} classes" if len(few) > CLASSES_SHOWN else ", ".join(few)
        verb = "take" if len(few) > 1 else "takes"
        notes.append(
            f"{them}: fewer than {MIN_TRUTHS} true boxes or nothing found; {verb} the confidence of all together."
        )
    if short:
        them = f"{len(short)} classes" if len(short) > CLASSES_SHOWN else ", ".join(short)
        notes.append(f"{goal} is out of reach for {them}; taken where it comes closest.")
    return notes


def _descend(table: MatchTable, iou: float, cost: Floats, confidence: Floats) -> Floats:
    """Lower the total cost class by class: with confusions, the best cut of one depends on those of the others."""
    judged = kinds(table, iou)

    def total(trial: Floats) -> float:
        return float((judge(table, iou, trial, judged).confusion * cost).sum())

    best, least = confidence.copy(), total(confidence)
    for k in track([*range(len(table.classes))] * ROUNDS, "choosing confidences"):
        scores = sweep(table, iou, k).confidence
        for place in np.unique(np.linspace(0, len(scores) - 1, min(TRIALS, len(scores))).astype(int)):
            trial = best.copy()
            trial[k] = _shortest(scores, place)
            if (price := total(trial)) < least:
                best, least = trial, price
    return best


def _cost(curve: Sweep, goal: Goal, label: int | None) -> Floats:
    """The cost (N,) of the misses and false alarms at each cut of the curve."""
    cost = np.zeros((2, 2)) if goal.cost is None else goal.cost
    miss = cost[:-1, -1].mean() if label is None else cost[label, -1]
    alarm = cost[-1, :-1].mean() if label is None else cost[-1, label]
    return np.asarray(miss * (curve.truths - curve.hits) + alarm * (curve.detections - curve.hits))


def _shortest(scores: Floats, place: int) -> float:
    """The shortest decimal above the next lower score that is at most this one."""
    score = float(scores[place])
    lower = float(scores[place + 1]) if place + 1 < len(scores) else 0.0
    for digits in range(1, 17):
        scale = 10.0**digits
        short = math.floor(score * scale) / scale
        if lower < short <= score:
            return short
    return score


def _divided(a: NDArray[np.int64], b: NDArray[np.int64]) -> Floats:
    return np.asarray(np.divide(a, b, out=np.full(a.shape, np.nan), where=b > 0))
