"""The metrics in words and rows, the same for the terminal, Markdown and HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from detect.evaluation.document import data, mistake_counts
from detect.evaluation.evaluation import Evaluation
from detect.evaluation.naming import LOST, Metric, OfClass
from detect.evaluation.outcomes import Counts
from detect.evaluation.presence import counts
from detect.evaluation.summary import summary

METRICS = (  # key in metrics.json, name, what it is
    ("map", "mAP", "mean over IoU 0.50 to 0.95"),
    ("map50", "AP50", "at IoU 0.50"),
    ("map75", "AP75", "at IoU 0.75"),
    ("map_small", "mAP small", "boxes under 32² pixels"),
    ("map_medium", "mAP medium", "32² to 96² pixels"),
    ("map_large", "mAP large", "boxes over 96² pixels"),
    ("ar1", "AR 1", "recall with 1 detection per image and class"),
    ("ar10", "AR 10", "recall with 10"),
    ("ar100", "AR 100", "recall with 100"),
    ("ar_small", "AR small", "boxes under 32² pixels"),
    ("ar_medium", "AR medium", "32² to 96² pixels"),
    ("ar_large", "AR large", "boxes over 96² pixels"),
)
VOC = (("voc_ap", "VOC AP, every point"), ("voc_ap11", "VOC AP, 11 points"))  # key, name
POINT = (  # key, name
    ("precision", "precision"),
    ("recall", "recall"),
    ("f1", "F1"),
    ("false_alarms_per_image", "false alarms per image"),
    ("cost_per_image", "cost per image"),
)
PRESENCE = (  # key, name, what it is
    ("sensitivity", "sensitivity", "share of the damaged that are flagged"),
    ("specificity", "specificity", "share of the undamaged that are not flagged"),
    ("auc", "area under the ROC", "a damaged one scores higher than an undamaged one"),
)
MISTAKES = (  # key, name, what it is
    ("wrong_class", "wrong class", "meets a true box of another class"),
    ("poor_box", "poor box", "meets a true box of its class, but overlaps too little"),
    ("both", "wrong class and poor box", "meets a true box of another class, and overlaps too little"),
    ("duplicate", "duplicate", "meets a true box that a surer detection has"),
    ("background", "background", "meets nothing"),
    ("overlooked", "overlooked", "a true box that nothing met"),
)
ESTIMATE = ("metric", "value", "95 % interval", "")
CLASS_COLUMNS = ("class", "truths", "AP", "AP50", "95 %", "from", "precision", "95 %", "recall", "95 %", "F1",
"right", "wrong", "missed")  # fmt: skip
VOC_COLUMNS = ("class", VOC[0][1], "95 % interval", VOC[1][1], "95 % interval")
MISTAKE_COLUMNS = ("mistake", "times", "AP lost", "95 % interval", "")
SLICE_COLUMNS = ("slice", "images", "truths", "recall", "elsewhere", "difference", "precision", "elsewhere",
                 "difference", "")  # fmt: skip
Rows = list[tuple[str, ...]]


def show(value: float) -> str:
    """Three decimals, or "-" for what is undefined."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def span(low: float, high: float, sign: bool = False) -> str:
    """An interval, "-" where it is undefined; with a `sign`, of a difference."""
    if math.isnan(low) or math.isnan(high):
        return "-"
    return f"{low:+.3f} to {high:+.3f}" if sign else f"{low:.3f} to {high:.3f}"


def _estimated(evaluation: Evaluation, metric: Metric) -> tuple[str, str]:
    value, low, high = evaluation.estimate(metric)
    return show(value), span(low, high)


def metric_rows(evaluation: Evaluation) -> Rows:
    """(name, value, interval, meaning) of COCO's twelve metrics, and of the mean AP at each IoU that was asked for."""
    rows: Rows = [(name, *_estimated(evaluation, key), meaning) for key, name, meaning in METRICS]
    more = [f"map@{iou:g}" for iou in evaluation.ious if iou not in (0.5, 0.75)]
    rows += [(f"AP at {key[4:]}", *_estimated(evaluation, key), f"at IoU {key[4:]}") for key in more]
    at = f"at IoU {evaluation.outcomes.iou:g}, by Pascal VOC's rules"
    return rows + [(name, *_estimated(evaluation, key), at) for key, name in VOC if key in evaluation.values]


