"""`detect anchors`: how well a detector's anchors meet the boxes, before and after fitting them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detect.cli import options
from detect.cli.reading import Reading, reading


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--model", default="fasterrcnn_resnet50_fpn", show_default=True, help="A detector of `detect models`.")
@click.option("--imgsz", type=click.IntRange(32), help="Pixels of the model's input.  [default: 640, or the only size]")
@click.option("--split", metavar="NAME", help="Only the boxes of this split, such as train.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Another number gives another fit.")
@click.option("--draw", type=click.Path(path_type=Path), help="A PNG of the boxes and both sets of anchors.")
@reading("Bad items of DATA: an error, or left out.")
@options.quiet
@options.as_json
def anchors(
    data: Path,
    model: str,
    imgsz: int | None,
    split: str | None,
    seed: int,
    draw: Path | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Fit the anchors of a detector to the boxes of DATA, as the model sees them after resizing.

    The fit is k-means on 1 - IoU and a search after it. The best possible recall is the share of boxes that some anchor
    overlaps by such an IoU where it stands, which is on the grid of its level. `detect train` does the same by itself
    (`anchors: auto`); this shows what it is worth. YOLOs have no anchors: for one of them this is an error.

    \b
    Example:
      detect anchors data/ --model ssdlite320_mobilenet_v3_large --split train
    """
    from detect.models.anchors import fit_anchors, layout, overlap, positive, quality, seen_boxes, shape_iou
    from detect.models.families import check_size, fixed_size
    from detect.recipes import Recipe

    with options.value_of("--model"):
        size = imgsz or fixed_size(model) or 640
    with options.value_of("--imgsz"):
        check_size(model, size)
    with options.value_of("--model"):
        defaults = layout(model, size)
    dataset = reading.read(data)
    images = dataset.only(split).images if split else dataset.images
    boxes = seen_boxes(images, model, size)
    shapes = fit_anchors(boxes, defaults, positive(Recipe(model=model)), seed)
    both = {"default": defaults.shapes, "fitted": shapes}
    placed = {name: quality(overlap(boxes, those, defaults)) for name, those in both.items()}
    shape_only = {name: quality(shape_iou(boxes[:, 2:], those)) for name, those in both.items()}
    if draw is not None:
        from detect.models.anchor_plot import draw_anchors

        draw_anchors(boxes[:, 2:], defaults.shapes, shapes, draw)
    if as_json:
        rows = {name: {**placed[name]._asdict(), "shape_only": shape_only[name]._asdict()} for name in both}
        options.print_json({"model": model, "boxes": len(boxes), **rows, "anchors": shapes.round(1).tolist()})
        return
    _print(model, len(boxes), placed, shape_only, shapes.round(1).tolist())


def _print(
    model: str, boxes: int, placed: dict[str, Any], shape_only: dict[str, Any], shapes: list[list[float]]
) -> None:
    head = ("anchors", "mean best IoU", "best possible recall at IoU 0.5", "at IoU 0.7")
    rows = [
        (name, f"{fit.mean:.3f}", f"{fit.fair:.1%}", f"{fit.good:.1%}")
        for fits, what in ((placed, ""), (shape_only, ", by shape only"))
        for name, fit in ((f"{key}{what}", fit) for key, fit in fits.items())
    ]
    options.print_table(options.console(), f"{model}: {len(shapes)} anchors, {boxes:,} boxes", head, rows)
    listed = ", ".join(f"[{width:g}, {height:g}]" for width, height in shapes)
    click.echo(f"\nanchors: [{listed}]")
