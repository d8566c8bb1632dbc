"""Whether an exported model finds what the trained one finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.errors import ModelError
from detect.geometry import Boxes, as_boxes, iou
from detect.models.detector import Detector, Picture
from detect.models.exported import Exported
from detect.models.nms import Candidates, suppress
from detect.models.raw_outputs import Arrays, raw_of, raw_of_exported
from detect.models.ties import BOX, EDGE, SURE, Mask, Seen, contradiction, pairs

RAW = 1e-4  # of 1 and the largest number of an output: by so much its numbers may differ, since rounding does
NOTHING = "the detector finds nothing in these photos, so nothing could be compared; give --photos"
Places = tuple[NDArray[Any], NDArray[Any]]  # outputs of the trained one and of the exported one
View = Callable[[Candidates], Seen]  # of one picture


@dataclass(frozen=True)
class Parity:
    """The largest difference of an exported model: in pixels of the input and in score, over so many boxes.

    `ties` boxes are only in one of the two: their scores tie, or they overlap a stronger one so near to the IoU of
    suppression that the last bit decides. Where nothing is found in the pictures, `raw` numbers of the network were
    compared before the score threshold; `raw_difference` is the largest difference, in units of 1 and the largest
    number of its output. Else both are 0.
    """

    box: float
    score: float
    boxes: int
    ties: int
    raw: int = 0
    raw_difference: float = 0.0


class Compared(NamedTuple):
    """One picture: the differences of the boxes that are in both, and how many are only in one."""

    box: NDArray[np.float64]
    score: NDArray[np.float64]
    ties: int
    sure: bool  # whether one of those in both has a score over SURE


def check(detector: Detector, exported: Detector, pictures: Sequence[Picture]) -> Parity:
    """Compare on real pictures: boxes, or raw outputs where no box of any picture has a score over SURE.

    Raises ModelError where they differ by more than BOX or SCORE, in what is there but for ties, or by more than RAW in
    the raw outputs; and where there is nothing to compare.
    """
    found = [_boxes(detector, exported, picture, number) for number, picture in enumerate(pictures, start=1)]
    if not any(one.sure for one in found):
        return _raw_outputs(detector, exported, pictures)
    box, score = (np.concatenate(column) for column in ([one.box for one in found], [one.score for one in found]))
    return Parity(float(box.max()), float(score.max()), len(box), sum(one.ties for one in found))


def _differs(number: int, how: str) -> ModelError:
    return ModelError(f"the exported model differs from the trained one on picture {number}: {how}")


def _boxes(detector: Detector, exported: Detector, picture: Picture, number: int) -> Compared:
    def seen(found: Candidates) -> Seen:
        return Seen.of(found, picture.shape[1::-1], detector.imgsz / max(picture.shape[:2]))

    candidates, theirs = (one.candidates([picture], SURE / 2)[0] for one in (detector, exported))
    ours, theirs = suppress(candidates, detector.suppression), suppress(theirs, exported.suppression)
    a, b = seen(ours), seen(theirs)
    near, back = pairs(a, b), pairs(b, a)
    unpaired = b.sure & ~back.agree
    ties = int(unpaired.sum() + (a.sure & ~near.agree).sum())
    box, score, sure = near.box[near.agree], near.score[near.agree], bool((a.sure & near.agree).any())
    if ties:
        every, taken = _every(detector, picture, candidates, seen)
        if wrong := contradiction(b, every, taken, detector.suppression):
            how, rows = wrong
            raise _differs(number, f"{how} {_described(rows, detector)}")
        more = pairs(b.at(unpaired), every)
        box, score, sure = np.append(box, more.box), np.append(score, more.score), sure or bool(unpaired.any())
    return Compared(box, score, ties, sure)


def _described(rows: Seen, detector: Detector) -> str:
    """The surest of some boxes in words, in pixels of the input."""
    best = int(rows.score.argmax())
    corners = ", ".join(f"{value:.2f}" for value in rows.cut[best])
    return f"{detector.classes[rows.label[best]]} at {corners} with a score of {rows.score[best]:.4f}"


def _every(detector: Detector, picture: Picture, candidates: Candidates, seen: View) -> tuple[Seen, Mask]:
    """All boxes that the network gives, without a limit of their number, and which of them are the candidates."""
    some = seen(candidates)
    if (without_limit := getattr(detector, "every", None)) is None:
        return some, np.ones(len(some.score), dtype=np.bool_)
    found = without_limit(picture, SURE / 2)
    chosen = set(map(tuple, _table(candidates)))
    taken = np.array([tuple(row) in chosen for row in _table(found)], dtype=np.bool_)
    every = seen(found)
    # It is another pass, of another number of threads perhaps, and then the last bits may differ.
    return every, taken if taken.sum() >= len(some.score) else pairs(every, some).agree


def _table(found: Candidates) -> NDArray[np.float64]:
    return np.column_stack([found.xyxy, found.score, found.label])


def _raw_outputs(detector: Any, exported: Any, pictures: Sequence[Picture]) -> Parity:
    """Compare the raw outputs of the network."""
    if not isinstance(exported, Exported) or not hasattr(detector, "module"):
        raise ModelError(NOTHING)
    run = raw_of_exported(exported)
    numbers, largest, ties = 0, 0.0, 0
    for number, picture in enumerate(pictures, start=1):
        (fixed, rows), theirs = raw_of(detector, picture), run(picture)
        if not theirs or len(theirs) != len(fixed) + len(rows):
            raise ModelError(NOTHING)
        places = [(one, other) for one, other in zip(fixed, theirs, strict=False)]
        if rows:
            same, lone = _same_proposals(rows, theirs[len(fixed) :], detector.module.rpn, number)
            places, ties = places + same, ties + lone
        off = max(_difference(one, other) for one, other in places)
        if not off <= RAW:
            raise _differs(number, f"before the score threshold, its raw outputs by up to {off:.2g} of their size")
        numbers, largest = numbers + sum(one.size for one, _ in places), max(largest, off)
    if not numbers:
        raise ModelError(NOTHING)
    return Parity(0.0, 0.0, 0, ties, numbers, largest)


def _difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The largest difference, in units of 1 and the largest number; infinite for other shapes and what is no number."""
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("inf")
    wide = one.astype(np.float64)
    return float(np.abs(wide - other).max(initial=0.0) / (1 + np.abs(wide).max(initial=0.0)))


