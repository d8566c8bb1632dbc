"""VGG Image Annotator JSON: projects and exports of VIA 1 and 2 (regions as mapping or list), projects of VIA 3.

A rectangle is x, y, width, height in pixels. Which of a region's attributes is its label is not stated.
Source: https://www.robots.ox.ac.uk/~vgg/software/via/, https://gitlab.com/vgg/via
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import degrees
from typing import Any

from detect.conversion import json_file, json_kinds
from detect.conversion.entries import Corners, Entry, FileReader, assemble
from detect.conversion.shapes import extent, turned_ellipse
from detect.conversion.source import Source
from detect.conversion.tidy import Found, Labels
from detect.data import NONE, Attributes, Box, Dataset, Value
from detect.errors import DataError
from detect.progress import track

LABEL_NAMES = ("label", "class", "name", "type", "category", "object", "damage", "cls")
"""The attributes of regions that are taken for their label, the first that a file has.

Else it is the one that VIA was set to show on the regions, or the only one.
"""

_CODES = {
    1: "point",
    2: "rect",
    3: "circle",
    4: "ellipse",
    5: "line",
    6: "polyline",
    7: "polygon",
    8: "extreme rectangle",
    9: "extreme circle",
}
_KEYS = {
    "rect": ("x", "y", "width", "height"),
    "circle": ("cx", "cy", "r"),
    "ellipse": ("cx", "cy", "rx", "ry"),
}


def recognise(source: Source) -> bool:
    """JSON of a VIA project, or regions by file."""
    return json_kinds.any_of(source, "via")


def read(source: Source) -> Dataset:
    """Every image of every JSON file of that kind."""
    files = json_kinds.files_of(source, "via")
    if not files:
        raise DataError(f"{source.path}: there is no VIA JSON in it")
    labels = Labels(source.problems, closed=False)
    entries = [entry for file in track(files, "Reading VIA") for entry in _entries(FileReader(source, file, labels))]
    return assemble(entries, labels, source)


def _entries(reader: FileReader) -> Iterator[Entry]:
    document = json_file.load_for(reader)
    if document is None:
        return
    if isinstance(document, list) and document:  # the values of an export, as scripts for Mask R-CNN save them
        document = {str(place): row for place, row in enumerate(document, 1)}
    if not isinstance(document, dict):
        reader.add("error", "not a VIA file", "must be an object")
    elif isinstance(document.get("metadata"), dict) and isinstance(document.get("file"), dict):
        yield from _third(document, reader)
    else:
        yield from _second(document, reader)


def _second(document: dict[str, Any], reader: FileReader) -> Iterator[Entry]:
    """The images of VIA 1 and 2."""
    images = document.get("_via_img_metadata", document)
    if not isinstance(images, dict):
        reader.add("error", "not a VIA file", '"_via_img_metadata" must be an object')
        return
    label = _label_name(document, [row for row in images.values() if isinstance(row, dict)])
    for key, row in images.items():
        if isinstance(row, dict) and isinstance(row.get("filename"), str) and row["filename"]:
            yield _image(row, label, reader)
        elif not key.startswith("_via"):
            reader.add("error", "image without name", "needs a filename", f"image {key}")


def _image(row: dict[str, Any], label_name: str | None, reader: FileReader) -> Entry:
    where, boxes, since = f"image {row['filename']}", Found(), len(reader.source.problems)
    for place, region in json_file.rows(reader, _regions(row), f"{where}: region"):
        here = f"{where}: region {place}"
        shape = region.get("shape_attributes")
        if not isinstance(shape, dict) or not isinstance(shape.get("name"), str):
            reader.add("error", "no shape", "needs shape_attributes with a name", here)
            continue
        label, attributes = _label(region.get("region_attributes"), label_name, reader, here)
        if box := _box(shape["name"], shape, label, attributes, reader, here):
            boxes.add(place, box)
    boxes.check(reader.source.problems, since)
    name, attributes = _name(row["filename"], reader), _values(row.get("file_attributes"))
    return reader.entry(name, boxes, f"{where}: region", where=where, attributes=attributes)


def _regions(row: dict[str, Any]) -> Any:
    """The regions of an image: a list, in VIA 1 a mapping by their number."""
    regions = row.get("regions")
    return list(regions.values()) if isinstance(regions, dict) else regions


def _name(filename: str, reader: FileReader) -> str:
    """A file name; of an address the path, or where its photo is."""
    from urllib.parse import unquote

    if "://" not in filename:
        return filename
    path = unquote(filename.partition("://")[2].partition("/")[2].partition("?")[0])
    found = reader.source.photos.find(path)
    return found[0] if len(found) == 1 else path or filename


def _third(document: dict[str, Any], reader: FileReader) -> Iterator[Entry]:
    """The images of a VIA 3 project: `metadata` refers to a view, a view to files, `av` to attributes."""
    names: dict[str, str] = {}
    for key, row in document["file"].items():
        if isinstance(row, dict) and isinstance(row.get("fname"), str) and row["fname"]:
            names[key] = _name(row["fname"], reader)
        else:
            reader.add("error", "image without name", "needs an fname", f"file {key}")
    found = {key: Found() for key in names}
    whole: dict[str, dict[str, Value]] = {key: {} for key in names}
    rows = [row for row in document["metadata"].values() if isinstance(row, dict)]
    label_name = _third_label_name(document, [row for row in rows if row.get("xy")])
    for key, row in document["metadata"].items():
        where, since = f"metadata {key}", len(reader.source.problems)
        file = _file_of(row, document)
        if file not in names:
            reader.add("error", "unknown vid", "refers to no file", where)
        elif row.get("xy") in (None, []):  # a remark on the whole file
            whole[file].update(_values(_third_attributes(row, document)))
        elif box := _third_box(row, label_name, document, reader, where):
            found[file].add(key, box)
        if file in found:
            found[file].check(reader.source.problems, since)
    for key, name in names.items():
        yield reader.entry(name, found[key], "metadata", where=f"file {key}", attributes=Attributes(whole[key]))


def _file_of(row: Any, document: dict[str, Any]) -> str:
    """The key of the file that a metadata refers to; "" where there is none."""
    views = document.get("view")
    view = views.get(str(row.get("vid"))) if isinstance(views, dict) and isinstance(row, dict) else None
    files = view.get("fid_list") if isinstance(view, dict) else None
    return str(files[0]) if isinstance(files, list) and files else ""


def _third_box(
    row: dict[str, Any], label_name: str | None, document: dict[str, Any], reader: FileReader, where: str
) -> Box | None:
    points = json_file.points([[0, value] for value in row["xy"]]) if isinstance(row["xy"], list) else None
    if points is None:
        reader.add("error", "not a number", '"xy" must be numbers', where)
        return None
    code, *values = (value for _, value in points)
    kind = _CODES.get(code, "unknown shape")  # type: ignore[call-overload]
    label, attributes = _label(_third_attributes(row, document), label_name, reader, where)
    return _box(kind, _shape(kind, values), label, attributes, reader, where)


def _third_attributes(row: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a VIA 3 metadata as VIA 2 has them; there options are chosen by their number."""
    kinds, values = document.get("attribute"), row.get("av")
    found: dict[str, Any] = {}
    for number, value in values.items() if isinstance(values, dict) else ():
        kind = kinds.get(number) if isinstance(kinds, dict) else None
        kind = kind if isinstance(kind, dict) else {}
        options = kind.get("options")
        if isinstance(options, dict) and isinstance(value, str):
            boxes = kind.get("type") == 2  # check boxes: "0,2"
            chosen = [str(options.get(one, one)) for one in (value.split(",") if boxes else [value])]
            value = dict.fromkeys(chosen, True) if boxes else chosen[0]
        found[str(kind.get("aname", number))] = value
    return found


