"""COCO detection JSON. A bbox is x, y, width, height in pixels; x and y are those of the top-left edge.

Source: https://cocodataset.org/#format-data. Layouts read: one file; annotations/instances_<split>.json with images/
beside it; <split>/_annotations.coco.json with the images in the same folder, as Roboflow exports it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from math import isclose
from pathlib import Path
from typing import Any

from detect.conversion import json_file, stated
from detect.conversion.coco_write import write, write_file
from detect.conversion.entries import Entry, assemble
from detect.conversion.names import split_name, split_word, without_containers
from detect.conversion.photo_labels import PhotoLabels
from detect.conversion.source import Source
from detect.conversion.tidy import NEW, PRECISION, Found, Labels
from detect.data import NONE, UNLABELLED, Attributes, Box, Dataset, Value
from detect.errors import DataError, Problems
from detect.progress import track

__all__ = ["read", "recognise", "write", "write_file"]

SANE = 1e9
"""Pixels; no side of an image is longer."""

_HEAD = re.compile(rb'^\s*\{.*"(images|annotations|categories)"\s*:\s*\[', re.DOTALL)
_NAMED = re.compile(r"(?:instances|annotations|person_keypoints|labels)_(.+)")


@dataclass
class _Part:
    """One annotation file while it is read. `split` is the word that the file name has for it."""

    file: str
    path: str
    split: str
    document: dict[str, Any]
    problems: Problems
    images: dict[Hashable, dict[str, Any]] = field(default_factory=dict)
    boxes: dict[Hashable, Found] = field(default_factory=dict)

    def rows(self, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """(position, row) of the objects in a list of the document; whatever is no object is an error."""
        rows = self.document.get(key, [])
        if not isinstance(rows, list):
            self.error("no list", f'"{key}" must be a list', key)
            return
        for place, row in enumerate(rows, 1):
            if isinstance(row, dict):
                yield place, row
            else:
                self.error("no object", f"must be an object, not {type(row).__name__}", f"{key}: row {place}")

    def error(self, kind: str, what: str, where: str, remedy: str = "") -> None:
        """Note an error in this file."""
        self.problems.add("error", kind, what, file=self.path, where=where, remedy=remedy)


def recognise(source: Source) -> bool:
    """JSON with images and categories, alone or where COCO keeps it."""
    return bool(_annotation_files(source))


def read(source: Source) -> Dataset:
    """Every annotation file. An image is called as its file_name says, and belongs to the split its file names."""
    files = _annotation_files(source)
    if not files:
        raise DataError(f"{source.path}: there is no COCO file in it (annotations/*.json or _annotations.coco.json)")
    return _assembled([part for file in files if (part := _open(source, file))], source)


def read_document(source: Source, file: str, document: Any) -> Dataset:
    """The dataset in one document that did not come from one file."""
    part = _part(source, file, "", document)
    return _assembled([part] if part else [], source)


def _assembled(parts: list[_Part], source: Source) -> Dataset:
    labels, of_photos = Labels(source.problems), PhotoLabels(source.problems)
    for part in parts:
        of_photos.declare(part.document.get("questions"), part.path)
        _read_part(part, labels)
    entries = [entry for part in parts for entry in _entries(part, source, of_photos)]
    return assemble(entries, labels, source, of_photos.questions)


def _annotation_files(source: Source) -> list[str]:
    """The files to read: where some are named as COCO's instances or Roboflow's are, those, else all of that kind."""
    found = [file for file in source.with_suffix(".json") if _looks_like_coco(source.root / file)]
    bases = {file: file.rpartition("/")[2] for file in found}
    usual = [file for file, base in bases.items() if base.startswith("instances_") or base == "_annotations.coco.json"]
    return usual or [file for file, base in bases.items() if not base.startswith("predictions")] or found


def _looks_like_coco(path: Path) -> bool:
    with path.open("rb") as file:
        return _HEAD.match(file.read(1 << 16).removeprefix(b"\xef\xbb\xbf")) is not None


def _open(source: Source, file: str) -> _Part | None:
    path, base = str(source.root / file), file.rpartition("/")[2]
    try:
        document = json_file.load(path)
    except DataError as error:
        source.problems.items.extend(error.problems)
        return None
    if base == "_annotations.coco.json":
        split = source.root.joinpath(file).parent.name
        split = split if split_word(split) else ""
    else:
        named = _NAMED.fullmatch(base.rpartition(".")[0])
        split = named[1] if named else base.rpartition(".")[0]
        split = split if named or split_word(split) else ""
    return _part(source, file, split, document)


def _part(source: Source, file: str, split: str, document: Any) -> _Part | None:
    whole = document if isinstance(document, dict) else {}
    part = _Part(file, str(source.root / file), split, whole, source.problems)
    if not isinstance(document, dict) or "images" not in document:
        part.error("not a COCO file", 'must be an object with "images", "annotations" and "categories"', "")
        return None
    return part


def _read_part(part: _Part, labels: Labels) -> None:
    for place, row in part.rows("images"):
        key = row.get("id")
        if not isinstance(key, int | str) or not isinstance(row.get("file_name"), str):
            part.error("image without name", "needs an id and a file_name", f"image {place}")
        elif key in part.images:
            part.error("duplicate id", f"the id {key} is that of another image", f"image {place}")
        else:
            part.images[key] = row
    names = _categories(part, labels)
    seen: set[Hashable] = set()
    outlines = 0
    for place, row in track(part.rows("annotations"), f"Reading {Path(part.file).name}"):
        key = row.get("id", f"number {place}")  # some files have no ids for annotations
        if not isinstance(key, int | str) or key in seen:
            part.error("duplicate id", f"the id {key} is that of another annotation", f"annotation number {place}")
            continue
        seen.add(key)
        if box := _box(part, row, f"annotation {key}", names):
            part.boxes.setdefault(row["image_id"], Found()).add(key, box)
            outlines += bool(row.get("segmentation") or row.get("keypoints"))
    if any("score" in box.attributes for found in part.boxes.values() for box in found.boxes):
        what = "holds predictions; read as annotations, with the score as an attribute"
        part.problems.add("note", "predictions", what, file=part.path)
    if answered := sum("answers" in row for row in part.images.values()):
        part.problems.add("lost", "answers", f"the answers of {answered} images are no annotation", file=part.path)
    if outlines:
        what = f"{outlines} outlines or key points are not kept, only their boxes"
        part.problems.add("lost", "outlines", what, file=part.path)


def _categories(part: _Part, labels: Labels) -> dict[Hashable, str]:
    """From category id to label, in the order of the ids, which is that of the classes."""
    rows: dict[int | str, dict[str, Any]] = {}
    for place, row in part.rows("categories"):
        key = row.get("id")
        if not isinstance(key, int | str) or not isinstance(row.get("name"), str):
            part.error("category without name", "needs an id and a name", f"category {place}")
        elif key in rows:
            part.error("duplicate id", f"the id {key} is that of another category", f"category {place}")
        else:
            rows[key] = row
    annotations = part.document.get("annotations")
    if not isinstance(annotations, list):
        annotations = []
    used = {str(row.get("category_id")) for row in annotations if isinstance(row, dict)}
    above = {str(row.get("supercategory")) for row in rows.values() if row["name"] != row.get("supercategory")}
    names: dict[Hashable, str] = {}
    for key, row in sorted(rows.items(), key=lambda item: (isinstance(item[0], str), item[0])):
        if row["name"] in above and str(key) not in used and row.get("supercategory") in ("none", "", None):
            what = f"{row['name']!r} is only the group of the others; not a class"
            part.problems.add("note", "super-category", what, file=part.path, where=f"category {key}")
        elif label := labels.declare(row["name"]):
            names[key] = label
    return names


def _box(part: _Part, row: dict[str, Any], where: str, names: dict[Hashable, str]) -> Box | None:
    """The box of one annotation; None, and reported, where there is none."""
    image, category = row.get("image_id"), row.get("category_id")
    if not isinstance(image, int | str) or image not in part.images:
        part.error("unknown image_id", f'image_id {image} is not in "images"', where)
        return None
    bbox = row.get("bbox") or _extent(row.get("segmentation"))
    if not bbox:
        part.problems.add("dropped", "annotation without bbox", "is no box", file=part.path, where=where)
        return None
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(type(value) in (int, float) for value in bbox):
        part.error("not a number", f"bbox must be four numbers x, y, width, height, got {str(bbox)[:60]}", where)
        return None
    if not isinstance(category, int | str) or category not in names:
        part.error("unknown category_id", f'category_id {category} is not in "categories"', where)
        return None
    x, y, w, h = bbox
    x2, y2 = round(float(x + w), PRECISION), round(float(y + h), PRECISION)
    return NEW(Box, (names[category], float(x), float(y), x2, y2, None, _attributes(row, w * h)))


def _extent(outline: Any) -> list[float] | None:
    """x, y, width and height around polygons, for annotations that have no bbox; None for anything else."""
    if not isinstance(outline, list) or not all(isinstance(ring, list) for ring in outline):
        return None
    xs = [x for ring in outline for x in ring[::2]]
    ys = [y for ring in outline for y in ring[1::2]]
    if not ys or not all(type(value) in (int, float) for value in xs + ys):
        return None
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _attributes(row: dict[str, Any], area: float) -> Attributes:
    found: dict[str, Value] = {}
    stated = row.get("attributes")
    if isinstance(stated, dict):
        found = {str(key): value for key, value in stated.items() if isinstance(value, str | int | float)}
    for key in ("iscrowd", "ignore"):
        if row.get(key):
            found[key] = 1
    score = row.get("score")
    if isinstance(score, int | float) and not isinstance(score, bool):
        found["score"] = score
    if isinstance(own := row.get("area"), int | float) and not isclose(own, area, rel_tol=1e-9, abs_tol=10**-PRECISION):
        found["area"] = own
    return Attributes(found) if found else NONE


def _entries(part: _Part, source: Source, of_photos: PhotoLabels) -> Iterator[Entry]:
    near = [part.split, without_containers(part.file).rpartition("/")[0]]
    name = part.split or Path(part.file).stem
    for key, row in part.images.items():
        listed = stated.find(row["file_name"], name, near, source.photos, (part.path, f"image {key}"), source.problems)
        stated_size = json_file.numbers(row, ("width", "height"))
        sane = stated_size is not None and all(0 < side < SANE for side in stated_size)
        size = (int(stated_size[0]), int(stated_size[1])) if stated_size and sane else None
        boxes = part.boxes.get(key) or Found()
        labels = of_photos(row["labels"], part.path, f"image {key}") if "labels" in row else UNLABELLED
        split = split_name(part.split)
        yield Entry(listed, split, size, boxes, part.path, "annotation", _values(row), labels, id=row["id"])


def _values(row: dict[str, Any]) -> Attributes:
    stated = row.get("attributes")
    values = stated.items() if isinstance(stated, dict) else ()
    return Attributes({str(key): value for key, value in values if isinstance(value, str | int | float)})
