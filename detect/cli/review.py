"""`detect review`: every mistake in FiftyOne, and the corrected dataset back."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from detect.cli import options
from detect.cli.reading import Naming, Reading, naming, reading

if TYPE_CHECKING:
    from detect.data import Dataset, Predictions
    from detect.evaluation import Evaluation
    from detect.review import Change, Corrections


@click.command()
@click.argument("paths", nargs=-1, metavar="DATA PREDICTIONS [PREDICTIONS_B] | DEST", type=click.Path(path_type=Path))
@click.option("--name", help="The name of the review.  [default: the name of DATA]")
@options.measuring
@naming
@click.option("--point", type=click.Path(path_type=Path), help="Operating point: point.json, or a run.")
@click.option("--collect", metavar="NAME", help="Write the corrected dataset of this review to DEST.")
@click.option(
    "--to",
    type=options.OneOf([*options.FOLDERS, "coco-results"]),
    metavar="FORMAT",
    help="With --collect: a format of `detect formats`.",
)
@click.option(
    "--only",
    type=options.OneOf(["disputed"]),
    help="With --collect: only photos tagged `disputed`, or with a likely label issue that no tag answers.",
)
@click.option("--partial", is_flag=True, help="With --collect: leave out what cannot be used, and list it.")
@click.option(
    "--embeddings",
    metavar="WEIGHTS",
    type=click.Path(path_type=Path),
    help="Show which photos look alike, to a trained detector or a local classifier.",
)
@click.option("--export", metavar="DIR", type=click.Path(path_type=Path), help="Write the views as HTML pages; no App.")
@click.option("--no-app", is_flag=True, help="Load the review; no App.")
@click.option("--remote", is_flag=True, help="Do not open a browser here.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Where the App listens; 0.0.0.0: everywhere.")
@click.option("--port", default=5151, show_default=True, type=click.IntRange(1, 65535), help="The port of the App.")
@reading("Bad items in DATA: an error, or left out.")
@options.quiet
@options.as_json
def review(
    paths: tuple[Path, ...],
    name: str | None,
    collect: str | None,
    to: str | None,
    only: str | None,
    partial: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Look at every mistake of PREDICTIONS on DATA in FiftyOne, and take the corrected dataset back.

    Opens FiftyOne's App on the photos, with views of what is missed, false, poor or probably wrongly annotated, worst
    first; of two predictions also where one is right and the other wrong. Tag boxes there (fix:class=scratch, fix:drop,
    fix:add on a prediction that is right, ok, disputed) or edit them, then collect; what cannot be used is listed, and
    nothing is written without --partial. A review is kept: the same name goes on with it. Its database is private;
    FIFTYONE_DATABASE_URI names one for a team.

    \b
    Examples:
      detect review data/ predictions.json --split val
      detect review data/ old.json new.json --split test --name cars
      detect review --collect cars corrected/ --to voc
    """
    from detect import review as room
    from detect.review.reachable import check_start

    stop = _Stop()
    if collect is not None:
        _check_collect(paths, to)
        _refuse_others("--collect", {"paths", "collect", "to", "only", "partial", "as_json", "quiet"})
        check_start()
        with room.reviewing() as reviews:
            found = reviews.collect(collect, partial=partial)
            stop.check()
            _collect(found, collect, paths[0], str(to), only == "disputed", as_json)
        return
    if not 2 <= len(paths) <= 3 or to or only or partial:
        raise click.UsageError("give DATA and one or two PREDICTIONS, or --collect NAME DEST --to FORMAT")
    _review(paths, name, as_json, stop, **settings)