def voc_rows(evaluation: Evaluation) -> Rows:
    """One row of VOC_COLUMNS per class, where VOC's AP was measured."""
    classes = evaluation.table.classes if VOC[0][0] in evaluation.values else ()
    return [(n, *(text for key, _ in VOC for text in _estimated(evaluation, OfClass(n, key)))) for n in classes]


def point_rows(evaluation: Evaluation) -> Rows:
    """(name, value, interval, meaning) at the operating point."""
    made, images = evaluation.outcomes.overall, len(evaluation.table.images)
    meaning = {
        "precision": f"{made.true_positives} of {made.true_positives + made.false_positives} detections are right",
        "recall": f"{made.true_positives} of {made.true_positives + made.misses} true boxes are found",
        "f1": "harmonic mean of both",
        "false_alarms_per_image": f"{made.false_positives} wrong detections in {images} images",
        "cost_per_image": "of misses, false alarms and confusions",
    }
    return [(name, *_estimated(evaluation, key), meaning[key]) for key, name in POINT if key in evaluation.values]


def presence_rows(evaluation: Evaluation, prefix: str) -> Rows:
    """(name, value, interval, meaning) of "is there damage at all", for "image" or "group"."""
    presence = evaluation.measured.images if prefix == "image" else evaluation.measured.groups
    if presence is None:
        return []
    tp, fn, fp, tn = counts(presence)
    seen = {"sensitivity": f"{tp} of {tp + fn} damaged", "specificity": f"{tn} of {tn + fp} undamaged", "auc": ""}
    return [
        (name, *_estimated(evaluation, f"{prefix}_{key}"), f"{meaning}{': ' if seen[key] else ''}{seen[key]}")
        for key, name, meaning in PRESENCE
    ]


def mistake_rows(evaluation: Evaluation) -> Rows:
    """MISTAKE_COLUMNS, in the order of the table MISTAKES."""
    made = mistake_counts(evaluation.outcomes)
    return [(name, str(made[key]), *_estimated(evaluation, LOST + key), meaning) for key, name, meaning in MISTAKES]


def slice_rows(evaluation: Evaluation, only_worse: bool = False) -> Rows:
    """SLICE_COLUMNS, one row per slice; or only those that are worse than the rest beyond chance."""
    rows: Rows = []
    for one in evaluation.slices:
        if only_worse and not one.worse:
            continue
        recall = (show(one.recall), show(one.recall_rest), span(*one.recall_difference, sign=True))
        precision = (show(one.precision), show(one.precision_rest), span(*one.precision_difference, sign=True))
        verdict = f"worse {one.worse}" if one.worse else ""
        rows.append((f"{one.by}: {one.name}", str(one.images), str(one.truths), *recall, *precision, verdict))
    return rows


def point_title(evaluation: Evaluation) -> str:
    """At which confidence and IoU, and who chose it."""
    outcomes = evaluation.outcomes
    low, high = (float(f(outcomes.confidence)) for f in (np.min, np.max)) if len(outcomes.confidence) else (0.5, 0.5)
    at = f"confidence {low:g}" if low == high else f"confidences from {low:g} to {high:g}"
    goal = "the best F1" if evaluation.operating_point.goal == "f1" else evaluation.operating_point.goal
    where = " on this same data" if evaluation.chosen else " on other data"
    chosen = "" if evaluation.operating_point.goal == "given" else f", chosen{where} for {goal}"
    return f"At {at}{chosen} (IoU {outcomes.iou:g})"