def _shape(kind: str, values: list[float]) -> dict[str, Any]:
    """The coordinates of a VIA 3 shape as VIA 2 names them."""
    if kind in _KEYS:
        return dict(zip(_KEYS[kind], values, strict=False))
    return {"all_points_x": values[::2], "all_points_y": values[1::2]}


def _box(
    kind: str, shape: Mapping[str, Any], label: str | None, attributes: Attributes, reader: FileReader, where: str
) -> Box | None:
    try:
        corners = _corners(kind, shape)
    except ValueError:
        reader.add("error", "not a number", f"a {kind} needs its coordinates as numbers", where)
        return None
    if corners is None:
        reader.add("dropped", f"{kind} not converted", f"a {kind} is no box", where)
        return None
    return reader.box(label, corners, where, attributes, "" if kind in ("rect", "extreme rectangle") else kind)


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
        turn = json_file.numbers({"theta": 0, **shape}, ("theta",))
        if turn is None:
            raise ValueError
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


def _label_name(document: dict[str, Any], images: list[dict[str, Any]]) -> str | None:
    """Which attribute of the regions of VIA 1 and 2 is their label."""
    lists = [regions for row in images if isinstance(regions := _regions(row), list)]
    used = [region.get("region_attributes") for regions in lists for region in regions if isinstance(region, dict)]
    declared = _at(document, "_via_attributes", "region")
    return _chosen([declared, *used], _at(document, "_via_settings", "ui", "image", "region_label"))


def _third_label_name(document: dict[str, Any], rows: list[dict[str, Any]]) -> str | None:
    """Which attribute of the regions of VIA 3 is their label."""
    shown = str(_at(document, "config", "ui", "spatial_region_label_attribute_id"))
    return _chosen([_third_attributes(row, document) for row in rows], _at(document, "attribute", shown, "aname"))


def _chosen(attributes: list[Any], shown: Any) -> str | None:
    """The name of the label among the attributes of all regions; `shown` is the one that VIA shows on them."""
    names = list(dict.fromkeys(str(name) for one in attributes if isinstance(one, dict) for name in one))
    usual = [name for name in names if name.lower() in LABEL_NAMES]
    if usual:
        return min(usual, key=lambda name: LABEL_NAMES.index(name.lower()))
    if shown in names:
        return str(shown)
    return names[0] if len(names) == 1 else None


def _at(document: Any, *keys: str) -> Any:
    """What stands below these keys; None where one of them is missing."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _label(attributes: Any, name: str | None, reader: FileReader, where: str) -> tuple[str | None, Attributes]:
    """The label among a region's attributes, and the others. Of check boxes the first that is ticked counts."""
    values = dict(_values(attributes))
    if name is None or name not in values:
        return None, Attributes(values) if values else NONE
    label = str(values.pop(name))
    if isinstance(attributes[name], dict):
        ticked = _ticked(attributes[name])
        label = ticked[0]
        if len(ticked) > 1:
            reader.add("dropped", "further label", f"has the labels {ticked}; the first counts", where)
    return label, Attributes(values) if values else NONE


def _ticked(boxes: dict[str, Any]) -> list[str]:
    return [option for option, ticked in boxes.items() if ticked]


def _values(attributes: Any) -> Attributes:
    """Attributes as flat values; of check boxes those that are ticked."""
    found: dict[str, Value] = {}
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        if isinstance(value, dict):
            value = ", ".join(_ticked(value))
        if isinstance(value, str | int | float) and value != "":
            found[str(name)] = value
    return Attributes(found) if found else NONE
