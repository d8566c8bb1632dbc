"""`detect evaluate`: predictions beside the truth."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from detect.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from detect.evaluate import Evaluation


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("predictions", type=click.Path(path_type=Path))
@click.option("--split", metavar="NAME", help="Only the images of this split: train, val, test.")
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1),
    help="Count precision, recall and F1 at this confidence. [default: best F1 on this data]",
)
@click.option(
    "--iou",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.5,
    show_default=True,
    help="Overlap from which a box counts as found, at that confidence.",
)
@click.option(
    "--missing",
    type=click.Choice(["fail", "ignore", "empty"]),
    default="fail",
    show_default=True,
    help="Images absent from PREDICTIONS: an error, left out, or looked at with nothing found.",
)
@click.option(
    "--ids",
    type=click.Path(path_type=Path),
    metavar="GT.json",
    help="COCO ground truth that names the image and category ids of a bare result list.",
)
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the report.")
@options.quiet
@options.as_json
def evaluate(
    data: Path,
    predictions: Path,
    split: str | None,
    confidence: float | None,
    iou: float,
    missing: Literal["fail", "ignore", "empty"],
    ids: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure PREDICTIONS against the boxes of DATA: COCO's figures, and a report of what went wrong.

    DATA is anything that `detect convert` reads; PREDICTIONS is what `detect predict` wrote, or COCO results.
    --out writes report.html (one file, with the worst images), metrics.json and metrics.md. Every figure is explained
    in docs/metrics.md.

    \b
    Example:
      detect evaluate data/ predictions.json --split test --out report/
    """
    from detect import convert
    from detect import evaluate as room
    from detect.errors import Problems
    from detect.files import refuse_to_overwrite
    from detect.progress import say

    if out is not None:
        refuse_to_overwrite(out)
    problems = Problems()
    dataset = convert.read(data, problems=problems)
    options.report(problems)
    found = convert.read_predictions(predictions, ids=ids)
    if split is not None:
        dataset, found = room.only_split(dataset, found, split)
    result = room.evaluate(dataset, found, confidence=confidence, iou=iou, missing=missing)
    if out is not None:
        room.write_report(result, dataset, out)
        say(f"wrote {out / 'report.html'}, metrics.json and metrics.md")
    if as_json:
        options.print_json(result.as_dict())
    else:
        _print(result)


def _print(result: Evaluation) -> None:
    """The figures as tables on stdout, the remarks below."""
    from rich.console import Console
    from rich.markup import escape

    from detect.evaluate import tables

    three = ("figure", "value", "")
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(tables.size_line(result), highlight=False)
    _print_table(console, "Over all confidences", three, [*tables.figure_rows(result)])
    _print_table(console, tables.point_title(result), three, [*tables.point_rows(result)])
    _print_table(console, "By class", tables.CLASS_COLUMNS, tables.class_rows(result))
    for note in result.notes:
        console.print(f"\n{escape(note)}", highlight=False)


def _print_table(console: Console, title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    gap = 1 if console.width >= 100 else 0
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0))
    for place, name in enumerate(head):
        words = place == 0 or not name
        table.add_column(escape(name), justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(f"\n[bold]{escape(title)}[/]", highlight=False)
    console.print(table)
