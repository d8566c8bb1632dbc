"""The text of a row of YOLO labels: blanks or commas between the numbers, a class by its number or by its name.

Nothing is taken for what it may not be: BadRow says why a row is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

_LISTED = 10
"""Classes that a message spells out."""

_DECIMAL = re.compile(r"-?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,;]+")

Repair = tuple[str, str]
"""(kind, what) of a liberty that was taken."""


class BadRow(ValueError):
    """What is wrong with a row, and the remedy."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


class Row(NamedTuple):
    """A row as its text has it: the class, the numbers after it."""

    label: str
    numbers: list[float]
    repairs: list[Repair]


class ClassNames:
    """The classes of a table, by the names that rows may have in place of numbers."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self.table = table
        self._exact: dict[str, str] = {}
        self._folded: dict[str, str | None] = {}
        for label in dict.fromkeys(table.values()):
            name = " ".join(filter(None, _BETWEEN.split(label)))
            self._exact[name] = label
            self._folded[name.casefold()] = None if name.casefold() in self._folded else label

    def row(self, line: str) -> Row:
        """The row that a line says. Raises BadRow."""
        parts = line.split()
        if parts and (label := self.table.get(parts[0])) is not None:
            with suppress(ValueError):
                return Row(label, list(map(float, parts[1:])), [])
        parts, repairs = words(line)
        if not parts:
            raise BadRow(f"{line.strip()[:60]!r} holds no numbers")
        start = next((at for at in range(len(parts), 0, -1) if not _is_number(parts[at - 1])), 0)
        if start == 0:
            label, end = self._by_index(parts[0], repairs), 1
        else:
            label, end = self._by_name(parts, start, repairs)
        return Row(label, list(map(float, parts[end:])), repairs)

    def _by_index(self, text: str, repairs: list[Repair]) -> str:
        if (label := self.table.get(text)) is not None:
            return label
        number = float(text)
        if not number.is_integer():  # NaN and infinity are none either
            raise BadRow(f"class index {text!r} is no whole number")
        label = self.table.get(str(int(number)))
        if label is None:
            last = max(map(int, self.table), default=-1)
            raise BadRow(f"class index {int(number)} is out of range; the classes go from 0 to {last}")
        repairs.append(("class index", f"{text!r} is read as {int(number)}"))
        return label

    def _by_name(self, parts: Sequence[str], start: int, repairs: list[Repair]) -> tuple[str, int]:
        """The class whose name a row begins with, and where its numbers begin: a name may end in numbers, too."""
        found = []
        for end in range(start, len(parts) + 1):
            name = " ".join(parts[:end])
            if label := self._exact.get(name) or self._folded.get(name.casefold()):
                found.append((label, end, name))
        if len(found) > 1:
            raise BadRow(f"may be of the class {' or '.join(repr(label) for label, _, _ in found)}", self._remedy())
        if not found:
            raise self._unknown(parts, start)
        label, end, name = found[0]
        repairs.append(("class name", f"{name!r} in place of a number is read as class {label!r}"))
        return label, end

    def _unknown(self, parts: Sequence[str], start: int) -> BadRow:
        """Why a row that holds something but numbers is not read."""
        if start > 8 and all(map(_is_number, parts[:8])):
            what = "has eight numbers and then a name: corners in pixels, as DOTA writes them"
            return BadRow(what, "write class x1 y1 x2 y2 x3 y3 x4 y4, the corners as shares of the image, 0 to 1")
        if _is_number(parts[0]) or len(parts) - start < 4:
            return BadRow(f"{' '.join(parts)[:60]!r} holds something that is no number")
        return BadRow(f"{' '.join(parts[:start])[:60]!r} is none of the classes", self._remedy())

    def _remedy(self) -> str:
        classes = list(self.table.items())
        more = ", ..." if len(classes) > _LISTED else ""
        return f"write the number of the class: {', '.join(f'{n} {label}' for n, label in classes[:_LISTED])}{more}"


def words(line: str) -> tuple[list[str], list[Repair]]:
    """What stands between blanks, or between what stands for them, and the liberties taken. Raises BadRow."""
    if "," not in line and ";" not in line:
        return line.split(), []
    repairs = [("semicolons", "semicolons are read as blanks")] if ";" in line else []
    parts = line.replace(";", " ").split()
    if "," not in line:
        return parts, repairs
    decimals = sum(_DECIMAL.fullmatch(part) is not None for part in parts)
    if decimals and len(parts) > 4 and "." not in line and not any(p[0] == "," or p[-1] == "," for p in parts):
        return [part.replace(",", ".") for part in parts], [*repairs, ("decimal commas", "commas are read as points")]
    parts = [part for part in _BETWEEN.split(line) if part]
    if len(parts) > 8 and "." not in line:
        raise BadRow("has commas between its numbers and perhaps in them", "write points in numbers: 0.5")
    return parts, [*repairs, ("commas", "commas are read as blanks")]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
