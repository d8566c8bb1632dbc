"""Which class of the data a row means.

Rows call classes by ids of their own document or of the ground truth, by names, or by numbers in the order of the
classes, from 0 or from 1. Which one it is follows from all rows together; what could be either is not guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from detect.conversion.coco.header import Names
from detect.conversion.coco.ids import Ids
from detect.conversion.predictions.listing import KEYS, LARGEST, Fault, Key, Listing, keys_of
from detect.conversion.predictions.name_match import match_classes
from detect.conversion.taxonomy import parse_mapping
from detect.conversion.tidy import clean_label
from detect.data import Dataset
from detect.errors import Problems

SHOWN = 3


class ClassNames:
    """From what rows call a class to its name in the data; `classes` are all of them, in their order."""

    def __init__(
        self,
        listing: Listing,
        table: Names,
        dataset: Dataset | None,
        mapping: Sequence[str],
        by_id: bool,
        problems: Problems,
    ) -> None:
        """`table`: from the ids of the document, or of the ground truth, to names. `by_id`: rows call images by ids."""
        self._listing, self._table, self._problems, self._by_id = listing, table, problems, by_id
        self._order = tuple(dict.fromkeys(table.values() if dataset is None else dataset.classes))
        used = keys_of(row.label for row in listing.rows)
        found = self._names_of(used)
        renamed = parse_renames(mapping, {*table.values(), *found.values(), *map(_text, used)}, listing.file, problems)
        found |= {key: _text(key) for key in used if _text(key) in renamed}
        left = [key for key in used if key not in found and _number(key) is not None]
        if left and table and by_id and (shift := _shift([n for k in used if (n := _number(k)) is not None], table)):
            problems.add("error", "shifted category ids", shift[0], file=listing.file, remedy=shift[1])
            found |= dict.fromkeys(left, "")
        elif left and not by_id and not listing.document and not listing.classes:
            found |= self._numbered([key for key in used if _number(key) is not None], renamed)
        names = {key: renamed.get(name, name) for key, name in found.items()}
        listed = [renamed.get(name, name) for name in table.values()] if dataset is None or not listing.classes else []
        listed = listed or [*(dataset.classes if dataset is not None else ()), *sorted(set(names.values()))]
        if dataset is not None:
            once = list(dict.fromkeys([*listed, *names.values()]))
            same = match_classes(once, dataset.classes, listing.file, problems)
            names = {key: same[name] for key, name in names.items()}
            listed = [same[name] for name in listed]
        self.classes = tuple(label for label in dict.fromkeys([*listed, *names.values()]) if label)
        self._names: dict[Key, str] = {(type(key), key): name for key, name in names.items()}

    def __call__(self, value: Any) -> str:
        """The name; "" where what is wrong with all classes is a problem already. Raises Fault."""
        name = self._names.get((type(value), value)) if type(value) in KEYS else None
        if name is None:
            raise Fault("unknown class", f"category_id {value} is unknown" if value is not None else "has no class")
        return name

    def _names_of(self, used: Sequence[Any]) -> dict[Any, str]:
        """What the table calls these, and what are names themselves."""
        table, first = self._table, self._listing.first
        if first is not None and not self._listing.classes and (first == 0 or _is_counted(table, self._order)):
            table = {}  # the tool counts the classes, whatever ids the ground truth has
        ids = Ids(table)
        known = {key: table[same] for key in used if (same := ids.find(key)) is not None}
        names = {*self._table.values(), *self._order}
        closed = self._by_id and bool(self._table)  # where rows have ids, only a name that is known is one
        texts = [key for key in used if isinstance(key, str) and key not in known and _number(key) is None]
        return known | {key: clean for key in texts if (clean := clean_label(key)) and (not closed or clean in names)}

    def _numbered(self, keys: Sequence[Any], renamed: Mapping[str, str]) -> dict[Any, str]:
        """The classes of numbers in the order of the classes; what is wrong with them is a problem."""
        keys = [key for key in keys if _text(key) not in renamed]
        numbers = {key: number for key in keys if (number := _number(key)) is not None}
        low, high, count = min(numbers.values()), max(numbers.values()), len(self._order)
        starts = [first for first in (0, 1) if first <= low and high < count + first]
        file, remedy = self._listing.file, f"say what each means: --map {low}=NAME"
        if self._listing.first in starts or len(starts) == 1:
            first = self._listing.first if self._listing.first in starts else starts[0]
            names = {key: self._order[number - first] for key, number in numbers.items()}
            example = ", ".join(f"{n} is {self._order[n - first]!r}" for n in range(first, first + min(count, SHOWN)))
            what = f"class numbers count from {first}, in the order of the data's classes: {example}"
            self._problems.add("note", "class numbers", what, file=file)
            return names
        if not count:
            what = "classes are numbers, and nothing says which; they need the data they were made on"
        elif starts:
            what = f"class numbers go from {low} to {high} of {count} classes: they may count from 0 or from 1"
        else:
            what = f"class numbers go from {low} to {high}, and the data has {count} classes"
        self._problems.add("error", "class numbers", what, file=file, remedy=remedy)
        return dict.fromkeys(keys, "")


def parse_renames(given: Sequence[str], known: set[str], file: str, problems: Problems) -> dict[str, str]:
    """From old class to new, as `--map` gives it; an old one that the predictions do not have is noted.

    Raises ConfigError as `parse_mapping`.
    """
    mapping: dict[str, str] = {}
    for text in given:
        old = text.partition("=")[0].strip()
        found = parse_mapping([text], [*known, old])
        if "=" in text and old in found and old not in known:
            close = get_close_matches(old, known, n=1)
            what = f"--map {text}: the predictions have no class {old!r}"
            remedy = f"did you mean {close[0]!r}?" if close else ""
            problems.add("note", "nothing to map", what, file=file, remedy=remedy)
        else:
            mapping |= found
    return mapping


def _shift(numbers: Sequence[int], table: Names) -> tuple[str, str] | None:
    """What to say, and the remedy, where all ids are one lower or one higher than those of the table; else None."""
    ids = sorted(key for key in table if isinstance(key, int))
    for step, where in ((1, "counted from 0, one lower"), (-1, "one higher")):
        if ids and all(number + step in table for number in numbers):
            what = (
                f"category ids go from {min(numbers)} to {max(numbers)}, those of the ground truth from {ids[0]} to "
                f"{ids[-1]}: they look shifted, {where} than they should be"
            )
            low = min(numbers)
            return what, f"write the ids of the ground truth, or say what each means: --map {low}={table[low + step]}"
    return None


def _is_counted(table: Names, order: Sequence[str]) -> bool:
    """Tell whether the ids of these classes are numbers from 0 or 1 without a gap, or there is no table."""
    ids = sorted(key for key, name in table.items() if isinstance(key, int) and name in order)
    return not table or ids in (list(range(len(ids))), list(range(1, len(ids) + 1)))


def _number(key: Any) -> int | None:
    """The whole number that an id is, also as text or as 3.0; else None."""
    if isinstance(key, str):
        return int(key) if key.strip().isdecimal() else None
    return int(key) if abs(key) < LARGEST and key == int(key) else None


def _text(key: Any) -> str:
    return f"{key:g}" if isinstance(key, float) else str(key)
