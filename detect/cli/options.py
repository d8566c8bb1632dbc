"""The options that commands share, so that a flag means the same everywhere."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from detect.errors import ConfigError, Level, ModelError, Problems, did_you_mean

if TYPE_CHECKING:
    from rich.console import Console

    from detect.operating_point import OperatingPoint

F = TypeVar("F", bound=Callable[..., Any])

FOLDERS = ("yolo", "coco", "voc", "cvat", "createml", "darknet", "voc-devkit", "csv", "class-folders")
"""The formats that can be written to a folder."""

LEVELS: tuple[Level, ...] = ("error", "dropped", "lost", "repaired", "note")
"""What became of an item, the worst first."""


class OneOf(click.Choice[str]):
    """One of some words; a wrong one is answered with the nearest."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """See click.Choice."""
        return super().get_invalid_choice_message(value, ctx).rstrip(".") + did_you_mean(str(value), self.choices)


class Share(click.FloatRange):
    """A number in 0..1, which not-a-number is not."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.ParamType."""
        if math.isnan(number := super().convert(value, param, ctx)):
            self.fail(f"{value!r} is no number", param, ctx)
        return number


@contextmanager
def value_of(option: str) -> Iterator[None]:
    """A block that looks at what was typed for `option`; what is refused in it is bad usage, whatever the data."""
    try:
        yield
    except (ConfigError, ModelError) as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from None


