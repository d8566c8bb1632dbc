"""The command `detect predict`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detect.cli.options import as_json, print_json, quiet, report

if TYPE_CHECKING:
    from detect.data import Predictions
    from detect.point import OperatingPoint


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@click.argument("images")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The predictions, a COCO JSON file.")
@click.option("--split", help="Only the images of this split, when IMAGES is annotated data.")
@click.option("--draw", type=click.Path(path_type=Path), help="A new folder for the photos with boxes on them.")
@click.option("--draw-above", default=0.25, show_default=True, help="Draw boxes of at least this score.")
@click.option("--confidence", default=0.001, show_default=True, help="Keep boxes of at least this score.")
@click.option(
    "--point",
    type=click.Path(path_type=Path),
    help="Operating point from `detect evaluate --out`: its confidence per class, and calibrated scores.",
)
@click.option("--nms-iou", default=0.7, show_default=True, help="Of two boxes that overlap more, drop the weaker.")
@click.option("--batch", default=8, show_default=True, help="Photos per pass.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda:0 ...")
@click.option("--on-error", type=click.Choice(["fail", "skip"]), default="fail", show_default=True)
@as_json
@quiet
def predict(
    weights: Path,
    images: str,
    out: Path,
    split: str | None,
    draw: Path | None,
    draw_above: float,
    confidence: float,
    point: Path | None,
    nms_iou: float,
    batch: int,
    device: str,
    on_error: str,
    as_json: bool,
) -> None:
    """Find damage in photos with trained WEIGHTS (a file or a run folder).

    IMAGES is a photo, a folder of photos, or annotated data. All boxes down to --confidence are written, since
    measuring needs the weak ones too; with --point what counts there, which is too little to measure AP.

    \b
    Examples:
      detect predict runs/first data/ --split test --out predictions.json
      detect predict runs/first photos/ --out predictions.json --draw drawn/
      detect predict runs/first photos/ --out predictions.json --point report/point.json
    """
    from detect.convert.predictions import write_predictions
    from detect.data import Dataset
    from detect.errors import Problems
    from detect.files import refuse_to_overwrite
    from detect.models import load_detector
    from detect.point import read_point
    from detect.predict import draw_predictions, sources
    from detect.predict import predict as run

    if point is not None and _given("confidence"):
        raise click.UsageError("--point excludes --confidence")
    known = None if point is None else read_point(point)
    draw_above = draw_above if known is None or _given("draw_above") else 0.0
    if draw:
        refuse_to_overwrite(draw)
    problems, chosen, detector = Problems(), sources(images, split), load_detector(weights, device=device)
    keep = {"confidence": confidence, "nms_iou": nms_iou}
    found = run(detector, chosen, **keep, batch=batch, on_error=on_error, problems=problems)
    report(problems)
    found = found if known is None else _what_counts(found, known)
    write_predictions(found, out, dataset=Dataset((), tuple(replace(image, boxes=()) for image in chosen)))
    if draw:
        draw_predictions(found, chosen, draw, above=draw_above)
    _tell(found, out, draw_above, as_json)


def _what_counts(found: Predictions, point: OperatingPoint) -> Predictions:
    """What is left at the operating point, with calibrated scores; says how much is not."""
    from detect.progress import say

    kept = point.apply(found)
    before, after = (sum(map(len, some.images.values())) for some in (found, kept))
    say(f"{before - after} of {before} boxes dropped: below the confidence of their class in the operating point")
    return kept


def _tell(found: Predictions, out: Path, above: float, as_json: bool) -> None:
    """How much was found, and where it is."""
    shown = sum(box.score is not None and box.score >= above for boxes in found.images.values() for box in boxes)
    if as_json:
        boxes = sum(map(len, found.images.values()))
        print_json({"predictions": str(out), "images": len(found), "boxes": boxes, "above": {str(above): shown}})
    else:
        click.echo(f"{out}: {len(found)} images, {shown} boxes of score {above} or more")


def _given(option: str) -> bool:
    """Whether the user wrote this option."""
    source = click.get_current_context().get_parameter_source(option)
    return source is not None and source.name != "DEFAULT"
