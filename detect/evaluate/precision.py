"""Average precision and recall, as COCO defines them, read off a match table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detect.evaluate.match import AREAS, COCO_IOUS, MAX_DETECTIONS, MatchTable

RECALLS = np.linspace(0, 1, 101)
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
    def figures(self) -> dict[str, float]:
        """COCO's twelve figures; NaN where nothing defines one."""
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


def _mean(values: Floats) -> float:
    """The mean of what is defined; NaN where nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
