"""What a run writes down: one JSON object per line, each flushed before the next step."""

from __future__ import annotations

import datetime
import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from detect.data import Dataset
from detect.errors import DataError
from detect.files import write_bytes
from detect.progress import Advance, say
from detect.version import __version__

Event = dict[str, Any]


class Log:
    """The file log.jsonl."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, event: Event) -> None:
        """Append one event."""
        with self.path.open("ab") as file:
            file.write(orjson.dumps(event) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def events(self) -> Iterator[Event]:
        """All events; a last line that a kill cut short is passed over."""
        if self.path.is_file():
            for line in self.path.read_bytes().split(b"\n")[:-1]:
                yield orjson.loads(line)

    def epochs(self) -> Iterator[Event]:
        """The events of whole epochs."""
        return (event for event in self.events() if event["event"] == "epoch")

    def finished(self) -> int:
        """How many epochs a training took that came to its end; 0 for one that did not."""
        events = list(self.events())
        ended = any(event["event"] == "end" for event in events)
        return sum(event["event"] == "epoch" for event in events) if ended else 0

    def forget_from(self, epoch: int) -> None:
        """Drop the events of this and later epochs: they were logged, but their state was not saved in time."""
        kept = [event for event in self.events() if event["event"] != "epoch" or event["epoch"] < epoch]
        write_bytes(self.path, b"".join(orjson.dumps(event) + b"\n" for event in kept))


class Watch:
    """Turns what a detector tells while it trains into log lines, remarks and a moving bar."""

    def __init__(
        self, log: Log, advance: Advance, epochs: int, limit: int = 0, tell: Callable[[Event], None] | None = None
    ) -> None:
        self.log, self.advance, self.epochs, self.limit, self.tell = log, advance, epochs, limit, tell
        self.note, self.lost = "", list[str]()
        self.logged = {event["image"] for event in log.events() if event["event"] == "unreadable"}  # before a resume

    def start(self, fitted: str, epoch: int) -> None:
        """Told once, before the first batch."""
        say(f"weights: {fitted}" if epoch == 1 else f"going on with epoch {epoch} of {self.epochs}")
        self.log.forget_from(epoch)
        kind = "start" if epoch == 1 else "resume"
        self.log.add({"event": kind, "time": now(), "version": __version__, "epoch": epoch, "weights": fitted})

    def batch(self, epoch: int, batches: int) -> None:
        """Told after every batch."""
        self.advance(1, note=f"epoch {epoch}/{self.epochs} {self.note}", total=self.epochs * batches)

    def epoch(self, told: Event) -> None:
        """Told after every epoch, before its state is saved; a loss on val that is no number is left out."""
        told = {**told, "val": {name: value for name, value in told["val"].items() if math.isfinite(value)}}
        self.log.add({"event": "epoch", **told})
        if self.tell is not None:
            self.tell(told)
        val = told["val"]
        self.note = f"AP50 {val['map50']:.3f} mAP {val['map']:.3f}"
        losses = " ".join(f"{name.removesuffix('_loss')} {value:.3f}" for name, value in told["train"].items())
        say(f"epoch {told['epoch']:>3}/{self.epochs}  {losses}  val {self.note}  {told['seconds']:.0f} s")

    def unreadable(self, names: Sequence[str]) -> None:
        """Told of photos that were left out. Raises DataError when there are more than the limit."""
        for name in names:
            if name in self.lost:
                continue
            self.lost.append(name)
            if name not in self.logged:
                self.log.add({"event": "unreadable", "image": name})
            say(f"{name}: cannot be read as an image, and is left out")
        if len(self.lost) > self.limit:
            lost = ", ".join(self.lost)
            raise DataError(f"{len(self.lost)} photos cannot be read, more than `unreadable` allows: {lost}")


def describe(dataset: Dataset) -> Event:
    """What a training stands on: classes, counts per split and a fingerprint of names and boxes."""
    counts = {}
    for split in dataset.splits:
        part = dataset.only(split)
        counts[split] = {"images": len(part), "boxes": part.boxes}
    digest = hashlib.blake2b(digest_size=16)
    for image in sorted(dataset.images, key=lambda image: image.name):
        row = (image.name, image.split, image.width, image.height, [(b.label, *b.xyxy) for b in image.boxes])
        digest.update(repr(row).encode())
    return {"classes": list(dataset.classes), "splits": counts, "fingerprint": digest.hexdigest()}


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
