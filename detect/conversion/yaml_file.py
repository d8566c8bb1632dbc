"""YAML mappings whose every scalar is text, so that a class called `no` or `1` stays what it is."""

from __future__ import annotations

import re
from itertools import accumulate
from pathlib import Path
from typing import Any

from detect.conversion.text import decode, read_bytes
from detect.errors import DataError, Problem

_DEEP = 50


def load(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty where it holds something else. Raises DataError where it is no YAML."""
    import yaml

    text = decode(read_bytes(path), path)
    brackets = re.findall(r"[\[\]{}]", text)
    if max(accumulate(1 if bracket in "[{" else -1 for bracket in brackets), default=0) > _DEEP:
        raise _no_yaml(path, "is nested too deeply")  # the parser's time grows with the square of the depth
    try:
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 makes text only
    except (yaml.YAMLError, RecursionError) as error:
        raise _no_yaml(path, f"is not good YAML: {' '.join(str(error).split())}") from error
    return {str(key): value for key, value in document.items()} if isinstance(document, dict) else {}


def _no_yaml(path: Path, what: str) -> DataError:
    return DataError(Problem("error", "no YAML", what, str(path)))
