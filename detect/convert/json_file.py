"""JSON files, with an error that names the place; NaN is let through so that it can be reported where it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from detect.convert.text import decode, read_bytes
from detect.errors import DataError


def load(path: str | Path) -> Any:
    """The content of a JSON file. Raises DataError where it cannot be read or is no JSON."""
    import orjson

    data = read_bytes(path)
    try:
        return orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        first = error
    if b"NaN" in data or b"Infinity" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return json.loads(decode(data, path))
        except (json.JSONDecodeError, RecursionError):
            pass
    raise DataError(f"{path}: line {first.lineno}, column {first.colno}: is not good JSON: {first.msg}")
