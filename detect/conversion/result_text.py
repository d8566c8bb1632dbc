"""YOLO's text files of predictions, one for each photo: `class cx cy w h confidence`, shares of the image.

That is what ultralytics and yolov5 write with save_txt and save_conf; a track's id may follow. A photo in which nothing
was found has no file. Polygons and turned boxes become their upright extent.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from detect.conversion.coco_header import Names
from detect.conversion.names import stem, without_containers
from detect.conversion.result_rows import Listing, Row
from detect.conversion.text import decode, lines, read_bytes
from detect.conversion.yaml_file import load
from detect.conversion.yolo_labels import CLASS_FILES

NO_CONFIDENCE = "the rows have no confidence; predict again with save_conf=True"


def read_texts(root: Path, files: Sequence[str]) -> Listing:
    """The rows of the text files at `files`, relative to `root`. Classes are those of a file beside them, if any."""
    rows = [row for file in files for row in _rows(root, file)]
    return Listing(str(root), rows, classes=_classes(root), first=0, whole=1.0)


def is_text(file: str) -> bool:
    """Tell whether a text file can be one of labels."""
    return file.lower().endswith(".txt") and file.rpartition("/")[2] not in CLASS_FILES


def _rows(root: Path, file: str) -> list[Row]:
    image = without_containers(stem(file))
    text = decode(read_bytes(root / file), root / file)
    return [
        _row(image, line.split(), f"{file}: line {number}")
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]


def _row(image: str, values: list[str], where: str) -> Row:
    """The row of one line; whatever is no such line is given on as a box that is none, and so told."""
    label: Any = int(values[0]) if values[0].isdecimal() else values[0]
    try:
        numbers = [float(value) for value in values[1:]]
    except ValueError:
        return Row(image, label, values[1:], 0.0, where, "cxcywh")
    if len(numbers) in (5, 6):  # a track's id may stand last
        return Row(image, label, numbers[:4], numbers[4], where, "cxcywh")
    if len(numbers) == 4:
        return Row(image, label, numbers, None, where, "cxcywh")
    if len(numbers) >= 7 and len(numbers) % 2 and all(map(isfinite, numbers)):
        *points, score = numbers
        xs, ys = points[::2], points[1::2]
        return Row(image, label, [min(xs), min(ys), max(xs), max(ys)], score, where, "xyxy")
    return Row(image, label, numbers, 0.0, where, "cxcywh")


def _classes(root: Path) -> Names | None:
    """The classes that a file in the folder, or in the one above, names."""
    for folder in (root, root.parent):
        for name in CLASS_FILES:
            if (folder / name).is_file():
                return dict(enumerate(lines(folder / name)))
        for file in (folder / name for name in ("data.yaml", "dataset.yaml") if (folder / name).is_file()):
            names = load(file).get("names")
            if isinstance(names, list | dict):
                return dict(names.items() if isinstance(names, dict) else enumerate(names))
    return None
