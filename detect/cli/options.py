"""The options that commands share, so that a flag means the same everywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


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


def print_json(value: Any) -> None:
    """One JSON object and a line end on stdout; numpy numbers are welcome, NaN becomes null."""
    import orjson

    option = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(value, default=str, option=option).decode() + "\n")


def report(problems: Any, shown: int = 12) -> None:
    """The summary of a Problems collection, as remarks on stderr."""
    from detect.progress import say

    lines = problems.summary()
    for line in lines[:shown]:
        say(line)
    if len(lines) > shown:
        say(f"... and {len(lines) - shown} more kinds")
