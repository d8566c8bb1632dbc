"""Listeners, which a training calls while it runs: the log, the screen, TensorBoard, MLflow, your own code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from detect.errors import DataError
from detect.progress import Advance, remark
from detect.recipes import TASKS, Recipe

Event = dict[str, Any]


class Listener:
    """Called by a training while it runs. Subclass it, and override what you need.

    `batch` and `epoch` may return True: the training then ends after the epoch, as by early stopping. An error that a
    listener raises ends the training, which can be resumed.
    """

    def start(self, epoch: int, weights: str) -> None:
        """Before the first batch: the first epoch, from 1 (above 1 after a resume), and what was taken over."""

    def batch(self, epoch: int, batches: int) -> bool | None:
        """After each of the so many batches of an epoch, which counts from 1."""

    def epoch(self, event: Event) -> bool | None:
        """After an epoch, before its state is saved; see `epoch_event`."""

    def unreadable(self, names: Sequence[str]) -> None:
        """Photos that cannot be read and are left out, each once."""

    def end(self, error: BaseException | None) -> None:
        """At the end: None where the training came to it, else what ended it."""


def epoch_event(
    epoch: int,
    seconds: float,
    lr: float,
    train: Mapping[str, float],
    val: Mapping[str, float],
    seen: Mapping[str, int],
) -> Event:
    """What an epoch was: its number from 1, mean losses on train, metrics and losses on val, boxes seen per class.

    A loss on val that is no number is left out: JSON has none.
    """
    finite = {name: value for name, value in val.items() if math.isfinite(value)}
    return {
        "epoch": epoch, "seconds": round(seconds, 2), "lr": lr, "train": dict(train), "val": finite, "seen": dict(seen),
    }  # fmt: skip


class Listeners(Listener):
    """Several listeners as one. `limit` photos may be unreadable; None: as many as there are."""

    def __init__(self, members: Iterable[Listener] = (), limit: int | None = None) -> None:
        self.members, self.limit = tuple(members), limit
        self.stop = False  # whether one has asked for it
        self.lost: list[str] = []

    def start(self, epoch: int, weights: str) -> None:
        """See Listener."""
        for member in self.members:
            member.start(epoch, weights)

    def batch(self, epoch: int, batches: int) -> None:
        """See Listener."""
        for member in self.members:
            self.stop |= bool(member.batch(epoch, batches))

    def epoch(self, event: Event) -> None:
        """See Listener."""
        for member in self.members:
            self.stop |= bool(member.epoch(event))

    def unreadable(self, names: Sequence[str]) -> None:
        """See Listener. Raises DataError when there are more than the limit."""
        new = [name for name in dict.fromkeys(names) if name not in self.lost]
        if not new:
            return
        self.lost += new
        for member in self.members:
            member.unreadable(new)
        if self.limit is not None and len(self.lost) > self.limit:
            lost = ", ".join(self.lost)
            raise DataError(f"{len(self.lost)} photos cannot be read, more than `unreadable` allows: {lost}")

    def end(self, error: BaseException | None) -> None:
        """See Listener."""
        for member in self.members:
            member.end(error)


class Screen(Listener):
    """Lines and a moving bar for the user, on stderr."""

    def __init__(self, recipe: Recipe, advance: Advance) -> None:
        self.recipe, self.advance, self.metrics = recipe, advance, ""

    def start(self, epoch: int, weights: str) -> None:
        """See Listener."""
        remark(f"weights: {weights}" if epoch == 1 else f"going on with epoch {epoch} of {self.recipe.epochs}")

    def batch(self, epoch: int, batches: int) -> None:
        """See Listener."""
        epochs = self.recipe.epochs
        self.advance(1, note=f"epoch {epoch}/{epochs} {self.metrics}", total=epochs * batches)

    def epoch(self, event: Event) -> None:
        """See Listener."""
        self.metrics = TASKS[self.recipe.task].line(event["val"])
        losses = " ".join(f"{name.removesuffix('_loss')} {value:.3f}" for name, value in event["train"].items())
        epoch = f"epoch {event['epoch']:>3}/{self.recipe.epochs}"
        remark(f"{epoch}  {losses}  val {self.metrics}  {event['seconds']:.0f} s")

    def unreadable(self, names: Sequence[str]) -> None:
        """See Listener."""
        for name in names:
            remark(f"{name}: cannot be read as an image, and is left out")
