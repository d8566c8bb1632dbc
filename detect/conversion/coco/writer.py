"""Writing COCO: a folder with one document per split, or one document for everything. Ids start at 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detect.conversion.coco.contents import DESCRIPTION
from detect.conversion.media import Media, lay
from detect.conversion.photo_labels import questions_document
from detect.conversion.tidy import PRECISION
from detect.data import Dataset, Image
from detect.errors import Problems
from detect.files import atomic_file

OWN = ("iscrowd", "ignore", "area", "score")
"""Attributes that COCO has keys of its own for."""

BLOCK = 500
"""Images that are written at once, and whose annotations are."""


def write(dataset: Dataset, folder: Path, media: Media, problems: Problems) -> None:
    """annotations/instances_<split>.json and images/ below `folder`; `default` stands for no split."""
    lay(dataset, folder / "images", media, problems)
    (folder / "annotations").mkdir()
    numbered = list(enumerate(dataset.images, 1))
    for split in dict.fromkeys((*dataset.splits, *(image.split for image in dataset.images))) or [None]:
        some = [(number, image) for number, image in numbered if image.split == split]
        path = folder / "annotations" / f"instances_{split or 'default'}.json"
        _dump(dataset, some, path)


def write_file(dataset: Dataset, path: Path, problems: Problems) -> None:
    """One document with all images, atomically; of several splits it does not say which image is in which."""
    if len({image.split for image in dataset.images}) > 1:
        what = f"the file holds all images and does not say which of them are {' or '.join(dataset.splits)}"
        problems.add("lost", "splits", what, file=path, remedy="name a folder to keep the splits")
    with atomic_file(path) as temporary:
        _dump(dataset, list(enumerate(dataset.images, 1)), temporary)


def _dump(dataset: Dataset, images: Sequence[tuple[int, Image]], path: Path) -> None:
    """Write a document piece by piece: as a whole it would take four times the memory of the dataset."""
    import orjson

    numbers = {label: number for number, label in enumerate(dataset.classes, 1)}
    head = {
        "info": {"description": DESCRIPTION},
        "licenses": [],
        **({"questions": questions_document(dataset.questions)} if dataset.questions else {}),
        "categories": [{"id": n, "name": name, "supercategory": ""} for name, n in numbers.items()],
    }
    with path.open("wb") as file:
        file.write(orjson.dumps(head)[:-1] + b',"images":[')
        for start in range(0, len(images), BLOCK):
            some = [_image(number, image) for number, image in images[start : start + BLOCK]]
            file.write(b"," * (start > 0) + orjson.dumps(some)[1:-1])
        file.write(b'],"annotations":[')
        written = 0
        for start in range(0, len(images), BLOCK):
            if rows := _annotations(images[start : start + BLOCK], numbers, written):
                file.write(b"," * (written > 0) + orjson.dumps(rows)[1:-1])
                written += len(rows)
        file.write(b"]}")


def _annotations(images: Sequence[tuple[int, Image]], numbers: Mapping[str, int], written: int) -> list[dict[str, Any]]:
    """The annotations of some images, numbered after those already written."""
    rows: list[dict[str, Any]] = []
    for image_id, image in images:
        for label, x1, y1, x2, y2, _, attributes in image.boxes:
            w, h = x2 - x1, y2 - y1
            area = w * h
            if w % 1 or h % 1:
                w, h = round(w, PRECISION), round(h, PRECISION)
                area = round(w * h, PRECISION)
            row: dict[str, Any] = {
                "id": written + len(rows) + 1,
                "image_id": image_id,
                "category_id": numbers[label],
                "bbox": [x1, y1, w, h],
                "area": area,
                "iscrowd": 0,
                "segmentation": [],
            }
            rows.append(row)
            if attributes:
                row |= {key: attributes[key] for key in OWN if key in attributes}
                if others := {key: value for key, value in attributes.items() if key not in OWN}:
                    row["attributes"] = others
    return rows


def _image(number: int, image: Image) -> dict[str, Any]:
    row: dict[str, Any] = {"id": number, "file_name": image.name, "width": image.width, "height": image.height}
    if image.attributes:
        row["attributes"] = dict(image.attributes)
    if image.labels:
        row["labels"] = dict(image.labels)
    return row
