"""CVAT for images 1.1: one XML for a task, a job or a whole project.

A box is xtl, ytl, xbr, ybr in pixels, edges as ours. Shapes that are no upright boxes become the boxes around them.
Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree.ElementTree import Element

from detect.conversion import safe_xml, stated
from detect.conversion.cvat.plain import Plain, items
from detect.conversion.cvat.reader import CvatReader, kind_of, read_files
from detect.conversion.cvat.writer import write
from detect.conversion.entries import Entry
from detect.conversion.names import split_name
from detect.conversion.sizes import Size
from detect.conversion.source import Source
from detect.conversion.tidy import NEW, Found
from detect.data import NONE, Box, Dataset

__all__ = ["read", "recognise", "write"]

CLOUDS = frozenset({".pcd", ".bin", ".ply", ".las", ".laz"})
"""The endings of files of points in space, which tasks in 3D are about."""


def recognise(source: Source) -> bool:
    """XML whose root is <annotations> and holds images."""
    return any(kind_of(source, file) == "image" for file in safe_xml.telling(source.root, source.with_suffix(".xml")))


def read(source: Source) -> Dataset:
    """Every image of every XML file, called as its `name` says."""
    return read_files(source, "image", _entries)


def _entries(reader: CvatReader, advance: Callable[[], None]) -> list[Entry]:
    """The images of one XML file, read as a stream. Where the file breaks off is an error; what came before counts."""
    entries: list[Entry] = []
    tracks: list[str] = []
    try:
        for item in items(Path(reader.reader.path), tracks):
            if isinstance(item, Element) and item.tag == "meta":
                reader.take_meta(item)
            elif entry := _entry(reader, item):
                entries.append(entry)
                advance()
    except safe_xml.BrokenXML as error:
        reader.broken(error)
    reader.settle((entry.boxes for entry in entries), f"{len(tracks)} <track>" if tracks else "")
    return entries


def _entry(reader: CvatReader, image: Element | Plain) -> Entry | None:
    """One image with its shapes; None, and reported, where it has no name."""
    if isinstance(image, Plain):
        number, name, subset, task, *_ = image
    else:
        number, name, subset, task = (image.get(key, "") for key in ("id", "name", "subset", "task_id"))
    size = image.size if isinstance(image, Plain) else _size(image)
    file, source, where = reader.reader, reader.reader.source, f"image {number}"
    if not name:
        file.add("error", "image without name", "needs a name", where)
        return None
    if name[-4:].lower() in CLOUDS:
        file.add("error", "point cloud", f"{name!r} is a point cloud of a 3D task, no photo", where)
        return None
    subset = subset or (reader.tasks[task].subset if task in reader.tasks else "") or reader.subset
    near, part = [subset, reader.near], subset or reader.folder
    listed = stated.find(name, part, near, source.photos, (file.path, where), source.problems)
    unit = f"image {name}: shape"
    boxes = _plain_boxes(reader, image, unit) if isinstance(image, Plain) else _boxes(reader, image, unit)
    return Entry(listed, split_name(subset) if subset else None, size, boxes, file.path, unit)


def _boxes(reader: CvatReader, image: Element, unit: str) -> Found:
    """The boxes of an image; it is not whole where a shape cannot be read, or where there are shapes but no box."""
    found, problems = Found(), reader.reader.source.problems
    since, others = len(problems), 0
    for place, shape in enumerate(image, 1):
        if box := reader.box(shape, shape.get("label"), f"{unit} {place}"):
            found.add(place, box)
        else:
            others += shape.tag != "tag"  # which is of the whole image
    found.check(problems, since)
    found.whole &= bool(found.boxes) or not others
    return found


def _plain_boxes(reader: CvatReader, image: Plain, unit: str) -> Found:
    """The same of plain boxes, of which there may be a million."""
    found, numbers, known = Found(), reader.numbers, reader.reader.labels.names
    for place, (name, x1, y1, x2, y2) in enumerate(image.boxes, 1):
        label = known.get(name) or reader.reader.labels(name, reader.reader.path, f"{unit} {place}")
        if label is not None:
            corners = numbers[x1], numbers[y1], numbers[x2], numbers[y2]
            found.boxes.append(NEW(Box, (label, *corners, None, NONE)))
            found.places.append(place)
        else:
            found.whole = False
    reader.boxes += len(found.boxes)
    return found


def _size(node: Element) -> Size | None:
    try:
        return int(node.get("width", "0")), int(node.get("height", "0"))
    except ValueError:
        return None
