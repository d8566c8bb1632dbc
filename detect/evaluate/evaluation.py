"""One evaluation: the match table, every figure read off it, and what must be said beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from detect.data import Dataset, Predictions
from detect.errors import ConfigError
from detect.evaluate.coverage import Missing, covered
from detect.evaluate.match import COCO_IOUS, MatchTable, match
from detect.evaluate.operating import Sweep, best_confidence, sweep
from detect.evaluate.outcomes import Outcomes, outcomes
from detect.evaluate.precision import RECALLS, Averages, averages

VERSION = 1  # of metrics.json
CONFIDENCES = np.linspace(0, 1, 101)
FALLBACK = 0.5  # the confidence where none is given and no choice helps


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of one set of predictions on one set of data. NaN means undefined, never zero.

    `point` is the operating point: counts, confusion matrix and verdicts at its confidence and IoU; `chosen` says that
    its confidence was picked on this same data.
    """

    table: MatchTable
    averages: Averages
    curve: Sweep
    point: Outcomes
    chosen: bool
    notes: tuple[str, ...]

    @property
    def figures(self) -> dict[str, float]:
        """COCO's twelve figures by name: map, map50, map75, map_small ... ar1, ar10, ar100 ..."""
        return self.averages.figures

    @property
    def false_alarms_per_image(self) -> float:
        """False positives at the operating point over the images evaluated; NaN without images."""
        images = len(self.table.images)
        return self.point.overall.false_positives / images if images else math.nan

    def as_dict(self) -> dict[str, Any]:
        """The content of metrics.json, as docs/metrics.md describes it; undefined figures are None."""
        table, overall = self.table, self.point.overall
        counted = ~table.truth_ignored[0]
        answer = {
            "schema": "damage-detect metrics",
            "version": VERSION,
            "data": {
                "images": len(table.images),
                "images_without_truth": len(table.images) - len(np.unique(table.truths.image)),
                "classes": len(table.classes),
                "truths": int(counted.sum()),
                "truths_ignored": int((~counted).sum()),
                "detections": len(table.detections.score),
            },
            "notes": list(self.notes),
            "figures": self.figures,
            "operating_point": {
                "confidence": self.point.confidence,
                "chosen_on_this_data": self.chosen,
                "iou": self.point.iou,
                **_counts(overall),
                "false_alarms_per_image": self.false_alarms_per_image,
            },
            "classes": [
                {
                    "name": name,
                    "truths": counts.true_positives + counts.misses,
                    **self.averages.of_class(k),
                    **_counts(counts),
                }
                for k, (name, counts) in enumerate(zip(table.classes, self.point.classes, strict=True))
            ],
            "confusion": {
                "labels": [*table.classes, "background"],
                "matrix": self.point.confusion.tolist(),
            },
            "curves": self._curves(),
        }
        result: dict[str, Any] = _plain(answer)
        return result

    def _curves(self) -> dict[str, Any]:
        precision, recall, f1 = self.curve.at(CONFIDENCES)
        at_half = self.averages.precision[0, :, :, 0]
        by_confidence = {"confidence": CONFIDENCES, "precision": precision, "recall": recall, "f1": f1}
        by_recall = {name: at_half[:, k] for k, name in enumerate(self.table.classes)}
        return {
            "over_confidence": {name: values.round(6).tolist() for name, values in by_confidence.items()},
            "precision_over_recall": {
                "iou": 0.5,
                "recall": RECALLS.round(2).tolist(),
                "classes": {name: values.round(6).tolist() for name, values in by_recall.items()},
            },
        }


def evaluate(
    dataset: Dataset,
    predictions: Predictions,
    *,
    confidence: float | None = None,
    iou: float = 0.5,
    missing: Missing = "fail",
) -> Evaluation:
    """Compare predictions with the truth, as COCO does.

    `confidence` and `iou` set the operating point, at which precision, recall, F1 and the confusion matrix are counted;
    None takes the confidence of best F1 on this same data, and says so. `missing` is what images mean that the
    predictions do not name: an error ("fail"), nothing ("ignore"), or looked at and nothing found ("empty").
    Raises DataError for unknown images, missing images and where no class is in common; ConfigError for a
    confidence outside 0..1 or an IoU outside 0..1.
    """
    if confidence is not None and not 0 <= confidence <= 1:
        raise ConfigError(f"confidence must lie in 0..1, got {confidence}")
    if not 0 < iou <= 1:
        raise ConfigError(f"IoU must lie above 0 and at most at 1, got {iou}")
    dataset, notes = covered(dataset, predictions, missing)
    known = bool(np.isclose(COCO_IOUS, iou, rtol=0, atol=1e-9).any())
    table = match(dataset, predictions, COCO_IOUS if known else np.append(COCO_IOUS, iou))
    curve = sweep(table, iou)
    best = best_confidence(curve) if confidence is None else None
    at = best if best is not None else FALLBACK if confidence is None else confidence
    point = outcomes(table, iou, at)
    return Evaluation(
        table,
        averages(table),
        curve,
        point,
        best is not None,
        (*_remarks(table), *_about_confidence(confidence, best), *notes),
    )


def _remarks(table: MatchTable) -> list[str]:
    """What is empty, undefined or left out."""
    counted = table.truths.label[~table.truth_ignored[0]]
    if not table.images:
        return ["There are no images to evaluate on: every figure is undefined."]
    notes = []
    if not len(counted):
        notes.append("There are no true boxes that count: AP, AR and recall are undefined.")
    elif without := [name for k, name in enumerate(table.classes) if k not in set(counted.tolist())]:
        notes.append(f"No true boxes of {', '.join(without)}: AP undefined, shown as -, and left out of the means.")
    if not len(table.detections.score):
        notes.append("There are no detections: nothing was found.")
    if table.dropped:
        noun = "detection" if table.dropped == 1 else "detections"
        notes.append(f"{table.dropped} {noun} beyond the best 100 per image and class left out, as in COCO.")
    return notes


def _about_confidence(given: float | None, best: float | None) -> list[str]:
    if given is not None:
        return []
    if best is None:
        return [f"No detection is right at any confidence; counted at {FALLBACK:g}."]
    return [
        f"Confidence {best:g} was chosen on this same data for the best F1; on other data expect a lower F1. "
        "Choose it on validation data and give it with --confidence for an honest figure."
    ]


def _counts(counts: Any) -> dict[str, float]:
    return {**counts._asdict(), "precision": counts.precision, "recall": counts.recall, "f1": counts.f1}


def _plain(value: Any) -> Any:
    """The same with None for NaN, so that any JSON reader takes it."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
