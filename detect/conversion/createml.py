"""Create ML JSON, as LabelImg and Roboflow write it: a list of images, each with its annotations.

A box is the centre x, y and the width, height, in pixels. Sizes of images are not stated; classes are not declared.
Source: LabelImg, libs/create_ml_io.py; https://developer.apple.com/documentation/createml
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from detect.conversion import json_file, json_kinds
from detect.conversion.entries import Entry, FileReader, assemble
from detect.conversion.lost_content import report_attributes
from detect.conversion.media import Media, lay
from detect.conversion.names import split_word
from detect.conversion.source import Source
from detect.conversion.text import declared_classes, write_classes
from detect.conversion.tidy import PRECISION, Found, Labels
from detect.data import Box, Dataset, Image
from detect.errors import DataError, Problems
from detect.progress import track

FILE = "_annotations.createml.json"


def recognise(source: Source) -> bool:
    """JSON that is a list of objects with an image's name and annotations."""
    return json_kinds.any_of(source, "createml")


def read(source: Source) -> Dataset:
    """Every JSON file of that kind; the folder it is in is the split, as Roboflow has it."""
    files = json_kinds.files_of(source, "createml")
    if not files:
        raise DataError(f"{source.path}: there is no Create ML JSON in it")
    declared = declared_classes(source.root)
    labels = Labels(source.problems, declared, closed=bool(declared))
    entries = [
        entry for file in track(files, "Reading Create ML") for entry in _entries(FileReader(source, file, labels))
    ]
    return assemble(entries, labels, source)


def _entries(reader: FileReader) -> Iterator[Entry]:
    split = _split(reader)
    for place, row in json_file.rows(reader, json_file.load_for(reader), "image"):
        name = row.get("image", row.get("imagefilename"))
        if not isinstance(name, str) or not name:
            reader.add("error", "image without name", 'needs "image", the name of its file', f"image {place}")
            continue
        found = row.get("annotations", row.get("annotation"))
        boxes, since = Found(), len(reader.source.problems)
        for number, item in json_file.rows(reader, found, f"image {name}: annotation"):
            if box := _box(item, reader, f"image {name}: annotation {number}"):
                boxes.add(number, box)
        boxes.check(reader.source.problems, since)
        beside = name if "/" not in reader.file else f"{reader.file.rpartition('/')[0]}/{name}"
        here = reader.source.photos.find(beside) == [beside]  # before any other photo that the name can mean
        entry = reader.entry(
            beside if here else name, boxes, f"image {name}: annotation", where=f"image {place}", split=split
        )
        yield entry._replace(listed=entry.listed._replace(name=name))


def _split(reader: FileReader) -> str:
    """The folder that a file of the name that Roboflow gives is in; of the topmost one, where it is a split's name."""
    folder, _, base = reader.file.rpartition("/")
    above = reader.source.root.resolve().name
    word = folder or (above if split_word(above) else "")
    return word if base == FILE and "/" not in word else ""


def _box(row: dict[str, Any], reader: FileReader, where: str) -> Box | None:
    values = row.get("coordinates")
    numbers = json_file.numbers(values, ("x", "y", "width", "height")) if isinstance(values, dict) else None
    if numbers is None:
        reader.add("error", "not a number", '"coordinates" needs x, y, width and height as numbers', where)
        return None
    x, y, w, h = numbers
    label = row.get("label")
    return reader.box(label if isinstance(label, str) else None, (x - w / 2, y - h / 2, x + w / 2, y + h / 2), where)


def write(dataset: Dataset, folder: Path, media: Media, problems: Problems) -> None:
    """A folder per split with its images and `_annotations.createml.json`; without splits all in one. classes.txt."""
    report_attributes(dataset, "Create ML", problems)
    write_classes(dataset.classes, folder)
    groups = dict.fromkeys(image.split for image in dataset.images)
    for split in groups:
        place = folder / (split or "default") if dataset.splits else folder
        some = replace(dataset, images=tuple(image for image in dataset.images if image.split == split))
        place.mkdir(exist_ok=True)
        lay(some, place, media, problems)
        (place / FILE).write_bytes(json_file.dump([_row(image) for image in some.images]))


def _row(image: Image) -> dict[str, Any]:
    return {"image": image.name, "annotations": [_annotation(box) for box in image.boxes]}


def _annotation(box: Box) -> dict[str, Any]:
    centre = {"x": round((box.x1 + box.x2) / 2, PRECISION + 1), "y": round((box.y1 + box.y2) / 2, PRECISION + 1)}
    size = {"width": round(box.width, PRECISION), "height": round(box.height, PRECISION)}
    return {"label": box.label, "coordinates": {**centre, **size}}
