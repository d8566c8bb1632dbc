"""The command `detect train`."""

from __future__ import annotations

from pathlib import Path

import click

from detect.cli.options import as_json, print_json, quiet, report


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--data", required=True, metavar="DATA", help="Anything `convert` reads, with splits train and val.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder.  [default: runs/NAME-OF-RECIPE]")
@click.option("--resume", is_flag=True, help="Go on with the run in --out after its last whole epoch.")
@as_json
@quiet
def train(recipe: Path, overrides: tuple[str, ...], data: str, out: Path | None, resume: bool, as_json: bool) -> None:
    """Train a detector as RECIPE says, into a run folder.

    Pretrained weights come from a local file only (the recipe's key `weights`); nothing is downloaded. A run that
    was stopped goes on with the same command and --resume.

    \b
    Examples:
      detect train configs/yolo11n.yaml --data data/ --out runs/first
      detect train configs/yolo11n.yaml --data data/ --out runs/small epochs=20 imgsz=320 augment.mosaic=0
      detect train configs/yolo11n.yaml --data data/ --out runs/first --resume
    """
    from detect.config import load_recipe
    from detect.convert import read
    from detect.errors import Problems
    from detect.train import train as fit

    resolved = load_recipe(recipe, overrides)
    problems = Problems()
    dataset = read(data, problems=problems)
    report(problems)
    run = fit(resolved, dataset, out or Path("runs") / recipe.stem, resume=resume)
    best = run.best
    if as_json:
        print_json({"run": str(run.folder), "weights": str(run.weights), "epochs": len(run.epochs), "best": best})
    else:
        figures = f"AP50 {best['val']['map50']:.3f}, mAP {best['val']['map']:.3f} on val"
        click.echo(f"{run.weights}: best of {len(run.epochs)} epochs is {best['epoch']} with {figures}")
