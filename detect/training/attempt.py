"""One training in one folder: begun or resumed, run, and kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from detect.data import Dataset
from detect.errors import ConfigError
from detect.files import write_text
from detect.models import require_torch
from detect.models.families import check_recipe, family_of
from detect.models.family import resolve
from detect.progress import bar, remark
from detect.recipes import Recipe, Roi, dump_recipe
from detect.training.batch_size import with_batch
from detect.training.curves import draw_curves
from detect.training.fitted import fitted
from detect.training.folder import begin, check_resume, has_state, is_finished, sweep
from detect.training.job import make_job
from detect.training.listeners import Listener, Listeners, Screen
from detect.training.log import Log, LogWriter

CURVES = "curves.png"


def run_attempt(
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    resume: bool,
    number: int = 1,
    leader: bool = True,
    listeners: Sequence[Listener] = (),
) -> bool:
    """Train by the recipe, once, as attempt `number` of a run; see `train`. False where nothing was left to do.

    A process that is not the `leader` only helps it, and writes nothing.
    """
    require_torch()
    given, recipe = recipe, _prepared(recipe, dataset)
    recipe = with_batch(recipe, dataset, out, known=resume or not leader)
    if leader and given.roi == "auto" and isinstance(recipe.roi, Roi):
        remark(f"roi: {recipe.roi.samples} samples, {recipe.roi.proposals} proposals")
    changes = check_resume(out, recipe, dataset, moved=number > 1) if resume else []
    following = (out if number == 1 else out.parent) / f"attempt-{number + 1}" / "recipe.yaml"
    if resume and (following.is_file() or is_finished(out, recipe)):
        if leader:
            sweep(out)
            _draw(recipe, out, missing=True)
        return False
    begun = resume and has_state(out)
    if leader and resume:
        sweep(out)
        write_text(out / "recipe.yaml", dump_recipe(recipe))
    elif leader:
        begin(out, recipe, dataset)
    try:
        with _listening(recipe, out, changes, listeners, leader=leader) as heard, _explained(recipe):
            job = make_job(recipe, dataset, out, heard)
            resolve(family_of(recipe.model).fit)(job, resume=begun)
    except Exception:
        if leader and not resume and not any((out / name).exists() for name in ("state.pt", "weights/best.pt")):
            shutil.rmtree(out)  # nothing was learnt: leave the name free for the corrected command
        raise
    if leader:
        _draw(recipe, out)
    return True


def _draw(recipe: Recipe, out: Path, *, missing: bool = False) -> None:
    if not missing or not (out / CURVES).is_file():
        draw_curves(tuple(Log(out / "log.jsonl").epochs()), out / CURVES, recipe)


def _prepared(recipe: Recipe, dataset: Dataset) -> Recipe:
    """The recipe with what is fitted to the data. Raises ModelError or ConfigError where it asks for what is not."""
    check_recipe(recipe)
    return fitted(recipe, dataset.only("train").images)


@contextmanager
def _listening(
    recipe: Recipe, out: Path, changes: Sequence[str], more: Sequence[Listener], *, leader: bool
) -> Iterator[Listeners]:
    """Everything that listens to the training; each learns of the end, however it comes."""
    if not leader:
        yield Listeners()
        return
    from detect.training.loggers import open_loggers

    with bar("training", None) as advance:
        own = (LogWriter(Log(out / "log.jsonl"), changes), Screen(recipe, advance))
        listeners = Listeners((*own, *open_loggers(recipe, out), *more), recipe.unreadable)
        try:
            yield listeners
        except BaseException as error:
            listeners.end(error)
            raise
        listeners.end(None)


@contextmanager
def _explained(recipe: Recipe) -> Iterator[None]:
    """Both libraries' error for a batch too small for batch normalisation, as one with a remedy."""
    try:
        yield
    except ValueError as error:
        if "per channel" not in str(error):
            raise
        few = f"batch={recipe.batch} at imgsz={recipe.imgsz}"
        raise ConfigError(
            f"{few} gives batch normalisation a single value per channel, too few for statistics; raise either"
        ) from None
