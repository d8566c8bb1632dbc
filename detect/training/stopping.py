"""When a training ends before its last epoch: no better metric for long, or a loss that is hopeless."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from detect.errors import ModelError

FIRST = 10  # batches whose loss is taken as usual
RUNAWAY, HIGH = 100.0, 1000.0  # a loss of so many times the highest of them, and of so much at least, will not return
HOPELESS = 1e9  # nor does one of so much, from the first batch on


class LossCheck:
    """Stops a training whose loss is no number any more, or has run away."""

    def __init__(self) -> None:
        self.first: list[float] = []

    def check(self, loss: Any, epoch: int, names: Sequence[str]) -> None:
        """Raise ModelError with the photos of the batch, where its loss is hopeless; `epoch` counts from 1."""
        value, batch = float(loss.detach()), f"in a batch of {', '.join(names)}; try a smaller `lr`"
        if not math.isfinite(value):
            raise ModelError(f"epoch {epoch}: the loss is no longer a number, {batch}")
        if abs(value) > HOPELESS or (self.first and value > max(HIGH, RUNAWAY * max(self.first))):
            usual = f", at first {max(self.first):.2g}" if self.first else ""
            raise ModelError(f"epoch {epoch}: the loss diverges ({value:.2g}{usual}), {batch}")
        if len(self.first) < FIRST:
            self.first.append(value)


class EarlyStopping:
    """`over` after `patience` epochs in a row without a metric above the best so far, once one was not 0.

    As long as nothing is found, however many epochs that takes, a loss that falls may be about to show: a YOLO from
    scratch on few photos stays at 0 for tens of epochs.
    """

    def __init__(self, patience: int, metrics: Iterable[float] = ()) -> None:
        """As it stands after epochs with these metrics."""
        self.patience, self.best, self.since = patience, -math.inf, 0
        for metric in metrics:
            self.update(metric)

    @property
    def over(self) -> bool:
        """Whether the patience is used up."""
        return self.best != 0 and self.since >= self.patience

    def update(self, metric: float) -> bool:
        """Take in the watched metric of one more epoch; whether it is the best so far (of equals the first stays).

        An undefined one (NaN) is as good as 0.
        """
        metric = 0.0 if math.isnan(metric) else metric
        better = metric > self.best
        self.best, self.since = (metric, 0) if better else (self.best, self.since + 1)
        return better
