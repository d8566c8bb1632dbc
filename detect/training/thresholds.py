"""Suppression and confidences fitted to validation photos, and kept with the weights.

The network sees each photo once; every way of suppression is then tried on its candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from detect.data import Dataset, Predictions
from detect.errors import DataError
from detect.evaluation import compare, evaluate
from detect.evaluation.compare import Comparison
from detect.evaluation.goals import parse_goal
from detect.operating_point import DEFAULT_CONFIDENCE, OperatingPoint, Suppression, to_document
from detect.prediction import CONFIDENCE, Sources
from detect.progress import track

if TYPE_CHECKING:
    from detect.models.detector import Detector
    from detect.models.nms import Candidates

IOUS = tuple(round(0.3 + 0.05 * step, 2) for step in range(13))  # 0.3 to 0.9
SOFT = tuple((iou, sigma) for iou in (0.6, 0.7, 0.8, 1.0) for sigma in (0.3, 0.5, 1.0, 2.0))
STRONGEST = 3000  # candidates of a photo that are kept while all ways are tried


@dataclass(frozen=True)
class Fitted:
    """`point` is what was fitted; `gain` the best beside the usual.

    `tried` is every way with its metric, best first; those that lower F1 come last.
    """

    point: OperatingPoint
    tried: tuple[tuple[Suppression, float], ...]
    usual: Suppression
    gain: Comparison


def fit_thresholds(
    detector: Detector, dataset: Dataset, *, metric: str = "map", choose: str = "f1", hard: bool = False
) -> Fitted:
    """The suppression with the highest `metric`, and the confidence per class that reaches the goal `choose` with it.

    A suppression that lowers F1 at the chosen confidences never wins: the order of weak boxes would be better, and
    what a user is shown worse. `hard`: without soft suppression, which an exported model cannot do. Of equals the first
    wins, and what the detector has so far (if `hard`, without its softness) is the first. Raises DataError without
    boxes and for photos that cannot be read, ConfigError for goals.
    """
    parse_goal(choose, detector.classes)  # before the network runs, which takes long
    seen = dict(all_candidates(detector, dataset))
    usual = detector.suppression

    def found(how: Suppression) -> Predictions:
        from detect.models.nms import suppress

        boxes = {}
        for image in dataset.images:
            kept = suppress(seen[image.name], how, CONFIDENCE).inside(image.width, image.height)
            boxes[image.name] = kept.boxes(detector.classes)
        return Predictions(detector.classes, boxes)

    first = usual._replace(sigma=0.0) if hard else usual
    ways = [first, *(way for way in all_ways(hard) if way != first)]
    measured = [evaluate(dataset, found(way), choose=choose, replicates=0).values for way in track(ways, "suppression")]
    metrics = [values[metric] for values in measured]
    order = sorted(range(len(ways)), key=lambda way: (measured[way]["f1"] < measured[0]["f1"], -metrics[way]))
    best = ways[order[0]]
    point = evaluate(dataset, found(best), choose=choose, replicates=0).operating_point
    confidence = {
        **dict.fromkeys(detector.classes, DEFAULT_CONFIDENCE),
        **point.confidence,
    }  # the data need not know every class
    return Fitted(
        replace(point, confidence=confidence, suppression=best),
        tuple((ways[place], metrics[place]) for place in order),
        usual,
        compare(dataset, found(usual), found(best), choose=choose),
    )


def all_ways(hard: bool) -> Iterator[Suppression]:
    """Every suppression that is tried."""
    for per_class in (True, False):
        yield from (Suppression(iou, 0.0, per_class) for iou in IOUS)
        if not hard:
            yield from (Suppression(iou, sigma, per_class) for iou, sigma in SOFT)


def all_candidates(detector: Detector, dataset: Dataset) -> Iterator[tuple[str, Candidates]]:
    """What the detector sees in each photo before suppression. Raises DataError for photos that cannot be read."""
    if not dataset.boxes:
        raise DataError("there are no photos with boxes to fit thresholds to; name another --split")
    chosen = Sources(dataset.images)
    for image in track(dataset.images, "looking"):
        (one,) = detector.candidates([chosen.picture(image)], CONFIDENCE)
        yield image.name, one.at(slice(STRONGEST))


def keep(point: OperatingPoint, path: Path) -> Path:
    """Write the point into the weights (a file or a run folder), atomically; returns the file."""
    from detect.models.weights import load_weights, save_weights, weights_file

    save_weights(replace(load_weights(path), point=to_document(point)), weights_file(path))
    return weights_file(path)
