"""YAML mappings whose every scalar is text, so that a class called `no` or `1` stays what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detect.convert.text import decode, read_bytes
from detect.errors import DataError


def load(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty where it holds something else. Raises DataError where it is no YAML."""
    import yaml

    try:
        document = yaml.load(decode(read_bytes(path), path), Loader=yaml.BaseLoader)  # noqa: S506 makes text only
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{path}: is not good YAML: {' '.join(str(error).split())}") from error
    return {str(key): value for key, value in document.items()} if isinstance(document, dict) else {}
