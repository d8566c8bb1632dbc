"""Whether boxes are a result that suppression may have, where scores tie and any order of them is right.

Boxes are such a result of candidates, in some order of equal scores, exactly where (1) each is one of the candidates,
(2) no two overlap by more than the threshold, and (3) each candidate that is not kept overlaps one that is, of its own
score or a higher one, or is no stronger than the last of as many boxes as may be kept. So no order has to be guessed.
Scores within SCORE of each other tie, and so do overlaps within EDGE of the threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.geometry import Boxes, clip, iou
from detect.models.nms import MOST, Candidates
from detect.operating_point import Suppression

BOX, SCORE = 1e-3, 1e-4  # by which an exported model may differ, in pixels of the input and in score
SURE = 0.01  # boxes of a lower score may differ in whether they are there at all
EDGE = 1e-3  # of IoU: two boxes that overlap by so little more or less than the threshold are a tie
AT_ONCE = 4096  # candidates whose overlaps are in memory together
Mask = NDArray[np.bool_]


class Seen(NamedTuple):
    """Boxes of a picture: whole, for their overlaps; cut to the picture, in pixels of the input; scores and labels."""

    whole: Boxes
    cut: Boxes
    score: NDArray[np.float64]
    label: NDArray[np.int64]

    @classmethod
    def of(cls, found: Candidates, size: tuple[int, int], scale: float) -> Seen:
        """Candidates in a picture of (width, height), `scale` pixels of the input for each of its own."""
        return cls(found.xyxy, clip(found.xyxy, *size) * scale, found.score, found.label)

    @property
    def sure(self) -> Mask:
        """Which must be found: sure enough, and not wholly beside the picture."""
        return np.asarray((self.score > SURE) & (self.cut[:, 2:] > self.cut[:, :2]).all(axis=1))

    def at(self, rows: Mask | slice) -> Seen:
        """Some of them."""
        return Seen(self.whole[rows], self.cut[rows], self.score[rows], self.label[rows])


class Pairs(NamedTuple):
    """For each box the nearest of others: how far it is in pixels of the input, and in score; infinite without one."""

    box: NDArray[np.float64]
    score: NDArray[np.float64]

    @property
    def agree(self) -> Mask:
        """Whether it is the same box."""
        return (self.box <= BOX) & (self.score <= SCORE)


def pairs(some: Seen, others: Seen) -> Pairs:
    """The nearest of the others for each of some, of the same label."""
    box, score = np.full(len(some.score), np.inf), np.full(len(some.score), np.inf)
    for row in range(len(some.score)):
        same = np.flatnonzero(others.label == some.label[row])
        if not len(same):
            continue
        pixels = np.abs(others.cut[same] - some.cut[row]).max(axis=1)
        apart = np.abs(others.score[same] - some.score[row])
        best = np.maximum(pixels / BOX, apart / SCORE).argmin()
        box[row], score[row] = pixels[best], apart[best]
    return Pairs(box, score)


def contradiction(kept: Seen, seen: Seen, taken: Mask, how: Suppression) -> tuple[str, Seen] | None:
    """What contradicts that `kept` is a result of suppression, in words and the boxes; None where it is one.

    `seen` are all boxes that the network gives, `taken` those that were candidates in one run of it. Where scores tie
    at a limit of the number of candidates, others of that score may have been candidates of what is kept.
    """
    free = np.zeros(len(seen.score), dtype=np.bool_)
    if not pairs(kept, seen.at(taken)).agree[kept.sure].all():  # it had other candidates
        free = _near(seen.score, seen.score[taken]) & _near(seen.score, seen.score[~taken])
    if (unknown := np.asarray(kept.sure & ~pairs(kept, seen.at(taken | free)).agree)).any():
        return "only the exported one finds", kept.at(unknown)
    overlap = iou(kept.whole, kept.whole) * _rivals(kept, kept, how)
    np.fill_diagonal(overlap, 0.0)
    if (twice := np.asarray((overlap > how.iou + EDGE).any(axis=1))).any():
        return "the exported one keeps two boxes on one place:", kept.at(twice)
    covered = _covered(seen, kept, how) & seen.sure
    lost = seen.sure & taken & ~covered
    if (lost & ~free).any() or covered.sum() < (seen.sure & taken).sum():
        return "only the trained one finds", seen.at(lost)
    return None


def _near(score: NDArray[np.float64], others: NDArray[np.float64]) -> Mask:
    """Whether each score ties with one of the others."""
    if not len(others):
        return np.zeros(len(score), dtype=np.bool_)
    others = np.sort(others)
    after = np.searchsorted(others, score).clip(0, len(others) - 1)
    apart = np.minimum(np.abs(others[after] - score), np.abs(others[(after - 1).clip(0)] - score))
    return np.asarray(apart <= SCORE)


def _rivals(some: Seen, others: Seen, how: Suppression) -> Mask:
    """Whether one can suppress the other, (N, M)."""
    return np.asarray((some.label[:, None] == others.label[None]) | (not how.per_class))


def _covered(seen: Seen, kept: Seen, how: Suppression) -> Mask:
    """Whether each is kept, or suppressed by what is kept, or behind the last of as many as may be kept."""
    full = len(kept.score) >= MOST
    covered = seen.score <= kept.score.min() + SCORE if full else np.zeros(len(seen.score), dtype=np.bool_)
    for start in range(0, len(seen.score), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        some = seen.at(rows)
        over = (iou(some.whole, kept.whole) > how.iou - EDGE) & _rivals(some, kept, how)
        covered[rows] |= (over & (kept.score[None] >= some.score[:, None] - SCORE)).any(axis=1)
    return np.asarray(covered)
