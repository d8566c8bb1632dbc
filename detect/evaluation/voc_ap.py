"""Average precision as Pascal VOC defines it, at one overlap: over 11 recalls (2007), or over every point (2010 on).

Source: the VOC development kit (Everingham et al., The Pascal Visual Object Classes Challenge, IJCV 2010 and 2015). It
differs from COCO's in the matching, too: a detection is compared with the true box of its class that it overlaps most,
taken or not; if a surer one has it, the detection is wrong, even where it reaches another true box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.bootstrap import Floats, Rows, Weights, mean_of_defined, per_image
from detect.evaluation.match import MatchTable
from detect.evaluation.naming import Metric, OfClass
from detect.evaluation.pairs import overlap, same_key
from detect.evaluation.precision import average, ranking, recalls_reached

ELEVEN = np.linspace(0, 1, 11)
NAMES = ("voc_ap", "voc_ap11")  # every point, 11 points
Flags = NDArray[np.bool_]


class VocTable(NamedTuple):
    """The detections (D,) of a match table as VOC judges them, and the true boxes (K, I) that count."""

    classes: tuple[str, ...]
    label: Rows
    image: Rows
    found: Flags
    ignored: Flags
    truths: Floats


def voc_table(table: MatchTable, iou: float) -> VocTable:
    """Compare each detection with the true box that it overlaps most, the surest first.

    Ignored true boxes excuse any number of detections, as the kit's difficult ones do.
    """
    ours, true, images = table.detections, table.truths, max(1, len(table.images))
    i, j = same_key(ours.label * images + ours.image, true.label * images + true.image)
    shared = overlap(ours.xyxy[i], true.xyxy[j])
    order = np.lexsort((j, -shared, i))
    order = order[np.flatnonzero(np.diff(i[order], prepend=-1))]  # the first row of each detection
    order = order[shared[order] >= iou]
    detection, truth = i[order], j[order]
    found, ignored = np.zeros((2, len(ours.score)), dtype=bool)
    ignored[detection] = true.ignored[truth]
    found[detection[np.unique(truth, return_index=True)[1]]] = True
    counted = ~true.ignored
    truths = per_image(len(table.images), true.image[counted], true.label[counted], len(table.classes))
    return VocTable(table.classes, ours.label, ours.image, found & ~ignored, ignored, truths)


def voc_metrics(table: VocTable, weights: Weights) -> dict[Metric, Floats]:
    """VOC's AP (B,) of each class and the mean of both kinds, for weights (I, B); NaN without true boxes."""
    truths = table.truths @ weights
    starts = np.searchsorted(table.label, np.arange(len(table.classes) + 1))
    result = np.full((2, len(table.classes), weights.shape[1]), np.nan)
    for k in np.flatnonzero(truths.any(axis=1)):
        rows = slice(starts[k], starts[k + 1])
        ranked = ranking(table.found[rows], table.ignored[rows], weights[table.image[rows]].astype(np.float32))
        recall = np.divide(ranked.hits, truths[k], out=np.zeros_like(ranked.hits), where=truths[k] > 0)
        points = recalls_reached(recall, ELEVEN) / len(ELEVEN)
        for kind, reached in enumerate((recall, points)):
            result[kind, k] = np.where(truths[k] > 0, average(reached, ranked.precision), np.nan)
    metrics: dict[Metric, Floats] = {name: mean_of_defined(result[kind]) for kind, name in enumerate(NAMES)}
    for place, label in enumerate(table.classes):
        metrics |= {OfClass(label, name): result[kind, place] for kind, name in enumerate(NAMES)}
    return metrics
