"""CSV: a row per photo, a column per question, the photo's label in each; an empty cell where it has none.

::

    image,split,width,height,damaged,severity
    claim1/rear.jpg,train,4000,3000,yes,light

`labels.yaml` beside it names the questions with their labels in order; a table of another tool does without.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from detect.conversion.entries import Entry, FileReader, assemble
from detect.conversion.lost_content import report_attributes, report_boxes
from detect.conversion.media import Media, lay
from detect.conversion.photo_labels import HEADER, PhotoLabels, read_header, write_header
from detect.conversion.sizes import Size
from detect.conversion.source import Source
from detect.conversion.text import decode, read_bytes, write_text
from detect.conversion.tidy import Found, Labels, leave_out
from detect.data import Dataset
from detect.errors import ConfigError, DataError, Problems

FILE = "labels.csv"
OWN = ("image", "split", "width", "height")
_IMAGE = ("image", "file", "filename", "file_name", "path", "image_path", "photo", "name")
_SPLIT = ("split", "subset")
_BOX = {"xmin", "x_min", "x1", "bbox", "ymin", "y_min", "y1"}
MANY = 100
"""A column with more different texts than these is hardly a question."""


class _Columns(NamedTuple):
    """The positions of what a row holds; `questions` by name."""

    image: int
    split: int | None
    size: tuple[int, int] | None
    questions: dict[str, int]


def recognise(source: Source) -> bool:
    """A .csv file, or labels.csv in the folder, with a column for the image, one for a label, and none for boxes."""
    if source.path.is_file() and source.path.suffix.lower() == ".csv":
        return _is_table(source.head(source.path.name))
    return FILE in source.files and source.path.is_dir() and _is_table(source.head(FILE))


def read(source: Source) -> Dataset:
    """Every row, its photo found by the name in it. Raises DataError where the columns are not of this format."""
    file = source.path.name if source.path.is_file() else FILE
    reader, labels = FileReader(source, file, Labels(source.problems)), PhotoLabels(source.problems)
    read_header(source.root / HEADER, labels)
    return assemble(list(_entries(reader, labels)), reader.labels, source, labels.questions)


def _entries(reader: FileReader, labels: PhotoLabels) -> Iterator[Entry]:
    rows = _rows(decode(read_bytes(reader.path), reader.path), reader.path)
    header = next(rows, (1, []))[1]
    columns = _columns(header, reader, labels)
    for line, row in rows:
        where = f"line {line}"
        if len(row) != len(header):
            reader.add("error", "bad row", f"has {len(row)} cells, the first row has {len(header)}", where)
            if len(row) > columns.image:
                leave_out(row[columns.image], reader.path, reader.source.problems)
            continue
        if not row[columns.image]:
            reader.add("error", "image without name", "names no image", where)
            continue
        given = {question: row[place] for question, place in columns.questions.items() if row[place]}
        split = row[columns.split] if columns.split is not None else ""
        found, since = Found(), len(reader.source.problems)
        entry = reader.entry(row[columns.image], found, "row", where=where, split=split, size=_size(row, columns))
        yield entry._replace(labels=labels(given, reader.path, where), where=where)
        found.check(reader.source.problems, since)
    for question, met in labels.met.items():
        if question not in labels.declared and len(met) > MANY:
            what = f"column {question!r} holds {len(met)} different labels; name the questions in {HEADER} beside it"
            reader.add("note", "many labels", what)


def _rows(text: str, path: str) -> Iterator[tuple[int, list[str]]]:
    """(the line it begins in, its cells without white space around them) of each row that is not empty."""
    delimiter = _delimiter(re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cells := [cell.strip() for cell in row]):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}: line {line}: is no good row of a table: {error}") from None


def _delimiter(first: str) -> str:
    """What parts the cells: what makes most of the first row and leaves a column for the image."""

    def columns(delimiter: str) -> int:
        try:
            names = [cell.strip().casefold() for cell in next(csv.reader([first], delimiter=delimiter), [])]
        except csv.Error:  # which is said where the rows are read
            names = []
        return len(names) if not set(names).isdisjoint(_IMAGE) else 0

    return max(",;\t|", key=columns)


def _columns(header: Sequence[str], reader: FileReader, labels: PhotoLabels) -> _Columns:
    """Which column holds what. Raises DataError where there is none for the image."""
    names = [name.casefold() for name in header]
    image = next((names.index(name) for name in _IMAGE if name in names), None)
    if image is None:
        raise DataError(f"{reader.path}: line 1: no column is called {', '.join(_IMAGE[:-1])} or {_IMAGE[-1]}")
    if boxes := sorted(_BOX.intersection(names)):
        raise DataError(
            f"{reader.path}: line 1: column {boxes[0]!r} is of boxes; this format holds labels of whole photos"
        )
    if len(set(header)) < len(header):
        raise DataError(f"{reader.path}: line 1: two columns have the same name")
    split = next((names.index(name) for name in _SPLIT if name in names), None)
    size = (names.index("width"), names.index("height")) if {"width", "height"} <= {*names} else None
    others = {name: place for place, name in enumerate(header) if name and place not in (image, split, *(size or ()))}
    for name in others:
        if labels.declared and name not in labels.declared:
            reader.add("dropped", "column", f"{name!r} is no question of {HEADER}", "line 1")
    questions = {name: at for name, at in others.items() if not labels.declared or name in labels.declared}
    return _Columns(image, split, size, questions)


def _size(row: Sequence[str], columns: _Columns) -> Size | None:
    if columns.size is None:
        return None
    wide, high = (row[place] for place in columns.size)
    good = wide.isascii() and wide.isdigit() and high.isascii() and high.isdigit() and max(len(wide), len(high)) < 10
    return (int(wide), int(high)) if good else None


def _is_table(head: str) -> bool:
    try:
        header = next(_rows(head, ""), (1, []))[1]
    except DataError:
        return False
    names = {name.casefold() for name in header}
    return len(names) > 1 and not names.isdisjoint(_IMAGE) and names.isdisjoint(_BOX)


def write(dataset: Dataset, folder: Path, media: Media, problems: Problems) -> None:
    """labels.csv, labels.yaml and images/. Raises ConfigError for a question that is called as one of its columns."""
    taken = {*OWN, *_IMAGE, *_SPLIT, *_BOX}
    if wrong := [name for name in dataset.questions if name.casefold() in taken]:
        raise ConfigError(f"a question cannot be called {', '.join(map(repr, wrong))} in CSV, which has such a column")
    report_boxes(dataset, "CSV", problems)
    report_attributes(dataset, "CSV", problems, boxes=False)
    lay(dataset, folder / "images", media, problems)
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow([*OWN, *dataset.questions])
    for image in dataset.images:
        answers = [image.labels.get(question, "") for question in dataset.questions]
        table.writerow([image.name, image.split or "", image.width, image.height, *answers])
    write_text(folder / FILE, text.getvalue())
    write_header(dataset.questions, folder / HEADER)
