"""`detect split`: divide a dataset into train, val and test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from detect.cli import options
from detect.cli.reading import Reading, reading

if TYPE_CHECKING:
    from rich.table import Table

    from detect.splitting import Counts


def _ratios(text: str) -> dict[str, float]:
    from detect.splitting import parse_ratios

    return parse_ratios(text)


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("dest", type=click.Path(path_type=Path))
@click.option(
    "--ratios",
    default="70/20/10",
    show_default=True,
    callback=options.parsed(_ratios),
    help="train/val/test, train/val or NAME=N,...",
)
@click.option(
    "--group",
    metavar="REGEX",
    callback=options.parsed(options.group),
    help="Images in whose names it finds the same text (all photos of a claim) stay together.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Another number gives another split."
)
@click.option(
    "--to",
    "target",
    default="yolo",
    show_default=True,
    type=options.OneOf(options.FOLDERS),
    metavar="FORMAT",
    help="yolo, coco, voc, cvat, createml, darknet, voc-devkit, csv or class-folders.",
)
@reading("Bad items of DATA: an error, or left out and listed in rejects.jsonl beside DEST.")
@options.quiet
@options.as_json
def split(
    data: Path,
    dest: Path,
    ratios: dict[str, float],
    group: str | None,
    seed: int,
    target: str,
    reading: Reading,
    as_json: bool,
) -> None:
    """Divide DATA into train, val and test and write the result to the new folder DEST.

    Stratified: every split gets its share of each class and of the images without boxes. What --group matches is never
    divided, nor are photos that are equal byte for byte. The same seed gives the same split.

    \b
    Example, no claim on two sides:
      detect sample sample/
      detect split sample/ data/ --ratios 70/20/10 --group 'claim-[0-9]+'
    """
    from detect import conversion
    from detect.conversion.formats import by_name
    from detect.files import refuse_to_overwrite
    from detect.splitting import counts, deviation, split

    if dest.suffix.lower() == ".json":
        raise click.BadParameter("name a folder: one file cannot hold the splits", param_hint="DEST")
    conversion.check_dest(by_name(target), dest)
    refuse_to_overwrite(dest)
    problems = reading.problems
    dataset = conversion.read(data, **reading.arguments)
    divided = split(dataset, ratios, group=group, seed=seed, problems=problems)
    conversion.write(divided, dest, target, problems=problems)
    options.report(problems)
    rejects = reading.write_rejects(dest.parent)
    found = counts(divided, group)
    points, what, where = deviation(found, ratios)
    if as_json:
        largest = {"points": points, "what": what, "split": where}
        answer = {"ratios": ratios, "seed": seed, "splits": found, "largest_deviation": largest}
        options.print_json({**answer, "problems": options.counted(problems), "rejects": rejects})
        return
    from rich.console import Console

    Console().print(_table(found))
    click.echo(f"largest deviation: {points:.2f} points ({what} in {where})")
    if rejects is not None:
        click.echo(f"{rejects}: what was left out")


def _table(found: Counts) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from detect.splitting import rows

    table = Table("", *found, box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for row, by_split in rows(found).items():
        total = sum(by_split.values())
        table.add_row(escape(row), *(f"{n:,} {n / total:6.1%}" if total else "0" for n in by_split.values()))
    return table
