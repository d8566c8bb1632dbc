"""Anchors over the shapes of boxes, as a picture."""

from __future__ import annotations

from pathlib import Path

from detect.files import atomic_file
from detect.models.anchors import Shapes

MOST = 5000  # boxes drawn


def draw_anchors(boxes: Shapes, default: Shapes, fitted: Shapes, path: Path) -> None:
    """Width over height, logarithmic: every box a dot, default anchors as x, fitted ones as +; a PNG."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.add_subplot()
    dots = boxes[:: max(1, len(boxes) // MOST)]
    axes.scatter(dots[:, 0], dots[:, 1], s=4, c="#BBBBBB", label="boxes")
    axes.scatter(default[:, 0], default[:, 1], s=60, c="#D55E00", marker="x", label="default anchors")
    axes.scatter(fitted[:, 0], fitted[:, 1], s=60, marker="+", c="#0072B2", linewidths=1.8, label="fitted anchors")
    axes.set(xscale="log", yscale="log", xlabel="width, pixels of the input", ylabel="height")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")  # 100 and not 10 to the 2, for which fonts may be missing
        axis.set_minor_formatter(NullFormatter())
    axes.legend(frameon=False)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
