"""`detect convert`: from one annotation format to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from detect.cli import options

if TYPE_CHECKING:
    from detect.data import Dataset
    from detect.errors import Problems

FORMATS = ("yolo", "coco", "voc", "cvat")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--to", "target", type=click.Choice(FORMATS), required=True, help="The format to write.")
@click.option("--from", "origin", type=click.Choice(FORMATS), help="What SOURCE is in, if its content leaves a doubt.")
@click.option("--images", type=click.Path(path_type=Path), metavar="DIR", help="Where the images are, if elsewhere.")
@click.option(
    "--on-error",
    type=click.Choice(["fail", "skip"]),
    default="fail",
    show_default=True,
    help="fail: write nothing. skip: leave out the bad items and list them in rejects.jsonl beside DEST.",
)
@click.option("--no-images", is_flag=True, help="Write the annotations alone.")
@options.quiet
@options.as_json
def convert(
    source: Path,
    dest: Path,
    target: str,
    origin: str | None,
    images: Path | None,
    on_error: Literal["fail", "skip"],
    no_images: bool,
    as_json: bool,
) -> None:
    """Read the annotations in SOURCE and write them to DEST in another format.

    SOURCE is a folder, an annotation file (.json, .xml, data.yaml) or a description from datasets/. DEST is a new
    folder with the format's usual layout, the images hard-linked into it; or a .json file, for COCO. What was
    repaired, left out or lost is printed; nothing is written when something is wrong, unless --on-error skip.

    \b
    Example, LabelImg's XML to what Ultralytics trains on, and to one COCO file:
      detect convert photos/ data/ --to yolo
      detect convert photos/ annotations.json --to coco
    """
    from detect import convert as room
    from detect.errors import Problems
    from detect.files import refuse_to_overwrite

    if dest.suffix.lower() == ".json" and target != "coco":
        raise click.UsageError(f"one .json file holds coco alone; name a folder for {target}")
    refuse_to_overwrite(dest)
    problems = Problems()
    dataset = room.read(source, format=origin, images=images, on_error=on_error, problems=problems)
    room.write(dataset, dest, target, media="none" if no_images else "link", problems=problems)
    rejects = dest.parent / "rejects.jsonl" if on_error == "skip" else None
    if rejects is not None and not room.write_rejects(problems, rejects):
        rejects = None
    options.report(problems)
    if as_json:
        options.print_json(_result(dest, target, dataset, problems, rejects))
        return
    click.echo(f"{dest}: {_sizes(dataset)} ({target})")
    if rejects is not None:
        click.echo(f"{rejects}: what was left out")


def _result(dest: Path, target: str, dataset: Dataset, problems: Problems, rejects: Path | None) -> dict[str, object]:
    counts = problems.counts().items()
    return {
        "dest": dest,
        "format": target,
        "images": len(dataset),
        "boxes": dataset.boxes,
        "classes": dataset.classes,
        "splits": {split: len(dataset.only(split)) for split in dataset.splits},
        "problems": [{"level": level, "kind": kind, "count": count} for (level, kind), count in counts],
        "rejects": rejects,
    }


def _sizes(dataset: Dataset) -> str:
    counts = {"image": len(dataset), "box": dataset.boxes, "class": len(dataset.classes)}
    plural = {"image": "images", "box": "boxes", "class": "classes"}
    return ", ".join(f"{count} {noun if count == 1 else plural[noun]}" for noun, count in counts.items())
