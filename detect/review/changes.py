"""What a review changed, and the list of it as a table that any spreadsheet opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from detect.errors import Problem
from detect.files import write_text


class Change(NamedTuple):
    """One change: `box` is its number in the data, 0 for a new one and for the image; `by` the tag, or "edit"."""

    image: str
    box: int
    change: str  # class, drop, add, move, attributes, drop image
    before: str
    after: str
    by: str


def write_changes(changes: Sequence[Change], dest: Path) -> Path:
    """Write DEST.changes.csv beside the dataset: image, box, change, before, after, by. Returns its path."""
    return _write(Change._fields, changes, dest.with_name(f"{dest.name}.changes.csv"))


def write_unused(unused: Sequence[Problem], dest: Path) -> Path:
    """Write DEST.unused.csv beside the dataset: image, box, what was not used, and the remedy. Returns its path."""
    rows = [(one.file, one.where, one.what, one.remedy) for one in unused]
    return _write(("image", "box", "what", "remedy"), rows, dest.with_name(f"{dest.name}.unused.csv"))


def _write(head: Sequence[str], rows: Sequence[Sequence[object]], path: Path) -> Path:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(head)
    table.writerows(rows)
    write_text(path, text.getvalue())
    return path
