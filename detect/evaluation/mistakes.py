"""Why a detection is wrong, and how much average precision each kind of mistake costs.

The kinds are those of Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors, ECCV 2020.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.bootstrap import Floats, Weights, mean_of_defined, per_image
from detect.evaluation.match import MatchTable
from detect.evaluation.pairs import Rows, overlap, same_key
from detect.evaluation.precision import weighted_ap

NEAR = 0.1  # at or below this IoU a detection has nothing to do with a true box (TIDE's background threshold)
Flags = NDArray[np.bool_]


class Kind(IntEnum):
    """Of one detection. FOUND is a true positive, IGNORED is neither right nor wrong, the others are wrong."""

    FOUND = 0
    WRONG_CLASS = 1  # it meets a true box of another class well enough
    POOR_BOX = 2  # it meets a true box of its class, but not well enough
    BOTH = 3  # it meets a true box of another class, and not well enough
    DUPLICATE = 4  # it meets a true box of its class that a surer detection has
    BACKGROUND = 5  # it meets nothing
    IGNORED = 6  # it meets a crowd or a true box marked `ignore`


WRONG = (Kind.WRONG_CLASS, Kind.POOR_BOX, Kind.BOTH, Kind.DUPLICATE, Kind.BACKGROUND)
NAMES = ("wrong_class", "poor_box", "both", "duplicate", "background", "overlooked")  # the last is of true boxes
SPECIAL = ("false_positives", "false_negatives")


class Kinds(NamedTuple):
    """kind (D,) of each detection of the table; truth (D,) the row of the true box that it means, or -1."""

    kind: Rows
    truth: Rows


class _Ranking(NamedTuple):
    """N detections as the average precision sees them: label, image, score and hit (N,)."""

    label: Rows
    image: Rows
    score: Floats
    hit: Flags


def kinds(table: MatchTable, iou: float) -> Kinds:
    """The kind of each detection where a box is found from `iou` on. Raises ConfigError where `iou` was not matched."""
    t = table.threshold(iou)
    found, ignored = table.found[0, t], table.ignored[0, t]
    kind = np.where(found, Kind.FOUND, np.where(ignored, Kind.IGNORED, Kind.BACKGROUND)).astype(np.int64)
    truth = np.where(found, table.truth[t], -1).astype(np.int64)
    wrong, real = np.flatnonzero(kind == Kind.BACKGROUND), np.flatnonzero(~table.truth_ignored[0])
    i, j = same_key(table.detections.image[wrong], table.truths.image[real])
    shared = overlap(table.detections.xyxy[wrong[i]], table.truths.xyxy[real[j]])
    alike = table.detections.label[wrong[i]] == table.truths.label[real[j]]
    own, own_truth = _best(i[alike], real[j[alike]], shared[alike], len(wrong))
    other, other_truth = _best(i[~alike], real[j[~alike]], shared[~alike], len(wrong))
    poor = (own >= NEAR) & (own < iou)
    swapped = ~poor & (other >= iou)
    again = ~poor & ~swapped & (own >= iou)
    both = ~poor & ~swapped & ~again & (np.maximum(own, other) > NEAR)
    kind[wrong] = np.select(
        [poor, swapped, again, both],
        [Kind.POOR_BOX, Kind.WRONG_CLASS, Kind.DUPLICATE, Kind.BOTH],
        Kind.BACKGROUND,
    )
    truth[wrong] = np.select([poor | again, swapped | both], [own_truth, other_truth], -1)
    return Kinds(kind, truth)


def never_found(table: MatchTable, iou: float, judged: Kinds) -> Flags:
    """(G,) true boxes that nobody took, and that no wrong class and no poor box would have taken."""
    t = table.threshold(iou)
    unmet: Flags = ~table.truth_ignored[0]
    unmet[table.truth[t, table.found[0, t]]] = False
    unmet[judged.truth[(judged.kind == Kind.WRONG_CLASS) | (judged.kind == Kind.POOR_BOX)]] = False
    return unmet


def costs(table: MatchTable, iou: float, judged: Kinds, weights: Weights) -> dict[str, Floats]:
    """By how much the mean AP at `iou` would rise, (B,), if one kind of mistake were corrected: NAMES, then SPECIAL.

    A wrong class or a poor box is corrected by making the surest one right, where nobody found its true box, and
    removing the rest; a duplicate, a background and a both by removing it; an overlooked box by taking it out of the
    truth. `false_positives` removes everything wrong, `false_negatives` every true box that was not found.
    """
    ours, kind = table.detections, judged.kind
    counts = kind != Kind.IGNORED
    base = _Ranking(ours.label[counts], ours.image[counts], ours.score[counts], kind[counts] == Kind.FOUND)
    real = ~table.truth_ignored[0]
    before = _ap(table, base, real, weights)
    unfound = real.copy()
    unfound[judged.truth[kind == Kind.FOUND]] = False
    right = _correctable(table, judged, unfound)
    variants = {
        "wrong_class": (_corrected(table, judged, Kind.WRONG_CLASS, right), real),
        "poor_box": (_corrected(table, judged, Kind.POOR_BOX, right), real),
        "both": (_without(table, kind, Kind.BOTH), real),
        "duplicate": (_without(table, kind, Kind.DUPLICATE), real),
        "background": (_without(table, kind, Kind.BACKGROUND), real),
        "overlooked": (base, real & ~never_found(table, iou, judged)),
        "false_positives": (_without(table, kind, *WRONG), real),
        "false_negatives": (base, real & ~unfound),
    }
    return {
        name: _gain(before, _ap(table, *variant, weights), _claims(table, variant[0], weights))
        for name, variant in variants.items()
    }


def _best(i: Rows, truth: Rows, shared: Floats, count: int) -> tuple[Floats, Rows]:
    """Of the pairs of each of `count` detections, the highest IoU (0 without pairs) and the first truth that has it."""
    order = np.lexsort((-np.arange(len(i)), shared, i))  # the best of each comes last, and is what stays written
    value, at = np.zeros(count), np.full(count, -1, dtype=np.int64)
    value[i[order]], at[i[order]] = shared[order], truth[order]
    return value, at


def _correctable(table: MatchTable, judged: Kinds, unfound: Flags) -> Flags:
    """(D,) the surest wrong class or poor box of each true box that nobody found."""
    rows = np.flatnonzero((judged.kind == Kind.WRONG_CLASS) | (judged.kind == Kind.POOR_BOX))
    rows = rows[unfound[judged.truth[rows]]]
    order = np.argsort(-table.detections.score[rows], kind="stable")[::-1]  # of equals the first is written last
    surest = np.full(len(unfound), -1, dtype=np.int64)
    surest[judged.truth[rows[order]]] = rows[order]
    chosen = np.zeros(len(judged.kind), dtype=bool)
    chosen[surest[surest >= 0]] = True
    return chosen


def _corrected(table: MatchTable, judged: Kinds, kind: Kind, right: Flags) -> _Ranking:
    """The ranking in which detections of this kind are right where `right` says so, and gone where not."""
    ours, mine = table.detections, judged.kind == kind
    keep = (judged.kind != Kind.IGNORED) & (~mine | right)
    label, moved = ours.label.copy(), mine & right
    label[moved] = table.truths.label[judged.truth[moved]]
    hit = (judged.kind == Kind.FOUND) | moved
    return _Ranking(label[keep], ours.image[keep], ours.score[keep], hit[keep])


def _without(table: MatchTable, kind: Rows, *gone: Kind) -> _Ranking:
    ours, keep = table.detections, ~np.isin(kind, (*gone, Kind.IGNORED))
    return _Ranking(ours.label[keep], ours.image[keep], ours.score[keep], kind[keep] == Kind.FOUND)


def _ap(table: MatchTable, ranking: _Ranking, real: Flags, weights: Weights) -> Floats:
    """AP (K, B) of each class; NaN without true boxes."""
    classes = len(table.classes)
    truths = per_image(len(table.images), table.truths.image[real], table.truths.label[real], classes) @ weights
    order = np.lexsort((-ranking.score, ranking.label))
    starts = np.searchsorted(ranking.label[order], np.arange(classes + 1))
    result = np.full((classes, weights.shape[1]), np.nan)
    for k in np.flatnonzero(truths.any(axis=1)):
        rows = order[starts[k] : starts[k + 1]]
        weight = weights[ranking.image[rows]].astype(np.float32)
        hit = ranking.hit[rows]
        result[k] = weighted_ap(hit, np.zeros_like(hit), weight, truths[k])
    return result


def _claims(table: MatchTable, ranking: _Ranking, weights: Weights) -> Floats:
    """(K, B) detections of each class."""
    return per_image(len(table.images), ranking.image, ranking.label, len(table.classes)) @ weights


def _gain(before: Floats, after: Floats, claims: Floats) -> Floats:
    """How much the mean AP rises, (B,), from classes (K, B); never negative, as in TIDE.

    A class whose every true box was taken out counts 0, as in TIDE, while it has detections, else it leaves the mean.
    """
    emptied = np.isnan(after) & ~np.isnan(before) & (claims > 0)
    after = np.where(np.isnan(before), np.nan, np.where(emptied, 0.0, after))
    return np.maximum(mean_of_defined(after) - mean_of_defined(before), 0)
