"""CVAT for images 1.1: one XML for a task, a job or a whole project.

A box is xtl, ytl, xbr, ybr in pixels, edges as ours. Shapes that are no upright boxes become the boxes around them.
Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from detect.convert import safe_xml, stated
from detect.convert.cvat_sheet import SHAPES, CvatSheet, files_of, kind_of, no_such_file, usual_box
from detect.convert.cvat_write import write
from detect.convert.names import split_name, without_containers
from detect.convert.pages import Page, assemble
from detect.convert.sizes import Size
from detect.convert.source import Source
from detect.convert.tidy import Found, Labels
from detect.data import Box, Dataset
from detect.progress import bar

__all__ = ["read", "recognise", "write"]


def recognise(source: Source) -> bool:
    """XML whose root is <annotations> and holds images."""
    return any(kind_of(source, file) == "image" for file in safe_xml.nearest(source.with_suffix(".xml")))


def read(source: Source) -> Dataset:
    """Every image of every XML file, called as its `name` says."""
    files = files_of(source, "image")
    if not files:
        raise no_such_file(source, "image")
    labels = Labels(source.problems)
    pages: list[Page] = []
    with bar("Reading CVAT XML", None) as advance:
        for file in files:
            for page in _pages(source, file, labels):
                pages.append(page)
                advance()
    return assemble(pages, labels, source)


def _pages(source: Source, file: str, labels: Labels) -> Iterator[Page]:
    """The images of one XML file, read as a stream. Where the file breaks off is an error; what came before counts."""
    sheet = CvatSheet.open(source, file, labels)
    try:
        for node in safe_xml.stream(source.root / file, ("meta", "image")):
            if node.tag == "meta":
                sheet.take_meta(node)
            elif page := _page(sheet, node):
                yield page
    except safe_xml.BrokenXML as error:
        sheet.broken(error)


def _page(sheet: CvatSheet, node: Element) -> Page | None:
    """One image with its shapes; None, and reported, where it has no name."""
    name, where, source = node.get("name"), f"image {node.get('id', '')}", sheet.sheet.source
    if not name:
        sheet.sheet.add("error", "image without name", "needs a name", where)
        return None
    task = sheet.tasks.get(node.get("task_id", ""))
    subset = node.get("subset") or (task.subset if task else "") or sheet.subset
    file, path = sheet.sheet.file, sheet.sheet.path
    near = [subset, without_containers(file).rpartition("/")[0]]
    listed = stated.find(name, subset or file.rpartition("/")[0], near, source.photos, (path, where), source.problems)
    unit, known, numbers = f"image {name}: shape", sheet.sheet.labels.names, sheet.numbers
    boxes = Found()
    for place, shape in enumerate(node, 1):
        if box := usual_box(shape, known, numbers) or _other(sheet, shape, unit, place):
            boxes.boxes.append(box)  # what `add` does, a million times
            boxes.places.append(place)
    return Page(listed, split_name(subset) if subset else None, _size(node), boxes, path, unit)


def _other(sheet: CvatSheet, shape: Element, unit: str, place: int) -> Box | None:
    return sheet.box(shape, shape.get("label"), f"{unit} {place}") if shape.tag in SHAPES else None


def _size(node: Element) -> Size | None:
    try:
        return int(node.get("width", "0")), int(node.get("height", "0"))
    except ValueError:
        return None
