"""`detect convert`: from one annotation format to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detect.cli import options
from detect.cli.reading import Reading, reading

if TYPE_CHECKING:
    from detect.data import Dataset
    from detect.errors import Problems

WRITTEN = (*options.FOLDERS, "coco-results")


def _classes(text: str) -> tuple[str, ...]:
    from detect.conversion.taxonomy import parse_classes

    return parse_classes(text)


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--to", "target", type=options.OneOf(WRITTEN), required=True, help="The format to write.")
@reading("fail: write nothing. skip: leave out the bad items and list them in rejects.jsonl beside DEST.")
@click.option("--merge", multiple=True, type=click.Path(path_type=Path), metavar="SOURCE", help="Another source to put "
              "into the same dataset; may be repeated.")  # fmt: skip
@click.option("--map", "mapping", multiple=True, callback=options.pairs, metavar="OLD=NEW|FILE", help="Rename a label, "
              "or all that a YAML file lists; may be repeated.")  # fmt: skip
@click.option("--drop", multiple=True, metavar="LABEL", help="Leave out the boxes of a label; may be repeated.")
@click.option("--classes", callback=options.parsed(_classes), metavar="A,B,...|FILE", help="The order of the classes, "
              "and so of their ids: names, or a text file with one per line.")  # fmt: skip
@click.option("--voc-origin", type=click.IntRange(0, 1), default=0, help="1: corners in VOC files, read or written, "
              "are pixels counted from 1, the far ones included, as in the VOC devkit.")  # fmt: skip
@click.option("--ids", type=click.Path(path_type=Path), metavar="FILE", help="The COCO file that the ids of COCO "
              "results refer to.")  # fmt: skip
@click.option("--no-images", is_flag=True, help="Write the annotations only.")
@options.quiet
@options.as_json
def convert(
    source: Path,
    dest: Path,
    target: str,
    merge: tuple[Path, ...],
    mapping: tuple[str, ...],
    drop: tuple[str, ...],
    classes: tuple[str, ...] | None,
    no_images: bool,
    reading: Reading,
    as_json: bool,
    **how: Any,
) -> None:
    """Read the annotations in SOURCE and write them to DEST in another format.

    SOURCE is a folder, a zip, an annotation file (.json, .xml, .csv, .yaml) or a description from datasets/. DEST is a
    new folder with the format's usual layout, the images hard-linked into it; or a .json file, for COCO. What was
    repaired, left out or lost is printed; nothing is written when something is wrong, unless --on-error skip. The
    formats: detect formats.

    \b
    Example, LabelImg's XML to what Ultralytics trains on, and to one COCO file:
      detect convert photos/ data/ --to yolo
      detect convert photos/ annotations.json --to coco
    \b
    Two exports with their own words for damage as one dataset with fixed ids:
      detect convert cvat.zip data/ --merge photos/ --to yolo --map scratches=scratch --drop rust --classes dent,scratch
    """
    from detect import conversion as room

    if how["voc_origin"] == 1 and target == "voc":
        target = "voc-devkit"
    _check(dest, target)
    problems = reading.problems
    with room.gc_paused():
        dataset = _read([source, *merge], reading, **how)
        dataset = _relabelled(dataset, mapping, drop, classes or (), problems)
        room.write(dataset, dest, target, media="none" if no_images else "link", problems=problems, ids=how["ids"])
    options.report(problems)
    rejects = reading.write_rejects(dest.parent)
    if as_json:
        options.print_json(_result(dest, target, dataset, problems, rejects))
        return
    click.echo(f"{dest}: {_sizes(dataset)} ({target})")
    if rejects is not None:
        click.echo(f"{rejects}: what was left out")


def _check(dest: Path, target: str) -> None:
    """Refuse a place that cannot be written to, before anything is read."""
    from detect.conversion import check_dest
    from detect.conversion.formats import by_name
    from detect.errors import ConfigError
    from detect.files import refuse_to_overwrite

    try:
        check_dest(by_name(target), dest)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    refuse_to_overwrite(dest)


def _read(sources: list[Path], reading: Reading, **how: Any) -> Dataset:
    from detect import conversion as room

    parts = [(path.resolve().stem, room.read(path, **reading.arguments, **how)) for path in sources]
    return parts[0][1] if len(parts) == 1 else room.merge(parts, reading.problems)


def _relabelled(
    dataset: Dataset, mapping: tuple[str, ...], drop: tuple[str, ...], classes: tuple[str, ...], problems: Problems
) -> Dataset:
    if not (mapping or drop or classes):
        return dataset
    from detect.conversion.taxonomy import check_known, parse_mapping, relabel

    for label in drop:
        check_known(label, dataset.classes, "--drop")
    renamed = parse_mapping(mapping, dataset.classes)
    return relabel(dataset, renamed, problems, drop=drop, classes=classes)


def _result(dest: Path, target: str, dataset: Dataset, problems: Problems, rejects: Path | None) -> dict[str, object]:
    return {
        "dest": dest,
        "format": target,
        "images": len(dataset),
        "boxes": dataset.boxes,
        "classes": dataset.classes,
        "splits": {split: len(dataset.only(split)) for split in dataset.splits},
        "problems": options.counted(problems),
        "rejects": rejects,
    }


def _sizes(dataset: Dataset) -> str:
    counts = {"image": len(dataset), "box": dataset.boxes, "class": len(dataset.classes)}
    plural = {"image": "images", "box": "boxes", "class": "classes"}
    return ", ".join(f"{count} {noun if count == 1 else plural[noun]}" for noun, count in counts.items())
