"""One training after another, until the metrics on val are good enough or the retries are used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detect.data import Dataset
from detect.errors import DetectError
from detect.progress import say
from detect.recipes import Recipe, load_recipe
from detect.training import log as logs
from detect.training.stage import run_stage

DECAY = 0.0005  # of the weights, where a second attempt needs some


@dataclass(frozen=True)
class Attempt:
    """One training: its folder, its recipe and the epoch events of its log."""

    folder: Path
    recipe: Recipe
    epochs: tuple[dict[str, Any], ...]

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


def run_attempts(recipe: Recipe, dataset: Dataset, out: Path, *, resume: bool) -> tuple[Attempt, ...]:
    """All trainings that the recipe asks for: the first in `out`, further ones in attempt-2, attempt-3 ... in it.

    Raises DetectError where there is nothing left to resume.
    """
    attempts, worked = list[Attempt](), not (out / "summary.json").is_file()
    retries = recipe.accept.retries if recipe.accept else 0
    while len(attempts) <= retries and not (attempts and attempts[-1].accepted):
        folder = out / f"attempt-{len(attempts) + 1}" if attempts else out
        this = _again(attempts) if attempts else recipe
        begun = resume and (folder == out or (folder / "recipe.yaml").is_file())
        worked |= run_stage(this, dataset, folder, resume=begun, first=not attempts)
        events = tuple(logs.Log(folder / "log.jsonl").epochs())
        attempts.append(Attempt(folder, load_recipe(folder / "recipe.yaml"), events))
    if not worked:
        epochs = sum(len(one.epochs) for one in attempts)
        raise DetectError(f"{out}: the training is finished ({epochs} epochs); there is nothing to resume")
    return tuple(attempts)


def _again(attempts: Sequence[Attempt]) -> Recipe:
    """The recipe of the next attempt: from the best weights so far, slower and with more weight decay.

    What had none gets the usual one.
    """
    first, best = attempts[0].recipe, max(attempts, key=lambda one: one.rank)
    factor = first.accept.lr_factor if first.accept else 1.0
    changes = {
        "weights": best.folder / "weights" / "best.pt",
        "backbone": None,
        "lr": first.lr * factor ** len(attempts),
        "weight_decay": min(1.0, (first.weight_decay or DECAY / 2) * 2 ** len(attempts)),
    }
    wanted = first.accept.metrics if first.accept else {}
    short = ", ".join(f"{name} {best.best['val'][name]:.3f} < {least:g}" for name, least in wanted.items())
    how = f"with lr {changes['lr']:g} and weight decay {changes['weight_decay']:g}"
    say(f"not good enough ({short}): attempt {len(attempts) + 1} goes on from {changes['weights']} {how}")
    return first.model_copy(update=changes)
