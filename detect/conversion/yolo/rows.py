"""The boxes of YOLO label files whose rows are not all plain boxes: longer rows, and rows written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

from detect.conversion.sizes import Size
from detect.conversion.tidy import NEW, Found, rounded
from detect.conversion.yolo.row_forms import (
    CONFIDENCE,
    CONFIDENCE_AND_TRACK,
    KEY_POINTS,
    POLYGON,
    ROTATED,
    ZERO_OR_ONE,
    Forms,
)
from detect.conversion.yolo.row_text import BadRow, ClassNames, Row
from detect.data import NONE, Attributes, Box
from detect.errors import Level, Problems

FAR = 3.0
"""A share beyond this is no box over the edge but pixels in the wrong place."""

_REPORTS: dict[str, tuple[Level, str, str]] = {
    CONFIDENCE.name: ("repaired", "trailing confidence", "ignored"),
    CONFIDENCE_AND_TRACK.name: ("repaired", "trailing confidence", "ignored"),
    ZERO_OR_ONE.name: ("repaired", "number after the size", "0 or 1 is left out: no row tells what it is"),
    KEY_POINTS.name: ("lost", "key points", "left out; the box is kept"),
    ROTATED.name: ("lost", "rotated box", "became its upright extent"),
    POLYGON.name: ("lost", "polygon", "became its upright extent"),
}


class Rows:
    """The rows of a data set, read in two turns: `see` all files that need it, then take the `boxes` of each."""

    def __init__(self, forms: Forms, problems: Problems) -> None:
        self.forms = forms
        self.problems = problems
        self._names: dict[int, ClassNames] = {}  # by the identity of the table, which each of them holds

    def see(self, text: str, table: Mapping[str, str]) -> None:
        """Take in what the rows of one file tell of all rows. Bad ones are reported when the boxes are taken."""
        names, rows = self._names_of(table), []
        for _, line in _lines(text):
            values = line.split()
            if values[0] in table and self.forms.see_outline(len(values) - 1):
                continue
            try:
                rows.append(names.row(line).numbers)
            except BadRow:
                continue
        self.forms.see(rows)

    def boxes(self, text: str, table: Mapping[str, str], size: Size, file: str) -> Found:
        """The boxes of one file, which is not whole where a row is bad: each is an error."""
        names, found = self._names_of(table), Found()
        for place, line in _lines(text):
            where = f"line {place}"
            try:
                row = names.row(line)
                found.add(place, self._box(row, size, file, where))
            except BadRow as error:
                self.problems.add("error", "bad row", str(error), file=file, where=where, remedy=error.remedy)
                found.whole = False
                continue
            for kind, what in row.repairs:
                self.problems.add("repaired", kind, what, file=file, where=where)
        return found

    def _names_of(self, table: Mapping[str, str]) -> ClassNames:
        if id(table) not in self._names:
            self._names[id(table)] = ClassNames(table)
        return self._names[id(table)]

    def _box(self, row: Row, size: Size, file: str, where: str) -> Box:
        form = self.forms.of(len(row.numbers))
        shares = row.numbers if form.corners else row.numbers[:4]
        if not all(-FAR < share < FAR for share in shares):
            finite = all(map(isfinite, shares))
            what = "the values look like pixels; they must be shares of the image, 0 to 1"
            raise BadRow(what if finite else "NaN or infinite")
        if form.refused:
            raise BadRow(form.refused, form.remedy)
        if report := _REPORTS.get(form.name):
            level, kind, what = report
            self.problems.add(level, kind, what, file=file, where=where)
        if form.corners:
            xs, ys = shares[::2], shares[1::2]
            return _scaled(row.label, (min(xs), min(ys), max(xs), max(ys)), size)
        cx, cy, w, h = shares
        attributes = Attributes(track_id=int(row.numbers[-1])) if form.track else NONE
        return _scaled(row.label, (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), size, attributes)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    return ((place, line) for place, line in enumerate(text.splitlines(), 1) if line.strip())


def _scaled(label: str, shares: tuple[float, float, float, float], size: Size, attributes: Attributes = NONE) -> Box:
    """The box of shares of an image: left, top, right, bottom."""
    width, height = size
    left, top, right, bottom = shares
    corners = left * width, top * height, right * width, bottom * height
    return rounded(NEW(Box, (label, *corners, None, attributes)))