def _same_proposals(ours: Arrays, theirs: Arrays, rpn: Any, number: int) -> tuple[list[Places], int]:
    """The outputs for the proposals that are in both, and how many proposals are only in one, as ties allow.

    Such a one has another in its place that overlaps it by more than the IoU of suppression, or it overlaps one by so
    near to it that the last bit decides, or it was at the last of all places.
    """
    a, b = as_boxes(ours[0]), as_boxes(theirs[0])
    same = np.abs(a[:, None] - b[None]).max(axis=2) <= BOX
    in_both, lone, others = same.any(axis=1), a[~same.any(axis=1)], b[~same.any(axis=0)]
    missing, full = max(len(lone), len(others)), len(a) == len(b) == rpn.post_nms_top_n()
    explained = full or (_replaced(lone, others, b, rpn.nms_thresh) and _replaced(others, lone, a, rpn.nms_thresh))
    if missing and (missing > len(a) / 10 or not explained):
        raise _differs(number, f"{missing} of {len(a)} proposals of boxes are only in one of the two")
    partner = same[in_both].argmax(axis=1) if in_both.any() else np.zeros(0, dtype=np.intp)
    return [(x[in_both], y[partner]) for x, y in zip(ours[1:], theirs[1:], strict=True)], len(lone) + len(others)


def _replaced(lone: Boxes, others: Boxes, every: Boxes, most: float) -> bool:
    """Whether for each of these one of the others was kept, or the last bit has decided."""
    instead = (iou(lone, others) > most - EDGE).any(axis=1)
    return bool((instead | (np.abs(iou(lone, every) - most) < EDGE).any(axis=1)).all())
