"""Training: one attempt after another, until the metrics on val are good enough or the retries are used up."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from detect.checking import Finding, before_training, raise_errors
from detect.conversion import read
from detect.data import Dataset
from detect.files import NotWritten, atomic_file, write_text
from detect.progress import remark
from detect.recipes import Recipe, load_recipe
from detect.training.attempt import run_attempt
from detect.training.distributed import ProcessLost, is_leader
from detect.training.listeners import Listener
from detect.training.log import Log, read_json, to_json
from detect.training.run import Attempt, Run

DECAY = 0.0005  # of the weights, where a second attempt needs some


def train(
    recipe: Recipe | str | Path,
    data: Dataset | str | Path,
    out: str | Path,
    *,
    resume: bool = False,
    listeners: Sequence[Listener] = (),
) -> Run:
    """Train on the images of split "train", choose the best epoch on "val", keep everything in the folder `out`.

    `recipe` may be a file or the name of one that comes with the package, and `data` anything that `read` takes. With
    `resume`, a training in `out` goes on after its last whole epoch, to the same end as if it had never stopped; keys
    that do not change what the result means may differ then, see docs/training.md. `listeners` are called
    after every batch and epoch, and can end the training. What is wrong with the data is said before it begins.

    Raises DetectError: an existing `out` without `resume` (or another recipe or dataset with it), a split that is
    missing or has no boxes, a photo that is not there, weights that do not fit.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    dataset, out = data if isinstance(data, Dataset) else read(data), Path(out)
    leader, attempts, worked = is_leader(recipe), list[Attempt](), False
    findings = _checked(dataset, leader=leader)
    try:
        while not attempts or _is_wanted(attempts):
            number = len(attempts) + 1
            folder = out / f"attempt-{number}" if attempts else out
            this = _next_recipe(attempts) if attempts else recipe
            begun = resume and (folder == out or (folder / "recipe.yaml").is_file())
            worked |= run_attempt(
                this, dataset, folder, resume=begun, number=number, leader=leader, listeners=listeners
            )
            attempts.append(Attempt.load(folder))
    except ProcessLost:
        if not leader:
            raise SystemExit(1) from None  # the leader reports more
        raise
    except (KeyboardInterrupt, NotWritten):
        if leader and out.is_dir():
            remark(f"stopped; the same command with --resume goes on from the last whole epoch of {out}")
        raise
    run = Run(out, tuple(attempts), read_json(out / "data.json"))
    if not worked and (out / "summary.json").is_file():
        epochs = sum(len(one.epochs) for one in attempts)
        remark(f"{out}: the training is finished ({epochs} epochs); nothing was left to resume")
    elif leader:
        _finish(run, findings)
    return run


def _checked(dataset: Dataset, *, leader: bool) -> tuple[Finding, ...]:
    """What there is to say of the data. Raises DataError where they cannot be trained on."""
    findings = before_training(dataset, photos=leader)
    raise_errors(findings)
    if leader:
        for finding in findings:
            remark(f"{finding.level}: {finding}")
    return findings


def _is_wanted(attempts: Sequence[Attempt]) -> bool:
    """Whether there is to be another attempt."""
    accept = attempts[0].recipe.accept
    return accept is not None and len(attempts) <= accept.retries and not attempts[-1].accepted


def _next_recipe(attempts: Sequence[Attempt]) -> Recipe:
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
    remark(f"not good enough ({short}): attempt {len(attempts) + 1} goes on from {changes['weights']} {how}")
    return first.model_copy(update=changes)


def _finish(run: Run, findings: Sequence[Finding]) -> None:
    """The best attempt's weights become the run's, and the summary is written."""
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
        "findings": findings,
        "changes": _changes(run),
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
    write_text(run.folder / "summary.json", to_json(summary))


def _changes(run: Run) -> list[str]:
    """The keys of the recipe that resumes have changed, with the epoch from which on."""
    return [
        f"from epoch {event['epoch']} on: {change}"
        for event in Log(run.attempt.folder / "log.jsonl").events()
        for change in event.get("changes", ())
    ]


def _copy(source: Path, target: Path) -> None:
    with atomic_file(target) as temporary:
        shutil.copyfile(source, temporary)
