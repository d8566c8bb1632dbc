"""What a training leaves: a run with its attempts, reopened from its folder at any time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detect.errors import DataError
from detect.recipes import TASKS, Recipe, load_recipe
from detect.training.log import Log, read_json
from detect.training.verdict import verdict


@dataclass(frozen=True)
class Attempt:
    """One training: its folder, its recipe and the epoch events of its log."""

    folder: Path
    recipe: Recipe
    epochs: tuple[dict[str, Any], ...]

    @classmethod
    def load(cls, folder: Path) -> Attempt:
        """That in a folder. Raises DataError where no epoch of it is whole."""
        epochs = tuple(Log(folder / "log.jsonl").epochs())
        if not epochs:
            raise DataError(f"{folder}: the training has no whole epoch yet")
        return cls(folder, load_recipe(folder / "recipe.yaml"), epochs)

    @property
    def best(self) -> dict[str, Any]:
        """The event of the best epoch: the highest watched metric on val, the first of equals."""
        return max(self.epochs, key=lambda event: float(event["val"][self.recipe.watch]))

    @property
    def accepted(self) -> bool | None:
        """Whether its best epoch reaches the metrics that the recipe asks for; None where it asks for none."""
        wanted = self.recipe.accept.metrics if self.recipe.accept else {}
        return all(self.best["val"][name] >= least for name, least in wanted.items()) if wanted else None

    @property
    def rank(self) -> tuple[bool, float]:
        """The better attempt has the higher one: accepted before not, then by the watched metric."""
        return bool(self.accepted), float(self.best["val"][self.recipe.watch])


@dataclass(frozen=True, repr=False)
class Run:
    """A training: its folder and its attempts, of which there is one unless the recipe has `accept`.

    `data` is what it was trained on: classes, images and boxes per split, and the fingerprint.
    """

    folder: Path
    attempts: tuple[Attempt, ...]
    data: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """The run in a folder that `train` made, finished or not.

        Raises DataError where there is none, where no epoch is whole yet, and where a file of it is damaged.
        """
        folder = Path(folder)
        if not (folder / "recipe.yaml").is_file() or not (folder / "data.json").is_file():
            raise DataError(
                f"{folder}: is no run folder (it has no recipe.yaml and data.json); `detect train` makes one"
            )
        attempts = [Attempt.load(folder)]
        while any(Log((following := folder / f"attempt-{len(attempts) + 1}") / "log.jsonl").epochs()):
            attempts.append(Attempt.load(following))
        return cls(folder, tuple(attempts), read_json(folder / "data.json"))

    def __repr__(self) -> str:
        task, best = TASKS[self.recipe.task], self.best
        metrics = f"epoch {best['epoch']} of {len(self.epochs)} with {task.line(best['val'])}"
        return f"Run({str(self.folder)!r}, {self.recipe.model}, best: {metrics})"

    @property
    def recipe(self) -> Recipe:
        """The recipe of the best attempt, with what was fitted to the data."""
        return self.attempt.recipe

    @property
    def weights(self) -> Path:
        """The weights of the best epoch of the best attempt."""
        return self.folder / "weights" / "best.pt"

    @property
    def attempt(self) -> Attempt:
        """The best attempt, an accepted one first."""
        return max(self.attempts, key=lambda one: one.rank)

    @property
    def epochs(self) -> tuple[dict[str, Any], ...]:
        """The epoch events of the best attempt."""
        return self.attempt.epochs

    @property
    def best(self) -> dict[str, Any]:
        """The event of its best epoch."""
        return self.attempt.best

    @property
    def accepted(self) -> bool | None:
        """Whether it is good enough; None where the recipe does not ask."""
        return self.attempt.accepted

    @property
    def finished(self) -> bool:
        """Whether the last attempt came to its end; else `train(..., resume=True)` goes on."""
        return Log(self.attempts[-1].folder / "log.jsonl").ended()

    @property
    def fingerprint(self) -> str:
        """That of the data: names, boxes and photos."""
        return str(self.data.get("fingerprint", ""))

    @property
    def verdict(self) -> str:
        """What happened in the best attempt, in words."""
        return verdict(self.epochs, self.recipe)
