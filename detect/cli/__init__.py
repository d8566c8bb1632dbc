"""The command line. One thin file per command: it parses, calls the package that does the work (COMMANDS) and prints.

Exit codes: 0 done, 1 refused, 2 bad usage, 3 a metric was not reached, 130 interrupted, 143 ended by SIGTERM.
"""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any

import click

from detect.version import __version__

if TYPE_CHECKING:
    from detect.errors import Problem

# Command, a verb: the package that does its work, a noun. In the order of the work, which is the order of the README.
COMMANDS = {
    "demo": "cli",
    "sample": "sample",
    "convert": "conversion",
    "formats": "conversion",
    "split": "splitting",
    "models": "models",
    "anchors": "models",
    "recipes": "recipes",
    "train": "training",
    "thresholds": "training",
    "export": "models",
    "predict": "prediction",
    "evaluate": "evaluation",
    "compare": "evaluation",
    "review": "review",
}

NOT_REACHED = 3
AS_JSON = "detect.json"


class Commands(click.Group):
    """Finds the command NAME in detect/cli/NAME.py; those files import nothing heavy, so help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"detect.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click's, with a suggestion for a misspelt name."""
        from difflib import get_close_matches

        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and (close := get_close_matches(name, COMMANDS, n=1)):
            ctx.fail(f"No such command {name!r}. Did you mean {close[0]!r}?")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Like click's; notes whether a failure is to be printed as JSON, too, also one to understand the rest."""
        ctx.meta[AS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what a user can put right is printed without a traceback, exit code 1."""
        from detect.errors import DetectError, Problem
        from detect.files import FULL

        # Threads of torch that wait in a loop take the core that another process needs, which makes both wait; a short
        # loop before they sleep costs the other little and saves most of the waking.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
        try:
            with _ended_by_sigterm():
                return super().invoke(ctx)
        except click.UsageError as error:
            _print_failure(ctx, error.format_message(), (Problem("error", "bad usage", error.format_message()),))
            raise
        except DetectError as error:
            _print_failure(ctx, str(error), error.listed())
            click.echo(f"error: {error}", err=True)
            ctx.exit(1)
        except OSError as error:
            if error.errno not in FULL:
                raise
            text = f"{error.filename or 'a file or the output'}: {error.strerror}; make room, or name another place"
            click.echo(f"error: {text}", err=True)
            with suppress(OSError):  # it may be the output that finds no room
                _print_failure(ctx, text, (Problem("error", "refused", text),))
            ctx.exit(1)
        except _Terminated:
            click.echo("ended by SIGTERM", err=True)
            ctx.exit(143)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(130)


class _Terminated(KeyboardInterrupt):
    """SIGTERM came: the command ends as by Ctrl-C, and takes its processes and temporary files with it."""


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Meanwhile SIGTERM raises _Terminated, where it would end the process on the spot."""

    def end(*_: Any) -> None:
        raise _Terminated

    here = current_thread() is main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if here:
        signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if here:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _print_failure(ctx: click.Context, text: str, problems: Sequence[Problem]) -> None:
    """Under `--json`, what went wrong as one object on stdout; the text goes to stderr anyway."""
    if ctx.meta[AS_JSON]:
        from detect.cli.options import print_json

        print_json({"error": text, "problems": problems})


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="detect")
def main() -> None:
    """Turn photos annotated in LabelImg or CVAT into a damage detector you can trust.

    \b
    Example, the four steps from an annotated folder to a measured detector:
      detect split photos/ data/ --ratios 70/20/10
      detect train yolo11n --data data/ --out runs/first
      detect predict runs/first data/ --split test --out predictions.json
      detect evaluate data/ predictions.json --split test --out report/
    """
