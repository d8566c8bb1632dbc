"""The command `detect predict`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from detect.cli.options import as_json, print_json, quiet, report


@click.command()
@click.argument("weights", type=click.Path(path_type=Path))
@click.argument("images")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The predictions, a COCO JSON file.")
@click.option("--split", help="Only the images of this split, when IMAGES is annotated data.")
@click.option("--draw", type=click.Path(path_type=Path), help="A new folder for the photos with boxes on them.")
@click.option("--draw-above", default=0.25, show_default=True, help="Draw boxes of at least this score.")
@click.option("--confidence", default=0.001, show_default=True, help="Keep boxes of at least this score.")
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
    nms_iou: float,
    batch: int,
    device: str,
    on_error: str,
    as_json: bool,
) -> None:
    """Find damage in photos with trained WEIGHTS (a file or a run folder).

    IMAGES is a photo, a folder of photos, or annotated data as `convert` reads it. All boxes down to --confidence
    are written, since measuring needs the weak ones too; --draw shows those above --draw-above.

    \b
    Examples:
      detect predict runs/first data/ --split test --out predictions.json
      detect predict runs/first photos/ --out predictions.json --draw drawn/
    """
    from detect.convert.predictions import write_predictions
    from detect.data import Dataset
    from detect.errors import Problems
    from detect.files import refuse_to_overwrite
    from detect.models import load_detector
    from detect.predict import draw_predictions, predict, sources

    problems = Problems()
    chosen = sources(images, split)
    if draw:
        refuse_to_overwrite(draw)
    detector = load_detector(weights, device=device)
    found = predict(
        detector, chosen, confidence=confidence, nms_iou=nms_iou, batch=batch, on_error=on_error, problems=problems
    )
    report(problems)
    write_predictions(found, out, dataset=Dataset((), tuple(replace(image, boxes=()) for image in chosen)))
    if draw:
        draw_predictions(found, chosen, draw, above=draw_above)
    shown = sum(box.score is not None and box.score >= draw_above for boxes in found.images.values() for box in boxes)
    if as_json:
        boxes = sum(map(len, found.images.values()))
        print_json({"predictions": str(out), "images": len(found), "boxes": boxes, "above": {str(draw_above): shown}})
    else:
        click.echo(f"{out}: {len(found)} images, {shown} boxes of score {draw_above} or more")
