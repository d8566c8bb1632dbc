"""YOLO's text files of predictions, one for each photo: `class cx cy w h confidence`, shares of the image.

That is what ultralytics and yolov5 write with save_txt and save_conf; a track's id may follow. A photo in which nothing
was found has no file. Key points before the confidence are left out; polygons and turned boxes become their upright
extent. Which of these longer rows are follows from all rows together, as in data (yolo/row_forms.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from detect.conversion.coco.header import Names
from detect.conversion.names import stem, without_containers
from detect.conversion.predictions.listing import Listing, Row
from detect.conversion.text import decode, lines, read_bytes
from detect.conversion.yaml_file import load
from detect.conversion.yolo.label_files import CLASS_FILES
from detect.conversion.yolo.layout import key_points_of
from detect.conversion.yolo.row_forms import Forms, KeyPoints
from detect.conversion.yolo.row_text import BadRow, words
from detect.errors import DataError

Line = tuple[str, list[str], str]
"""The image of a row, its values as text, and its place."""


def read_texts(root: Path, files: Sequence[str]) -> Listing:
    """The rows of the text files at `files`, relative to `root`. Classes are those of a file beside them, if any.

    Raises DataError for longer rows that may be one thing or another.
    """
    classes, key_points = _header(root)
    all_lines = [line for file in files for line in _lines(root, file)]
    forms = Forms(key_points, predicted=True)
    longer = [numbers for _, values, _ in all_lines if len(values) > 7 and (numbers := _numbers(values)) is not None]
    forms.see(numbers[:-1] for numbers in longer)
    rows = [_row(*line, forms) for line in all_lines]
    return Listing(str(root), rows, classes=classes, first=0, whole=1.0)


def is_text(file: str) -> bool:
    """Tell whether a text file can be one of labels."""
    return file.lower().endswith(".txt") and file.rpartition("/")[2] not in CLASS_FILES


def _lines(root: Path, file: str) -> Iterator[Line]:
    image = without_containers(stem(file))
    for number, line in enumerate(decode(read_bytes(root / file), root / file).splitlines(), 1):
        where = f"{file}: line {number}"
        try:
            values, _ = words(line)
        except BadRow as error:
            raise DataError(f"{root / file}: line {number}: {error}") from None
        if values:
            yield image, values, where


def _numbers(values: Sequence[str]) -> list[float] | None:
    """What stands after the class; None where it is not all finite numbers."""
    try:
        numbers = list(map(float, values[1:]))
    except ValueError:
        return None
    return numbers if all(map(isfinite, numbers)) else None


def _row(image: str, values: Sequence[str], where: str, forms: Forms) -> Row:
    """The row of one line; whatever is no such line is given on as a box that is none, and so told."""
    label: Any = int(values[0]) if values[0].isdecimal() else values[0]
    numbers = _numbers(values)
    if numbers is None:
        return Row(image, label, values[1:], 0.0, where, "cxcywh")
    if len(numbers) == 4:
        return Row(image, label, numbers, None, where, "cxcywh")
    if len(numbers) in (5, 6):  # a track's id may stand last
        return Row(image, label, numbers[:4], numbers[4], where, "cxcywh")
    if len(numbers) < 4:
        return Row(image, label, numbers, 0.0, where, "cxcywh")
    *shares, score = numbers
    form = forms.of(len(shares))
    if form.refused:
        remedy = f" ({form.remedy}, in the folder of the predictions or the one above)" if form.remedy else ""
        raise DataError(f"{where}: without the confidence: {form.refused}{remedy}")
    if not form.corners:
        return Row(image, label, shares[:4], score, where, "cxcywh")
    xs, ys = shares[::2], shares[1::2]
    return Row(image, label, [min(xs), min(ys), max(xs), max(ys)], score, where, "xyxy")


def _header(root: Path) -> tuple[Names | None, KeyPoints | None]:
    """The classes that a file in the folder, or in the one above, names, and the key points that it states."""
    for folder in (root, root.parent):
        for name in CLASS_FILES:
            if (folder / name).is_file():
                return dict(enumerate(lines(folder / name))), None
        for file in (folder / name for name in ("data.yaml", "dataset.yaml") if (folder / name).is_file()):
            document: Mapping[str, Any] = load(file)
            names = document.get("names")
            rows = names if isinstance(names, dict) else dict(enumerate(names)) if isinstance(names, list) else None
            return rows, key_points_of(dict(document), file)
    return None, None
