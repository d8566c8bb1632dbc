"""The ids of a COCO document: whole numbers or text. 7, "7" and 7.0 mean one row where no other row has that id."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cached_property

from detect.errors import Problems

Key = int | str

_EXACT = 2**53
"""Beyond it a decimal number no longer tells one whole number from the next."""

_WHOLE = re.compile(r"\s*(-?(?:0|[1-9][0-9]{0,18}))(?:\.0+)?\s*", re.ASCII)


def key_of(value: object) -> Key | None:
    """The id that a value stands for: 7.0 is 7; None for what is no id (true, null, 0.5, a list)."""
    if type(value) is int or type(value) is str:
        return value
    if type(value) is float and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return None


class Ids:
    """What the rows of one list are called by, and what another list means by an id."""

    def __init__(self, keys: Collection[Key]) -> None:
        self._keys = keys
        self.read: dict[str, str] = {}
        """Ids that were found under another spelling, each with that spelling."""

    def find(self, value: object) -> Key | None:
        """The key of the row with this id; None where there is none, or more than one that it can mean."""
        if type(value) is int and value in self._keys:
            return value  # as nearly always, and there may be a million
        key = key_of(value)
        if key is None:
            return None
        found = key if key in self._keys else self._twins.get(_number(key))
        if found is not None and type(found) is not type(value):
            self.read.setdefault(repr(value), repr(found))
        return found

    @cached_property
    def _twins(self) -> Mapping[int | None, Key | None]:
        """The key that a number can mean; None where two rows have it, one of them as text."""
        twins: dict[int | None, Key | None] = {}
        for key in self._keys:
            number = _number(key)
            twins[number] = None if number in twins else key
        return {**twins, None: None}


def report(ids: Mapping[str, Ids], file: str, problems: Problems) -> None:
    """Say once for each kind of id ("image_id") that some are written otherwise than in their list."""
    for kind, some in ids.items():
        if some.read:
            value, found = next(iter(some.read.items()))
            count = f"{len(some.read)} ids are" if len(some.read) > 1 else "an id is"
            what = f"{count} written otherwise than in the list: {kind} {value} is read as {found}"
            problems.add("repaired", "id of another type", what, file=file)


def _number(key: Key) -> int | None:
    """The whole number that an id is, as a number or as text."""
    if isinstance(key, int):
        return key
    found = _WHOLE.fullmatch(key)
    return int(found[1]) if found else None
