"""Dataset descriptions: a YAML file that says where a dataset lies, its format, its classes and its licence.

Accepted wherever a command takes data. The template with every key explained is datasets/template.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from detect.convert.names import without_containers
from detect.convert.text import decode, read_bytes
from detect.convert.tidy import Labels, gathered
from detect.data import Dataset, Image
from detect.errors import ConfigError, DataError, Problems

Reader = Callable[[Path, Path | None, str], Dataset]
"""(path, folder of images, format) -> Dataset"""

KEYS = ("title", "format", "root", "path", "images", "classes", "map", "licence", "homepage", "get", "notes")


def is_description(path: Path) -> bool:
    """Is this a YAML file with a `format:` key?"""
    return path.suffix.lower() in (".yaml", ".yml") and path.is_file() and "format" in _load(path)


def read_description(path: Path, read: Reader, problems: Problems) -> Dataset:
    """The dataset that a description speaks of; `read` reads one of its parts.

    Raises ConfigError for wrong keys or values, all at once, and DataError where the data is not there.
    """
    document = _load(path)
    _check(document, path)
    root = path.parent / str(document.get("root", "."))
    parts = [(*part, root) for part in _parts(document)]
    _check_places(path, document, [place for _, *places, _ in parts for place in places if place], root)
    ...
