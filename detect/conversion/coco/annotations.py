"""The annotations of one COCO document, put with their images; what is no box is counted by kind.

An image whose annotations are all of other kinds is no image without damage: it is left out. A document of which no
annotation is a box (captions, key points) is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from detect.conversion.coco.bbox import NO_BBOX, NoBox, Shape, Shapes
from detect.conversion.coco.bbox_forms import form_of
from detect.conversion.coco.contents import Document
from detect.conversion.coco.ids import Ids, Key, key_of, report
from detect.conversion.sizes import Size
from detect.conversion.tidy import NEW
from detect.data import Box
from detect.progress import track

_SHARES = (
    "every bbox lies between 0 and 1: these are shares of the image, not pixels",
    "multiply x and width by the width of the image, y and height by its height",
)
_CORNERS = "every bbox is x1, y1, x2, y2, as its area, its outline or the size of its image tells; read as such"
_PERHAPS = "every bbox reaches beyond its image; read as x1, y1, x2, y2 none would: are these corners?"


class _Other(NamedTuple):
    """An annotation that is no box: the image it belongs to, what it is, its position."""

    image: Key
    kind: str
    where: str


class Annotations:
    """Reads the annotations of a document into its `boxes`; `names` are the labels by category id."""

    def __init__(self, document: Document, names: Mapping[Key, str]) -> None:
        self.document, self.names = document, names
        self.images, self.categories = Ids(document.images), Ids(names)
        self.shapes = Shapes(document)
        self.seen: set[Key] = set()
        self.others: list[_Other] = []
        self.made = self.outlines = 0

    def read(self) -> None:
        """Put every box with its image, and note what is wrong or no box."""
        document = self.document
        if not self._settle_form():
            return
        for where, row in track(self._rows(), f"Reading {Path(document.file).name}"):
            if (image := self._take(where, row)) is not None:
                document.leave_out(image)
        self._settle_others()
        report({"image_id": self.images, "category_id": self.categories}, document.path, document.problems)
        if self.outlines:
            what = f"{self.outlines} outlines or key points are not kept, only their boxes"
            document.add("lost", "outlines", what)

    def _settle_form(self) -> bool:
        """Find out what the numbers of the boxes are; False, and an error, where they are not pixels."""
        document = self.document
        rows = document.content.get("annotations")
        form = "usual" if document.own or not isinstance(rows, list) else form_of(rows, self._size_of)
        if form == "shares":
            what, remedy = _SHARES
            document.error("shares of the image", what, "annotations", remedy)
            document.leave_out(*document.images)
        elif form == "corners":
            document.add("repaired", "bbox of corners", _CORNERS, "annotations")
            self.shapes.as_corners = True
        elif form == "corners perhaps":
            document.add("note", "bbox of corners", _PERHAPS, "annotations")
        return form != "shares"

    def _size_of(self, row: Mapping[str, Any]) -> Size | None:
        image = self.images.find(row.get("image_id"))
        return None if image is None else self.document.size(image)

    def _rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(position, row); of a panoptic annotation its segments."""
        for place, row in self.document.rows("annotations"):
            segments, image = row.get("segments_info"), row.get("image_id")
            if not isinstance(segments, list):
                yield f"annotation {row.get('id', f'number {place}')}", row
                continue
            for number, segment in enumerate(segments, 1):
                own = {"image_id": image, "id": f"{place}, segment {number}"}
                row = {"segments_info": segment, **(segment if isinstance(segment, dict) else {}), **own}
                yield f"annotation number {place}: segment {number}", row

    def _take(self, where: str, row: dict[str, Any]) -> Key | None:
        """Put the box of an annotation with its image; the image, and an error, where that is not possible."""
        image, own = self.images.find(row.get("image_id")), row.get("id", where)
        key = own if type(own) is int else key_of(own)
        if key is None or key in self.seen:
            what = "is that of another annotation" if key is not None else "is no whole number and no text"
            self.document.error("duplicate id" if key is not None else "no id", f"the id {own} {what}", where)
            return image
        self.seen.add(key)
        if image is None:
            self.document.strays += 1
            return self._unknown("image_id", row, where)
        try:
            shape = self.shapes(row, image)
        except NoBox as other:
            self.others.append(_Other(image, str(other), where))
            return None
        except ValueError as error:
            self.document.error("not a number", str(error), where)
            return image
        category = self.categories.find(row.get("category_id"))
        if category is None:
            self._unknown("category_id", row, where)
            return image
        self.document.found(image).add(key, self._box(self.names[category], shape, row, where))
        return None

    def _box(self, label: str, shape: Shape, row: dict[str, Any], where: str) -> Box:
        self.made += 1
        self.outlines += bool(row.get("segmentation") or row.get("keypoints"))
        corners, area, turned = shape
        if turned:
            self.document.add("lost", "rotation", "the rotated box became its upright box", where)
        return NEW(Box, (label, *corners, None, self.shapes.attributes(row, area)))

    def _unknown(self, key: str, row: dict[str, Any], where: str) -> Key | None:
        """Note that an id refers to nothing; the image that is meant where its file is named in place of its id."""
        value, rows = row.get(key), "images" if key == "image_id" else "categories"
        what, meant = f'{key} {value} is not in "{rows}"', None
        if isinstance(value, str):
            meant = self._named[rows].get(value)
            field = "file_name of image" if key == "image_id" else "name of category"
            what += f": it is the {field} {meant}, not its id" if meant is not None else ""
        self.document.error(f"unknown {key}", what, where)
        return meant if key == "image_id" else None

    @cached_property
    def _named(self) -> dict[str, dict[str, Key]]:
        """The ids by what an image or a category is called, for annotations that refer to the name."""
        images = {row["file_name"]: key for key, row in self.document.images.items()}
        return {"images": images, "categories": {label: key for key, label in self.names.items()}}

    def _settle_others(self) -> None:
        """Report what is no box; an error where there is nothing else.

        Of a file whose annotations all belong to unknown images, nobody knows what its images are.
        """
        document = self.document
        if not self.made and (self.others or document.strays):
            document.leave_out(*document.images)
            if self.others:
                counts = Counter(other.kind for other in self.others)
                each = ", ".join(f"{count} x {kind}" for kind, count in counts.most_common())
                what = f"holds not one box, but other annotations: {each}"
                document.error("no boxes", what, "annotations", "name the file that holds the boxes")
            return
        for image, kind, where in self.others:
            named = kind if kind == NO_BBOX else f"{kind} not converted"
            document.add("dropped", named, "is no box" if kind == NO_BBOX else f"{kind}: no box", where)
            if not document.found(image).boxes:
                document.leave_out(image)
