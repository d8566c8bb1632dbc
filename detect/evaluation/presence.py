"""Is there damage at all? The question of a claims desk, asked of each image or of all images of one claim.

A unit, image or claim, is flagged where any detection is as sure as its class's confidence, wherever its box lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.bootstrap import Floats, Rows, Weights, divided
from detect.evaluation.match import MatchTable
from detect.splitting import group_keys

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """U units, images or groups of images; every array is (U,).

    `real`: at least one true box that counts. `counted`: False where all true boxes are crowds or marked `ignore`, as
    nobody says whether those are damage; such a unit takes no part. `score`: the highest of any detection, 0 without
    one. `flagged`: a detection at or above its class's confidence.
    """

    real: Flags
    counted: Flags
    score: Floats
    flagged: Flags


class PresenceCounts(NamedTuple):
    """Of the units that count: real and flagged, real and not, not real but flagged, neither."""

    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int


class Roc(NamedTuple):
    """A curve over falling threshold, each (P,): the shares of undamaged and of damaged units at or above it."""

    false_positive_rate: Floats
    true_positive_rate: Floats
    threshold: Floats


def presence(table: MatchTable, units: Rows, confidence: Floats) -> Presence:
    """What is there and what is detected in each unit.

    `units` (I,) numbers the unit of each image, from 0 without gaps; `confidence` (K,) of each class. The table's
    detections are enough: those beyond the best 100 of an image and class are no surer.
    """
    count = int(units.max(initial=-1)) + 1
    ours, true = table.detections, table.truths
    real, annotated, flagged = (np.zeros(count, dtype=bool) for _ in range(3))
    annotated[units[true.image]] = True
    real[units[true.image[~table.truth_ignored[0]]]] = True
    flagged[units[ours.image[ours.score >= confidence[ours.label]]]] = True
    score = np.zeros(count)
    np.maximum.at(score, units[ours.image], ours.score)
    return Presence(real, real | ~annotated, score, flagged)


def unit_weights(units: Rows, weights: Weights) -> Weights:
    """(U, B) from (I, B), where the images of a unit are drawn together: the weight of its first image."""
    return np.asarray(weights[np.unique(units, return_index=True)[1]])


def presence_metrics(p: Presence, weights: Weights) -> dict[str, Floats]:
    """Sensitivity, specificity and AUC (B,) for weights (U, B) of the units; NaN where undefined.

    Sensitivity is the flagged share of damaged units, specificity the unflagged share of undamaged ones. AUC, the area
    under the ROC curve, is the share of pairs of a damaged and an undamaged unit in which the damaged one has the
    higher score, ties counting half (Mann and Whitney, 1947; Hanley and McNeil, Radiology 143, 1982).
    """
    damaged, sound = p.real & p.counted, ~p.real & p.counted
    return {
        "sensitivity": divided(weights[damaged & p.flagged].sum(axis=0), weights[damaged].sum(axis=0)),
        "specificity": divided(weights[sound & ~p.flagged].sum(axis=0), weights[sound].sum(axis=0)),
        "auc": _auc(p.score[damaged], weights[damaged], p.score[sound], weights[sound]),
    }


def counts(p: Presence) -> PresenceCounts:
    """How many units that count are real or not, and flagged or not."""
    real, flagged = p.real[p.counted], p.flagged[p.counted]
    four = (real & flagged, real & ~flagged, ~real & flagged, ~real & ~flagged)
    return PresenceCounts(*(int(one.sum()) for one in four))


def roc(p: Presence) -> Roc:
    """The curve from (0, 0), at threshold infinity, with one point per distinct score, to (1, 1).

    A rate is NaN throughout where there are no units to take it of.
    """
    levels, level = np.unique(p.score[p.counted], return_inverse=True)
    real = p.real[p.counted]
    sums = [np.bincount(level[chosen], minlength=len(levels))[::-1].cumsum() for chosen in (~real, real)]
    false, true = (np.concatenate([[0.0], reached]) for reached in sums)
    return Roc(divided(false, false[-1]), divided(true, true[-1]), np.concatenate([[np.inf], levels[::-1]]))


def group_units(names: tuple[str, ...], pattern: str) -> tuple[Rows, tuple[str, ...]]:
    """The unit (I,) of each image and the units' labels, in the order in which they first appear.

    Names in which `pattern` finds the same are one unit: the same match or, if it has parenthesised groups, the same
    groups, which the label joins by "/". Raises ConfigError for a broken pattern, DataError for names it misses.
    """
    keys = group_keys(names, pattern)
    place = {key: unit for unit, key in enumerate(dict.fromkeys(keys[name] for name in names))}
    units = np.array([place[keys[name]] for name in names], dtype=np.int64)
    # A group that takes no part in the match is None.
    return units, tuple("/".join(p for p in key if p) if isinstance(key, tuple) else str(key) for key in place)


def _auc(damaged: Floats, damaged_weights: Weights, sound: Floats, sound_weights: Weights) -> Floats:
    """(B,) from scores (P,), (N,) and weights (P, B), (N, B)."""
    order = np.argsort(sound, kind="stable")
    # below[n]: the weight of the n lowest undamaged units; below and at a score are two places in it.
    below = np.concatenate([np.zeros((1, sound_weights.shape[1])), sound_weights[order].cumsum(axis=0)])
    lower, upper = (np.searchsorted(sound[order], damaged, side=side) for side in ("left", "right"))
    won = (damaged_weights * (below[lower] + below[upper])).sum(axis=0) / 2
    return divided(won, damaged_weights.sum(axis=0) * below[-1])
