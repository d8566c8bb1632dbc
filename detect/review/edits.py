"""What people did to the true boxes of one photo: moved, relabelled, dropped; and what of that is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detect.data import Attributes, Box, Image
from detect.errors import Problems
from detect.geometry import as_boxes, iou
from detect.review.changes import Change
from detect.review.original import Attribute, absolute, relative
from detect.review.tags import OK, ON_IMAGE, ON_TRUTH, Asked, Place, asked, is_class, tags_of

SAME_PLACE = 0.9  # overlap from which two boxes of one class are one
STILL = 1e-3  # pixels; an edge that moves by less was moved by rounding
Document = Mapping[str, Any]
Corners = tuple[float, float, float, float]


@dataclass(slots=True)
class Edits:
    """A photo as it was and, box by box, as it is to be.

    `boxes`: those of the data by number, None where one is dropped; `new`: those drawn and added; `right`: the numbers
    of those that somebody tagged as right.
    """

    before: Image
    classes: Sequence[str]
    attributes: Sequence[Attribute]
    problems: Problems
    boxes: dict[int, Box | None] = field(default_factory=dict)
    new: list[Box] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    right: set[int] = field(default_factory=set)

    def after(self) -> tuple[Box, ...]:
        """The boxes as they are to be."""
        return (*(box for number in sorted(self.boxes) if (box := self.boxes[number]) is not None), *self.new)

    def is_dropped(self, sample: Document) -> bool:
        """Whether the photo is to be left out."""
        return asked(sample, ON_IMAGE, self.classes, self.place()).verb == "drop"

    def correct(self, number: int, document: Document) -> None:
        """Read a box of the data: it stays the very same where nothing was done."""
        before, place = self.before.boxes[number - 1], self.place(f"box {number}")
        wish = asked(document, ON_TRUTH, self.classes, place)
        if OK in tags_of(document):
            self.right.add(number)
        if wish.verb == "drop":
            self._drop(number, str(wish))
            return
        box = self._moved(document, before, place)
        if box != before:
            self.note(number, "move", text(before), text(box), "edit")
        label, by = self._label(document, before.label, wish, place)
        if label != before.label:
            box = box._replace(label=label)
            self.note(number, "class", before.label, label, by)
        given = self.given(document, before.attributes)
        if given != before.attributes:
            box = box._replace(attributes=given)
            self.note(number, "attributes", str(dict(before.attributes)), str(dict(given)), "edit")
        self.boxes[number] = box

    def end_corrections(self) -> None:
        """Once all boxes of the data are read: those that are gone, and changes that would make two boxes of one."""
        for number in range(1, len(self.before.boxes) + 1):
            if number not in self.boxes:
                self._drop(number, "edit")
        for number, before in enumerate(self.before.boxes, 1):
            box = self.boxes[number]
            if box is None or not self.is_changed(number):
                continue
            other, share = self.nearest(box, number)
            if share >= SAME_PLACE and not are_one(before, self.before.boxes[other - 1]):
                what = f"it would be a second {box.label} where box {other} is"
                self.place(f"box {number}").refuse("two in one place", what, "tag one of the two fix:drop")
                self.boxes[number] = before._replace(attributes=box.attributes)
                self.changes = [one for one in self.changes if one.box != number or one.change == "attributes"]

    def place(self, box: str = "") -> Place:
        """Where problems of the photo are, or of a box in it."""
        return Place(self.before.name, box, self.problems)

    def note(self, number: int, change: str, before: str, after: str, by: str) -> None:
        """Put a change on the list."""
        self.changes.append(Change(self.before.name, number, change, before, after, by))

    def is_changed(self, number: int) -> bool:
        """Whether this box of the data has another class or place than it had."""
        box = self.boxes[number]
        return box is not None and box[:5] != self.before.boxes[number - 1][:5]

    def nearest(self, box: Box, without: int = 0) -> tuple[int, float]:
        """The number of the box of the data, of the same class, that overlaps it most, and how much; (0, 0) if none."""
        there = [(n, one) for n, one in self.boxes.items() if one and n != without and one.label == box.label]
        return nearest(box, there)

    def given(self, document: Document, before: Attributes) -> Attributes:
        """The attributes of a box; one whose field is as it was at first keeps its value and type."""
        after = dict(before)
        for one in self.attributes:
            value = document.get(one.field)
            if value is None:
                after.pop(one.name, None)
            elif one.name not in before or one.shown(before[one.name]) != value:
                after[one.name] = value
        return Attributes(after)

    def _drop(self, number: int, by: str) -> None:
        self.boxes[number] = None
        self.note(number, "drop", text(self.before.boxes[number - 1]), "", by)

    def _moved(self, document: Document, before: Box, place: Place) -> Box:
        """The box where it is now; an edge that nobody touched is the same to the last digit."""
        there, was = document.get("bounding_box"), relative(before, self.before)
        if there == was:
            return before
        edges = corners(document, self.before)
        if edges is None:
            place.refuse("empty box", "the box was moved out of the image, or has no size")
            return before
        x1, y1, x2, y2 = (old if abs(new - old) < STILL else new for new, old in zip(edges, before.xyxy, strict=True))
        return before._replace(x1=x1, y1=y1, x2=x2, y2=y2)

    def _label(self, document: Document, before: str, wish: Asked, place: Place) -> tuple[str, str]:
        """The class of a box as it is now, and by what."""
        label = document.get("label")
        if wish.verb == "class":
            if label not in (None, before, wish.label):
                place.refuse("class", f"{str(wish)!r} contradicts its class {label!r}, chosen by hand")
                return before, ""
            return wish.label, str(wish)
        if label == before or is_class(label, self.classes, place):
            return str(label), "edit"
        return before, ""


def corners(document: Document, image: Image) -> Corners | None:
    """The corners in pixels, cut at the edges of the image; None for a box that lies outside it or has no size."""
    there = document.get("bounding_box") or ()
    if len(there) != 4 or not all(math.isfinite(value) for value in there):
        return None
    x1, y1, x2, y2 = absolute(list(there), image.width, image.height)
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def nearest(box: Box, others: Sequence[tuple[int, Box]]) -> tuple[int, float]:
    """The number of the one of `others` that overlaps this box most, and how much; (0, 0) where there is none."""
    if not others:
        return 0, 0.0
    shares = iou(as_boxes([box.xyxy]), as_boxes([one.xyxy for _, one in others]))[0]
    return others[int(shares.argmax())][0], float(shares.max())


def are_one(a: Box, b: Box) -> bool:
    """Whether they are of one class and in one place."""
    return a.label == b.label and nearest(a, [(0, b)])[1] >= SAME_PLACE


def text(box: Box) -> str:
    """Its class and corners, for the list of changes."""
    x1, y1, x2, y2 = (f"{value:g}" for value in box.xyxy)
    return f"{box.label} {x1},{y1} {x2},{y2}"
