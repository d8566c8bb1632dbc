"""The content of metrics.json, as docs/metrics.md describes it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from detect.evaluation.bootstrap import LEVEL, Floats
from detect.evaluation.calibration import FLOOR, Reliability, reliability
from detect.evaluation.evaluation import Evaluation
from detect.evaluation.mistakes import NAMES, SPECIAL, Kind
from detect.evaluation.naming import LOST, Metric, OfClass, label_of, own_name
from detect.evaluation.operating import sweep
from detect.evaluation.outcomes import Counts, Outcomes, by_true_class
from detect.evaluation.precision import RECALLS
from detect.evaluation.presence import Presence, counts
from detect.evaluation.provenance import Provenance
from detect.evaluation.summary import summary
from detect.evaluation.voc_ap import NAMES as VOC_NAMES
from detect.evaluation.worst_images import overlooked, worst

VERSION = 3  # of metrics.json
CONFIDENCES = np.linspace(0, 1, 101)
EXAMPLES = 5  # images named per kind of mistake


def metrics_document(evaluation: Evaluation, provenance: Provenance | None = None) -> dict[str, Any]:
    """The content of metrics.json: plain dicts, lists and numbers; None for what is undefined.

    `provenance` names what was compared, where it is known.
    """
    values, outcomes = evaluation.values, evaluation.outcomes
    answer = {
        "schema": "damage-detect metrics",
        "version": VERSION,
        "summary": summary(evaluation),
        "provenance": (provenance or Provenance()).as_dict(),
        "data": data(evaluation),
        "notes": list(evaluation.notes),
        "implausible": [{"kind": one.kind, "text": one.text} for one in evaluation.implausible],
        "metrics": evaluation.metrics
        | _named(values, *(f"map@{iou:g}" for iou in evaluation.table.ious.round(4)), *VOC_NAMES),
        "operating_point": {
            "confidence": dict(evaluation.operating_point.confidence),
            "goal": evaluation.operating_point.goal,
            "chosen_on_this_data": evaluation.chosen,
            "iou": outcomes.iou,
            **_counts(outcomes.overall),
            **_named(values, "false_alarms_per_image", "cost_per_image"),
        },
        "images": _presence(values, "image", evaluation.measured.images),
        "groups": None
        if evaluation.measured.groups is None
        else {"groups": len(evaluation.groups), **_presence(values, "group", evaluation.measured.groups)},
        "classes": _classes(evaluation),
        "confusion": {
            "labels": [*evaluation.table.classes, "background"],
            "matrix": outcomes.confusion.tolist(),
            "by_true_class": by_true_class(outcomes).tolist(),
        },
        "mistakes": _mistakes(evaluation),
        "calibration": _calibration(evaluation),
        "slices": [_slice(one) for one in evaluation.slices],
        "intervals": _intervals(evaluation).get(None, {}),
        "resampling": {
            "level": LEVEL,
            "replicates": evaluation.replicates,
            "seed": evaluation.seed,
            "unit": "groups" if evaluation.groups else "images",
            "units": int(evaluation.measured.units.max(initial=-1)) + 1,
        },
        "curves": _curves(evaluation),
    }
    result: dict[str, Any] = _plain(answer)
    return result


def data(evaluation: Evaluation) -> dict[str, int]:
    """How much was compared."""
    table = evaluation.table
    counted = ~table.truth_ignored[0]
    return {
        "images": len(table.images),
        "images_without_truth": len(table.images) - len(np.unique(table.truths.image)),
        "classes": len(table.classes),
        "truths": int(counted.sum()),
        "truths_ignored": int((~counted).sum()),
        "detections": len(table.detections.score),
    }


def mistake_counts(outcomes: Outcomes) -> dict[str, int]:
    """How often each kind of mistake was made at the operating point; overlooked are true boxes that nothing met."""
    made = np.bincount(outcomes.kind, minlength=len(Kind))
    found = {name: int(made[Kind[name.upper()]]) for name in NAMES if name != "overlooked"}
    return found | {"overlooked": int(overlooked(outcomes).sum())}


def _classes(evaluation: Evaluation) -> list[dict[str, Any]]:
    values, ends, rows = evaluation.values, _intervals(evaluation), []
    for k, (name, made) in enumerate(zip(evaluation.table.classes, evaluation.outcomes.classes, strict=True)):
        rows.append(
            {
                "name": name,
                "truths": made.true_positives + made.misses,
                **evaluation.averages.of_class(k),
                "confidence": float(evaluation.outcomes.confidence[k]),
                **_counts(made),
                "ece": values[OfClass(name, "ece")],
                **{key: values[OfClass(name, key)] for key in VOC_NAMES if OfClass(name, key) in values},
                "intervals": ends.get(name, {}),
            }
        )
    return rows


def _intervals(evaluation: Evaluation) -> dict[str | None, dict[str, list[float]]]:
    """By class, and under None those of the whole data; in each by the metric's own name."""
    by_label: dict[str | None, dict[str, list[float]]] = {}
    for metric, ends in evaluation.intervals.items():
        by_label.setdefault(label_of(metric), {})[own_name(metric)] = list(ends)
    return by_label


