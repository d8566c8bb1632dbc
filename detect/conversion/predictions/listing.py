"""What a file of predictions says, row by row, and the checks that every row passes, whatever tool wrote it.

A row names its image and its label as the file does: an id, a number, a name, a path. What is wrong is told once for
each kind, with the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import Path
from typing import Any, NamedTuple

from detect.conversion.coco.header import Names
from detect.conversion.tidy import PRECISION
from detect.data import Box
from detect.errors import DataError, Problems

Corners = tuple[float, float, float, float]

FORMS = {
    "xywh": "x, y, width, height",
    "xyxy": "x1, y1, x2, y2",
    "cxcywh": "x and y of the centre, width, height",
}
"""How four numbers give a box."""


class Row(NamedTuple):
    """One detection as its file has it, nothing checked; `box` is four numbers in the form that `form` names."""

    image: Any
    label: Any
    box: Any
    score: Any
    where: str
    form: str = "xywh"


@dataclass
class Listing:
    """All that a file or folder of predictions says."""

    file: str
    rows: Sequence[Row]
    images: Mapping[Any, str] | None = None
    """Every image that was looked at, from what rows call it to its name; None: rows alone, so that images without any
    cannot be told from images that nobody looked at."""
    classes: Names | None = None
    """From what rows call a class to its name; None: rows have names, ids of another file, or numbers."""
    first: int | None = None
    """The number of the first class where rows have numbers in the order of the classes; None: not known."""
    whole: float | None = None
    """The side of an image, where boxes are shares of it: 1, or 100 for percent; None: pixels."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """The document that the rows are from, where it has its own images."""
    one_photo: bool = False
    """It is the answer about one photo, and does not say about which."""


Key = tuple[type, Any]
"""A value of a row with its type: True is 1 to Python, and no id."""


def keys_of(values: Iterable[Any]) -> list[Any]:
    """The different values, each once; what cannot be an id, a name or a number is left out."""
    once: dict[Key, Any] = {}
    for value in values:
        if type(value) in KEYS:
            once.setdefault((type(value), value), value)
    return list(once.values())


class Fault(ValueError):
    """What is wrong with a row; `kind` names the family."""

    def __init__(self, kind: str, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.kind, self.remedy = kind, remedy


class Faults:
    """Faulty rows of a file: each kind is told once, by its first row, with the number of the others."""

    def __init__(self) -> None:
        self.first: dict[str, tuple[Fault, str]] = {}
        self.count: dict[str, int] = {}

    def add(self, fault: Fault, where: str) -> None:
        """Note one row."""
        self.first.setdefault(fault.kind, (fault, where))
        self.count[fault.kind] = self.count.get(fault.kind, 0) + 1

    def report(self, file: str | Path, problems: Problems) -> None:
        """Add an error for each kind."""
        for kind, (fault, where) in self.first.items():
            place = f"{where} and {self.count[kind] - 1:,} more" if self.count[kind] > 1 else where
            problems.add("error", kind, str(fault), file=file, where=place, remedy=fault.remedy)


_NUMBERS = {int, float}
LARGEST = 1e15
"""No id or number of a class is larger, and each smaller one is a float exactly."""
KEYS = {int, float, str}
"""The types of what can be an id, a number or a name; True is 1 to Python, and none of them."""


def checked(row: Row, label: str, size: Sequence[float] | None) -> Box:
    """The box of a row. `size`: the width and height in pixels that the box's numbers are shares of; None: pixels.

    Raises Fault.
    """
    score = row.score
    if type(score) not in (int, float) or not 0 <= score <= 1:
        raise _bad_score(score)
    x1, y1, x2, y2 = _corners(row.box, row.form)
    if size is not None:
        wide, high = size
        x1, y1, x2, y2 = (round(v * s, PRECISION) for v, s in ((x1, wide), (y1, high), (x2, wide), (y2, high)))
    try:
        return Box(label, x1, y1, x2, y2, float(score))
    except DataError as error:
        raise Fault("impossible box", str(error)) from None


def _corners(values: Any, form: str) -> Corners:
    words = FORMS[form]
    if values is None:
        raise Fault("no bbox", "has no bbox; a detection needs one")
    if not isinstance(values, list) or len(values) != 4 or not {*map(type, values)} <= _NUMBERS:
        raise Fault("bad bbox", f"bbox must be four numbers {words}, got {str(values)[:60]}")
    try:
        a, b, c, d = map(float, values)
    except OverflowError:  # a whole number that no float can hold
        a = b = c = d = inf
    if not isfinite(a + b + c + d) and not all(map(isfinite, (a, b, c, d))):
        raise Fault("bbox is NaN or infinite", f"bbox must be four numbers {words}, got {str(values)[:60]}")
    if form == "xyxy":
        if c < a or d < b:
            what = f"the corners are swapped, x1, y1 must be the upper left one: {str(values)[:60]}"
            raise Fault("corners swapped", what)
        return a, b, c, d
    if c < 0 or d < 0:
        raise Fault("negative size", f"bbox has a negative width or height: {str(values)[:60]}")
    return (a, b, a + c, b + d) if form == "xywh" else (a - c / 2, b - d / 2, a + c / 2, b + d / 2)


def _bad_score(score: Any) -> Fault:
    what = f"the score must be a number from 0 to 1, got {score}"
    if score is None:
        remedy = "without scores these are annotations; write them with the confidence of each detection"
        return Fault("no score", what, remedy)
    if type(score) not in (int, float):
        return Fault("score is no number", what)
    if score != score:
        return Fault("score is NaN", what)
    return Fault("score out of range", what)


def check_percent(rows: Iterable[Row]) -> Fault | None:
    """What is wrong where the scores as a whole are percentages; None where they are not."""
    scores = [row.score for row in rows if type(row.score) in (int, float)]
    over = [score for score in scores if score > 1]
    if len(over) <= len(scores) / 2 or not 2 < max(over) <= 100 or min(scores) < 0:
        return None
    what = f"the scores go up to {max(over):g}: they look like percentages; a score is a number from 0 to 1"
    return Fault("scores in percent", what, "divide them by 100")
