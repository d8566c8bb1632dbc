"""The charts of the report that show metrics with their intervals: classes, sizes, slices, ROC, calibration."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from detect.evaluation.document import reliability_of
from detect.evaluation.evaluation import Evaluation
from detect.evaluation.naming import Metric, OfClass
from detect.evaluation.plots import LINES, legend, short, svg
from detect.evaluation.presence import roc
from detect.evaluation.tables import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE = LINES[0][0], LINES[1][0]
MAX_ROWS = 40  # rows of a chart
ROW = 0.27  # inches
ENOUGH = 5  # detections in a bin of a class, from which its share is drawn


def by_class(evaluation: Evaluation) -> str:
    """AP50 of each class with its interval, the best first; SVG text, "" with fewer than two."""
    rows = [(name, *evaluation.estimate(OfClass(name, "ap50"))) for name in evaluation.table.classes]
    rows = sorted((row for row in rows if not math.isnan(row[1])), key=lambda row: -row[1])
    return _dots(rows[:MAX_ROWS], "AP50", "AP50 by class") if len(rows) > 1 else ""


def by_size(evaluation: Evaluation) -> str:
    """MAP and AR of small, medium and large boxes with their intervals; SVG text, "" where all are undefined."""
    named = [(f"{metric} {size}", *evaluation.estimate(f"{key}_{size}"))
             for metric, key in (("mAP", "map"), ("AR", "ar")) for size in ("small", "medium", "large")]  # fmt: skip
    rows = [row for row in named if not math.isnan(row[1])]
    return _dots(rows, "mean over IoU 0.50 to 0.95", "Metrics by box size") if rows else ""


def by_slice(evaluation: Evaluation) -> str:
    """How far the recall of each slice lies from that of the rest; SVG text, "" without slices."""
    rows = [
        (f"{one.by}: {one.name}", one.recall - one.recall_rest, *one.recall_difference, "recall" in one.worse)
        for one in evaluation.slices
        if not math.isnan(one.recall_difference[0])
    ]
    worst = sorted(rows, key=lambda row: row[1])
    rows = worst if len(worst) <= MAX_ROWS else worst[: MAX_ROWS - 5] + worst[-5:]
    if not rows:
        return ""
    reach = min(1.0, 1.08 * max(max(abs(row[2]), abs(row[3])) for row in rows))

    def paint(axes: Axes) -> None:
        _rows(axes, [row[:4] for row in rows], [ORANGE if row[4] else BLUE for row in rows])
        axes.axvline(0, color="#111111", lw=1)
        axes.set(xlim=(-reach, reach), xlabel="recall, difference from the rest")

    return _tall(paint, "Recall by slice", len(rows))


def roc_curve(evaluation: Evaluation) -> str:
    """Damaged photos flagged over undamaged ones flagged, also per group; SVG text, "" where one side is empty."""
    curves = [("photos", "image", evaluation.measured.images)]
    if evaluation.measured.groups is not None:
        curves.append(("groups", "group", evaluation.measured.groups))
    curves = [curve for curve in curves if not math.isnan(evaluation.values[f"{curve[1]}_auc"])]
    if not curves:
        return ""

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="#BBBBBB", lw=1)
        for (words, key, presence), (colour, dash) in zip(curves, LINES, strict=False):
            x, y, _ = roc(presence)
            axes.plot(x, y, color=colour, linestyle=dash, label=f"{evaluation.values[f'{key}_auc']:.3f}  {words}")
            at = (1 - evaluation.values[f"{key}_specificity"], evaluation.values[f"{key}_sensitivity"])
            axes.plot(*at, marker="o", color=colour, markersize=8, linestyle="none")
        axes.set(xlabel="undamaged that are flagged", ylabel="damaged that are flagged")
        axes.legend(title="area under the curve; dot: operating point", alignment="left", loc="lower right")

    return svg(paint, "ROC of damage in the photo", bottom=0.14, size=(5.4, 4.2))


def calibration(evaluation: Evaluation) -> str:
    """The share that is right over the score, of all as bars and of each class as a line; SVG text, "" without any."""
    bins = reliability_of(evaluation, None)
    if not bins.detections.any():
        return ""
    classes = evaluation.table.classes if 1 < len(evaluation.table.classes) <= len(LINES) else ()

    def paint(axes: Axes) -> None:
        middle = (np.arange(len(bins.detections)) + 0.5) / len(bins.detections)
        label = _error(evaluation, "ece", "all classes")
        axes.bar(middle, np.nan_to_num(bins.right), width=0.092, color="#E6E6E6", label=label)
        axes.plot([0, 1], [0, 1], color="#111111", lw=1)
        for k, (name, (colour, dash)) in enumerate(zip(classes, LINES, strict=False)):
            own = reliability_of(evaluation, k)
            enough = own.detections >= ENOUGH
            label = _error(evaluation, OfClass(name, "ece"), name)
            axes.plot(
                own.score[enough], own.right[enough], color=colour, linestyle=dash, marker=".", lw=1.5, label=label
            )
        for x, y, number in zip(middle, np.nan_to_num(bins.right), bins.detections, strict=True):
            below: dict[str, Any] = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center"}
            axes.annotate(f"{int(number)}" if number else "", (x, 0 if y > 0.08 else y), fontsize=8, **below)
        axes.set(xlabel="score", ylabel="share that is right")
        legend(axes, "calibration error; on the bars: detections")

    return svg(paint, "Calibration of the scores")


def _error(evaluation: Evaluation, metric: Metric, name: str) -> str:
    return f"{show(evaluation.values[metric])}  {short(name)}"


def _dots(rows: list[tuple[str, float, float, float]], label: str, title: str) -> str:
    def paint(axes: Axes) -> None:
        _rows(axes, rows, [BLUE] * len(rows))
        axes.set(xlabel=label)

    return _tall(paint, title, len(rows))


def _rows(axes: Axes, rows: list[tuple[str, float, float, float]], colours: list[str]) -> None:
    """One line per row, from the top: name, dot, and whiskers where there is an interval."""
    for place, ((_, value, low, high), colour) in enumerate(zip(rows, colours, strict=True)):
        if not math.isnan(low):
            axes.plot([low, high], [place, place], color=colour, lw=2.2, solid_capstyle="round")
        axes.plot([value], [place], marker="o", color=colour, markersize=6)
    axes.set(ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), [short(row[0], 30) for row in rows])
    axes.grid(visible=False, axis="y")


def _tall(paint: Callable[[Axes], None], title: str, rows: int) -> str:
    """A chart as high as its rows need, with room for their names."""
    height = 0.75 + ROW * rows
    return svg(paint, title, (7.2, height), 0.62 / height, left=0.33)
