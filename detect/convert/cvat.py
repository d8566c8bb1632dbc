"""CVAT for images 1.1: one XML for a task, a job or a whole project.

A box is xtl, ytl, xbr, ybr in pixels, edges as ours. Shapes that are no upright boxes become the boxes around them.
Source: https://docs.cvat.ai/docs/manual/advanced/xml_format/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from xml.etree.ElementTree import Element

from detect.convert import safe_xml, stated
from detect.convert.cvat_shapes import NO_BOX, corners
from detect.convert.cvat_write import BUILT_IN, write
from detect.convert.names import split_name, split_word, without_containers
from detect.convert.sizes import Size, settle_size
from detect.convert.source import Source
from detect.convert.text import typed
from detect.convert.tidy import Labels, clean_label, gathered, rounded, tidy
from detect.data import NONE, Attributes, Box, Dataset, Image, Value
from detect.errors import DataError
from detect.progress import bar

__all__ = ["read", "recognise", "write"]

SHAPES = frozenset({"box", "polygon", "polyline", "ellipse", "mask"}) | NO_BOX
VIDEO = "is CVAT for video; export it as 'CVAT for images 1.1', with the frames"


class _Page(NamedTuple):
    """One <image>: as listed, its split and size, and its boxes; `file` and `near` are of the XML file."""

    listed: stated.Stated
    split: str | None
    size: Size | None
    boxes: list[tuple[int, Box]]
    file: str


def recognise(source: Source) -> bool:
    """XML whose root is <annotations>."""
    return "annotations" in safe_xml.root_tags(source.root, source.with_suffix(".xml"))


def read(source: Source) -> Dataset:
    """Every image of every XML file, called as its `name` says."""
    files = _files(source)
    if not files:
        raise DataError(f"{source.path}: there is no CVAT XML (<annotations>) in it")
    labels = Labels(source.problems)
    pages: list[_Page] = []
    with bar("Reading CVAT XML", None) as advance:
        for file in files:
            for page in _pages(source, file, labels):
                pages.append(page)
                advance()
    images: list[Image] = []
    for page, name in zip(pages, stated.names_of([page.listed for page in pages]), strict=True):
        path = source.photos.path(page.listed.photo) if page.listed.photo else None
        if size := settle_size(path, page.size, page.file, source.problems):
            boxes = tidy(page.boxes, *size, f"{page.file}: image {page.listed.name}", "shape", source.problems)
            images.append(Image(name, *size, boxes, page.split, path=path))
    return gathered(labels.classes, images, source.problems)


def _files(source: Source) -> list[str]:
    tags = {file: safe_xml.root_tag(source.root / file) for file in source.with_suffix(".xml")}
    return [file for file, tag in tags.items() if tag in ("annotations", "")]  # "": reading it will tell


def _pages(source: Source, file: str, labels: Labels) -> Iterator[_Page]:
    """The images of one XML file, read as a stream. Where the file breaks off is an error; what came before counts."""
    path = source.root / file
    sheet = _Sheet(source, file, labels, path.stem if split_word(path.stem) else "")
    try:
        for node in safe_xml.stream(path):
            if node.tag == "meta":
                sheet.take_meta(node)
            elif node.tag == "track":
                raise DataError(f"{path}: {VIDEO}")
            elif node.tag == "image" and (page := sheet.page(node)):
                yield page
    except safe_xml.BROKEN as error:
        source.problems.add("error", "broken XML", safe_xml.reason(error), file=path)


@dataclass
class _Sheet:
    """One XML file while it is read: the subset of its task, and the input type of each label's attributes."""

    source: Source
    file: str
    labels: Labels
    subset: str
    types: dict[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def path(self) -> str:
        """The file as messages name it."""
        return str(self.source.root / self.file)

    def take_meta(self, meta: Element) -> None:
        """Declare the labels, those of skeleton joints left out; note the subset of a task."""
        for label in meta.iter("label"):
            name = label.findtext("name") or ""
            if label.find("parent") is None and self.labels.declare(name):
                for spec in label.iter("attribute"):
                    key = clean_label(name), (spec.findtext("name") or "").strip()
                    self.types[key] = (spec.findtext("input_type") or "").strip()
        subset = meta.find("task/subset")
        if subset is not None and subset.text:
            self.subset = subset.text.strip()

    def page(self, node: Element) -> _Page | None:
        """One image with its shapes; None, and reported, where it has no name."""
        name, where = node.get("name"), f"image {node.get('id', '')}"
        if not name:
            self.labels.problems.add("error", "image without name", "needs a name", file=self.path, where=where)
            return None
        subset = node.get("subset") or self.subset
        near = [subset, without_containers(self.file).rpartition("/")[0]]
        part = subset or self.file.rpartition("/")[0]
        listed = stated.find(name, part, near, self.source.photos, (self.path, where), self.labels.problems)
        boxes = [
            (place, box)
            for place, shape in enumerate(node, 1)
            if shape.tag in SHAPES and (box := self._box(shape, f"image {name}: shape {place}"))
        ]
        return _Page(listed, split_name(subset), _size(node), boxes, self.path)

    def _box(self, shape: Element, where: str) -> Box | None:
        problems = self.labels.problems
        try:
            bounds = None if shape.tag in NO_BOX else corners(shape.tag, shape.attrib)
        except (KeyError, ValueError) as error:
            what = f"<{shape.tag}> needs {error} as a number" if isinstance(error, KeyError) else str(error)
            problems.add("error", "not a number", what, file=self.path, where=where)
            return None
        if bounds is None:
            what = f"a {'open line' if shape.tag == 'polyline' else shape.tag} is no box"
            problems.add("dropped", f"{shape.tag} not converted", what, file=self.path, where=where)
            return None
        label = self.labels(shape.get("label"), self.path, where)
        if label is None:
            return None
        box = Box(label, *bounds, None, self._attributes(shape, label))
        if shape.tag == "box" and shape.get("rotation") is None:
            return box
        kind = "rotation" if shape.tag == "box" else "outline"
        problems.add("loss", kind, f"the {shape.tag} became its upright box", file=self.path, where=where)
        return rounded(box)

    def _attributes(self, shape: Element, label: str) -> Attributes:
        found: dict[str, Value] = {}
        for key, (default, convert) in BUILT_IN.items():
            text = shape.get(key, default)
            if text != default:
                found[key] = convert(text)
        for node in shape:
            if node.tag == "attribute":
                name = (node.get("name") or "").strip()
                found[name] = _value(node.text or "", self.types.get((label, name), ""))
        return Attributes(found) if found else NONE


def _value(text: str, kind: str) -> Value:
    if kind == "checkbox":
        return text.strip().lower() in ("true", "1")
    return typed(text.strip()) if kind == "number" else text


def _size(node: Element) -> Size | None:
    try:
        return int(node.get("width", "0")), int(node.get("height", "0"))
    except ValueError:
        return None
