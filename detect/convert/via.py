"""VGG Image Annotator JSON: projects and exports of VIA 1 and 2 (regions as mapping or list), projects of VIA 3.

A rectangle is x, y, width, height in pixels. Which of a region's attributes is its label is not stated.
Source: https://www.robots.ox.ac.uk/~vgg/software/via/, https://gitlab.com/vgg/via
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import degrees
from typing import Any

from detect.convert import json_file
from detect.convert.pages import Corners, Page, Sheet, assemble
from detect.convert.shapes import extent, turned_ellipse
from detect.convert.source import Source
from detect.convert.tidy import Found, Labels
from detect.data import NONE, Attributes, Box, Dataset, Value
from detect.errors import DataError
from detect.progress import track

HEAD = re.compile(
    r'\s*\{(?=.*"(?:_via_settings|_via_img_metadata|shape_attributes|vid_list|fid_list)"\s*:'
    r'|.*"filename"\s*:.*"regions"\s*:)',
    re.S,
)
LABEL_NAMES = ("label", "class", "name", "type", "category", "object", "damage")
"""The attributes of a region that are taken for its label, the first that is there."""

_CODES = {
    2: "rect",
    3: "circle",
    4: "ellipse",
    6: "polyline",
    7: "polygon",
    8: "extreme rectangle",
}
_KEYS = {
    "rect": ("x", "y", "width", "height"),
    "circle": ("cx", "cy", "r"),
    "ellipse": ("cx", "cy", "rx", "ry"),
}


def recognise(source: Source) -> bool:
    """JSON of a VIA project, or regions by file."""
    return json_file.some_begin(source, HEAD)


def read(source: Source) -> Dataset:
    """Every image of every JSON file of that kind."""
    files = json_file.beginning(source, HEAD)
    if not files:
        raise DataError(f"{source.path}: there is no VIA JSON in it")
    labels = Labels(source.problems, closed=False)
    pages = [page for file in track(files, "Reading VIA") for page in _pages(Sheet(source, file, labels))]
    return assemble(pages, labels, source)


def _pages(sheet: Sheet) -> Iterator[Page]:
    document = json_file.load_for(sheet)
    if document is None:
        return
    if not isinstance(document, dict):
        sheet.add("error", "not a VIA file", "must be an object")
    elif isinstance(document.get("metadata"), dict) and isinstance(document.get("file"), dict):
        yield from _third(document, sheet)
    else:
        images = document.get("_via_img_metadata", document)
        if not isinstance(images, dict):
            sheet.add("error", "not a VIA file", '"_via_img_metadata" must be an object')
            return
        for key, row in images.items():
            if isinstance(row, dict) and isinstance(row.get("filename"), str) and row["filename"]:
                yield _second(row, sheet)
            elif not key.startswith("_via"):
                sheet.add("error", "image without name", "needs a filename", f"image {key}")


def _second(row: dict[str, Any], sheet: Sheet) -> Page:
    """An image of VIA 1 and 2."""
    name, regions = row["filename"], row.get("regions")
    if isinstance(regions, dict):  # VIA 1
        regions = list(regions.values())
    boxes = Found()
    for place, region in json_file.rows(sheet, regions, f"image {name}: region"):
        where = f"image {name}: region {place}"
        shape = region.get("shape_attributes")
        label, attributes = _label(region.get("region_attributes"))
        if not isinstance(shape, dict):
            sheet.add("error", "not a number", "needs shape_attributes", where)
        elif box := _box(str(shape.get("name")), shape, label, attributes, sheet, where):
            boxes.add(place, box)
    said = row.get("file_attributes")
    return sheet.page(name, boxes, f"image {name}: region", where=f"image {name}", attributes=_values(said))


def _third(document: dict[str, Any], sheet: Sheet) -> Iterator[Page]:
    """The images of a VIA 3 project: `metadata` refers to a view, a view to files, `av` to attributes."""
    names = {key: row.get("fname") for key, row in document["file"].items() if isinstance(row, dict)}
    views = document["view"] if isinstance(document.get("view"), dict) else {}
    kinds = document["attribute"] if isinstance(document.get("attribute"), dict) else {}
    titles = {key: str(row.get("aname", key)) for key, row in kinds.items() if isinstance(row, dict)}
    found = {name: Found() for name in names.values() if isinstance(name, str)}
    for key, row in document["metadata"].items():
        where = f"metadata {key}"
        view = views.get(str(row.get("vid"))) if isinstance(row, dict) else None
        files = view.get("fid_list") if isinstance(view, dict) else None
        name = names.get(str(files[0])) if isinstance(files, list) and files else None
        if not isinstance(name, str):
            sheet.add("error", "unknown vid", "refers to no file", where)
            continue
        xy = row.get("xy")
        if not isinstance(xy, list) or not xy:
            continue  # a remark on the whole file
        if not all(type(value) in (int, float) for value in xy):
            sheet.add("error", "not a number", '"xy" must be numbers', where)
            continue
        said = row.get("av") if isinstance(row.get("av"), dict) else {}
        label, attributes = _label({titles.get(number, number): value for number, value in said.items()})
        kind = _CODES.get(int(xy[0]) if abs(xy[0]) < 100 else 0, "point or line")
        if box := _box(kind, _shape(kind, [float(value) for value in xy[1:]]), label, attributes, sheet, where):
            found[name].add(key, box)
    for name, boxes in found.items():
        yield sheet.page(name, boxes, "metadata", where=f"file {name}")


def _shape(kind: str, values: list[float]) -> dict[str, Any]:
    """The coordinates of a VIA 3 shape as VIA 2 names them."""
    if kind in _KEYS:
        return dict(zip(_KEYS[kind], values, strict=False))
    return {"all_points_x": values[::2], "all_points_y": values[1::2]}


def _box(
    kind: str, shape: Mapping[str, Any], label: str | None, attributes: Attributes, sheet: Sheet, where: str
) -> Box | None:
    try:
        corners = _corners(kind, shape)
    except ValueError:
        sheet.add("error", "not a number", f"a {kind} needs its coordinates as numbers", where)
        return None
    if corners is None:
        sheet.add("dropped", f"{kind} not converted", f"a {kind} is no box", where)
        return None
    return sheet.box(label, corners, where, attributes, "" if kind in ("rect", "extreme rectangle") else kind)


def _corners(kind: str, shape: Mapping[str, Any]) -> Corners | None:
    """The upright box of a shape; None where it encloses nothing. Raises ValueError for a missing number."""
    if kind in _KEYS:
        values = json_file.numbers(shape, _KEYS[kind])
        if values is None:
            raise ValueError
        if kind == "rect":
            x, y, w, h = values
            return x, y, x + w, y + h
        radii = values[2:] * 2 if kind == "circle" else values[2:]
        turn = json_file.numbers({"theta": 0, **shape}, ("theta",)) or [0.0]
        return turned_ellipse(values[0], values[1], radii[0], radii[1], degrees(turn[0]))
    if kind not in ("polygon", "polyline", "extreme rectangle"):
        return None
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise ValueError
    points = json_file.points([[x, y] for x, y in zip(xs, ys, strict=True)])
    if points is None:
        raise ValueError
    closed = kind != "polyline" or (len(points) > 3 and points[0] == points[-1])
    return extent(points) if closed else None


def _label(attributes: Any) -> tuple[str | None, Attributes]:
    """The label among a region's attributes, and the others."""
    values = dict(_values(attributes))
    usual = [name for name in values if name.lower() in LABEL_NAMES]
    usual.sort(key=lambda name: LABEL_NAMES.index(name.lower()))
    name = usual[0] if usual else next(iter(values)) if len(values) == 1 else None
    if name is None:
        return None, Attributes(values)
    label = values.pop(name)
    return str(label), Attributes(values) if values else NONE


def _values(attributes: Any) -> Attributes:
    """Attributes as flat values; of check boxes those that are ticked."""
    found: dict[str, Value] = {}
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        if isinstance(value, dict):
            value = ", ".join(str(option) for option, ticked in value.items() if ticked)
        if isinstance(value, str | int | float) and value != "":
            found[str(name)] = value
    return Attributes(found) if found else NONE
