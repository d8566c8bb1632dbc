"""The list of what a review changed, as a table that any spreadsheet opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from detect.files import write_text
from detect.review.corrections import Change


def write_changes(changes: Sequence[Change], dest: Path) -> Path:
    """Write DEST.changes.csv beside the dataset: image, box, change, before, after, by. Returns its path."""
    rows = io.StringIO(newline="")
    table = csv.writer(rows)
    table.writerow(Change._fields)
    table.writerows(changes)
    path = dest.with_name(f"{dest.name}.changes.csv")
    write_text(path, rows.getvalue())
    return path
