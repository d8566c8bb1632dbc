"""Pascal VOC XML, one file per image, as LabelImg writes it. Geometry: docs/formats.md.

LabelImg's corners are edges counted from 0, as ours are; the VOC devkit's are pixels counted from 1 and inclusive.
Source: LabelImg, libs/pascal_voc_io.py; the development kit, http://host.robots.ox.ac.uk/pascal/VOC/voc2012/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from detect.conversion import safe_xml
from detect.conversion.names import composed, folder_splits, image_names, split_name, stem, without_containers
from detect.conversion.shapes import extent
from detect.conversion.sizes import Size, settle_size
from detect.conversion.source import Source
from detect.conversion.text import Numbers, declared_classes, lines, read_bytes, typed
from detect.conversion.tidy import NEW, PRECISION, Found, Labels, gathered, is_named, leave_out, tidy
from detect.conversion.voc.photo_of import VocFile, pairs
from detect.conversion.voc.plain import Plain, read_plain
from detect.conversion.voc.writer import FLAGS, UNSPECIFIED, write
from detect.data import NONE, Attributes, Box, Dataset, Image, Value
from detect.errors import DataError
from detect.progress import track

FLAGGED = {
    ("1", "0"): Attributes(truncated=True),
    ("0", "1"): Attributes(difficult=True),
    ("1", "1"): Attributes(truncated=True, difficult=True),
}
"""The attributes of an object whose (truncated, difficult) are not both 0."""


__all__ = ["read", "recognise", "write"]


def recognise(source: Source) -> bool:
    """XML files whose root is <annotation>."""
    files = safe_xml.telling(source.root, source.with_suffix(".xml"))
    return any(safe_xml.root_tag(source.root / file) == safe_xml.VOC for file in files)


def read(source: Source, origin: int | None = None) -> Dataset:
    """Every XML file and every image below the folder; an image without an XML file has no boxes.

    `origin` 1: corners are pixels counted from 1, the far ones included; None: as the source says.
    """
    xmls = source.with_suffix(".xml")
    if not xmls:
        raise DataError(f"{source.path}: there is no XML file in it")
    problems = source.problems
    declared = declared_classes(source.root)
    labels = Labels(problems, declared, closed=bool(declared))
    given = _Given(source, labels, source.voc_origin if origin is None else origin)
    files = [voc for file in track(xmls, "Reading XML") if (voc := _voc_file(given, file))]
    found = pairs(files, xmls, source)
    names = image_names([voc.spelled(photo) if photo else voc.expected for voc, photo in found])
    splits = _splits(source, [voc for voc, _ in found], names)
    images: list[Image] = []
    origins: list[str] = []
    for (voc, photo), name, split in zip(found, names, splits, strict=True):
        path = source.photos.path(photo) if photo else None
        if is_named(name, voc.path, problems) and (size := settle_size(path, voc.size, voc.path, problems)):
            boxes = tidy(voc.objects, *size, voc.path, "object", problems)
            if voc.objects.whole:
                images.append(Image(name, *size, boxes, split, path=Path(path) if path else None))
                origins.append(voc.path)
            else:
                leave_out(path or name, voc.path, problems)
    return gathered(labels.classes, images, problems, origins=origins)


@dataclass(frozen=True)
class _Given:
    """What every XML file is read with."""

    source: Source
    labels: Labels
    origin: int
    numbers: Numbers = field(default_factory=Numbers)


def _voc_file(given: _Given, file: str) -> VocFile | None:
    """The content of an XML file; None, and an error, where it cannot be read."""
    path, problems = f"{given.source.root}/{file}", given.source.problems
    try:
        data = read_bytes(path)
        if plain := read_plain(data):
            return _plain_file(given, file, path, plain)
        root = safe_xml.parse(data)
    except DataError as error:
        problems.items.extend(error.problems)
        return None
    except safe_xml.BrokenXML as error:
        problems.add("error", "broken XML", str(error), file=path)
        return None
    if root.tag != safe_xml.VOC:
        what = f"its root is <{root.tag}>, not <annotation>"
        problems.add(
            "error", "not a VOC file", what, file=path, remedy="move it elsewhere, or name its format with --from"
        )
        return None
    objects, since = Found(), len(problems.items)
    for place, node in enumerate(root.iter("object"), 1):
        if box := _box(node, given, path, place):
            objects.add(place, box)
    objects.check(problems, since)
    return VocFile(file, path, (root.findtext("filename") or "").strip(), _size(root), objects)


def _plain_file(given: _Given, file: str, path: str, plain: Plain) -> VocFile:
    objects, since = Found(), len(given.source.problems.items)
    for place, (name, truncated, difficult, xmin, ymin, xmax, ymax) in enumerate(plain.objects, 1):
        corners = [given.numbers[text] for text in (xmin, ymin, xmax, ymax)]
        attributes = FLAGGED.get((truncated, difficult), NONE)
        if box := _made(given, name, corners, attributes, path, place):
            objects.add(place, box)
    objects.check(given.source.problems, since)
    return VocFile(file, path, plain.filename.strip(), (plain.width, plain.height), objects)


def _made(
    given: _Given, name: str | None, corners: Sequence[float], attributes: Attributes, file: str, place: int
) -> Box | None:
    """The box of these corners as the file counts them; None where it has no label."""
    x1, y1, x2, y2 = corners
    if given.origin:
        x1, y1 = round(x1 - given.origin, PRECISION), round(y1 - given.origin, PRECISION)
    label = given.labels.names.get(name or "") or given.labels(name, file, f"object {place}")
    return None if label is None else NEW(Box, (label, x1, y1, x2, y2, None, attributes))


def _size(root: Element) -> Size | None:
    size = root.find("size")
    try:
        return None if size is None else (int(size.findtext("width", "0")), int(size.findtext("height", "0")))
    except ValueError:
        return None


def _box(node: Element, given: _Given, file: str, place: int) -> Box | None:
    fields = {child.tag: child for child in node}
    bounds = fields.get("bndbox")
    if bounds is None:
        return _outline(node, given.labels, file, f"object {place}")
    corner = {child.tag: child.text for child in bounds}
    try:
        corners = [given.numbers[corner[key] or ""] for key in ("xmin", "ymin", "xmax", "ymax")]
    except (KeyError, ValueError):
        what = "<bndbox> needs xmin, ymin, xmax and ymax as numbers"
        given.source.problems.add("error", "not a number", what, file=file, where=f"object {place}")
        return None
    name = fields["name"].text if "name" in fields else None
    return _made(given, name, corners, _attributes(fields), file, place)


def _outline(node: Element, labels: Labels, file: str, where: str) -> Box | None:
    """The extent of a polygon or mask, as the web LabelMe writes objects into files of this kind."""
    if (node.findtext("deleted") or "").strip() == "1":
        labels.problems.add("dropped", "deleted object", "is marked as deleted", file=file, where=where)
        return None
    points = [(point.findtext("x") or "", point.findtext("y") or "") for point in node.findall("polygon/pt")]
    if (mask := node.find("segm/box")) is not None:
        points = [(mask.findtext(f"x{end}") or "", mask.findtext(f"y{end}") or "") for end in ("min", "max")]
    if not points:
        labels.problems.add("error", "object without box", "has no <bndbox>", file=file, where=where)
        return None
    try:
        bounds = extent([(float(x), float(y)) for x, y in points])
    except ValueError:
        labels.problems.add(
            "error", "not a number", "<polygon> or <segm> needs its corners as numbers", file=file, where=where
        )
        return None
    label = labels(node.findtext("name"), file, where)
    if label is None:
        return None
    labels.problems.add("lost", "outline", "the polygon or mask became its upright box", file=file, where=where)
    return NEW(Box, (label, *bounds, None, _attributes({child.tag: child for child in node})))


def _attributes(fields: Mapping[str, Element]) -> Attributes:
    """The attributes of an object, from its children by their tags."""
    found: dict[str, Value] = {}
    for flag in FLAGS:
        text = fields[flag].text if flag in fields else None
        if text and text != "0" and text.strip().lower() in ("1", "true", "yes"):
            found[flag] = True
    if "pose" in fields and (pose := fields["pose"].text) != UNSPECIFIED and pose and pose.strip():
        found["pose"] = pose.strip()
    if "attributes" in fields:
        for other in fields["attributes"].iter("attribute"):
            found[(other.findtext("name") or "").strip()] = typed(other.findtext("value") or "")
    return Attributes(found) if found else NONE


def _splits(source: Source, files: Sequence[VocFile], names: Sequence[str]) -> Sequence[str | None]:
    """From ImageSets/Main/*.txt as the devkit has them, else from folders called train, val and test."""
    listed: dict[str, str | None] = {}
    for file in source.files:
        folder, _, base = file.rpartition("/")
        if folder.endswith("ImageSets/Main") and base.endswith(".txt") and base != "trainval.txt":
            rows = lines(source.root / file)
            if not any(row.endswith((" 1", " -1", " 0")) for row in rows):  # those are lists of one class
                top = folder[: -len("ImageSets/Main")]
                listed |= dict.fromkeys((composed(top + row) for row in rows), split_name(base[:-4]))
    if listed:
        return [listed.get(composed(without_containers(stem(voc.file)))) for voc in files]
    return folder_splits(names) or [None] * len(names)
