"""One training in one folder: started, resumed, kept."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from detect.data import Dataset, Image, Predictions
from detect.errors import ConfigError, DataError, DetectError
from detect.evaluation import evaluate
from detect.files import atomic_folder, write_text
from detect.models import require_torch
from detect.models.families import check_recipe, family_of
from detect.models.family import resolve
from detect.progress import bar, say
from detect.recipes import METRICS, Recipe, Roi, differences, dump_recipe, load_recipe
from detect.training import log as logs
from detect.training.balance import class_weights, repeat_factors
from detect.training.curves import draw_curves
from detect.training.fitted import fitted

if TYPE_CHECKING:
    from detect.training.job import Job


CURVES = "curves.png"


def run_stage(recipe: Recipe, dataset: Dataset, out: Path, *, resume: bool, first: bool = True) -> bool:
    """Train as the recipe says, once; see `train`. False where it was finished before.

    A further attempt is not the `first`: it begins with weights of its own run, wherever that is now.
    """
    images, val = photos(dataset, "train"), photos(dataset, "val")
    if not any(image.boxes for image in val):
        raise DataError("split 'val' has no boxes, so no epoch could be told from another; see `detect split`")
    check_recipe(recipe)
    given, recipe = recipe, fitted(recipe, images)
    if given.roi == "auto" and isinstance(recipe.roi, Roi) and not follows(recipe):
        say(f"roi: {recipe.roi.samples} samples, {recipe.roi.proposals} proposals")
    if resume and _tidied(out, recipe, dataset, first):
        return False
    if not resume and not follows(recipe):
        _start_folder(out, recipe, dataset)
    try:
        _fit(recipe, dataset, out, resume=resume and (out / "state.pt").is_file())
    except Exception:
        if not resume and not (out / "state.pt").exists() and not follows(recipe):
            shutil.rmtree(out)  # nothing was learnt: leave the name free for the corrected command
        raise
    if not follows(recipe):
        _draw(recipe, out)
    return True


def _draw(recipe: Recipe, out: Path) -> None:
    draw_curves(tuple(logs.Log(out / "log.jsonl").epochs()), out / CURVES, recipe.watch)


def _sweep(out: Path) -> None:
    """Remove what a kill in mid-writing has left: files as large as the state of a training, a folder just begun."""
    for rest in (*out.glob(".*.tmp"), *(out / "weights").glob(".*.tmp")):
        shutil.rmtree(rest) if rest.is_dir() else rest.unlink()


def follows(recipe: Recipe) -> bool:
    """Whether this process only helps another one, that writes the files, to train on several devices."""
    many = recipe.devices * recipe.nodes > 1  # else it is one of several that have nothing to do with each other
    return many and any(
        int(os.environ.get(name) or 0) > 0 for name in ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")
    )


def photos(dataset: Dataset, split: str) -> tuple[Image, ...]:
    """The images of a split. Raises DataError where there is none, or a photo is missing."""
    return dataset.only(split).require_photos().images


def _start_folder(out: Path, recipe: Recipe, dataset: Dataset) -> None:
    if (out / "recipe.yaml").is_file():
        raise DetectError(f"{out}: there is a run already; name another with --out, or go on with --resume")
    with atomic_folder(out) as folder:  # whoever is killed here has not begun
        write_text(folder / "recipe.yaml", dump_recipe(recipe))
        write_text(folder / "data.json", logs.to_json(logs.describe(dataset)))


def _tidied(out: Path, recipe: Recipe, dataset: Dataset, first: bool) -> bool:
    """Put right what a kill left behind; whether the run has nothing left to do."""
    done = _is_finished(out, recipe, dataset, first)
    if not follows(recipe):
        _sweep(out)
        if done and not (out / CURVES).is_file():
            _draw(recipe, out)
    return done


def _is_finished(out: Path, recipe: Recipe, dataset: Dataset, first: bool) -> bool:
    """Whether the run has nothing left to do. Raises ConfigError where it cannot be resumed with recipe and data."""
    if not (out / "recipe.yaml").is_file():
        raise ConfigError(f"{out}: no run to resume; leave out --resume to start one")
    if logs.read_json(out / "data.json") != logs.describe(dataset):
        raise ConfigError(f"{out}: the run was started on other data (other images, boxes or classes)")
    known = load_recipe(out / "recipe.yaml")
    if not first:
        known = known.model_copy(update={"weights": recipe.weights})
    if changed := differences(known, recipe):
        raise ConfigError(f"{out}: the run has another recipe ({'; '.join(changed)}); resume with the same one")
    log = logs.Log(out / "log.jsonl")
    if log.finished():
        return True
    if len(list(log.epochs())) > 1 and not (out / "state.pt").is_file():  # the first is logged before there is one
        raise ConfigError(
            f"{out}: state.pt is gone, from which the run would go on; start another one from its weights with "
            f"weights={out / 'weights' / 'best.pt'}"
        )
    return False


def _fit(recipe: Recipe, dataset: Dataset, out: Path, *, resume: bool) -> None:
    from detect.training.loggers import Loggers
    from detect.training.torchvision.distributed import PeerLost

    log = logs.Log(out / "log.jsonl")
    told = recipe.model_copy(update={"loggers": ()}) if follows(recipe) else recipe
    with bar("training", None) as advance, Loggers(told, out) as loggers:
        watch = logs.Watch(log, advance, recipe.epochs, recipe.unreadable, loggers.tell)
        try:
            fit(training(recipe, dataset, out, watch), resume=resume)
        except PeerLost:
            if follows(recipe):
                raise SystemExit(1) from None  # the one that it follows says more
            raise
        except ValueError as error:
            if "per channel" not in str(error):  # both libraries' word for it
                raise
            few = f"batch={recipe.batch} at imgsz={recipe.imgsz}"
            raise ConfigError(f"{few} leaves a norm one value, too few for statistics; raise either") from None
    if not follows(recipe):
        log.add({"event": "end", "time": logs.now()})


def training(recipe: Recipe, dataset: Dataset, out: Path, watch: logs.Watch) -> Job:
    """What a detector's `fit` is told."""
    from detect.training.augment import Defects
    from detect.training.job import Job

    images, truth = photos(dataset, "train"), Dataset(dataset.classes, photos(dataset, "val"))
    return Job(
        recipe,
        dataset.classes,
        images,
        truth.images,
        state=out / "state.pt",
        best=out / "weights" / "best.pt",
        measure=lambda found: measured(truth, found),
        on_start=_silent if follows(recipe) else watch.start,
        on_batch=watch.batch,
        on_epoch=_silent if follows(recipe) else watch.epoch,
        on_unreadable=_silent if follows(recipe) else watch.unreadable,
        factors=repeat_factors(images, recipe.balance.repeat),
        class_weights=class_weights(images, dataset.classes, recipe.balance),
        vary=Defects(recipe.augment) or None,
    )


def fit(job: Job, *, resume: bool) -> None:
    """Train the detector that the recipe names. Raises ModelError, DataError or MissingExtra."""
    require_torch()
    resolve(family_of(job.recipe.model).fit)(job, resume=resume)


def measured(truth: Dataset, found: Predictions) -> dict[str, float]:
    """The metrics of an epoch; 0 where one is undefined, so that epochs can be compared.

    They are of the photos that were looked at: one that cannot be read is left out.
    """
    if not found.images:
        raise DataError("none of the photos of split 'val' can be read as an image")
    seen = Dataset(truth.classes, tuple(image for image in truth.images if image.name in found.images))
    values = evaluate(seen, found, replicates=0).values
    return {name: 0.0 if math.isnan(values[name]) else values[name] for name in METRICS}


def _silent(*told: object) -> None:
    """Tell nobody."""
