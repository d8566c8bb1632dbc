"""What the types of data.py refuse: one Problem for each thing that is wrong with a value, none where it is good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING

from detect.errors import Problem

if TYPE_CHECKING:
    from detect.data import Box

CORNERS = ("x1", "y1", "x2", "y2")


def box_problems(label: str, corners: Sequence[float], score: float | None) -> Iterator[Problem]:
    """What is wrong with a box: a corner that is no number, swapped corners, no area in the ground truth, a score."""
    where = f"box {label!r}"
    wrong = [f"{name} is {value}" for name, value in zip(CORNERS, corners, strict=True) if not isfinite(value)]
    if wrong:
        yield Problem("error", "not a number", f"{', '.join(wrong)}; a corner is a finite number", where=where)
        return
    x1, y1, x2, y2 = corners
    for low, high, names in ((x1, x2, "x1, x2"), (y1, y2, "y1, y2")):
        if low > high:
            yield Problem("error", "corners swapped", f"{names} are {low:g}, {high:g}: swapped", where=where)
        elif low == high and score is None:
            what = f"{names} are {low:g}, {high:g}: no area, which only a prediction may have"
            yield Problem("error", "box without area", what, where=where)
    if score is not None and not 0 <= score <= 1:
        yield Problem("error", "score", f"a score is a number in 0..1, got {score}", where=where)


def is_plain(name: str) -> bool:
    """Whether the name of an image is good at first sight, as nearly every one is: there may be a million."""
    return not (
        name[:1] in "/."  # or empty
        or name[-1] == "/"
        or "/." in name
        or "//" in name
        or "\\" in name
        or ":" in name
    )


def name_problems(name: str) -> Iterator[Problem]:
    """What is wrong with the name of an image, a path below the root of its dataset."""
    path = name.replace("\\", "/")
    what = ""
    if not name:
        what = "is empty"
    elif path.startswith("/") or (path[1:2] == ":" and path[0].isascii() and path[0].isalpha()):
        what = "is absolute"
    elif ".." in path.split("/"):
        what = "leaves the dataset by `..`"
    elif not {"", "."}.isdisjoint(name.split("/")):
        what = "has an empty part or a part `.`"
    if what:
        remedy = "the name of an image is its path below the dataset's root, such as claim1/rear.jpg"
        yield Problem("error", "image name", f"the name {name!r} {what}", remedy=remedy)


def size_problems(name: str, width: float, height: float) -> Iterator[Problem]:
    """What is wrong with the size of an image."""
    if not (isfinite(width) and isfinite(height) and width >= 1 and height >= 1):
        what = f"is {width} x {height}; a photo is 1 pixel wide and high at least"
        yield Problem("error", "image size", what, file=name)


def repeated(kind: str, values: Sequence[str]) -> Iterator[Problem]:
    """A problem for each value that stands more than once, with its count."""
    if len(set(values)) < len(values):
        for value, count in Counter(values).items():
            if count > 1:
                often = "twice" if count == 2 else f"{count} times"
                yield Problem("error", f"{kind} twice", f"{kind} {value!r} stands {often}")


def content_problems(
    classes: Sequence[str], names: Iterable[str], boxes: Collection[Sequence[Box]], *, scored: bool
) -> Iterator[Problem]:
    """Labels that are not among the classes; boxes with a score in the ground truth, or without in predictions.

    `names` are those of the images, `boxes` the boxes of each. What is the same for many is one problem with its count.
    """
    labels = set(map(_LABEL, chain.from_iterable(boxes)))  # a third of the time of a loop, and there may be a million
    scores = map(_SCORE, chain.from_iterable(boxes))
    if labels.issubset(classes) and (None not in scores if scored else set(scores) <= {None}):
        return
    first: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for name, some in zip(names, boxes, strict=True):
        for box in some:
            for one in _wrong(box, classes, scored):
                first.setdefault(one, name)
                counts[one] += 1
    for (kind, what), count in counts.items():
        more = f" ({count} boxes, this image is the first)" if count > 1 else ""
        yield Problem("error", kind, what + more, file=first[kind, what])


def _wrong(box: Box, classes: Sequence[str], scored: bool) -> Iterator[tuple[str, str]]:
    if box.label not in classes:
        yield "unknown label", f"label {box.label!r} is not among the classes"
    if scored and box.score is None:
        yield "no score", "a prediction needs a score in 0..1, got None"
    if not scored and box.score is not None:
        yield "score", "ground truth has a score; these are predictions"


_LABEL, _SCORE = itemgetter(0), itemgetter(5)
