"""The command `detect demo`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from detect.cli.options import quiet


def steps(folder: Path) -> tuple[tuple[str, ...], ...]:
    """The commands of the demo, as a user would type them."""
    sample, data, run = f"{folder}/sample", f"{folder}/data", f"{folder}/run"
    voc, predictions, report = f"{folder}/voc", f"{folder}/predictions.json", f"{folder}/report"
    return (
        ("sample", sample, "--images", "640", "--format", "cvat"),
        ("convert", sample, voc, "--to", "voc"),
        ("split", voc, data, "--ratios", "80/4/16", "--group", r"(claim-\d+)"),
        ("train", f"{folder}/recipe.yaml", "--data", data, "--out", run),
        ("predict", run, data, "--split", "test", "--out", predictions, "--draw", f"{folder}/drawn"),
        ("evaluate", data, predictions, "--split", "test", "--group", r"(claim-\d+)", "--out", report),
    )


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default="demo")
@quiet
def demo(folder: Path) -> None:
    """Run the main job on drawn photos, in FOLDER: annotated cars in, a measured damage detector out.

    Each step prints the command that does it. It takes about six minutes on two cores; then open report/report.html
    in FOLDER.

    \b
    Example:
      detect demo demo/
    """
    import shlex
    from importlib.resources import files

    from detect.cli import main
    from detect.files import refuse_to_overwrite, write_text
    from detect.progress import is_quiet, remark

    refuse_to_overwrite(folder)
    write_text(folder / "recipe.yaml", (files("detect.sample") / "recipe.yaml").read_text(encoding="utf-8"))
    began = time.monotonic()
    more = ["--quiet"] if is_quiet() else []
    for step in steps(folder):
        remark(f"\n$ detect {shlex.join(step)}")
        if code := main.main(args=[*step, *more], prog_name="detect", standalone_mode=False):
            click.get_current_context().exit(code)
    remark(f"\nDone in {time.monotonic() - began:.0f} s. Open {folder}/report/report.html")
