"""A training that takes no time, for tests of all that is around one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from detect.recipes import Recipe
from detect.training.job import Job

RECIPE = Recipe(model="yolov5n", epochs=2)


def train_with(monkeypatch: pytest.MonkeyPatch, fit: Callable[..., None]) -> None:
    """Train with this loop in place of a family's."""
    monkeypatch.setattr("detect.training.attempt.resolve", lambda name: fit)


def epoch(number: int, metric: float) -> dict[str, Any]:
    val = {"precision": 0.5, "recall": 0.5, "map50": metric, "map": metric / 2, "box_loss": 1.0}
    return {"epoch": number, "seconds": 1.0, "lr": 0.01, "train": {"box_loss": 1 / number}, "val": val}


def pretend(job: Job, *, resume: bool) -> None:
    """A detector that trains in no time; its second epoch is the best."""
    done = int(job.state.read_text()) if resume else 0
    job.listeners.start(done + 1, "nothing")
    for number in range(done + 1, job.recipe.epochs + 1):
        job.listeners.batch(number, 1)
        job.listeners.epoch(epoch(number, {1: 0.2, 2: 0.8}.get(number, 0.1)))
        job.best.parent.mkdir(exist_ok=True)
        job.best.write_bytes(b"weights")
        job.state.write_text(str(number))
        if job.listeners.stop:
            break
