"""LabelMe JSON: one file per image with its shapes, in pixels; a rectangle is two opposite corners.

Source: https://github.com/wkentaro/labelme
"""

from __future__ import annotations

from math import hypot
from posixpath import normpath
from typing import Any

from detect.conversion import json_file, json_kinds
from detect.conversion.entries import Corners, Entry, FileReader, assemble, without_annotations
from detect.conversion.names import is_foreign, posix
from detect.conversion.shapes import extent
from detect.conversion.source import Source
from detect.conversion.tidy import Found, Labels
from detect.conversion.unread import lost_photos
from detect.data import NONE, Attributes, Box, Dataset, Value
from detect.errors import DataError
from detect.progress import track

_NAMED = r'"imagePath"\s*:\s*"([^"\\]*)"'
"""What tells the image of a file that is no good JSON."""

_NO_BOX = ("point", "points", "line")


def recognise(source: Source) -> bool:
    """JSON objects with shapes."""
    return json_kinds.any_of(source, "labelme")


def read(source: Source) -> Dataset:
    """Every JSON file with shapes; the image is the one that imagePath names, relative to the file.

    LabelMe writes no file for a photo on which nothing was drawn: photos without one have no boxes.
    """
    files = json_kinds.files_of(source, "labelme")
    if not files:
        raise DataError(f"{source.path}: there is no LabelMe JSON in it")
    labels = Labels(source.problems, closed=False)
    entries: list[Entry] = []
    lost: dict[str, str] = {}
    for file in track(files, "Reading LabelMe"):
        if entry := _entry(FileReader(source, file, labels)):
            entries.append(entry)
        else:
            lost |= lost_photos(file, _NAMED, source)
    for entry in entries:
        entry.boxes.whole &= entry.listed.photo not in lost
    return assemble([*entries, *without_annotations(entries, source, set(files), lost)], labels, source)


def _entry(reader: FileReader) -> Entry | None:
    document = json_file.load_for(reader)
    if document is None:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("shapes"), list):
        reader.add("error", "not a LabelMe file", 'must be an object with "shapes"')
        return None
    boxes, since = Found(), len(reader.source.problems)
    for place, row in json_file.rows(reader, document["shapes"], "shape"):
        if box := _box(row, reader, f"shape {place}"):
            boxes.add(place, box)
    boxes.check(reader.source.problems, since)
    size = json_file.numbers(document, ("imageWidth", "imageHeight"))
    whole = (int(size[0]), int(size[1])) if size and all(0 < value < 1e9 for value in size) else None
    flags = document.get("flags")
    return reader.entry(_image_path(document, reader), boxes, "shape", size=whole, attributes=_flags(flags))


def _image_path(document: dict[str, Any], reader: FileReader) -> str:
    """ImagePath seen from the source; where it names no image that is there, the file's own name."""
    stated = document.get("imagePath")
    name = stated if isinstance(stated, str) else ""
    if name and not is_foreign(name):  # a path from the file's own folder
        folder = reader.file.rpartition("/")[0]
        name = posix(normpath("/".join((folder, name.replace("\\", "/")))))
    photos = reader.source.photos
    if name and photos.find(name):
        return name
    own = photos.find(reader.file, by_stem=True)
    if len(own) == 1:
        reader.add("repaired", "wrong imagePath", f"says {stated!r}; taken for {own[0]} by the name of the file")
        return own[0]
    return name or reader.file.removesuffix(".json")


def _box(row: dict[str, Any], reader: FileReader, where: str) -> Box | None:
    kind = row.get("shape_type", "polygon")  # the first versions had polygons only, and did not say so
    if not isinstance(kind, str):
        reader.add("error", "no shape", '"shape_type" must be text', where)
        return None
    points = json_file.points(row.get("points"))
    if points is None:
        reader.add("error", "not a number", '"points" must be pairs of numbers', where)
        return None
    corners = _corners(kind, points)
    if corners is None:
        what = "open line" if kind == "linestrip" else kind
        reader.add("dropped", f"{kind} not converted", f"a {what} is no box", where)
        return None
    label = row.get("label")
    became = {"rectangle": "", "oriented_rectangle": "rotated box"}.get(kind, kind)
    return reader.box(label if isinstance(label, str) else None, corners, where, _attributes(row), became)


def _corners(kind: str, points: list[tuple[float, float]]) -> Corners | None:
    """The upright box of a shape; None where it encloses nothing."""
    if kind in _NO_BOX or (kind == "linestrip" and (len(points) < 4 or points[0] != points[-1])):
        return None
    if kind == "circle" and len(points) == 2:  # the centre and a point on the circle
        (x, y), (u, v) = points
        radius = hypot(u - x, v - y)
        return x - radius, y - radius, x + radius, y + radius
    x1, y1, x2, y2 = extent(points)
    rim = 1 if kind == "mask" else 0  # of a mask the points are its first and last pixel, and not edges
    return x1, y1, x2 + rim, y2 + rim


def _attributes(row: dict[str, Any]) -> Attributes:
    found: dict[str, Value] = dict(_flags(row.get("flags")))
    if isinstance(group := row.get("group_id"), int | str):
        found["group_id"] = group
    if isinstance(text := row.get("description"), str) and text:
        found["description"] = text
    return Attributes(found) if found else NONE


def _flags(flags: Any) -> Attributes:
    """The flags that are set."""
    values = flags.items() if isinstance(flags, dict) else ()
    found = {str(name): value for name, value in values if value is True or (isinstance(value, str) and value)}
    return Attributes(found) if found else NONE
