"""What any detector gives and these predictions lack: weak scores, an order among them, detections in every photo."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detect.data import Dataset, Predictions
from detect.evaluation.fit import OVERLAPS, Sample, gain, surest
from detect.evaluation.match import MatchTable
from detect.evaluation.remarks import Finding

CUT = 0.15  # a lowest score from which on weaker detections must have been dropped
KEPT = 0.05  # a lowest score below which weak detections have been kept
SCORES = 10  # detections from which on scores are judged
INVERTED = 0.3  # the share of pairs in which the right detection scores higher; 0.5 is no order at all
DEVIATIONS = 6.0
EMPTY = 0.1  # the share of photos without a detection from which on it is of interest
FEWEST = 5  # and their number
FEW = 2  # detections, that nearly every photo exceeds where weak ones have been kept
TENTH = 0.1
TIMES = 3.0  # by how much they have to be more than expected

Counts = NDArray[np.int64]


def about_scores(predictions: Predictions, table: MatchTable) -> Iterator[Finding]:
    """Scores that are all alike, cut off below a threshold, or the lower the surer."""
    scores = np.array([box.score for boxes in predictions.images.values() for box in boxes], dtype=np.float64)
    if len(scores) < SCORES:
        return
    lowest = float(scores.min())
    if lowest == scores.max():
        yield Finding(
            "scores equal",
            f"All {len(scores)} scores are {lowest:g}: without an order among the detections AP and the choice of a "
            "confidence mean little. Were the scores lost when the predictions were written?",
        )
    elif lowest >= CUT and _found(table).sum() < int((~table.truth_ignored[0]).sum()):
        yield Finding(
            "scores cut",
            f"The lowest score is {lowest:.3g}: weaker detections were cut off at a threshold, so AP and recall are "
            "understated. Predict again with a threshold of 0.001, and choose the confidence here.",
        )


def about_inverted(table: MatchTable, sample: Sample) -> Iterator[Finding]:
    """Scores that are the lower the surer a detection is."""
    inverted = _inverted(table)
    if sample.fits and not inverted:
        return
    turned = table.detections._replace(score=-table.detections.score)
    other = surest(table.truths, turned, sample.size)
    given, least = sample.best(sample.xyxy), other.best(other.xyxy)
    if not len(given) or not len(least):
        return
    if inverted or gain(given, least, other.by_chance(other.xyxy), len(other.photos)):
        high, low = ((best >= OVERLAPS[0]).mean() for best in (given, least))
        yield Finding(
            "scores inverted",
            f"Low scores are right and high ones wrong: of the detections with the highest scores {high:.0%} lie on a "
            f"true box (IoU {OVERLAPS[0]:g}), of those with the lowest {low:.0%}. A score has to rise with "
            "confidence: was 1 - score written, or a distance?",
        )


def _found(table: MatchTable) -> NDArray[np.bool_]:
    """Which true boxes any detection of their class finds at IoU 0.5 (G,)."""
    found = np.zeros(len(table.truths.label), dtype=bool)
    found[table.truth[0][table.found[0, 0]]] = True
    return found


def _inverted(table: MatchTable) -> bool:
    """Whether a right detection scores higher than a wrong one in far fewer pairs than by chance (Mann-Whitney)."""
    counts = ~table.ignored[0, 0]
    score, right = table.detections.score[counts], table.found[0, 0][counts]
    n, m = int(right.sum()), int((~right).sum())
    if min(n, m) < SCORES:
        return False
    _, place, ties = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(ties) - (ties - 1) / 2)[place]
    share = (rank[right].sum() - n * (n + 1) / 2) / (n * m)
    return bool(share < min(INVERTED, 0.5 - DEVIATIONS * np.sqrt((n + m + 1) / (12 * n * m))))


def about_photos(dataset: Dataset, predictions: Predictions, table: MatchTable) -> Iterator[Finding]:
    """Damaged photos without any detection, more than this detector would leave; or one detection in each photo."""
    counted = table.truths.label[~table.truth_ignored[0]], table.truths.image[~table.truth_ignored[0]]
    boxes = np.bincount(counted[1], minlength=len(dataset))
    rows = np.array([len(predictions.images.get(image.name, ())) for image in dataset.images], dtype=np.int64)
    damaged = boxes > 0
    empty, seen = damaged & (rows == 0), damaged & (rows > 0)
    if empty.sum() >= max(FEWEST, EMPTY * damaged.sum()) and _too_many(boxes, rows, seen, empty, table):
        number = np.bincount(counted[0][empty[counted[1]]], minlength=len(dataset.classes))
        classes = ", ".join(dataset.classes[k] for k in np.argsort(-number, kind="stable")[:3] if number[k])
        yield Finding(
            "photos without rows",
            f"{empty.sum()} of {damaged.sum()} photos with true boxes (of {classes}) have no detection at all, the "
            f"others {rows[seen].mean():.1f} each. A list of results cannot tell 'nothing found' from 'not looked at': "
            "were all photos predicted? Predict the rest, or evaluate on those that were.",
        )
    several = seen & (boxes > 1)
    if rows.max(initial=0) == 1 and seen.sum() >= SCORES and 2 * several.sum() >= seen.sum() > 9 * empty.sum():
        yield Finding(
            "one per photo",
            f"No photo has more than one detection, though {several.sum()} have several true boxes: was the best one "
            "alone kept? Recall and AP are understated.",
        )


def _too_many(
    boxes: Counts, rows: Counts, seen: NDArray[np.bool_], empty: NDArray[np.bool_], table: MatchTable
) -> bool:
    """Whether more photos are empty than the detector would leave.

    That goes by the share of true boxes that it finds in the others; or weak detections have been kept, and it has
    several for nearly all the others.
    """
    if not seen.any():
        return False
    if table.detections.score.min(initial=1) < KEPT and np.quantile(rows[seen], 0.1) > FEW:
        return True
    found = _found(table) & ~table.truth_ignored[0] & seen[table.truths.image]
    missed = 1 - found.sum() / boxes[seen].sum()
    expected = (missed ** boxes[seen | empty]).sum()
    return bool(empty.sum() >= TIMES * max(expected, _below(table, seen)))


def _below(table: MatchTable, seen: NDArray[np.bool_]) -> float:
    """How many photos may have lost all detections to a threshold: as many per tenth of score as right above it."""
    best = np.zeros(len(seen))
    np.maximum.at(best, table.detections.image, table.detections.score)
    lowest = table.detections.score.min(initial=1)
    return float(lowest / TENTH * (seen & (best < lowest + TENTH)).sum())
