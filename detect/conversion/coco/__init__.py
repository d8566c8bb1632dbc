"""COCO detection JSON. A bbox is x, y, width, height in pixels; x and y are those of the top-left edge.

Source: https://cocodataset.org/#format-data. Layouts read: one file; annotations/instances_<split>.json with images/
beside it; <split>/_annotations.coco.json with the images in the same folder, as Roboflow exports it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from detect.conversion import json_file, json_kinds, stated
from detect.conversion.coco.annotations import Annotations
from detect.conversion.coco.contents import Document
from detect.conversion.coco.ids import Key, key_of
from detect.conversion.coco.writer import write, write_file
from detect.conversion.entries import Entry, assemble
from detect.conversion.names import split_name, split_word, without_containers
from detect.conversion.photo_labels import PhotoLabels
from detect.conversion.source import Source
from detect.conversion.tidy import Found, Labels
from detect.data import UNLABELLED, Attributes, Dataset
from detect.errors import DataError

__all__ = ["read", "recognise", "write", "write_file"]

_OF_IDS = "an id is a whole number of at most 15 digits, or text"
_NAMED = re.compile(r"(?:instances|annotations|person_keypoints|labels)_(.+)")


def recognise(source: Source) -> bool:
    """JSON with images and categories, alone or where COCO keeps it."""
    return json_kinds.any_of(source, "coco")


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


def _assembled(parts: list[Document], source: Source) -> Dataset:
    labels, of_photos = Labels(source.problems), PhotoLabels(source.problems)
    for part in parts:
        of_photos.declare(part.content.get("questions"), part.path)
        _read_part(part, labels)
    entries = [entry for part in parts for entry in _entries(part, source, of_photos)]
    return assemble(entries, labels, source, of_photos.questions)


def _annotation_files(source: Source) -> list[str]:
    """The files to read: where some are named as COCO's instances or Roboflow's are, those, else all of that kind."""
    found = json_kinds.files_of(source, "coco")
    bases = {file: file.rpartition("/")[2] for file in found}
    usual = [file for file, base in bases.items() if base.startswith("instances_") or base == "_annotations.coco.json"]
    return usual or [file for file, base in bases.items() if not base.startswith("predictions")] or found


def _open(source: Source, file: str) -> Document | None:
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


def _part(source: Source, file: str, split: str, document: Any) -> Document | None:
    whole = document if isinstance(document, dict) else {}
    part = Document(file, str(source.root / file), split, whole, source.problems)
    if not isinstance(whole.get("images"), list):
        part.error("not a COCO file", 'must be an object with "images", "annotations" and "categories"', "")
        return None
    return part


def _read_part(part: Document, labels: Labels) -> None:
    _read_images(part)
    if not part.content.get("annotations"):
        _note_nothing(part)
    Annotations(part, _categories(part, labels)).read()
    if part.texts:
        what = f'{part.texts} boxes or sizes are text ("10"), read as the numbers they are'
        part.add("repaired", "numbers as text", what)
    if any("score" in box.attributes for found in part.boxes.values() for box in found.boxes):
        part.add("note", "predictions", "holds predictions; read as annotations, with the score as an attribute")
    if answered := sum("answers" in row for row in part.images.values()):
        part.add("lost", "answers", f"the answers of {answered} images are no annotation")


def _read_images(part: Document) -> None:
    twice: set[Key] = set()
    for place, row in part.rows("images"):
        key = key_of(row.get("id"))
        if key is None or not isinstance(row.get("file_name"), str):
            part.error("image without name", "needs an id and a file_name", f"image {place}", _OF_IDS)
        elif key in part.images:
            part.error("duplicate id", f"the id {key} is that of another image", f"image {place}")
            twice.add(key)
        else:
            part.images[key] = row
            part.texts += isinstance(row.get("width"), str) or isinstance(row.get("height"), str)
            if row.get("detected") is False:
                part.add("dropped", "not looked at", "no detector looked for boxes in it", f"image {key}")
                part.leave_out(key)
    part.leave_out(*twice)  # whose are the annotations?


def _note_nothing(part: Document) -> None:
    """Say that there is not one annotation, unless photos have labels of their own or classes are declared."""
    declared = part.content.get("annotations") is not None and part.content.get("categories")
    rows = part.images.values()
    if rows and not declared and not any("labels" in row or "answers" in row for row in rows):
        part.add("note", "no annotations", f"no box: it lists images ({len(rows)}) and no annotations")


def _categories(part: Document, labels: Labels) -> dict[Key, str]:
    """From category id to label, in the order of the ids, which is that of the classes."""
    rows: dict[Key, dict[str, Any]] = {}
    twice: set[Key] = set()
    for place, row in part.rows("categories"):
        key = key_of(row.get("id"))
        if key is None or not isinstance(row.get("name"), str):
            part.error("category without name", "needs an id and a name", f"category {place}", _OF_IDS)
        elif key in rows:
            part.error("duplicate id", f"the id {key} is that of another category", f"category {place}")
            twice.add(key)
        else:
            rows[key] = row
    groups = _groups(part, rows)
    names: dict[Key, str] = {}
    called: set[str] = set()
    for key, row in sorted(rows.items(), key=lambda item: (isinstance(item[0], str), item[0])):
        if key in groups:
            part.add("note", "super-category", f"{row['name']!r} is only the group of the others; not a class",
                     f"category {key}")  # fmt: skip
        elif label := labels.declare(row["name"]):
            if label in called:
                what = f"{label!r} is listed twice; both ids mean the same class"
                part.add("repaired", "class listed twice", what, f"category {key}")
            names[key] = label
            called.add(label)
    return {key: label for key, label in names.items() if key not in twice}


def _groups(part: Document, rows: Mapping[Key, dict[str, Any]]) -> set[Key]:
    """The categories that only group others, as Roboflow has one: no annotation is of them."""
    above = {str(row.get("supercategory")) for row in rows.values() if row["name"] != row.get("supercategory")}
    some = {key for key, row in rows.items() if row["name"] in above and row.get("supercategory") in ("none", "", None)}
    if some:
        annotations = [row for row in part.content.get("annotations") or () if isinstance(row, dict)]
        segments = [row for one in annotations for row in one.get("segments_info") or () if isinstance(row, dict)]
        used = {str(key_of(row.get("category_id"))) for row in annotations + segments}
        some = {key for key in some if str(key) not in used}
    return some


def _entries(part: Document, source: Source, of_photos: PhotoLabels) -> Iterator[Entry]:
    near = [part.split, without_containers(part.file).rpartition("/")[0]]
    name = part.split or Path(part.file).stem
    for key, row in part.images.items():
        listed = stated.find(row["file_name"], name, near, source.photos, (part.path, f"image {key}"), source.problems)
        boxes, since = part.boxes.get(key) or Found(), len(part.problems)
        labels = of_photos(row["labels"], part.path, f"image {key}") if "labels" in row else UNLABELLED
        boxes.check(part.problems, since)
        split, size = split_name(part.split), part.size(key)
        yield Entry(listed, split, size, boxes, part.path, "annotation", _values(row), labels, id=key)


def _values(row: dict[str, Any]) -> Attributes:
    stated = row.get("attributes")
    values = stated.items() if isinstance(stated, dict) else ()
    return Attributes({str(key): value for key, value in values if isinstance(value, str | int | float)})
