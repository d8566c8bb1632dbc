"""`detect formats`: the table of formats as a user and a machine see it."""

from __future__ import annotations

import json

from click.testing import CliRunner

from detect.cli import main
from detect.conversion import FORMATS
from detect.conversion.predictions.layouts import LAYOUTS


def test_every_format_is_listed_with_what_it_loses() -> None:
    result = CliRunner().invoke(main, ["formats", "--json"])
    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    predicted = [row for row in rows if "predictions" in row]
    assert [row["predictions"] for row in predicted] == [*LAYOUTS, "yolo"]
    assert all(row["title"] and row["example"] for row in predicted)
    rows = rows[: -len(predicted)]
    assert [row["format"] for row in rows] == list(FORMATS)
    assert all(row["title"] and row["holds"] and row["loses"] and row["layout"] for row in rows)
    assert [row["format"] for row in rows if not row["write"]] == ["cvat-video", "label-studio", "labelme", "via"]


def test_the_table_names_all_of_them() -> None:
    result = CliRunner().invoke(main, ["formats"])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines() if line[:1].strip()] == [
        "format",
        *FORMATS,
        "Predictions",
        "predictions",
        *LAYOUTS,
        "yolo",
    ]
