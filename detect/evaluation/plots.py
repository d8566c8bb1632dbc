"""The curves of the report, as SVG that stands inside an HTML page."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from detect.evaluation.document import CONFIDENCES, over_confidence
from detect.evaluation.evaluation import Evaluation
from detect.evaluation.precision import RECALLS
from detect.evaluation.tables import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours that are dark enough for a line on white; the dashes tell them apart in grey as well.
LINES = (
    ("#0072B2", "-"),
    ("#D55E00", "--"),
    ("#009E73", "-."),
    ("#CC79A7", ":"),
    ("#E69F00", (0, (8, 2))),
    ("#56B4E9", (0, (3, 1, 1, 1, 1, 1))),
    ("#777777", (0, (1, 2))),
)
STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",  # text stays text: it can be searched, and takes the page's own letters
    "svg.hashsalt": "detect",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "lines.linewidth": 2,
    "legend.frameon": False,
}


def precision_recall(evaluation: Evaluation) -> str:
    """Precision over recall at IoU 0.5, per class and their mean; SVG text."""
    curves = evaluation.averages.precision[0, :, :, 0]
    named = [k for k in range(curves.shape[1]) if not np.isnan(curves[0, k])]

    def paint(axes: Axes) -> None:
        each = len(named) <= len(LINES)
        for place, k in enumerate(named):
            name = f"{show(evaluation.averages.of_class(k)['ap50'])}  {short(evaluation.table.classes[k])}"
            colour, dash = LINES[place] if each else ("#BBBBBB", "-")
            axes.plot(RECALLS, curves[:, k], color=colour, linestyle=dash, label=name if each else None, lw=1.6)
        if len(named) > 1:
            mean = f"{show(evaluation.metrics['map50'])}  mean"
            axes.plot(RECALLS, curves[:, named].mean(axis=1), color="#111111", lw=2.6, label=mean)
        axes.set(xlabel="recall", ylabel="precision")
        if named:
            legend(axes, "AP50" if each else f"AP50; grey: each of {len(named)} classes")

    return svg(paint, "Precision over recall at IoU 0.5")


def of_all_classes(evaluation: Evaluation) -> str:
    """Precision, recall and F1 of all classes together over the confidence; SVG text."""
    outcomes = evaluation.outcomes

    def paint(axes: Axes) -> None:
        _rates(axes, evaluation, None)
        if len(least := np.unique(outcomes.confidence)) == 1:
            _mark(axes, float(least[0]))
        elif len(least):  # each class has its own
            axes.axvspan(least[0], least[-1], color="#111111", alpha=0.07, lw=0)
            _mark(axes, float(least[0]), line=False, left=True)
            _mark(axes, float(least[-1]), line=False)
        axes.set(xlabel="confidence", ylabel="all classes together")
        legend(axes, None)

    return svg(paint, "Precision, recall and F1 over the confidence")


def of_class(evaluation: Evaluation, k: int) -> str:
    """Precision, recall and F1 of class k over the confidence, small, with its own confidence; SVG text."""

    def paint(axes: Axes) -> None:
        _rates(axes, evaluation, k)
        _mark(axes, float(evaluation.outcomes.confidence[k]))
        axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
        axes.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))

    return svg(paint, f"Precision, recall and F1 of class {k + 1} over the confidence", (2.7, 2.0), 0.13)


def _rates(axes: Axes, evaluation: Evaluation, label: int | None) -> None:
    for (name, values), (colour, dash) in zip(over_confidence(evaluation, label).items(), LINES, strict=False):
        axes.plot(CONFIDENCES, values, color=colour, linestyle=dash, label="F1" if name == "f1" else name)


def _mark(axes: Axes, confidence: float, line: bool = True, left: bool = False) -> None:
    """Write a confidence above the plot, with a line down where it is the only one."""
    if line:
        axes.axvline(confidence, color="#111111", lw=1.2)
    left = confidence > 0.25 if left else confidence > 0.75
    place: dict[str, Any] = {
        "xytext": (-4 if left else 4, 0),
        "textcoords": "offset points",
        "ha": "right" if left else "left",
    }
    axes.annotate(f"{confidence:g}", (confidence, 1.02), **place)


def short(name: str, most: int = 20) -> str:
    """The name cut to a legend's width; a dollar sign would start a formula."""
    return (name if len(name) <= most else name[: most - 1] + "…").replace("$", r"\$")


def legend(axes: Axes, title: str | None) -> None:
    """Below the axes, in two columns."""
    axes.legend(title=title, alignment="left", loc="upper left", bbox_to_anchor=(-0.02, -0.15), ncols=2, handlelength=3)


def svg(
    paint: Any, title: str, size: tuple[float, float] = (5.4, 5.0), bottom: float = 0.35, left: float = 0.11
) -> str:
    """An <svg> of axes over 0..1 that `paint` draws into; `size` in inches, `bottom` and `left` shares of it."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE), warnings.catch_warnings(action="ignore"):  # the page has letters that matplotlib lacks
        figure = Figure(figsize=size)
        axes = figure.add_axes((left, bottom, 0.98 - left, 0.98 - bottom))
        axes.set(xlim=(0, 1), ylim=(0, 1.08))
        axes.set_yticks(np.linspace(0, 1, 6))
        paint(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _embedded(file.getvalue(), title)


def _embedded(svg: str, title: str) -> str:
    """The bare <svg> element, named for screen readers, its ids unique beside other plots of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    prefix = re.sub(r"\W+", "-", title.lower())
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
