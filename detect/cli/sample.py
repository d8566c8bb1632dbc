"""`detect sample`: draw photos of damaged cars to try everything on."""

from __future__ import annotations

from pathlib import Path

import click

from detect.cli.options import OneOf, as_json, print_json, quiet


@click.command()
@click.argument("dest", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--images", default=300, show_default=True, type=click.IntRange(0), metavar="N", help="How many photos.")
@click.option(
    "--format",
    "form",
    default="voc",
    show_default=True,
    type=OneOf(["voc", "yolo", "cvat", "coco"]),
    help="voc and yolo as LabelImg writes them, cvat and coco as CVAT does.",
)
@click.option(
    "--size",
    "width",
    default=640,
    show_default=True,
    type=click.IntRange(64, 4096),
    metavar="W",
    help="Longer side of a photo, pixels.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    metavar="N",
    help="The same seed draws the same photos.",
)
@quiet
@as_json
def sample(dest: Path, images: int, form: str, width: int, seed: int, as_json: bool) -> None:
    """Draw photos of cars, most of them damaged, with their annotations, into the new folder DIR.

    Each claim has two to five photos of one car; about one photo in five shows no damage. The six classes are
    CarDD's: dent, scratch, crack, glass shatter, lamp broken, tire flat, each with a severity of 1 to 5 and a place
    where the format can hold them (cvat, coco). File names begin with the claim.

    \b
    Example, photos annotated as in LabelImg, then split so that no claim is divided:
      detect sample sample/ --images 300
      detect split sample/ data/ --ratios 70/20/10 --group '(claim-\\d+)'
    """
    from detect.sample import write_sample

    dataset = write_sample(dest, images=images, width=width, format=form, seed=seed)
    counts = dict.fromkeys(dataset.classes, 0)
    for image in dataset.images:
        for box in image.boxes:
            counts[box.label] += 1
    clean = sum(not image.boxes for image in dataset.images)
    if as_json:
        print_json({"folder": str(dest), "format": form, "images": len(dataset), "undamaged": clean, "boxes": counts})
        return
    click.echo(f"{dest}: {len(dataset)} photos, {clean} of them without damage, {dataset.boxes} boxes")
    for label, count in counts.items():
        click.echo(f"  {label:<14} {count:>5}")
