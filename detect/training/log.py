"""The file log.jsonl of a run: one JSON object per line, each flushed before the next step."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from detect.errors import DataError
from detect.files import append, write_bytes
from detect.training.listeners import Event, Listener
from detect.version import __version__


class Log:
    """The events of a run: start, epoch, unreadable, resume, end."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, event: Event) -> None:
        """Append one event. Raises NotWritten where it cannot be, and leaves no half of it."""
        append(self.path, orjson.dumps(event) + b"\n")

    def events(self) -> Iterator[Event]:
        """All events; a last line that a kill cut short is passed over. Raises DataError for another that is broken."""
        if not self.path.is_file():
            return
        for number, line in enumerate(self.path.read_bytes().split(b"\n")[:-1], start=1):
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise DataError(f"{self.path}: line {number} is broken: {error}") from None

    def epochs(self) -> Iterator[Event]:
        """The events of whole epochs."""
        return (event for event in self.events() if event["event"] == "epoch")

    def ended(self) -> bool:
        """Whether the training came to its end."""
        return any(event["event"] == "end" for event in self.events())

    def forget_from(self, epoch: int) -> None:
        """Drop the end, and this and later epochs: they were logged, but their state was not saved in time."""
        kept = [
            event
            for event in self.events()
            if event["event"] not in ("epoch", "end") or (event["event"] == "epoch" and event["epoch"] < epoch)
        ]
        write_bytes(self.path, b"".join(orjson.dumps(event) + b"\n" for event in kept))


class LogWriter(Listener):
    """Writes log.jsonl. `changes` are the keys of the recipe that a resume has changed, as "epochs: 3 -> 5"."""

    def __init__(self, log: Log, changes: Sequence[str] = ()) -> None:
        self.log, self.changes = log, list(changes)
        self.logged = {event["image"] for event in log.events() if event["event"] == "unreadable"}  # before a resume

    def start(self, epoch: int, weights: str) -> None:
        """See Listener."""
        self.log.forget_from(epoch)
        kind = "start" if epoch == 1 else "resume"
        event = {"event": kind, "time": now(), "version": __version__, "epoch": epoch, "weights": weights}
        self.log.add({**event, "changes": self.changes} if self.changes else event)

    def epoch(self, event: Event) -> None:
        """See Listener."""
        self.log.add({"event": "epoch", **event})

    def unreadable(self, names: Sequence[str]) -> None:
        """See Listener."""
        for name in names:
            if name not in self.logged:
                self.log.add({"event": "unreadable", "image": name})

    def end(self, error: BaseException | None) -> None:
        """See Listener."""
        if error is None:
            self.log.add({"event": "end", "time": now()})


def to_json(value: Any) -> str:
    """Indented JSON with a line end."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def read_json(path: Path) -> Any:
    """The value in a JSON file of a run. Raises DataError when it is broken."""
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None


def now() -> str:
    """The present moment, ISO 8601 in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