def _mistakes(evaluation: Evaluation) -> list[dict[str, Any]]:
    made = mistake_counts(evaluation.outcomes)
    names = evaluation.table.images
    rows: list[dict[str, Any]] = [
        {
            "mistake": name,
            "count": made[name],
            "ap_lost": evaluation.values[LOST + name],
            "examples": [names[n] for n in worst(evaluation.outcomes, name)[:EXAMPLES]],
        }
        for name in NAMES
    ]
    return rows + [{"mistake": name, "ap_lost": evaluation.values[LOST + name]} for name in SPECIAL]


def _calibration(evaluation: Evaluation) -> dict[str, Any]:
    fit = evaluation.calibrated
    return {
        "floor": FLOOR,
        "ece": evaluation.values["ece"],
        "ece_binned": evaluation.measured.binned_calibration_error(),
        "fitted": None if fit is None else {"kind": fit.kind, "ece_before": fit.before, "ece_after": fit.after},
        "bins": _bins(evaluation, None),
        "classes": [
            {"name": name, "ece": evaluation.values[OfClass(name, "ece")], "bins": _bins(evaluation, k)}
            for k, name in enumerate(evaluation.table.classes)
        ],
    }


def reliability_of(evaluation: Evaluation, label: int | None) -> Reliability:
    """The reliability diagram of one class, or of all together."""
    ours, kind = evaluation.table.detections, evaluation.outcomes.judged.kind
    own = (kind != Kind.IGNORED) & (ours.score >= FLOOR)
    rows = np.flatnonzero(own if label is None else own & (ours.label == label))
    return reliability(ours.score[rows], kind[rows] == Kind.FOUND)


def _bins(evaluation: Evaluation, label: int | None) -> dict[str, list[float]]:
    bins = reliability_of(evaluation, label)
    return {name: np.asarray(column).tolist() for name, column in bins._asdict().items()}


def _presence(values: dict[Metric, float], prefix: str, presence: Presence) -> dict[str, Any]:
    tp, fn, fp, tn = counts(presence)
    return {
        "damaged_flagged": tp,
        "damaged_not_flagged": fn,
        "undamaged_flagged": fp,
        "undamaged_not_flagged": tn,
        **{name: values[f"{prefix}_{name}"] for name in ("sensitivity", "specificity", "auc")},
    }


def _slice(one: Any) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in one._asdict().items()}


def over_confidence(evaluation: Evaluation, label: int | None) -> dict[str, Floats]:
    """Precision, recall and F1 (101,) at CONFIDENCES, of one class or of all together; NaN where undefined."""
    curve = evaluation.curve if label is None else sweep(evaluation.table, evaluation.outcomes.iou, label)
    return dict(zip(("precision", "recall", "f1"), curve.at(CONFIDENCES), strict=True))


def _curves(evaluation: Evaluation) -> dict[str, Any]:
    at_half = evaluation.averages.precision[0, :, :, 0]
    by_recall = {name: at_half[:, k] for k, name in enumerate(evaluation.table.classes)}
    return {
        "over_confidence": {
            "confidence": CONFIDENCES.round(6).tolist(),
            **_rounded(over_confidence(evaluation, None)),
            "classes": {
                name: _rounded(over_confidence(evaluation, k)) for k, name in enumerate(evaluation.table.classes)
            },
        },
        "precision_over_recall": {
            "iou": 0.5,
            "recall": RECALLS.round(2).tolist(),
            "classes": _rounded(by_recall),
        },
    }


def _rounded(curves: dict[str, Floats]) -> dict[str, list[float]]:
    return {name: values.round(6).tolist() for name, values in curves.items()}


def _counts(made: Counts) -> dict[str, float]:
    return {**made._asdict(), "precision": made.precision, "recall": made.recall, "f1": made.f1}


def _named(values: dict[Metric, float], *names: str) -> dict[str, float]:
    return {name: values[name] for name in names if name in values}


def _plain(value: Any) -> Any:
    """The same with None for NaN, so that any JSON reader takes it."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
