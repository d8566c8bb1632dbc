"""What a JSON file holds: by its beginning where that says so, else by the structure of the whole document.

The order of keys means nothing, and what stands first may be longer than any beginning (a photo as text, the
outlines of a thousand boxes, white space): a beginning can say what a file is, never what it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from detect.conversion import json_file
from detect.errors import DataError

if TYPE_CHECKING:
    from detect.conversion.source import Source

BROKEN = "broken"
"""The kind of a file that is no good JSON, or cannot be opened: it may be of any."""

Row = dict[str, Any]


class _Kind(NamedTuple):
    """`begins`: what the beginnings of nearly all files have, each of it; `fits`: whether a document is of the kind."""

    begins: tuple[re.Pattern[str], ...]
    fits: Callable[[Any], bool]


def _is_labelme(document: Any) -> bool:
    shapes = document.get("shapes") if isinstance(document, dict) else None
    if not isinstance(shapes, list):
        return False
    of_shapes = {key for shape in shapes if isinstance(shape, dict) for key in shape}
    return bool(_LABELME & document.keys() or {"points", "shape_type"} & of_shapes)


def _is_via(document: Any) -> bool:
    """Of a project its own keys, else images with regions, in a mapping or a list."""
    if isinstance(document, dict):
        if "_via_img_metadata" in document or "_via_settings" in document:
            return True
        if all(isinstance(document.get(key), dict) for key in ("metadata", "file", "view")):
            return True
    values = list(document.values()) if isinstance(document, dict) else document
    return any("filename" in row and "regions" in row for row in _rows(values))


def _is_coco(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("images"), list)


def _is_results(document: Any) -> bool:
    return any("image_id" in row and "score" in row for row in _rows(document))


def _is_tasks(document: Any) -> bool:
    """Tasks of Label Studio, or in JSON-MIN what they hold."""
    return any(
        isinstance(row.get("data"), dict)
        or "lead_time" in row
        or any("result" in made for key in ("annotations", "completions") for made in _rows(row.get(key)))
        or any("original_width" in region for regions in row.values() for region in _rows(regions))
        for row in _rows(document)
    )


def _is_createml(document: Any) -> bool:
    return any(
        any(isinstance(row.get(key), str) for key in ("image", "imagefilename"))
        and any(isinstance(row.get(key), list) for key in ("annotations", "annotation"))
        for row in _rows(document)
    )


def _rows(values: Any) -> list[Row]:
    """The objects in a list."""
    return [row for row in values if isinstance(row, dict)] if isinstance(values, list) else []


_LABELME = {"imagePath", "imageHeight", "imageData", "flags", "version"}
_OBJECT, _LIST = re.compile(r"\s*\{"), re.compile(r"\s*\[\s*\{")


def _all(opening: re.Pattern[str], *patterns: str) -> tuple[re.Pattern[str], ...]:
    return (opening, *(re.compile(pattern) for pattern in patterns))


_KINDS = {
    "labelme": _Kind(
        _all(_OBJECT, r'"shapes"\s*:\s*\[', r'"(?:imagePath|imageHeight|shape_type|flags|version)"\s*:'), _is_labelme
    ),
    "via": _Kind(_all(_OBJECT, r'"(?:_via_settings|_via_img_metadata|shape_attributes|fid_list)"\s*:'), _is_via),
    "coco": _Kind(_all(_OBJECT, r'"images"\s*:\s*\[\s*\{[^{}]*"file_name"\s*:'), _is_coco),
    "coco-results": _Kind((re.compile(r'\s*\[\s*\{(?=[^{}]*"image_id"\s*:)(?=[^{}]*"score"\s*:)'),), _is_results),
    "label-studio": _Kind(
        _all(_LIST, r'"(?:data"\s*:\s*\{|result"\s*:\s*\[|lead_time"\s*:|original_width"\s*:)'), _is_tasks
    ),
    "createml": _Kind(
        _all(_LIST, r'"(?:image|imagefilename)"\s*:\s*"', r'"annotations?"\s*:\s*\[', r'"coordinates"\s*:\s*\{'),
        _is_createml,
    ),
}


def kind_of(document: Any) -> str:
    """The kind of a whole document, "" where it is none."""
    return next((name for name, kind in _KINDS.items() if kind.fits(document)), "")


def kind_at(source: Source, file: str) -> str:
    """The kind of one of the source's files, BROKEN, or "" for others. A file is looked at once."""
    if file not in source.json_kinds:
        source.json_kinds[file] = _kind_at(source, file)
    return source.json_kinds[file]


def _kind_at(source: Source, file: str) -> str:
    try:
        head = source.head(file)
        found = [name for name, kind in _KINDS.items() if _begins(head, kind)]
        return found[0] if len(found) == 1 else kind_of(json_file.load(source.root / file))
    except (OSError, DataError):
        return BROKEN


def _begins(head: str, kind: _Kind) -> bool:
    opening, *others = kind.begins
    return opening.match(head) is not None and all(pattern.search(head) for pattern in others)


def any_of(source: Source, kind: str) -> bool:
    """Whether one of the JSON files is of this kind."""
    return any(kind_at(source, file) == kind for file in source.with_suffix(".json"))


def broken(source: Source) -> list[str]:
    """Some of the JSON files that cannot be read."""
    return [file for file in source.with_suffix(".json") if kind_at(source, file) == BROKEN][:3]


def files_of(source: Source, kind: str) -> list[str]:
    """The JSON files of this kind, and those that are broken, since they may be; of a single file, that file."""
    files = source.with_suffix(".json")
    return files if source.path.is_file() else [file for file in files if kind_at(source, file) in (kind, BROKEN)]
