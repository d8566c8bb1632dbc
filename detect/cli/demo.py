"""The command `detect demo`."""

from __future__ import annotations

import time
from contextlib import nullcontext, redirect_stdout
from io import StringIO
from pathlib import Path
from textwrap import indent

import click

from detect.cli.options import quiet

MODELS = {"yolov8n": "ultralytics", "yolox-nano": "yolox"}  # and what each imports; detect/sample has their recipes
OWN = (  # for a user's own photos, as the demo does it
    "detect evaluate data/ val.json --split val --out val-report/",
    "detect evaluate data/ test.json --split test --point val-report/point.json --out report/",
)


def steps(folder: Path) -> tuple[tuple[str, ...], ...]:
    """The commands of the demo, as a user would type them."""
    sample, data, run = f"{folder}/sample", f"{folder}/data", f"{folder}/run"
    voc, report, chosen = f"{folder}/voc", f"{folder}/report", f"{folder}/val-report"
    val, test, group = f"{folder}/val.json", f"{folder}/predictions.json", r"(claim-\d+)"
    point = ("--point", f"{chosen}/point.json")
    return (
        ("sample", sample, "--images", "640", "--format", "cvat"),
        ("convert", sample, voc, "--to", "voc"),
        ("split", voc, data, "--ratios", "80/4/16", "--group", group),
        ("train", f"{folder}/recipe.yaml", "--data", data, "--out", run),
        ("predict", run, data, "--split", "val", "--out", val),
        ("evaluate", data, val, "--split", "val", "--out", chosen),
        ("predict", run, data, "--split", "test", "--out", test, "--draw", f"{folder}/drawn"),
        ("evaluate", data, test, "--split", "test", *point, "--group", group, "--out", report),
    )


def first_installed() -> str:
    """The first model whose package is installed. Raises MissingExtra where none is."""
    from importlib.util import find_spec

    from detect.errors import MissingExtra

    for model, package in MODELS.items():
        if find_spec(package):
            return model
    raise MissingExtra("pixeltable-yolox", "yolox")


def chooses(step: tuple[str, ...]) -> bool:
    """Whether a step chooses the confidences; its own metrics are too good, and nobody is to take them for a result."""
    return step[0] == "evaluate" and "--point" not in step


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default="demo")
@click.option(
    "--model", type=click.Choice(list(MODELS)), help="Which detector; by default the first that is installed."
)
@quiet
def demo(folder: Path, model: str | None) -> None:
    """Run the main job on drawn photos, in FOLDER: annotated cars in, a measured damage detector out.

    It takes about seven minutes on two cores, with yolox-nano twice that; then open report/report.html in FOLDER. Each
    step prints the command that does it. The confidences are chosen on val, and the metrics are those of test.

    \b
    Example:
      detect demo demo/
      detect demo free/ --model yolox-nano
    """
    import shlex
    from importlib.resources import files

    from detect.cli import main
    from detect.files import refuse_to_overwrite, write_text
    from detect.progress import is_quiet, remark

    model = model or first_installed()
    refuse_to_overwrite(folder)
    write_text(folder / "recipe.yaml", (files("detect.sample") / f"{model}.yaml").read_text(encoding="utf-8"))
    began = time.monotonic()
    more = ["--quiet"] if is_quiet() else []
    for step in steps(folder):
        remark(f"\n$ detect {shlex.join(step)}")
        with redirect_stdout(StringIO()) if chooses(step) else nullcontext():
            code = main.main(args=[*step, *more], prog_name="detect", standalone_mode=False)
        if code:
            click.get_current_context().exit(code)
        if chooses(step):
            remark("its metrics are only in that report: on photos that choose the confidences they are too good")
    remark(f"\nDone in {time.monotonic() - began:.0f} s. Open {folder}/report/report.html")
    remark(
        "\nWith your own photos, too, choose the confidences on val, and report on test:\n"
        + indent("\n".join(OWN), "  ")
    )
