"""Pascal VOC XML, one file per image, as LabelImg writes it. Geometry: docs/formats.md.

LabelImg's corners are edges counted from 0, as ours; the VOC devkit's are pixels counted from 1 and inclusive.
Source: LabelImg `libs/pascal_voc_io.py`; the VOC devkit, http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from detect.convert import safe_xml
from detect.convert.media import Media
from detect.convert.names import folder_splits, image_names, split_name, stem, suffix, without_containers
from detect.convert.sizes import Size, settle_size
from detect.convert.source import Photos, Source
from detect.convert.text import lines, number, read_bytes, typed, untyped
from detect.convert.tidy import Labels, tidy
from detect.data import NONE, Attributes, Box, Dataset, Image, Value
from detect.errors import DataError, Problems
from detect.progress import track

FLAGS = ("truncated", "difficult", "occluded")
"""0 or 1 beside the name; kept as an attribute where they are 1. LabelImg and the devkit write the first two."""


class _Page(NamedTuple):
    """One XML file: where it lies, what it calls its image, and its objects."""

    file: str
    name: str
    size: Size | None
    objects: tuple[tuple[int, Box], ...]


def recognise(source: Source) -> bool:
    """XML files whose root is <annotation>."""
    xmls = source.with_suffix(".xml")
    return any(_tag(source.root / file) == "annotation" for file in (*xmls[:3], *xmls[-1:]))


def read(source: Source) -> Dataset:
    """Every XML file and every image below the folder; images without an XML file have no boxes."""
    xmls = source.with_suffix(".xml")
    if not xmls:
        raise DataError(f"{source.path}: there is no XML file in it")
    problems = source.problems
    declared = _class_file(source)
    labels = Labels(problems, declared, closed=bool(declared))
    pages = [page for file in track(xmls, "Reading XML") if (page := _read_page(source, file, labels)) is not None]
    matched = _match(pages, source.photos, problems)
    alone = () if source.path.is_file() else _unannotated(source.photos, matched, problems)
    names = _names(pages, matched, alone)
    splits = _splits(source, pages, names)
    images = []
    for page, file in zip(pages, matched, strict=True):
        path = source.photos.path(file) if file else None
        size = settle_size(path, page.size, str(source.root / page.file), problems)
        if size is None:
            continue
        boxes = tidy(page.objects, *size, str(source.root / page.file), "object", problems)
        images.append(Image(names[page.file], *size, boxes, splits.get(page.file), path=path))
    for file in alone:
        path = source.photos.path(file)
        if size := settle_size(path, None, str(path), problems):
            images.append(Image(names[file], *size, (), splits.get(file), path=path))
    return Dataset(labels.classes, tuple(images))
