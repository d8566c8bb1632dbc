"""JSON files, with an error that names the place; NaN is let through so that it can be reported where it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect.conversion.text import decode, read_bytes
from detect.errors import DataError, Problem

if TYPE_CHECKING:
    from detect.conversion.entries import FileReader


def load(path: str | Path) -> Any:
    """The content of a JSON file. Raises DataError where it cannot be read or is no JSON."""
    import orjson

    data = read_bytes(path)
    try:
        return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        first = error
    if b"NaN" in data or b"Infinity" in data or b"\0" in data[:4]:
        try:
            return json.loads(data.decode(json.detect_encoding(data)))
        except (ValueError, RecursionError):  # no JSON, or a number of more than 4300 digits
            pass
    else:
        decode(data, path)
    where = f"line {first.lineno}, column {first.colno}"
    raise DataError(Problem("error", "no JSON", f"is not good JSON: {first.msg}", str(path), where))


def dump(document: Any) -> bytes:
    """The document as the bytes of a JSON file."""
    import orjson

    return orjson.dumps(document)


def load_for(reader: FileReader) -> Any:
    """The content of a reader's file; None, and the error noted, where it cannot be read."""
    try:
        return load(reader.path)
    except DataError as error:
        reader.source.problems.items.extend(error.problems)
        return None


def rows(reader: FileReader, values: Any, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(position from 1, row) of the objects in a list; anything else is an error. None holds nothing."""
    if values is not None and not isinstance(values, list):
        reader.add("error", "no list", f"{what}: expected a list, got {type(values).__name__}")
    elif values is not None:
        for place, row in enumerate(values, 1):
            if isinstance(row, dict):
                yield place, row
            else:
                reader.add("error", "no object", f"must be an object, not {type(row).__name__}", f"{what} {place}")


def numbers(values: Mapping[str, Any], keys: Sequence[str]) -> list[float] | None:
    """The numbers at these keys, NaN included; None where one is missing or is none."""
    found = [_number(values.get(key)) for key in keys]
    return None if None in found else found  # type: ignore[return-value]


def points(values: Any) -> list[tuple[float, float]] | None:
    """The pairs (x, y) in a list of lists; None where it is something else, or empty."""
    if not isinstance(values, list) or not values:
        return None
    found: list[tuple[float, float]] = []
    for pair in values:
        x, y = map(_number, pair) if isinstance(pair, list) and len(pair) == 2 else (None, None)
        if x is None or y is None:
            return None
        found.append((x, y))
    return found


def _number(value: Any) -> float | None:
    """The value as a float; None where it is no number, or a whole one that no float can hold."""
    try:
        return float(value) if type(value) in (int, float) else None
    except OverflowError:
        return None
