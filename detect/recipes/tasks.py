"""What a training is for: the metrics of an epoch, and which of them are watched and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One kind of training.

    `metrics` are those of an epoch on val, by their key in log.jsonl, with the names that people read; higher is
    better. `watched` is the one that chooses the best epoch unless a recipe names another; `shown` stand in one line.
    """

    name: str
    metrics: Mapping[str, str]
    watched: str
    shown: tuple[str, ...]

    def line(self, values: Mapping[str, float]) -> str:
        """The shown metrics as text, such as "AP50 0.642 mAP 0.358"."""
        return " ".join(f"{self.metrics[key]} {values[key]:.3f}" for key in self.shown)


DETECT = Task(
    name="detect",
    metrics={"precision": "precision", "recall": "recall", "map50": "AP50", "map": "mAP"},
    watched="map",
    shown=("map50", "map"),
)
TASKS = {DETECT.name: DETECT}
