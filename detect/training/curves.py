"""Losses and metrics by epoch, as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detect.files import atomic_file
from detect.recipes import TASKS, Recipe

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe and Ito, safe for colour-blind readers


def draw_curves(epochs: Sequence[dict[str, Any]], path: Path, recipe: Recipe) -> None:
    """Draw train losses (solid) and val losses (dashed, where there are any) left, metrics on val right, as PNG."""
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    # Margins that hold all there is, since a layout that looks for them takes twice the time of the drawing.
    figure = Figure(figsize=(11, 4.2))
    left, right = figure.subplots(
        1, 2, gridspec_kw={"left": 0.06, "right": 0.99, "top": 0.93, "bottom": 0.24, "wspace": 0.12}
    )
    x = [event["epoch"] for event in epochs]
    losses = epochs[-1]["train"]  # a YOLOX adds one late
    for colour, name in zip(COLOURS, losses, strict=False):
        label = name.removesuffix("_loss")
        left.plot(x, _course(epochs, "train", name), color=colour, label=f"{label}, train")
        if name in epochs[-1]["val"]:
            left.plot(x, _course(epochs, "val", name), color=colour, ls="--", label=f"{label}, val")
    task = TASKS[recipe.task]
    names = [*task.shown, *(key for key in task.metrics if key not in task.shown)]
    for colour, key in zip(COLOURS, names, strict=False):
        width = 2 if key in task.shown else 1
        right.plot(x, [event["val"][key] for event in epochs], color=colour, label=task.metrics[key], lw=width)
    best = max(epochs, key=lambda event: float(event["val"][recipe.watch]))
    right.axvline(best["epoch"], color="#888888", lw=0.8, label=f"best: epoch {best['epoch']}")
    # Logarithmic: the first epochs may be far above the rest.
    left.set(title="Loss", xlabel="epoch", yscale="log")
    right.set(title="Metrics on val", xlabel="epoch", ylim=(0, 1))
    for axes in (left, right):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
    # Below, where it hides no curve; the losses of train and val stand in one column.
    below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.15), "edgecolor": "none"}
    for axes, columns in ((left, len(losses)), (right, len(names) + 1)):
        axes.legend(ncols=columns, fontsize=8, columnspacing=1, **below)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")


def _course(epochs: Sequence[dict[str, Any]], where: str, name: str) -> list[float]:
    """A number over the epochs, NaN where one has none, which is not drawn."""
    return [event[where].get(name, math.nan) for event in epochs]
