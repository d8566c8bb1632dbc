"""One COCO document while it is read: its images, the boxes of each, and where its problems are noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from detect.conversion.coco.ids import Key
from detect.conversion.coco.numbers import SANE, numbers
from detect.conversion.sizes import Size
from detect.conversion.tidy import Found
from detect.errors import Level, Problems

DESCRIPTION = "written by damage-detect"
"""What `info` says in documents of this package: boxes are upright and in pixels, whatever their attributes say."""


@dataclass
class Document:
    """One annotation file. `split` is the word that its name has for it; `texts` counts numbers written as text."""

    file: str
    path: str
    split: str
    content: dict[str, Any]
    problems: Problems
    images: dict[Key, dict[str, Any]] = field(default_factory=dict)
    boxes: dict[Key, Found] = field(default_factory=dict)
    texts: int = 0
    strays: int = 0
    """Annotations that cannot be given to an image."""

    @property
    def own(self) -> bool:
        """Whether this package wrote it."""
        info = self.content.get("info")
        return isinstance(info, dict) and info.get("description") == DESCRIPTION

    def rows(self, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """(position, row) of the objects in a list of the document; whatever is no object is an error."""
        rows = self.content.get(key)
        if rows is not None and not isinstance(rows, list):
            self.error("no list", f'"{key}" must be a list', key)
            self.leave_out(*self.images)
            return
        for place, row in enumerate(rows or (), 1):
            if isinstance(row, dict):
                yield place, row
            else:
                self.error("no object", f"must be an object, not {type(row).__name__}", f"{key}: row {place}")
                self.strays += key == "annotations"

    def add(self, level: Level, kind: str, what: str, where: str = "", remedy: str = "") -> None:
        """Note a problem of this file."""
        self.problems.add(level, kind, what, file=self.path, where=where, remedy=remedy)

    def error(self, kind: str, what: str, where: str, remedy: str = "") -> None:
        """Note an error in this file."""
        self.add("error", kind, what, where, remedy)

    def found(self, key: Key) -> Found:
        """The boxes of an image."""
        if key not in self.boxes:
            self.boxes[key] = Found()
        return self.boxes[key]

    def leave_out(self, *keys: Key) -> None:
        """Leave these images out: not all that the file says of them could be read."""
        for key in keys:
            self.found(key).whole = False

    def size(self, key: Key) -> Size | None:
        """The size that the file states for an image; None where it states none."""
        row = self.images[key]
        stated = numbers(row.get(side) for side in ("width", "height"))
        if stated is None or not all(0 < side < SANE for side in stated):
            return None
        return int(stated[0]), int(stated[1])
