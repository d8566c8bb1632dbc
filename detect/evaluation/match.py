"""The match table: each detection matched once, for all IoU thresholds and sizes; every metric is read off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.data import Dataset, Predictions
from detect.errors import ConfigError
from detect.evaluation.columns import Detections, Truths, detections, order_of_images, truths
from detect.evaluation.pairs import Rows, area, greedy, overlap, same_key

COCO_IOUS = np.linspace(0.5, 0.95, 10)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
MAX_DETECTIONS = (1, 10, 100)  # the best so many per image and class
BITS = 64 // len(AREAS)  # IoU thresholds matched in one pass


@dataclass(frozen=True, slots=True)
class MatchTable:
    """D detections and G truths of one evaluation, T IoU thresholds, A = 4 area ranges (AREAS).

    `detections` holds the best 100 per image and class, sorted by class and then by falling score, ties in the order
    of the images' ids (see `order_of_images`) and of the predictions; `rank` (D,) is the place by score within image
    and class, from 0; `dropped` counts those beyond the 100. `found` (A, T, D): matched to a truth that counts.
    `ignored` (A, T, D): counts neither as found nor as false alarm. `truth` (T, D): the row of the matched truth over
    all sizes, or -1. `truth_ignored` (A, G).
    """

    classes: tuple[str, ...]
    images: tuple[str, ...]
    ious: NDArray[np.float64]
    truths: Truths
    truth_ignored: NDArray[np.bool_]
    detections: Detections
    rank: Rows
    dropped: int
    found: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    truth: NDArray[np.int32]

    def threshold(self, iou: float) -> int:
        """The index of this IoU threshold. Raises ConfigError where it was not matched."""
        near = np.flatnonzero(np.isclose(self.ious, iou, rtol=0, atol=1e-9))
        if not len(near):
            raise ConfigError(f"IoU {iou:g} was not matched; the table has {np.round(self.ious, 4).tolist()}")
        return int(near[0])


class _Candidates(NamedTuple):
    """P pairs of a detection and a truth in the order of choice, with bit sets over (area, threshold)."""

    detection: Rows
    truth: Rows
    columns: NDArray[np.uint64]
    counts: NDArray[np.bool_]  # is the truth one that counts, in these columns?


def match(dataset: Dataset, predictions: Predictions, ious: NDArray[np.float64] = COCO_IOUS) -> MatchTable:
    """Match as COCOeval does (pycocotools 2.0, `evaluateImg`), to the letter.

    Per image and class, by falling score, each detection takes the free truth of highest IoU, at least the
    threshold, preferring truths that count over ignored ones, and the later one of two equals. Crowd regions stay
    free. A detection that takes an ignored truth, or takes none and is itself outside the area range, is ignored.
    """
    true = truths(dataset)
    best, rank, dropped = _best(detections(dataset, predictions), order_of_images(dataset))
    limits = np.array(list(AREAS.values()))
    outside = (true.area < limits[:, :1]) | (true.area > limits[:, 1:])
    truth_ignored = true.ignored | outside
    i, j = same_key(_key(best, len(dataset.images)), _key(true, len(dataset.images)))
    iou = overlap(best.xyxy[i], true.xyxy[j], true.crowd[j])
    shape = (len(AREAS), len(ious), len(best.score))
    found, ignored = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    chosen = np.full(shape[1:], -1, dtype=np.int32)
    for start in range(0, len(ious), BITS):
        part = slice(start, start + BITS)
        pairs = _candidates(i, j, iou, truth_ignored, np.minimum(ious[part], 1 - 1e-10))
        won = greedy(pairs.detection, pairs.truth, pairs.columns, true.crowd)
        _record(pairs, won, found[:, part], ignored[:, part], chosen[part])
    sizes = area(best.xyxy)
    unfit = (sizes < limits[:, :1]) | (sizes > limits[:, 1:])
    ignored |= unfit[:, None, :] & ~found & ~ignored
    return MatchTable(
        dataset.classes,
        tuple(image.name for image in dataset.images),
        ious,
        true,
        truth_ignored,
        best,
        rank,
        dropped,
        found,
        ignored,
        chosen,
    )


def _key(boxes: Truths | Detections, images: int) -> Rows:
    """One number per (class, image)."""
    return np.asarray(boxes.label * max(1, images) + boxes.image)


def _best(all_of_them: Detections, place: Rows) -> tuple[Detections, Rows, int]:
    """Sorted by class and falling score, the 100 best per image and class; their ranks; how many were dropped.

    `place` (I,) puts images in order where scores are equal.
    """
    order = np.lexsort((place[all_of_them.image], -all_of_them.score, all_of_them.label))
    ordered = all_of_them.take(order)
    rank = _rank(_key(ordered, len(place)))
    keep = rank < MAX_DETECTIONS[-1]
    return ordered.take(keep), rank[keep], int(np.count_nonzero(~keep))


def _rank(keys: Rows) -> Rows:
    """How many equal keys stand before each: (N,)."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    first = np.repeat(starts, np.diff(starts, append=len(keys)))
    rank = np.empty(len(keys), dtype=np.int64)
    rank[order] = np.arange(len(keys)) - first
    return rank


def _candidates(
    i: Rows, j: Rows, iou: NDArray[np.float64], truth_ignored: NDArray[np.bool_], least: NDArray[np.float64]
) -> _Candidates:
    """The pairs that reach any threshold, each at most twice: for the areas where the truth counts, and the rest."""
    near = np.flatnonzero(iou >= least.min(initial=2.0))
    i, j, iou = i[near], j[near], iou[near]
    thresholds = _bits(iou >= least[:, None])
    areas = [thresholds << np.uint64(a * len(least)) for a in range(len(AREAS))]
    zero = np.uint64(0)
    counting = np.bitwise_or.reduce([np.where(truth_ignored[a, j], zero, bits) for a, bits in enumerate(areas)])
    ignoring = np.bitwise_or.reduce([np.where(truth_ignored[a, j], bits, zero) for a, bits in enumerate(areas)])
    detection, truth = np.concatenate([i, i]), np.concatenate([j, j])
    columns = np.concatenate([counting, ignoring])
    counts = np.repeat([True, False], len(i))
    order = np.lexsort((-truth, -np.concatenate([iou, iou]), ~counts, detection))
    order = order[columns[order] != 0]
    return _Candidates(detection[order], truth[order], columns[order], counts[order])


def _bits(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """(B, P) flags to P bit sets, row b becoming bit b."""
    bits = np.zeros(flags.shape[1], dtype=np.uint64)
    for b, row in enumerate(flags):
        bits |= row.astype(np.uint64) << np.uint64(b)
    return bits


def _record(
    pairs: _Candidates,
    won: NDArray[np.uint64],
    found: NDArray[np.bool_],
    ignored: NDArray[np.bool_],
    chosen: NDArray[np.int32],
) -> None:
    """Write the matches into `found`, `ignored` (A, T, D) and `chosen` (T, D)."""
    rows = np.flatnonzero(won)
    detection, truth, counts, won = pairs.detection[rows], pairs.truth[rows], pairs.counts[rows], won[rows]
    areas, thresholds = found.shape[:2]
    for a in range(areas):
        for t in range(thresholds):
            here = (won >> np.uint64(a * thresholds + t)) & np.uint64(1) != 0
            found[a, t, detection[here & counts]] = True
            ignored[a, t, detection[here & ~counts]] = True
            if a == 0:
                chosen[t, detection[here]] = truth[here]
