"""The rules that every format's boxes pass through: repaired, dropped and refused alike, and always reported.

swapped corners    put in order          repaired
over the edge      cut to the image      repaired
outside, no area   left out              dropped
exact duplicate    kept once             dropped
NaN, infinite      image left out        error
no label           image left out        dropped
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path

from detect.conversion.names import composed
from detect.data import NO_QUESTIONS, Box, Dataset, Image
from detect.errors import Problems
from detect.invariants import is_plain, name_problems
from detect.questions import Question

PRECISION = 6
"""Decimals of a pixel that count: a millionth. What arithmetic adds beyond is noise and is rounded away."""

SLACK = 0.01
"""Pixels over the edge that are rounding of the file's digits, cut without a report."""

NEW = tuple.__new__
"""Makes a Box as its file has it, good or not. A reader gives it to `tidy`, which repairs what it can and reports."""

NO_LABEL = "no label"
"""The kind of problem of a box whose class is not known: something is there, so its image cannot be kept without it."""

LEFT_OUT = "image left out"
"""The kind of problem of an image that is no part of the dataset because something of its annotation is unknown."""

Place = int | str
"""The position of a box in its file."""

_BREAKS = re.compile(r"\s*[\x00-\x1f\x7f\x85\u2028\u2029]+\s*")


def clean_label(label: str) -> str:
    """The label on one line, without white space around it."""
    return _BREAKS.sub(" ", label).strip()