def parsed(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that gives an option the value that `parse` makes of its text, before anything is read."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        if value is None:
            return None
        with value_of(param.opts[0]):
            return parse(value)

    return callback


def pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """A callback for `--map`: each of it is a pair or a file; whether there are such labels is seen later."""
    from detect.conversion.taxonomy import parse_pair

    with value_of("--map"):
        for text in value:
            parse_pair(text)
    return value


def goal(text: str) -> str:
    """The text of `--choose`, which chooses by something that there is. A table of costs is read later."""
    if not text.startswith("cost=") or text == "cost=":
        from detect.evaluation.goals import parse_goal

        parse_goal(text, ())
    return text


def group(text: str) -> str:
    """The text of `--group`, which is a regular expression."""
    from detect.splitting import expression

    expression(text)
    return text


def threads(command: F) -> F:
    """`--threads`: how much of the processor a network takes."""
    return click.option(
        "--threads",
        default=0,
        type=click.IntRange(0),
        metavar="N",
        help="Threads of the processor.  [default: OMP_NUM_THREADS, or one for each core]",
    )(command)


def quiet(command: F) -> F:
    """`--quiet`: no bars and no remarks; errors and results still come. The command does not see it."""

    def switch(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        from detect.progress import set_quiet

        set_quiet(value)

    return click.option(
        "--quiet", "-q", is_flag=True, expose_value=False, callback=switch, help="No progress, no remarks."
    )(command)


def as_json(command: F) -> F:
    """`--json`: the result as one JSON object on stdout, for machines."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")(command)


def _ious(ctx: click.Context, param: click.Parameter, value: str | None) -> list[float] | None:
    """`0.5`, `0.5,0.3` or `0.1:0.9:0.2` as numbers."""
    if value is None:
        return None
    try:
        ious: list[float] = []
        for part in value.split(","):
            first, *rest = map(float, part.split(":"))
            last, step = rest or (first, 1.0)
            if not 0 < first <= last <= 1 or step < 0.001:
                raise ValueError
            ious += [round(first + i * step, 6) for i in range(int((last - first) / step + 1e-9) + 1)]
        return ious
    except ValueError:
        raise click.BadParameter(f"{value!r}: expected overlaps in 0..1, as 0.5 or 0.5,0.3 or 0.1:0.9:0.2") from None


def measuring(command: F) -> F:
    """What `evaluate` and `compare` have in common: which images, and how they are measured. See `settings`."""
    choices = [
        click.option("--split", metavar="NAME", help="Only the images of this split: train, val, test."),
        click.option(
            "--choose",
            metavar="GOAL",
            callback=parsed(goal),
            help="Choose the confidence of each class by f1, precision=0.9, recall=0.8 or cost=FILE. [default: f1]",
        ),
        click.option("--confidence", type=Share(), help="One confidence for all classes instead of a choice."),
        click.option(
            "--iou",
            metavar="LIST",
            callback=_ious,
            help="Overlap from which a box counts as found. More (0.5,0.3 or 0.1:0.9:0.2): AP at each. [default: 0.5]",
        ),
        click.option(
            "--group",
            metavar="REGEX",
            callback=parsed(group),
            help="Images in whose names it finds the same text are one claim.",
        ),
        click.option(
            "--difficult",
            type=click.Choice(["count", "ignore"]),
            default="count",
            show_default=True,
            help="True boxes marked difficult: count like any other, or neither as found nor as missed, as in VOC.",
        ),
        click.option("--voc", is_flag=True, help="Pascal VOC's AP too, over every point and over 11, at the overlap."),
        click.option(
            "--missing",
            type=OneOf(["fail", "ignore", "empty"]),
            default="fail",
            show_default=True,
            help="Images absent from the predictions: an error, left out, or looked at with nothing found.",
        ),
        click.option(
            "--resamples", default=1000, show_default=True, type=click.IntRange(0), help="For the intervals; 0: none."
        ),
        click.option(
            "--seed", default=0, show_default=True, type=click.IntRange(0), help="Another number draws other resamples."
        ),
    ]
    for option in reversed(choices):
        command = option(command)
    return command


def settings(given: dict[str, Any]) -> dict[str, Any]:
    """The options of `measuring` as arguments of `evaluate`. Raises UsageError where two of them contradict."""
    if given["confidence"] is not None and given["choose"] is not None:
        raise click.UsageError("--confidence and --choose exclude each other")
    names = {"resamples": "replicates"}
    return {names.get(key, key): value for key, value in given.items() if (key, value) != ("choose", None)}


def read_point(path: Path) -> OperatingPoint:
    """The operating point in a file of its own, or in a run or weights that thresholds were fitted to."""
    from detect import operating_point
    from detect.errors import ModelError

    if path.suffix == ".json":
        return operating_point.read_point(path)
    from detect.models import load_point

    if (fitted := load_point(path)) is None:
        raise ModelError(f"{path}: no thresholds were fitted to it; `detect thresholds {path} --data DATA` does")
    return fitted


def other_point(path: Path | None, settings: dict[str, Any]) -> OperatingPoint | None:
    """`--point`: an operating point that was chosen elsewhere; a choice made here beside it is a UsageError."""
    if path is None:
        return None
    if settings["confidence"] is not None or settings["choose"] is not None:
        raise click.UsageError("--point excludes --confidence and --choose")
    return read_point(path)


def console() -> Console:
    """Stdout as wide as the terminal, or wide enough for every table where it is none."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 150)


def print_table(screen: Console, title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A titled table; the first column and those without a heading are words, the others numbers."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    gap = 1 if screen.width >= 100 else 0
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap, 0, 0))
    for place, name in enumerate(head):
        words = place == 0 or not name
        table.add_column(escape(name), justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    screen.print(f"\n[bold]{escape(title)}[/]", highlight=False)
    screen.print(table)


def print_json(value: Any) -> None:
    """One JSON object and a line end on stdout; numpy numbers are welcome, NaN becomes null."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(value, default=str, option=option).decode() + "\n")


def counted(problems: Problems) -> list[dict[str, Any]]:
    """The level, kind and count of each kind, for JSON."""
    return [{"level": level, "kind": kind, "count": count} for (level, kind), count in problems.counts().items()]


def report(problems: Problems, shown: int = 12) -> None:
    """The summary of the problems, as remarks on stderr: a line per kind, and of many kinds the worst."""
    from detect.progress import remark

    lines = dict(zip(problems.counts(), problems.summary(), strict=True))
    worst = sorted(lines, key=lambda kind: LEVELS.index(kind[0]))[:shown]
    for kind in filter(worst.__contains__, lines):
        remark(lines[kind])
    if len(lines) > shown:
        remark(f"... and {len(lines) - shown} more kinds")
