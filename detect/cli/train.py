"""The command `detect train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detect.cli import NOT_REACHED
from detect.cli.options import as_json, print_json, quiet, value_of
from detect.cli.reading import Reading, reading

if TYPE_CHECKING:
    from detect.data import Dataset
    from detect.recipes import Recipe


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="Anything `convert` reads, with splits train and val.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Run folder.  [default: runs/NAME-OF-RECIPE]")
@click.option("--resume", is_flag=True, help="Go on with the run in --out after its last whole epoch.")
@click.option(
    "--preview",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw what the network would see, and do not train.",
)
@reading("Bad items of DATA: an error, or left out and listed in rejects.jsonl in the run folder.")
@as_json
@quiet
@click.pass_context
def train(
    ctx: click.Context,
    /,
    recipe: Path,
    overrides: tuple[str, ...],
    data: Path,
    out: Path | None,
    resume: bool,
    preview: Path | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Train a detector as RECIPE says, into a run folder. RECIPE is a file, or a name that `detect recipes` lists.

    Pretrained weights come from a local file only (the recipe's key `weights`); nothing is downloaded. A run that
    was stopped goes on with the same command and --resume. Where the recipe says what is good enough (`accept`), the
    command ends with 3 when that is not reached.

    \b
    Examples:
      detect train yolo11n --data data/ --out runs/first
      detect train yolo11n --data data/ --out runs/small epochs=20 imgsz=320 augment.mosaic=0
      detect train yolo11n --data data/ --out runs/first --resume
      detect train yolo11n --data data/ --preview drawn/
    """
    if preview is not None and resume:
        raise click.UsageError("--preview draws and trains nothing, so there is nothing to --resume")
    from detect.recipes import TASKS
    from detect.training import train as fit
    from detect.training.distributed import is_leader

    resolved, dataset = _recipe(recipe, overrides), reading.read(data)
    if preview is not None:
        _draw(resolved, dataset, preview, as_json)
        return
    run = fit(resolved, dataset, out or Path("runs") / recipe.stem, resume=resume)
    if not is_leader(resolved):
        return  # the process that it helped prints the result
    reading.keep_rejects(run.folder)
    best = run.best
    if as_json:
        answer = {"run": str(run.folder), "weights": str(run.weights), "epochs": len(run.epochs), "best": best}
        print_json({**answer, "verdict": run.verdict, "accepted": run.accepted, "attempts": len(run.attempts)})
    else:
        metrics = TASKS[resolved.task].line(best["val"])
        click.echo(f"{run.weights}: best of {len(run.epochs)} epochs is {best['epoch']} with {metrics} on val")
        click.echo(run.verdict)
    if run.accepted is False:
        click.echo(f"not good enough after {len(run.attempts)} attempts, see {run.folder / 'summary.json'}", err=True)
        ctx.exit(NOT_REACHED)


def _recipe(path: Path, overrides: tuple[str, ...]) -> Recipe:
    """The recipe with the overrides. Bad usage where it is good without them: then they are what is wrong."""
    from detect.errors import ConfigError
    from detect.recipes import load_recipe

    try:
        return load_recipe(path, overrides)
    except ConfigError:
        load_recipe(path)
        with value_of("KEY=VALUE"):
            raise


def _draw(recipe: Recipe, dataset: Dataset, folder: Path, as_json: bool) -> None:
    """What the network would see, as pictures in a new folder."""
    from detect.training.preview import preview

    count = preview(recipe, dataset, folder)
    if as_json:
        print_json({"preview": str(folder), "pictures": count})
    else:
        click.echo(f"{folder}: {count} pictures as the network sees them")
