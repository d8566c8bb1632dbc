"""What the ids of a COCO document mean: the names that its images and categories have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detect.conversion.coco.ids import Key, key_of
from detect.conversion.names import posix
from detect.conversion.tidy import clean_label
from detect.errors import DataError, Problems

Names = dict[Key, str]


def header_names(header: Any, file: str, problems: Problems) -> tuple[Names, Names]:
    """From id to name of the images, as they are stated, and of the classes, in the order of the ids."""
    if not isinstance(header, dict) or "images" not in header or "categories" not in header:
        raise DataError(f'{file}: must be an object with "images" and "categories"')
    images = _names(header, "images", "file_name", file, problems)
    if len({posix(name) for name in images.values()}) < len(images):
        problems.add("error", "image twice", "two images have the same file_name", file=file)
    names = _names(header, "categories", "name", file, problems)
    order: list[Any] = sorted(names, key=lambda key: (isinstance(key, str), key))
    return images, {key: clean_label(names[key]) for key in order}


def _names(document: Mapping[str, Any], key: str, field: str, file: str, problems: Problems) -> Names:
    """From id to name of the rows in a list of the document."""
    rows = document.get(key)
    names: Names = {}
    if not isinstance(rows, list):
        problems.add("error", "no list", f'"{key}" must be a list', file=file)
        return names
    for place, row in enumerate(rows, 1):
        where = f"{key}: row {place}"
        number = key_of(row.get("id")) if isinstance(row, dict) else None
        if number is None or not isinstance(row.get(field), str):
            problems.add("error", "no name", f"needs an id and a {field}", file=file, where=where)
        elif not posix(row[field]):
            problems.add("error", "no name", f"the {field} {row[field]!r} names nothing", file=file, where=where)
        elif number in names:
            problems.add("error", "duplicate id", f"the id {number} appears twice", file=file, where=where)
        else:
            names[number] = row[field]
    return names
