"""Average precision and recall, as COCO defines them, read off a match table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.bootstrap import Weights, divided, mean_of_defined, per_image
from detect.evaluation.match import AREAS, COCO_IOUS, MAX_DETECTIONS, MatchTable
from detect.evaluation.naming import Metric, OfClass

RECALLS = np.linspace(0, 1, 101)
SIZES = [(a, size) for a, size in enumerate(AREAS) if size != "all"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Averages:
    """Precision (T, R, K, A) at the R = 101 recalls of RECALLS, and the final recall (T, K, A, M).

    T are COCO's ten IoU thresholds, K the classes, A the AREAS, M the MAX_DETECTIONS. NaN: no true box of that class
    and size, hence undefined.
    """

    precision: Floats
    recall: Floats

    @property
    def metrics(self) -> dict[str, float]:
        """COCO's twelve metrics; NaN where nothing defines one."""
        everything = self.precision[..., 0]
        values = {"map": everything, "map50": everything[0], "map75": everything[5]}
        values |= {f"map_{size}": self.precision[..., a] for a, size in enumerate(AREAS) if size != "all"}
        values |= {f"ar{most}": self.recall[..., 0, m] for m, most in enumerate(MAX_DETECTIONS)}
        values |= {f"ar_{size}": self.recall[..., a, -1] for a, size in enumerate(AREAS) if size != "all"}
        return {name: _mean(value) for name, value in values.items()}

    def of_class(self, k: int) -> dict[str, float]:
        """AP, AP50 and AP75 of class k, and its average recall at 100 detections."""
        one = self.precision[:, :, k, 0]
        return {
            "ap": _mean(one),
            "ap50": _mean(one[0]),
            "ap75": _mean(one[5]),
            "ar100": _mean(self.recall[:, k, 0, -1]),
        }


def averages(table: MatchTable) -> Averages:
    """What COCOeval's `accumulate` computes (pycocotools 2.0), from a table whose first thresholds are COCO's."""
    ten, classes, areas = len(COCO_IOUS), len(table.classes), len(AREAS)
    precision = np.full((ten, len(RECALLS), classes, areas), np.nan)
    recall = np.full((ten, classes, areas, len(MAX_DETECTIONS)), np.nan)
    starts = np.searchsorted(table.detections.label, np.arange(classes + 1))
    for k in range(classes):
        rows = slice(starts[k], starts[k + 1])
        for a in range(areas):
            truths = int(np.count_nonzero(~table.truth_ignored[a] & (table.truths.label == k)))
            if truths == 0:
                continue
            found = table.found[a, :ten, rows]
            precision[:, :, k, a] = interpolated(found, table.ignored[a, :ten, rows], truths)
            for m, most in enumerate(MAX_DETECTIONS):
                recall[:, k, a, m] = found[:, table.rank[rows] < most].sum(axis=1) / truths
    return Averages(precision, recall)


def interpolated(found: NDArray[np.bool_], ignored: NDArray[np.bool_], truths: int) -> Floats:
    """Precision at 101 recalls, (T, 101), of detections (T, D) in falling order of score.

    At each recall the best precision that this or any higher recall reaches; 0 beyond the last recall reached.
    """
    hits = np.cumsum(found, axis=1, dtype=np.float64)
    alarms = np.cumsum(~(found | ignored), axis=1, dtype=np.float64)
    recall = hits / truths
    precision = hits / (alarms + hits + np.spacing(1))
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    result = np.zeros((len(found), len(RECALLS)))
    for t in range(len(found)):
        at = np.searchsorted(recall[t], RECALLS, side="left")
        reached = at < found.shape[1]
        result[t, reached] = envelope[t, at[reached]]
    return result


def resampled_ap(table: MatchTable, weights: Weights, area: int = 0) -> Floats:
    """AP (T, K, B) of each class in each resample, for all thresholds of the table and one of the AREAS.

    Equal to what COCOeval computes on a set in which image i stands weights[i, b] times, but for ties of scores: here
    the copies of a detection stand together.
    """
    labels, images = table.truths.label, table.truths.image
    counted = ~table.truth_ignored[area]
    truths = per_image(len(table.images), images[counted], labels[counted], len(table.classes)) @ weights
    starts = np.searchsorted(table.detections.label, np.arange(len(table.classes) + 1))
    result = np.full((len(table.ious), len(table.classes), weights.shape[1]), np.nan)
    for k in np.flatnonzero(truths.any(axis=1)):
        rows = slice(starts[k], starts[k + 1])
        weight = weights[table.detections.image[rows]].astype(np.float32)  # whole numbers, exact in 24 bits
        found, ignored = table.found[area, :, rows], table.ignored[area, :, rows]
        for t in range(len(table.ious)):
            result[t, k] = weighted_ap(found[t], ignored[t], weight, truths[k])
    return result


