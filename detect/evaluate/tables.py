"""The figures in words and rows, the same for the terminal, Markdown and HTML."""

from __future__ import annotations

import math

from detect.evaluate.evaluation import Evaluation
from detect.evaluate.outcomes import Counts

FIGURES = (  # key in metrics.json, name, what it is
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
CLASS_COLUMNS = ("class", "truths", "AP", "AP50", "AP75", "precision", "recall", "F1", "right", "wrong", "missed")


def show(value: float) -> str:
    """Three decimals, or "-" for what is undefined."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def figure_rows(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    """(name, value, meaning) of COCO's twelve figures."""
    figures = evaluation.figures
    return [(name, show(figures[key]), meaning) for key, name, meaning in FIGURES]


def point_rows(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    """(name, value, meaning) at the operating point."""
    counts, images = evaluation.point.overall, len(evaluation.table.images)
    detections = counts.true_positives + counts.false_positives
    truths = counts.true_positives + counts.misses
    return [
        ("precision", show(counts.precision), f"{counts.true_positives} of {detections} detections are right"),
        ("recall", show(counts.recall), f"{counts.true_positives} of {truths} true boxes are found"),
        ("F1", show(counts.f1), "harmonic mean of both"),
        (
            "false alarms per image",
            show(evaluation.false_alarms_per_image),
            f"{counts.false_positives} wrong detections in {images} images",
        ),
    ]


def point_title(evaluation: Evaluation) -> str:
    """At which confidence and IoU, and who chose it."""
    point = evaluation.point
    chosen = ", chosen on this same data for the best F1" if evaluation.chosen else ""
    return f"At confidence {point.confidence:g}{chosen} (IoU {point.iou:g})"


def size_line(evaluation: Evaluation) -> str:
    """What was compared, in one line."""
    data = evaluation.as_dict()["data"]
    names = ("images", "truths", "detections", "classes")
    words = ("images", "true boxes", "detections", "classes")
    return ", ".join(f"{data[name]:,} {word}" for name, word in zip(names, words, strict=True))


def class_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """One row of CLASS_COLUMNS per class, and one for all of them together."""
    rows = []
    for k, (name, counts) in enumerate(zip(evaluation.table.classes, evaluation.point.classes, strict=True)):
        of_class = evaluation.averages.of_class(k)
        rows.append(_row(name, (of_class["ap"], of_class["ap50"], of_class["ap75"]), counts))
    figures = evaluation.figures
    everything = (figures["map"], figures["map50"], figures["map75"])
    return [*rows, _row("all", everything, evaluation.point.overall)]


def confusions(evaluation: Evaluation, most: int = 12) -> list[tuple[str, str, int]]:
    """(truth, taken for, how often), the most frequent first; only true boxes that were given another class."""
    matrix, classes = evaluation.point.confusion, evaluation.table.classes
    found = [
        (a, b, int(matrix[i, j]))
        for i, a in enumerate(classes)
        for j, b in enumerate(classes)
        if i != j and matrix[i, j]
    ]
    return sorted(found, key=lambda item: -item[2])[:most]


def markdown(evaluation: Evaluation) -> str:
    """The figures for a pull request."""
    three = ("figure", "value", "")
    parts = [
        "# Evaluation",
        size_line(evaluation) + ".",
        *(f"> {_cell(note)}" for note in evaluation.notes),
        _table(three, figure_rows(evaluation)),
        f"**{point_title(evaluation)}**",
        _table(three, point_rows(evaluation)),
        _table(CLASS_COLUMNS, class_rows(evaluation)),
    ]
    return "\n\n".join(parts) + "\n"


def _row(name: str, averages: tuple[float, float, float], counts: Counts) -> tuple[str, ...]:
    rates = (*averages, counts.precision, counts.recall, counts.f1)
    truths = str(counts.true_positives + counts.misses)
    return (name, truths, *map(show, rates), *map(str, counts))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]] | list[tuple[str, str, str]]) -> str:
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text that cannot break out of a Markdown table or become HTML."""
    for sign in "\\|<>`*_[]":
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())
