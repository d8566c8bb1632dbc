"""One progress bar for everything that takes long, on stderr; silent when that is no terminal or under --quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
Advance = Callable[..., None]

_quiet = False


def set_quiet(quiet: bool) -> None:
    """Switch every bar and every `remark` off (or on again)."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    """Whether bars and remarks are switched off."""
    return _quiet


def remark(text: str) -> None:
    """One line for the user, on stderr, since stdout belongs to results. Nothing under --quiet."""
    if not _quiet:
        print(text, file=sys.stderr)  # noqa: T201


@contextmanager
def bar(title: str, total: int | None) -> Iterator[Advance]:
    """A progress bar; the block gets `advance(steps=1, note="", total=None)`: `note` is shown beside it."""
    if _quiet or not sys.stderr.isatty():
        yield lambda *_, **__: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total, note="")

        def advance(steps: int = 1, note: str = "", total: int | None = None) -> None:
            progress.update(task, advance=steps, note=note, total=total)

        yield advance


def track(items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """The items, with a bar that advances as they are taken."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with bar(title, total) as advance:
        for item in items:
            yield item
            advance()