def size_line(evaluation: Evaluation) -> str:
    """What was compared, in one line."""
    amounts = data(evaluation)
    names = ("images", "truths", "detections", "classes")
    words = ("images", "true boxes", "detections", "classes")
    line = ", ".join(f"{amounts[name]:,} {word}" for name, word in zip(names, words, strict=True))
    return f"{line}, {len(evaluation.groups):,} groups" if evaluation.groups else line


def interval_line(evaluation: Evaluation) -> str:
    """Where the intervals come from."""
    if not evaluation.intervals:
        return "No intervals were computed."
    unit = "groups" if evaluation.groups else "images"
    number = int(evaluation.measured.units.max()) + 1
    return f"95 % intervals from {evaluation.replicates:,} resamples of the {number:,} {unit}."


def class_rows(evaluation: Evaluation) -> Rows:
    """One row of CLASS_COLUMNS per class, and one for all of them together."""
    rows = [
        _class_row(evaluation, name, made, f"{evaluation.outcomes.confidence[k]:g}")
        for k, (name, made) in enumerate(zip(evaluation.table.classes, evaluation.outcomes.classes, strict=True))
    ]
    return [*rows, _class_row(evaluation, None, evaluation.outcomes.overall, "")]


def confusions(evaluation: Evaluation, most: int = 12) -> list[tuple[str, str, int]]:
    """(truth, taken for, how often), the most frequent first; only true boxes that were given another class."""
    matrix, classes = evaluation.outcomes.confusion, evaluation.table.classes
    found = [
        (a, b, int(matrix[i, j]))
        for i, a in enumerate(classes)
        for j, b in enumerate(classes)
        if i != j and matrix[i, j]
    ]
    return sorted(found, key=lambda item: -item[2])[:most]


def markdown(evaluation: Evaluation, about: Sequence[tuple[str, str]] = ()) -> str:
    """The metrics for a pull request; `about` is what they are of, name and text."""
    parts = [
        "# Evaluation",
        _cell(summary(evaluation)),
        ", ".join(f"{name}: {_cell(text)}" for name, text in about),
        size_line(evaluation) + ". " + interval_line(evaluation),
        *(f"> {_cell(note)}" for note in evaluation.notes),
        _table(ESTIMATE, metric_rows(evaluation)),
        f"**{point_title(evaluation)}**",
        _table(ESTIMATE, point_rows(evaluation)),
        _table(CLASS_COLUMNS, class_rows(evaluation)),
        *([_table(VOC_COLUMNS, rows)] if (rows := voc_rows(evaluation)) else []),
        "**Is there damage in the photo at all?**",
        _table(ESTIMATE, presence_rows(evaluation, "image")),
    ]
    if evaluation.groups:
        parts += ["**Is there damage in the group at all?**", _table(ESTIMATE, presence_rows(evaluation, "group"))]
    parts += ["**Mistakes**", _table(MISTAKE_COLUMNS, mistake_rows(evaluation))]
    if worse := slice_rows(evaluation, only_worse=True):
        parts += ["**Worse than the rest, beyond chance**", _table(SLICE_COLUMNS, worse)]
    return "\n\n".join(parts) + "\n"


def _class_row(evaluation: Evaluation, label: str | None, made: Counts, confidence: str) -> tuple[str, ...]:
    """The row of a class, or of all classes together (None)."""
    own = ("ap", "ap50", "precision", "recall", "f1")
    whole: tuple[Metric, ...] = ("map", "map50", "precision", "recall", "f1")
    ap, ap50, precision, recall, f1 = whole if label is None else (OfClass(label, name) for name in own)
    return (
        "all classes" if label is None else label,
        str(made.true_positives + made.misses),
        show(evaluation.values[ap]),
        *_estimated(evaluation, ap50),
        confidence,
        *_estimated(evaluation, precision),
        *_estimated(evaluation, recall),
        show(evaluation.values[f1]),
        *map(str, made),
    )


def _table(head: tuple[str, ...], rows: Rows) -> str:
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text that cannot break out of a Markdown table or become HTML."""
    for sign in "\\|<>`*_[]":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
