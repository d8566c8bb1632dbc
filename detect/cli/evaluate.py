"""`detect evaluate`: predictions beside the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detect.cli import NOT_REACHED, options
from detect.cli.reading import Naming, Reading, naming, reading

if TYPE_CHECKING:
    from detect.data import Dataset, Predictions
    from detect.evaluation import Evaluation
    from detect.evaluation.requirements import Shortfall


def _wanted(text: str) -> dict[str, float]:
    from detect.evaluation.requirements import parse_thresholds

    return parse_thresholds(text)


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.argument("predictions", required=False, type=click.Path(path_type=Path))
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Predict first, with these weights or this run folder."
)
@options.measuring
@naming
@click.option(
    "--point",
    type=click.Path(path_type=Path),
    help="Operating point chosen on other data: point.json, or a run with fitted thresholds.",
)
@click.option(
    "--calibrate",
    type=options.OneOf(["isotonic", "temperature"]),
    help="Fit scores to the share that is right; saved in the point.json of --out.",
)
@click.option(
    "--fail-under",
    metavar="METRICS",
    callback=options.parsed(_wanted),
    help="Exit with 3 where a metric falls short: map50=0.6,recall=0.7 or dent.recall=0.5.",
)
@click.option("--strict", is_flag=True, help="Judge --fail-under by the worse end of each interval.")
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the report.")
@reading("Bad items of DATA: an error, or left out and listed in rejects.jsonl in --out.")
@options.quiet
@options.as_json
def evaluate(
    data: Path,
    predictions: Path | None,
    weights: Path | None,
    split: str | None,
    point: Path | None,
    fail_under: dict[str, float] | None,
    strict: bool,
    out: Path | None,
    naming: Naming,
    reading: Reading,
    as_json: bool,
    **settings: Any,
) -> None:
    """Measure PREDICTIONS against the boxes of DATA: COCO's metrics with error bars, and what went wrong.

    DATA is anything that `detect convert` reads, PREDICTIONS what `detect predict` or another tool wrote. --out writes
    report.html (with the worst images), mistakes.csv, metrics.json, metrics.md and point.json: the operating point, to
    choose on validation data and to give to predict, and to evaluate on test data. docs/metrics.md explains it.

    \b
    Examples:
      detect evaluate data/ val.json --split val --choose precision=0.9 --out val-report/
      detect evaluate data/ test.json --split test --point val-report/point.json --out report/
      detect evaluate data/ test.json --split test --fail-under map50=0.6,recall=0.7
    """
    from detect import evaluation as room
    from detect.evaluation.requirements import shortfalls
    from detect.files import refuse_to_overwrite
    from detect.progress import remark

    _check_usage(predictions, weights, strict=strict, resamples=settings["resamples"])
    if out is not None:
        refuse_to_overwrite(out)
    known, how = options.other_point(point, settings), options.settings(settings)
    dataset, found = _predictions(reading.read(data), data, predictions, weights or Path(), split, naming)
    result = room.evaluate(dataset, found, point=known, photos=out is not None, **how)
    about = room.Provenance.of(data, split, predictions, weights)
    with options.value_of("--fail-under"):
        short = shortfalls(result, fail_under or {}, strict=strict)
    if out is not None:
        room.write_report(result, dataset, out, predictions=found if weights else None, provenance=about)
        reading.keep_rejects(out)
        remark(f"wrote {out / 'report.html'}, metrics.json, metrics.md, mistakes.csv and point.json")
    if as_json:
        options.print_json(room.metrics_document(result, about))
    else:
        _print(result)
    if short:
        _fail(short)


def _check_usage(predictions: Path | None, weights: Path | None, *, strict: bool, resamples: int) -> None:
    if (predictions is None) == (weights is None):
        raise click.UsageError("give PREDICTIONS or --weights, one of them")
    if strict and not resamples:
        raise click.UsageError("--strict needs intervals: give --resamples")


def _fail(short: list[Shortfall]) -> None:
    click.echo("\n".join(f"not reached: {one}" for one in short), err=True)
    click.get_current_context().exit(NOT_REACHED)


def _predictions(
    dataset: Dataset, data: Path, predictions: Path | None, weights: Path, split: str | None, naming: Naming
) -> tuple[Dataset, Predictions]:
    """The part of the data asked for, and the predictions on it: read, or made now."""
    from detect import evaluation as room
    from detect.checking import in_several_splits
    from detect.progress import remark

    for finding in in_several_splits(dataset, split) if split is not None else ():
        remark(f"{finding.level}: {finding}")
    if predictions is not None:
        [found] = naming.read([predictions], dataset, data)
        dataset = naming.numbered(dataset)
        return room.only_split(dataset, found, split) if split is not None else (dataset, found)
    from detect.models import load_detector
    from detect.prediction import CONFIDENCE, predict

    part = dataset.only(split) if split is not None else dataset
    return part, predict(load_detector(weights), part.images, confidence=CONFIDENCE)


def _print(result: Evaluation) -> None:
    """The metrics as tables on stdout, the remarks below."""
    from rich.markup import escape

    from detect.evaluation import tables
    from detect.evaluation.summary import summary

    screen = options.console()
    for finding in result.implausible:  # before the numbers, which it makes worthless
        screen.print(f"{escape(finding.text)}\n", highlight=False)
    screen.print(f"[bold]{summary(result)}[/]\n", highlight=False)
    screen.print(f"{tables.size_line(result)}. {tables.interval_line(result)}", highlight=False)
    options.print_table(screen, "Over all confidences", tables.ESTIMATE, tables.metric_rows(result))
    options.print_table(screen, tables.point_title(result), tables.ESTIMATE, tables.point_rows(result))
    options.print_table(screen, "By class", tables.CLASS_COLUMNS, tables.class_rows(result))
    if rows := tables.voc_rows(result):
        options.print_table(screen, "By class, by Pascal VOC's rules", tables.VOC_COLUMNS, rows)
    damage = [("Is there damage in the photo at all?", "image"), ("Is there damage in the group at all?", "group")]
    for title, prefix in damage:
        if rows := tables.presence_rows(result, prefix):
            options.print_table(screen, title, tables.ESTIMATE, rows)
    options.print_table(screen, "Mistakes", tables.MISTAKE_COLUMNS, tables.mistake_rows(result))
    if worse := tables.slice_rows(result, only_worse=True):
        options.print_table(screen, "Worse than the rest, beyond chance", tables.SLICE_COLUMNS, worse)
    for note in result.notes[len(result.implausible) :]:
        screen.print(f"\n{escape(note)}", highlight=False)
