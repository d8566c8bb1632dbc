"""Training: a recipe and a dataset with splits in, a run folder out.

runs/first/
  recipe.yaml       the resolved recipe, every key
  data.json         what it was trained on: classes, images and boxes per split, fingerprint
  log.jsonl         one JSON object per line: start, epoch, unreadable, resume, end
  summary.json      the best epoch and its metrics on val, every attempt, and in words what happened
  weights/best.pt   what `detect predict` takes
  state.pt          all that `--resume` needs
  curves.png        losses and metrics by epoch
  attempt-2/ ...    the same again for every further attempt (`accept` in a recipe)
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detect.conversion import read
from detect.data import Dataset
from detect.files import atomic_file, write_text
from detect.progress import say
from detect.recipes import Recipe, load_recipe
from detect.training import log as logs
from detect.training.attempts import Attempt, run_attempts
from detect.training.stage import follows
from detect.training.verdict import verdict


@dataclass(frozen=True)
class Run:
    """A finished training: its folder and its attempts, of which there is one unless the recipe says `accept`."""

    folder: Path
    attempts: tuple[Attempt, ...]

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
    def verdict(self) -> str:
        """What happened in the best attempt, in words."""
        return verdict(self.epochs, self.attempt.recipe)


def train(recipe: Recipe | str | Path, data: Dataset | str | Path, out: str | Path, *, resume: bool = False) -> Run:
    """Train on the images of split "train", choose the best epoch on "val", keep everything in the folder `out`.

    `recipe` may be a file, and `data` anything that `read` takes. With `resume`, a killed training in `out` goes on
    after its last whole epoch, to the same end as if it had never stopped. Raises DetectError: an existing `out`
    without `resume` (or another recipe or dataset with it), a missing split, a photo that is not there, weights that do
    not fit.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    dataset = data if isinstance(data, Dataset) else read(data)
    out = Path(out)
    try:
        run = Run(out, run_attempts(recipe, dataset, out, resume=resume))
    except KeyboardInterrupt:
        if not follows(recipe):
            say(f"stopped; the same command with --resume goes on from the last whole epoch of {out}")
        raise
    if not follows(recipe):
        _finish(run)
    return run


def _finish(run: Run) -> None:
    """The best attempt's weights become the run's, and the summary says how it went."""
    if run.attempt.folder != run.folder:
        if not (first := run.weights.with_name("attempt-1.pt")).exists():  # a kill may have come after it
            _copy(run.weights, first)
        _copy(run.attempt.folder / "weights" / "best.pt", run.weights)
    summary = {
        "epochs": len(run.epochs),
        "best": run.best,
        "weights": "weights/best.pt",
        "verdict": run.verdict,
        "accepted": run.accepted,
        "attempts": [
            {
                "folder": one.folder.relative_to(run.folder).as_posix(),
                "lr": one.recipe.lr,
                "weight_decay": one.recipe.weight_decay,
                "epochs": len(one.epochs),
                "best": one.best["epoch"],
                "val": one.best["val"],
                "accepted": one.accepted,
            }
            for one in run.attempts
        ],
    }
    write_text(run.folder / "summary.json", logs.to_json(summary))


def _copy(source: Path, target: Path) -> None:
    with atomic_file(target) as temporary:
        shutil.copyfile(source, temporary)


__all__: Sequence[str] = ["Attempt", "Run", "train"]