class _Stop:
    """Ctrl-C, SIGTERM and a closed terminal end the block of the database. Remembered, since FiftyOne swallows some."""

    def __init__(self) -> None:
        self.came = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, *_: Any) -> None:
        self.came = True
        raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt where one came and went."""
        if self.came:
            raise KeyboardInterrupt


def _review(
    paths: tuple[Path, ...],
    name: str | None,
    as_json: bool,
    stop: _Stop,
    *,
    split: str | None,
    naming: Naming,
    point: Path | None,
    embeddings: Path | None,
    export: Path | None,
    no_app: bool,
    remote: bool,
    address: str,
    port: int,
    reading: Reading,
    **settings: Any,
) -> None:
    from detect import review as room
    from detect.errors import DataError
    from detect.files import refuse_to_overwrite
    from detect.progress import remark
    from detect.review.reachable import check_start

    if export is not None:
        refuse_to_overwrite(export)
    if paths[0].suffix.lower() == ".zip":
        raise DataError(f"{paths[0]}: a review needs its photos after the command; unpack the zip first")
    check_start(address, 0 if no_app or export is not None else port)  # not after minutes of loading
    known, how = options.other_point(point, settings), options.settings(settings)
    dataset = reading.read(paths[0])
    found = naming.read(paths[1:], dataset, paths[0])
    part, results = _evaluated(dataset, paths[1:], found, split, point=known, **how)
    name = name or _name(paths[0])
    with room.reviewing() as reviews:
        views = reviews.load(name, part, results, problems=tuple(reading.problems), source=paths[0])
        if embeddings is not None:
            reviews.embed(name, part.images, embeddings)
        stop.check()
        _print(name, part, views, as_json)
        if export is not None:
            model = next(iter(results))
            reviews.export(name, export, part, model, results[model])
            reading.keep_rejects(export)
            remark(f"wrote {export / 'index.html'}")
        elif not no_app:
            end = f"(Ctrl-C to end; then: detect review --collect {name} DEST --to voc)"
            print_address = partial(_print_address, end)
            reviews.show(name, address=address, port=port, browser=not remote, ready=print_address)


def _print_address(end: str, url: str) -> None:
    click.echo(f"{url} {end}", err=True)  # even under --quiet: nobody could guess it


def _evaluated(
    dataset: Dataset, paths: tuple[Path, ...], predictions: list[Predictions], split: str | None, **settings: Any
) -> tuple[Dataset, dict[str, Evaluation]]:
    """The part of the data asked for, and what each file of predictions is worth on it, by the file's name."""
    from detect import evaluation as room

    part = dataset
    results: dict[str, Evaluation] = {}
    for path, found in zip(paths, predictions, strict=True):
        if split is not None:
            part, found = room.only_split(dataset, found, split)
        results[_unused(path.stem, results)] = room.evaluate(part, found, **settings)
    return part, results


def _unused(stem: str, taken: dict[str, Evaluation]) -> str:
    return stem if stem not in taken else f"{stem}_b"


def _name(data: Path) -> str:
    """A name for the review: that of the folder or file, in what FiftyOne allows."""
    path = data.resolve()
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem if path.is_file() else path.name).strip("-.") or "review"


def _print(name: str, dataset: Dataset, views: dict[str, int], as_json: bool) -> None:
    if as_json:
        options.print_json({"name": name, "images": len(dataset), "views": views})
        return
    screen = options.console()
    screen.print(f"{name}: {len(dataset)} photos, {dataset.boxes} boxes", highlight=False)
    options.print_table(screen, "Views", ("view", "photos or boxes"), [(key, f"{n:,}") for key, n in views.items()])


def _refuse_others(option: str, known: set[str]) -> None:
    """Raise UsageError where options were given that cannot be used with this one."""
    context = click.get_current_context()
    for parameter in context.command.params:
        name = str(parameter.name)
        if name not in known and context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} cannot be used with {option}")


def _check_collect(paths: tuple[Path, ...], to: str | None) -> None:
    from detect import conversion
    from detect.conversion.formats import by_name
    from detect.files import refuse_to_overwrite

    if len(paths) != 1 or to is None:
        raise click.UsageError("--collect NAME needs DEST and --to FORMAT")
    conversion.check_dest(by_name(to), paths[0])
    refuse_to_overwrite(paths[0])


def _collect(found: Corrections, name: str, dest: Path, to: str, disputed: bool, as_json: bool) -> None:
    """Write the corrected dataset and, beside it, the list of its changes."""
    from dataclasses import replace

    from detect import conversion
    from detect.errors import DataError, Problems
    from detect.review.changes import write_changes, write_unused

    dataset = found.dataset
    if disputed:
        dataset = replace(dataset, images=tuple(image for image in dataset.images if image.name in found.disputed))
    if not dataset.images:
        raise DataError(
            f"{name}: {'no photo is disputed' if disputed else 'every photo was dropped'}: nothing to write"
        )
    if dest.suffix.lower() != ".json":
        dataset.require_photos(f"open the review {name} again with DATA where it is now, then collect")
    problems = Problems()
    conversion.write(dataset, dest, to, problems=problems)
    options.report(problems)
    written = {image.name for image in dataset.images}
    changes = [change for change in found.changes if not disputed or change.image in written]
    report = write_changes(changes, dest)
    unused = write_unused(found.unused, dest) if found.unused else None
    if as_json:
        options.print_json(
            {"dataset": str(dest), "images": len(dataset), "boxes": dataset.boxes, "report": str(report),
             "changes": [change._asdict() for change in changes], "unused": found.unused}
        )  # fmt: skip
        return
    _print_changes(changes, dest, report, len(dataset))
    if unused is not None:
        click.echo(
            f"{DataError(found.unused)}\n{len(found.unused)} things done in the App are not used, listed in {unused}"
        )


def _print_changes(changes: Sequence[Change], dest: Path, report: Path, images: int) -> None:
    from collections import Counter

    screen = options.console()
    if changes:
        counts = Counter((change.change, change.by) for change in changes)
        rows = [(change, by, str(count)) for (change, by), count in counts.most_common()]
        options.print_table(screen, "Changes", ("change", "", "boxes"), rows)
    click.echo(f"{dest}: {images} photos, {len(changes)} changes, listed in {report}")
