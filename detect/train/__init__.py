"""Training: a recipe and a dataset with splits in, a run folder out.

runs/first/
  recipe.yaml       the resolved recipe, every key
  data.json         what it was trained on: classes, images and boxes per split, fingerprint
  log.jsonl         one JSON object per line: start, epoch, resume, end
  summary.json      the best epoch and its figures on val
  weights/best.pt   what `detect predict` takes
  state.pt          all that `--resume` needs
  curves.png        losses and figures by epoch
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect.config import Recipe, differences, dump_recipe, load_recipe
from detect.data import Dataset, Image, Predictions
from detect.errors import ConfigError, DataError, DetectError
from detect.evaluate import evaluate
from detect.files import refuse_to_overwrite, write_text
from detect.models import fit_yolo, require_torch
from detect.models.names import TORCHVISION
from detect.progress import bar, say
from detect.train import log as logs
from detect.train.fitted import fitted

if TYPE_CHECKING:
    from detect.models.detector import Training

FIGURES = ("precision", "recall", "map50", "map")  # of an epoch, on val


@dataclass(frozen=True)
class Run:
    """A finished training: its folder and the epoch events of its log."""

    folder: Path
    epochs: tuple[dict[str, Any], ...]

    @property
    def weights(self) -> Path:
        """The weights of the best epoch."""
        return self.folder / "weights" / "best.pt"

    @property
    def best(self) -> dict[str, Any]:
        """The event of the best epoch: the highest mAP on val, the first of equals."""
        return max(self.epochs, key=lambda event: float(event["val"]["map"]))


def train(recipe: Recipe, dataset: Dataset, out: str | Path, *, resume: bool = False) -> Run:
    """Train on the images of split "train", choose the best epoch on "val", keep everything in the folder `out`.

    With `resume`, a killed training in `out` goes on after its last whole epoch, to the same end as if it had never
    stopped. Raises DetectError: an existing `out` without `resume` (or another recipe or dataset with it), a missing
    split, a photo that is not there, weights that do not fit.
    """
    out = Path(out)
    images = _photos(dataset, "train"), _photos(dataset, "val")
    recipe = fitted(recipe, images[0])
    resuming = resume and _check_resumable(out, recipe, dataset)
    if not resume:
        _start_folder(out, recipe, dataset)
    try:
        _fit(recipe, dataset.classes, *images, out, resume=resuming)
    except DetectError:
        if not (out / "state.pt").exists():
            shutil.rmtree(out)  # nothing was learnt: leave the name free for the corrected command
        raise
    except KeyboardInterrupt:
        say(f"stopped; the same command with --resume goes on from the last whole epoch of {out}")
        raise
    return _finish(out)


def _photos(dataset: Dataset, split: str) -> tuple[Image, ...]:
    images = dataset.only(split).images
    if lost := [image.name for image in images if image.path is None or not image.path.is_file()]:
        raise DataError(f"{len(lost)} photos of split {split!r} are not there, first {', '.join(lost[:3])}")
    return images


def _start_folder(out: Path, recipe: Recipe, dataset: Dataset) -> None:
    try:
        refuse_to_overwrite(out)
    except DetectError:
        raise DetectError(f"{out}: there is a run already; name another with --out, or go on with --resume") from None
    write_text(out / "recipe.yaml", dump_recipe(recipe))
    write_text(out / "data.json", logs.to_json(logs.describe(dataset)))


def _check_resumable(out: Path, recipe: Recipe, dataset: Dataset) -> bool:
    """Whether there is a state to go on from. Raises ConfigError where recipe or data are not those of the run."""
    if not (out / "recipe.yaml").is_file():
        raise ConfigError(f"{out}: no run to resume; leave out --resume to start one")
    if logs.read_json(out / "data.json") != logs.describe(dataset):
        raise ConfigError(f"{out}: the run was started on other data (other images, boxes or classes)")
    if changed := differences(load_recipe(out / "recipe.yaml"), recipe):
        raise ConfigError(f"{out}: the run has another recipe ({'; '.join(changed)}); resume with the same one")
    return (out / "state.pt").is_file()


def _fit(
    recipe: Recipe,
    classes: tuple[str, ...],
    train_images: tuple[Image, ...],
    val_images: tuple[Image, ...],
    out: Path,
    *,
    resume: bool,
) -> None:
    from detect.models.detector import Training

    log = logs.Log(out / "log.jsonl")
    if resume and (finished := log.finished()):
        raise DetectError(f"{out}: the training is finished ({finished} epochs); there is nothing to resume")
    with bar("training", None) as advance:
        watch = logs.Watch(log, advance, recipe.epochs)
        job = Training(
            recipe,
            classes,
            train_images,
            val_images,
            state=out / "state.pt",
            best=out / "weights" / "best.pt",
            on_start=watch.start,
            on_batch=watch.batch,
            on_epoch=watch.epoch,
        )
        fit(job, resume=resume)
    log.add({"event": "end", "time": logs.now()})


def fit(job: Training, *, resume: bool) -> None:
    """Train the detector that the recipe names. Raises ModelError, DataError or MissingExtra."""
    require_torch()
    if job.recipe.model not in TORCHVISION:
        fit_yolo(job, resume=resume)
        return
    from detect.train import loop

    truth = Dataset(job.classes, job.val)

    def measure(found: Predictions) -> dict[str, float]:
        values = evaluate(truth, found, replicates=0).values
        return {name: 0.0 if math.isnan(values[name]) else values[name] for name in FIGURES}

    loop.fit(job, measure, resume=resume)


def _finish(out: Path) -> Run:
    from detect.train.curves import draw_curves

    run = Run(out, tuple(logs.Log(out / "log.jsonl").epochs()))
    summary = {"epochs": len(run.epochs), "best": run.best, "weights": "weights/best.pt"}
    write_text(out / "summary.json", logs.to_json(summary))
    draw_curves(run.epochs, out / "curves.png")
    return run


__all__: Sequence[str] = ["Run", "train"]
