"""`detect compare`: whether model B is better than model A, on the same photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detect.cli import NOT_REACHED, options
from detect.cli.reading import Naming, Reading, naming, reading

if TYPE_CHECKING:
    from detect.evaluation.compare import Comparison, Difference


def _metric(text: str) -> str:
    """The text of `--metric`. One with a dot is of a class, which only the data knows."""
    from detect.evaluation.metrics import HEADLINE
    from detect.evaluation.naming import metric_named

    return text if "." in text else str(metric_named(text, HEADLINE))


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@options.measuring
@naming
@click.option(
    "--point",
    "points",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Operating point chosen on other data, for both; given twice, the first is for A and the second for B.",
)
@click.option(
    "--metric",
    default="map",
    show_default=True,
    metavar="METRIC",
    callback=options.parsed(_metric),
    help="The metric that the verdict is about.",
)
@click.option("--fail-if-worse", is_flag=True, help="Exit with 3 where B is worse by that metric.")
@reading("Bad items of DATA: an error, or left out.")
@options.quiet
@options.as_json
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    data: Path,
    a: Path,
    b: Path,
    points: tuple[Path, ...],
    metric: str,
    fail_if_worse: bool,
    reading: Reading,
    as_json: bool,
    split: str | None,
    naming: Naming,
    **settings: Any,
) -> None:
    """Whether the predictions B are better or worse than A on the photos of DATA, or there are too few photos to know.

    Both are measured on the same resamples of the photos. Each line gives the difference with its 95 % interval, and
    how many photos it would take to see a difference within that interval.

    \b
    Examples:
      detect compare data/ old.json new.json --split test
      detect compare data/ old.json new.json --split test --point old-val/point.json --point new-val/point.json
    """
    from detect import evaluation as room
    from detect.evaluation.compare import MIN_REPLICATES

    if settings["resamples"] < MIN_REPLICATES:
        raise click.BadParameter(f"a comparison needs at least {MIN_REPLICATES} resamples", param_hint="'--resamples'")
    if len(points) > 2:
        raise click.UsageError("--point is given once for both, or twice: for A and for B")
    known = [point for path in points if (point := options.other_point(path, settings))]
    how = options.settings(settings)
    dataset = reading.read(data)
    found = naming.read([a, b], dataset, data)
    dataset = naming.numbered(dataset)
    if split is not None:
        parts = [room.only_split(dataset, one, split) for one in found]
        dataset, found = parts[0][0], [part[1] for part in parts]
    both = (known[0], known[-1]) if known else None
    result = room.compare(dataset, *found, point=both, **how)
    with options.value_of("--metric"):
        verdict = result.of(metric)
    if as_json:
        options.print_json({**result.as_dict(), "metric": metric, "verdict": verdict.verdict})
    else:
        _print(result, verdict)
    if fail_if_worse and verdict.verdict == "worse":
        ctx.exit(NOT_REACHED)


def _print(result: Comparison, verdict: Difference) -> None:
    from rich.markup import escape

    from detect.evaluation.images_needed import range_in_words
    from detect.evaluation.tables import show, span

    screen = options.console()
    odd = {finding.text for side in (result.a, result.b) for finding in side.implausible}
    for of, note in result.notes:
        if note in odd:  # before the numbers, which it makes worthless
            screen.print(f"{of}: {escape(note)}\n", highlight=False)
    head = ("metric", "A", "B", "B - A", "95 % interval", "B is", f"{result.unit} needed")
    rows: list[tuple[str, ...]] = [
        (
            d.name,
            show(d.a),
            show(d.b),
            "-" if d.difference != d.difference else f"{d.difference:+.3f}",
            span(d.low, d.high, sign=True),
            d.verdict,
            range_in_words(d.needed_range) if d.needed_range and d.verdict == "cannot tell" else "",
        )
        for d in result.differences
    ]
    options.print_table(screen, "A beside B", head, rows)
    screen.print(f"\n[bold]{escape(sentence(result, verdict))}[/]", highlight=False)
    screen.print("Each line is a separate test: of twenty, one shows better or worse by chance alone.", highlight=False)
    for of, note in result.notes:
        if note in odd:
            continue
        screen.print(f"\n{of}: {escape(note)}", highlight=False)


def sentence(result: Comparison, one: Difference) -> str:
    """The verdict in words."""
    from detect.evaluation.images_needed import range_in_words

    if one.verdict != "cannot tell":
        return f"By {one.name}, B is {one.verdict} than A: {one.difference:+.3f}, on {result.units:,} {result.unit}."
    if one.needed is None or one.needed_range is None:
        return (
            f"By {one.name}, A and B do not differ: cannot tell which is better, with {result.units:,} {result.unit}."
        )
    return (
        f"By {one.name}, cannot tell with {result.units:,} {result.unit}: {one.difference:+.3f}. "
        f"If that difference is real, about {range_in_words(one.needed_range)} {result.unit} would show it: "
        "its size is only known to the interval."
    )
