"""What each single mistake costs: by how much the mean AP would rise were this one box corrected."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.bootstrap import CELLS, Floats
from detect.evaluation.outcomes import Outcomes
from detect.evaluation.pairs import Rows
from detect.evaluation.precision import weighted_ap


class ApCost(NamedTuple):
    """Points of mean AP (0..1) at the overlap of the operating point; 0 where nothing is wrong.

    `detection` (N,) of the detections at the operating point, were a false one not there; `truth` (G,) of the true
    boxes, were a missed one found, and by the surest detection of all.
    """

    detection: Floats
    truth: Floats


def ap_cost(outcomes: Outcomes) -> ApCost:
    """The cost of each mistake at the operating point, all else as it is.

    One by one, unlike the costs by kind (`mistakes.costs`), which correct all of a kind at once: they do not add up.
    """
    table, t = outcomes.table, outcomes.table.threshold(outcomes.iou)
    real = ~table.truth_ignored[0]
    counts = np.bincount(table.truths.label[real], minlength=len(table.classes))
    starts = np.searchsorted(table.detections.label, np.arange(len(table.classes) + 1))
    finder = np.full(len(real), -1, dtype=np.int64)  # of each true box, also below the confidence
    finder[table.truth[t, table.found[0, t]]] = np.flatnonzero(table.found[0, t])
    costs = ApCost(np.zeros(len(outcomes.rows)), np.zeros(len(real)))
    for k in np.flatnonzero(counts):
        ours = slice(int(starts[k]), int(starts[k + 1]))
        ranking = _Ranking(table.found[0, t, ours], table.ignored[0, t, ours], int(counts[k]))
        wrong = np.flatnonzero(outcomes.wrong & (table.detections.label[outcomes.rows] == k))
        missed = np.flatnonzero(outcomes.missed & (table.truths.label == k))
        costs.detection[wrong] = _gains(ranking, outcomes.rows[wrong] - ours.start, found=False)
        places = np.where(finder[missed] >= 0, finder[missed] - ours.start, -1)
        costs.truth[missed] = _gains(ranking, places, found=True)
    share = 1 / max(1, int(np.count_nonzero(counts)))
    return ApCost(costs.detection * share, costs.truth * share)


class _Ranking(NamedTuple):
    """The detections (n,) of one class in falling order of score, and how many true boxes there are."""

    found: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    truths: int


def _gains(ranking: _Ranking, gone: Rows, *, found: bool) -> Floats:
    """(P,) how much the AP rises without the detection at each place (-1: with all of them).

    With `found` one that is right stands before all others in its stead.
    """
    right, ignored = np.append(True, ranking.found), np.append(False, ranking.ignored)
    gains = np.zeros(len(gone))
    step = max(1, CELLS // len(right))
    before = _ap(right, ignored, np.array([-1]), ranking.truths, found=False)
    for start in range(0, len(gone), step):
        part = gone[start : start + step]
        gains[start : start + step] = _ap(right, ignored, part, ranking.truths, found=found) - before
    return np.maximum(gains, 0)


def _ap(right: NDArray[np.bool_], ignored: NDArray[np.bool_], gone: Rows, truths: int, *, found: bool) -> Floats:
    weight = np.ones((len(right), len(gone)), dtype=np.float32)
    weight[0] = found
    leaving = np.flatnonzero(gone >= 0)
    weight[gone[leaving] + 1, leaving] = 0
    return weighted_ap(right, ignored, weight, np.full(len(gone), float(truths)))