def resampled_recall(table: MatchTable, weights: Weights, area: int = 0, most: int = MAX_DETECTIONS[-1]) -> Floats:
    """The final recall (T, K, B) with the best `most` detections per image and class, in each resample."""
    ours, images, classes = table.detections, len(table.images), len(table.classes)
    counted = ~table.truth_ignored[area]
    truths = per_image(images, table.truths.image[counted], table.truths.label[counted], classes) @ weights
    t, d = np.nonzero(table.found[area, : len(COCO_IOUS)] & (table.rank < most))
    columns = len(COCO_IOUS) * classes
    hits = per_image(images, ours.image[d], t * classes + ours.label[d], columns) @ weights
    return divided(hits.reshape(len(COCO_IOUS), classes, weights.shape[1]), truths)


def resampled_metrics(table: MatchTable, weights: Weights) -> dict[Metric, Floats]:
    """COCO's twelve metrics, those of each class, and the mean AP at each further IoU of the table, (B,) by name."""
    ten = len(COCO_IOUS)
    ap = resampled_ap(table, weights)
    over_ious = ap[:ten].mean(axis=0)  # (K, B); a class is defined at all thresholds or at none
    result = {"map": over_ious, "map50": ap[0], "map75": ap[5]}
    result |= {f"map_{size}": resampled_ap(table, weights, a)[:ten].mean(axis=0) for a, size in SIZES}
    recalls = {f"ar{most}": resampled_recall(table, weights, 0, most).mean(axis=0) for most in MAX_DETECTIONS}
    result |= recalls | {f"ar_{size}": resampled_recall(table, weights, a).mean(axis=0) for a, size in SIZES}
    result |= {f"map@{iou:g}": ap[t] for t, iou in enumerate(table.ious.round(4).tolist())}
    metrics: dict[Metric, Floats] = {name: mean_of_defined(values) for name, values in result.items()}
    for k, name in enumerate(table.classes):
        ours = {"ap": over_ious[k], "ap50": ap[0, k], "ap75": ap[5, k], "ar100": recalls["ar100"][k]}
        metrics |= {OfClass(name, key): value for key, value in ours.items()}
    return metrics


class Ranking(NamedTuple):
    """At each of the P detections that are right, by falling score, (P, B) each.

    The `hits` up to it, and the best `precision` at this or any higher recall.
    """

    hits: Floats
    precision: Floats


def ranking(found: NDArray[np.bool_], ignored: NDArray[np.bool_], weight: NDArray[np.float32]) -> Ranking:
    """Of N detections in falling order of score: `found`, `ignored` (N,), weight (N, B).

    Precision is highest just when a true box is found, so only those places are looked at. A detection that stands
    twice raises recall in two steps; the second has the higher precision, which is what the envelope keeps.
    """
    if ignored.any():
        kept = np.flatnonzero(~ignored)
        found, weight = found[kept], weight[kept]
    at = np.flatnonzero(found)
    if not len(at):
        return Ranking(*np.zeros((2, 0, weight.shape[1])))
    starts = np.concatenate([[0], at[:-1] + 1])  # the stretch of detections that ends with each found box
    detections = np.cumsum(np.add.reduceat(weight[: at[-1] + 1], starts, axis=0), axis=0, dtype=np.float64)
    hits = np.cumsum(weight[at], axis=0, dtype=np.float64)
    return Ranking(hits, np.maximum.accumulate((hits / (detections + np.spacing(1)))[::-1], axis=0)[::-1])


def average(reached: Floats | NDArray[np.int64], precision: Floats) -> Floats:
    """The sum (B,) of precisions (P, B), each times what has been `reached` (P, B) with it and not before."""
    return np.asarray((np.diff(reached, axis=0, prepend=0) * precision).sum(axis=0))


def weighted_ap(
    found: NDArray[np.bool_], ignored: NDArray[np.bool_], weight: NDArray[np.float32], truths: Floats
) -> Floats:
    """AP (B,) of N detections in falling order of score: `found`, `ignored` (N,), weight (N, B), true boxes (B,)."""
    ranked = ranking(found, ignored, weight)
    reached = recalls_reached(divided(ranked.hits, truths))
    return np.where(truths > 0, average(reached, ranked.precision) / len(RECALLS), np.nan)


def recalls_reached(recall: Floats, levels: Floats | None = None) -> NDArray[np.int64]:
    """How many of these evenly spaced recalls (COCO's 101) are at most this one, as COCOeval compares; 0 for NaN."""
    levels = RECALLS if levels is None else levels
    known = np.nan_to_num(recall, nan=-1.0)
    nearest = np.maximum(np.rint(known * (len(levels) - 1)).astype(np.int64), 0)
    return np.asarray(nearest + (known >= levels[nearest]))


def _mean(values: Floats) -> float:
    """The mean of what is defined; NaN where nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
