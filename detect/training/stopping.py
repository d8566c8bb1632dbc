"""When a training ends before its last epoch: no better metric for long, or a loss that is hopeless."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from detect.errors import ModelError

FIRST = 10  # batches whose loss is taken as usual
RUNAWAY, HIGH = 100.0, 1000.0  # a loss of so many times the highest of them, and of so much at least, will not return


class LossCheck:
    """Stops a training whose loss is no number any more, or has run away."""

    def __init__(self) -> None:
        self.first: list[float] = []

    def check(self, loss: Any, epoch: int, names: Sequence[str]) -> None:
        """Raise ModelError with the photos of the batch, where its loss is hopeless; `epoch` counts from 1."""
        value, batch = float(loss.detach()), f"in a batch of {', '.join(names)}; try a smaller `lr`"
        if not math.isfinite(value):
            raise ModelError(f"epoch {epoch}: the loss is no longer a number, {batch}")
        if self.first and value > max(HIGH, RUNAWAY * max(self.first)):
            raise ModelError(f"epoch {epoch}: the loss diverges ({value:.2g}, at first {max(self.first):.2g}), {batch}")
        if len(self.first) < FIRST:
            self.first.append(value)


class EarlyStopping:
    """`over` after `patience` epochs in a row without a metric above the best so far."""

    def __init__(self, patience: int) -> None:
        self.patience, self.best, self.since = patience, -1.0, 0

    @property
    def over(self) -> bool:
        """Whether the patience is used up."""
        return self.since >= self.patience

    def update(self, metric: float) -> bool:
        """Take in the watched metric of one more epoch; whether it is the best so far (of equals the first stays)."""
        better = metric > self.best
        self.best, self.since = (metric, 0) if better else (self.best, self.since + 1)
        return better