class Labels:
    """The classes of a dataset while it is read: declared ones first, others in the order they are met."""

    def __init__(self, problems: Problems, declared: Iterable[str] = (), *, closed: bool = True) -> None:
        """`closed`: the file declares its classes, so that any other label is worth a report."""
        self.problems, self.closed = problems, closed
        self.names: dict[str, str] = {}  # each to itself: one string for all boxes of a class
        self._spelled: dict[str, str] = {}  # from the spelling with composed accents to the first that was met
        for label in declared:
            self.declare(label)

    def __call__(self, label: str | None, file: str, where: str) -> str | None:
        """The class of this name, made where it is new; None, and reported, where there is none."""
        if label is not None and (known := self.names.get(label)) is not None:
            return known
        clean = clean_label(label or "")
        if not clean:
            self.problems.add("dropped", NO_LABEL, "the box has no label", file=file, where=where)
            return None
        if clean != label:
            what = f"{label!r} is read as {clean!r}"
            self.problems.add("repaired", "label white space", what, file=file, where=where)
        if clean not in self.names:
            new = composed(clean) not in self._spelled
            self.declare(clean)
            if self.closed and new:
                what = f"class {clean!r} is not declared; kept"
                self.problems.add("repaired", "undeclared class", what, file=file, where=where)
        return self.names[clean]

    def declare(self, label: str) -> str:
        """Add a class that the file declares; the label as it will be called."""
        clean = clean_label(label)
        if clean and clean not in self.names:
            self.names[clean] = self._spelled.setdefault(composed(clean), clean)
        return self.names.get(clean, "")

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes; alphabetical where the file declares none, so that a new photo does not renumber them."""
        classes = dict.fromkeys(self.names.values())
        return tuple(classes) if self.closed else tuple(sorted(classes))


class Found:
    """The boxes of one image as its file has them, and the place of each: two lists, since there may be a million.

    `whole` is False where a part of the image's annotation could not be read: it is then left out (`leave_out`), since
    what its file says beyond the boxes here is not known.
    """

    __slots__ = ("boxes", "places", "whole")

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.places: list[Place] = []
        self.whole = True

    def add(self, place: Place, box: Box) -> None:
        """Add a box that stands at `place`."""
        self.boxes.append(box)
        self.places.append(place)

    def check(self, problems: Problems, since: int) -> None:
        """Look at the problems that were noted after the first `since`: an error, or a box without a label, harms."""
        new = problems.items[since:]
        if new and any(problem.level == "error" or problem.kind == NO_LABEL for problem in new):
            self.whole = False


def tidy(found: Found, width: int, height: int, file: str, unit: str, problems: Problems) -> tuple[Box, ...]:
    """The boxes of one image of width x height pixels by the rules above; places in `file` count in `unit` ("line")."""
    for _, x1, y1, x2, y2, _, _ in found.boxes:
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            break
    else:  # all good, as in nearly every image
        if len({box[1] for box in found.boxes}) == len(found.boxes):
            return tuple(found.boxes)
    kept, places, since = [], [], len(problems.items)
    for place, box in zip(found.places, found.boxes, strict=True):
        _, x1, y1, x2, y2, _, _ = box
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            repaired = _repaired(box, width, height, file, f"{unit} {place}", problems)
            if repaired is None:
                continue
            box = repaired
        kept.append(box)
        places.append(place)
    found.check(problems, since)
    if len(kept) > 1 and len({box[1:5] for box in kept}) < len(kept):
        return _without_duplicates(kept, places, file, unit, problems)
    return tuple(kept)


def gathered(
    classes: Iterable[str],
    images: Iterable[Image],
    problems: Problems,
    questions: Mapping[str, Question] = NO_QUESTIONS,
    origins: Sequence[str] = (),
) -> Dataset:
    """The dataset, its images in the order of their names. `origins`: the annotation file of each image.

    Two images with one name are an error that names both files; neither is kept, since nobody knows which counts.
    """
    images = list(images)
    found = {image.name: image for image in images}
    if len(found) < len(images):
        files: dict[str, list[str]] = {}
        for image, file in zip(images, origins or [""] * len(images), strict=True):
            files.setdefault(image.name, []).append(file)
        for name, places in files.items():
            if len(places) > 1:
                del found[name]
                where = f", in {' and in '.join([*dict.fromkeys(places)][:3])}" if all(places) else ""
                problems.add("error", "image twice", f"this image is annotated twice{where}", file=name)
    return Dataset(tuple(classes), tuple(found[name] for name in sorted(found)), questions)


def leave_out(image: str | Path, file: str, problems: Problems) -> None:
    """Note that an image is no part of the dataset, since not all of its annotation in `file` could be read."""
    problems.add("dropped", LEFT_OUT, f"not all of its annotation in {file} could be read", file=image)


def is_named(name: str, file: str, problems: Problems) -> bool:
    """Whether an image can be called so; where it cannot, that is an error of the file that says so."""
    wrong = [] if is_plain(name) else [replace(problem, file=file) for problem in name_problems(name)]
    problems.items.extend(wrong)
    return not wrong


def rounded(box: Box) -> Box:
    """The box with its corners rounded to PRECISION: for readers that must calculate them."""
    label, *corners, score, attributes = box
    return NEW(Box, (label, *(round(value, PRECISION) for value in corners), score, attributes))


def _repaired(box: Box, width: int, height: int, file: str, where: str, problems: Problems) -> Box | None:
    x1, y1, x2, y2 = box.xyxy
    if not all(map(isfinite, (x1, y1, x2, y2))):
        problems.add("error", "not a number", f"{box.label}: a corner is NaN or infinite", file=file, where=where)
        return None
    if x1 > x2 or y1 > y2:
        problems.add("repaired", "corners swapped", _corners(box), file=file, where=where)
        x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
    if x1 == x2 or y1 == y2:
        problems.add("dropped", "box without area", _corners(box), file=file, where=where)
        return None
    over = max(-x1, -y1, x2 - width, y2 - height)
    x1, y1 = max(0.0, x1), max(0.0, y1)
    x2, y2 = min(float(width), x2), min(float(height), y2)
    if x1 >= x2 or y1 >= y2:
        what = f"{_corners(box)} lies outside the image of {width} x {height}"
        problems.add("dropped", "box outside the image", what, file=file, where=where)
        return None
    if over > SLACK:
        what = f"{_corners(box)} reaches beyond the image of {width} x {height}"
        problems.add("repaired", "box clipped", what, file=file, where=where)
    return box._replace(x1=x1, y1=y1, x2=x2, y2=y2)


def _without_duplicates(
    boxes: list[Box], places: list[Place], file: str, unit: str, problems: Problems
) -> tuple[Box, ...]:
    """The boxes, each once; boxes that differ in label or attributes are no duplicates."""
    seen: dict[Box, None] = {}
    for place, box in zip(places, boxes, strict=True):
        if box in seen:
            what = f"{_corners(box)} appears twice; kept once"
            problems.add("dropped", "duplicate box", what, file=file, where=f"{unit} {place}")
        seen[box] = None
    return tuple(seen)


def _corners(box: Box) -> str:
    return f"{box.label} from ({box.x1:g}, {box.y1:g}) to ({box.x2:g}, {box.y2:g})"
