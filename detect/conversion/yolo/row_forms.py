"""What the numbers of YOLO rows mean, decided on all rows of a data set, since one row alone does not tell.

::

    class  cx cy w h                      a box
    class  cx cy w h  0.87                with its confidence
    class  cx cy w h  17                  with the number of its track (CVAT: Ultralytics YOLO Detection Track)
    class  cx cy w h  0.87  17            with both (ultralytics: track, save_txt)
    class  cx cy w h  45                  with an angle: refused
    class  cx cy w h  x y v  x y v ...    with key points; v, 0 to 2, may be absent (data.yaml: kpt_shape)
    class  x1 y1 x2 y2 x3 y3 x4 y4        the corners of a rotated box
    class  x1 y1 x2 y2 x3 y3 ...          the corners of a polygon

Source: https://docs.ultralytics.com/datasets/; https://docs.cvat.ai/docs/manual/advanced/formats/format-yolo-ultralytics/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, isfinite
from typing import NamedTuple

Numbers = Sequence[float]
"""What stands after the class in a row."""

Points = list[tuple[float, float]]

KeyPoints = tuple[int, int]
"""kpt_shape: how many key points a box has, and how many numbers each, 2 or 3."""

NO_KEY_POINTS: KeyPoints = (0, 0)
"""kpt_shape is stated, and is null: longer rows are polygons."""


class Form(NamedTuple):
    """What a row holds: four numbers of a box and perhaps more, or corners. `refused` says why it cannot be told."""

    name: str
    corners: bool = False
    track: bool = False  # the last number
    refused: str = ""
    remedy: str = ""


BOX = Form("box")
CONFIDENCE = Form("confidence")
TRACK = Form("track", track=True)
CONFIDENCE_AND_TRACK = Form("confidence and track", track=True)
ZERO_OR_ONE = Form("0 or 1")
KEY_POINTS = Form("key points")
ROTATED = Form("rotated box", corners=True)
POLYGON = Form("polygon", corners=True)


def _refused(what: str, remedy: str = "") -> Form:
    return Form("", refused=what, remedy=remedy)


_CLOSE = 0.003
"""Shares closer than this are equal: tools round to whole pixels."""

_COVERED = 0.25
"""The key points of a box spread over more of it than this, one way or the other."""

_NEARLY_ALL = 0.9


class Forms:
    """The rows of a data set as far as they tell what they are: first `see` all files, then ask for the form of a row.

    `key_points` is what data.yaml states. `lists`: it names lists of images, as CVAT does, whose rows may have tracks.
    `predicted`: in place of its visibility a key point has a confidence, 0 to 1.
    """

    def __init__(self, key_points: KeyPoints | None = None, *, lists: bool = False, predicted: bool = False) -> None:
        self._key_points = key_points
        self._lists = lists
        self._predicted = predicted
        self._fifth = _Fifth()
        self._long: dict[int, _Long] = {}
        self._decided: dict[int, Form] = {4: BOX}

    def see(self, rows: Iterable[Numbers]) -> None:
        """Take in the numbers after the class of all rows of one file."""
        fifth = []
        for numbers in rows:
            if len(numbers) == 5:
                fifth.append(numbers[4])
            elif len(numbers) > 5:
                if len(numbers) not in self._long:
                    self._long[len(numbers)] = _Long(len(numbers), self._predicted)
                self._long[len(numbers)].see(numbers)
        if fifth:
            self._fifth.see(fifth)

    def see_outline(self, count: int) -> bool:
        """Take in a row of so many numbers, where these can only be corners by now; else False: let it `see` them."""
        rows = self._long.get(count)
        if rows is None or rows.flagged or rows.inside or rows.rectangles or rows.tracks:
            return False
        rows.seen += 1
        return True

    def of(self, count: int) -> Form:
        """What the rows with so many numbers after the class hold."""
        if count not in self._decided:
            self._decided[count] = self._decide(count)
        return self._decided[count]

    def _decide(self, count: int) -> Form:
        if count == 5:
            return self._fifth.form(self._lists)
        if count < 5:
            return _wrong(count)
        if self._key_points is None:
            return self._undeclared(count)
        points, each = self._key_points
        if points == 0:
            return self._outline(count)
        if count == 4 + points * each:
            return KEY_POINTS
        what = f"with kpt_shape [{points}, {each}] a row has 4 or {4 + points * each}"
        return _refused(f"has {count} numbers after the class; {what}")

    def _undeclared(self, count: int) -> Form:
        """The form of long rows where nothing says whether they have key points: what most of them look like."""
        usual = max(self._long.values(), key=lambda rows: rows.seen)
        points = (usual.count - 4) // 3
        if usual.shows_visibility:
            what = f"most rows have {usual.count}, a box and {points} key points"
            return KEY_POINTS if count == usual.count else _refused(f"has {count} numbers after the class; {what}")
        if usual.may_have_points and usual.seen >= _NEARLY_ALL * sum(rows.seen for rows in self._long.values()):
            shape = f"[{points}, 3]" if usual.flagged_inside else f"[{(usual.count - 4) // 2}, 2]"
            what = f"the {count} numbers after the class may be a box with key points or a polygon"
            return _refused(what, f"write kpt_shape: {shape} into data.yaml, or kpt_shape: null for polygons")
        return self._outline(count)

    def _outline(self, count: int) -> Form:
        rows = self._long[count]
        if rows.has_tracks:
            return CONFIDENCE_AND_TRACK
        if count % 2:
            return _wrong(count)
        return ROTATED if rows.rectangles else POLYGON


def _wrong(count: int) -> Form:
    return _refused(f"has {count} numbers after the class; a box has 4, a polygon 6, 8, 10 ...")


class _Fifth:
    """The number after the size, in all rows that have five."""

    def __init__(self) -> None:
        self.low, self.high = inf, -inf
        self.whole = True
        self.once = True  # no number stands twice in a file, as of tracks none does
        self.numbers: set[float] = set()

    def see(self, values: list[float]) -> None:
        """Take in those of one file."""
        self.low = min(self.low, *values) if all(map(isfinite, values)) else -inf
        self.high = max(self.high, *values)
        self.whole = self.whole and all(value.is_integer() for value in values)
        if self.whole:
            self.once = self.once and len(set(values)) == len(values)
            self.numbers.update(values)

    def form(self, lists: bool) -> Form:
        """What it is. Whole numbers may be angles, too, unless they are counted through or beyond a full turn."""
        if self.low >= 0 and self.high <= 1:
            return ZERO_OR_ONE if self.whole else CONFIDENCE
        counted = self.low in (0, 1) and len(self.numbers) == self.high - self.low + 1
        if self.whole and self.once and self.low >= 0 and (lists or counted or self.high > 360):
            return TRACK
        values = f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"
        what = f"the number after the size ({values}) may be an angle or a track; a confidence is from 0 to 1"
        remedy = "write a rotated box by its corners: class x1 y1 x2 y2 x3 y3 x4 y4; leave out the number of a track"
        return _refused(what, remedy)


class _Long:
    """All rows with one count of numbers, six or more: what can be true of all; what one row denies is denied."""

    def __init__(self, count: int, predicted: bool) -> None:
        self.count = count
        self.predicted = predicted
        self.seen = 0
        self.flagged = count > 6 and (count - 4) % 3 == 0  # visibility at every third place
        self.with_two = False  # one of them is 2, which no share of an image is
        self.flagged_inside = self.flagged  # the visible points lie in the box
        self.inside = count % 2 == 0  # points of two numbers do
        self.rectangles = count == 8
        self.tracks = count == 6
        self.beyond = False  # one of the tracks is 2 or more, which no share of an image is

    def see(self, numbers: Numbers) -> None:
        """Take in one row."""
        self.seen += 1
        if self.flagged:
            flags = numbers[6::3]
            self.flagged = all(flag in (0, 1, 2) or (self.predicted and 0 < flag < 1) for flag in flags)
            self.with_two = self.with_two or 2 in flags
            xyv = zip(numbers[4::3], numbers[5::3], flags, strict=True)
            visible = [(x, y) for x, y, flag in xyv if flag]
            self.flagged_inside = self.flagged_inside and self.flagged and _inside(numbers, visible)
        if self.inside:
            points = list(zip(numbers[4::2], numbers[5::2], strict=True))
            self.inside = _inside(numbers, [point for point in points if point != (0, 0)])
        if self.rectangles:
            self.rectangles = _is_rectangle(numbers)
        if self.tracks:
            self.tracks = 0 <= numbers[4] <= 1 and numbers[5] >= 0 and numbers[5].is_integer()
            self.beyond = self.beyond or numbers[5] > 1

    @property
    def shows_visibility(self) -> bool:
        """These rows have key points with their visibility, and can be no polygons."""
        return self.flagged and (self.with_two or (self.count % 2 == 1 and self.flagged_inside))

    @property
    def may_have_points(self) -> bool:
        """Read as a box with key points, all these rows make sense."""
        return not self.rectangles and not self.has_tracks and (self.flagged_inside or self.inside)

    @property
    def has_tracks(self) -> bool:
        """These rows have a confidence and the number of a track."""
        return self.tracks and self.beyond


def _inside(numbers: Numbers, points: Points) -> bool:
    """Whether the first four numbers are a box in the image, and the points lie in it, not all in one spot."""
    cx, cy, w, h = numbers[:4]
    if w <= 0 or h <= 0 or min(cx - w / 2, cy - h / 2, 1 - cx - w / 2, 1 - cy - h / 2) < -_CLOSE:
        return False
    if any(abs(x - cx) > w / 2 + _CLOSE or abs(y - cy) > h / 2 + _CLOSE for x, y in points):
        return False
    if len(points) < 2:
        return True
    xs, ys = zip(*points, strict=True)
    return bool(max((max(xs) - min(xs)) / w, (max(ys) - min(ys)) / h) > _COVERED)


def _is_rectangle(numbers: Numbers) -> bool:
    """Whether four corners are those of a rectangle: its diagonals share their centre, in any size of the image."""
    x1, y1, x2, y2, x3, y3, x4, y4 = numbers
    return abs(x1 + x3 - x2 - x4) < _CLOSE and abs(y1 + y3 - y2 - y4) < _CLOSE
