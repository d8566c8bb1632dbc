"""Predictions as inference servers and libraries give them: the detections in one photo, or in each of several.

Two shapes are read. Columns: {"boxes": [[x1, y1, x2, y2], ...], "labels": [...], "scores": [...]}, "bboxes" in
MMDetection. Detections: an object each, with a score, a label and a box whose keys say which numbers it holds; four
numbers without such keys could be corners or a size, and are not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from detect.conversion.predictions.listing import Fault, Listing, Row
from detect.errors import DataError

IMAGE_KEYS = ("file_name", "filename", "image_path", "img_path", "image_name", "filepath", "image", "file", "path")
_SCORES = ("confidence", "score", "probability", "conf")
_NAMES = ("class_name", "name", "label", "class", "tagName", "category_name", "category", "class_id", "category_id")
LISTS = frozenset({"predictions", "detections", "results", "objects", "data", "outputs"})
"""Where an answer has its detections."""
_ARRAYS = {"boxes": ("labels", "classes", "class_ids", "pred_classes"), "bboxes": ("labels", "classes")}


class _Spelling(NamedTuple):
    """Keys that hold a box: of the detection itself, or of an object in it called `inside`."""

    inside: str
    keys: tuple[str, str, str, str]
    form: str
    shares: bool = False


_SPELLINGS = (
    _Spelling("box", ("x1", "y1", "x2", "y2"), "xyxy"),  # ultralytics
    _Spelling("box", ("xmin", "ymin", "xmax", "ymax"), "xyxy"),  # Hugging Face
    _Spelling("", ("xmin", "ymin", "xmax", "ymax"), "xyxy"),  # yolov5
    _Spelling("", ("x_min", "y_min", "x_max", "y_max"), "xyxy"),  # supervision
    _Spelling("", ("x1", "y1", "x2", "y2"), "xyxy"),
    _Spelling("boundingBox", ("left", "top", "width", "height"), "xywh", shares=True),  # Azure Custom Vision
    _Spelling("", ("x", "y", "width", "height"), "cxcywh"),  # Roboflow
)


def image_of(row: Mapping[str, Any]) -> Any:
    """What a row or photo calls its image: a name where it has one, else an id; None where it has neither."""
    named = next((row[key] for key in IMAGE_KEYS if isinstance(row.get(key), str) and row[key]), None)
    return row.get("image_id") if named is None else named


def is_columns(document: Any) -> bool:
    """Tell whether this is a photo with boxes, labels and scores as lists beside one another."""
    return isinstance(document, dict) and isinstance(document.get("scores"), list) and _columns(document) is not None


def is_detection(row: Any) -> bool:
    """Tell whether this is a detection whose keys say which numbers its box holds."""
    return isinstance(row, dict) and _spelling(row) is not None and any(key in row for key in (*_SCORES, *_NAMES))


def is_photo(document: Any) -> bool:
    """Tell whether this is what was found in one photo."""
    return is_columns(document) or _detections(document) is not None


def _columns(document: Mapping[str, Any]) -> tuple[str, str] | None:
    """The keys of the boxes and of the labels."""
    found = [
        (boxes, labels)
        for boxes, usual in _ARRAYS.items()
        for labels in usual
        if isinstance(document.get(boxes), list) and isinstance(document.get(labels), list)
    ]
    return found[0] if found else None


def _detections(document: Any) -> list[Any] | None:
    """The list of detections in the answer about a photo; None where it is no such answer."""
    if isinstance(document, list):
        return document if document and all(map(is_detection, document)) and not any(map(image_key, document)) else None
    if not isinstance(document, dict):
        return None
    found = [document[key] for key in LISTS if isinstance(document.get(key), list)]
    return found[0] if len(found) == 1 and all(map(is_detection, found[0])) else None


def image_key(row: Mapping[str, Any]) -> bool:
    """Tell whether a row says which image it is of."""
    return image_of(row) is not None


def _spelling(row: Mapping[str, Any]) -> _Spelling | None:
    for one in _SPELLINGS:
        holder = row.get(one.inside) if one.inside else row
        if isinstance(holder, dict) and all(key in holder for key in one.keys):
            return one
    return None


def photo_rows(image: Any, document: Any, where: str = "") -> Iterator[Row]:
    """The rows of what was found in one photo. Raises DataError where its lists differ in length."""
    prefix = f"{where}: " if where else ""
    if is_columns(document):
        boxes, labels = _columns(document) or ("boxes", "labels")
        lists = document[boxes], document[labels], document["scores"]
        if len({*map(len, lists)}) > 1:
            counts = f"{len(lists[0])} {boxes}, {len(lists[1])} {labels} and {len(lists[2])} scores"
            raise Fault("lists of different length", f"holds {counts}; they must be as many")
        for number, (box, label, score) in enumerate(zip(*lists, strict=True), 1):
            yield Row(image, label, box, score, f"{prefix}box {number}", "xyxy")
    else:
        for number, row in enumerate(_detections(document) or [], 1):
            yield detection(image, row, f"{prefix}detection {number}")


def detection(image: Any, row: Mapping[str, Any], where: str) -> Row:
    """The row of one detection."""
    spelling = _spelling(row) or _SPELLINGS[0]
    holder = row[spelling.inside] if spelling.inside else row
    values = [row[key] for key in _NAMES if key in row and not isinstance(row[key], bool)]
    label = next((value for value in values if isinstance(value, str) and value), values[0] if values else None)
    score = next((row[key] for key in _SCORES if key in row), None)
    return Row(image, label, [holder[key] for key in spelling.keys], score, where, spelling.form)


def shares_of(rows: Sequence[Mapping[str, Any]], file: str) -> float | None:
    """1 where the boxes of these detections are shares of the image; None: pixels."""
    found = {spelling.shares for row in rows if (spelling := _spelling(row)) is not None}
    if len(found) > 1:
        raise DataError(f"{file}: holds boxes in pixels and as shares of the image")
    return 1.0 if True in found else None


def read_photos(photos: Sequence[tuple[Any, Any, str]], file: str) -> Listing:
    """What was found in several photos: (what the photo is called, what was found, where that stands) of each."""
    rows: list[Row] = []
    images: dict[Any, str] = {}
    for image, document, where in photos:
        if image in images:
            raise DataError(f"{file}: {where}: {image!r} stands twice; one photo has one list of detections")
        images[image] = str(image)
        try:
            rows += photo_rows(image, document, where)
        except Fault as fault:
            raise DataError(f"{file}: {where}: {fault}") from None
    every = [row for _, document, _ in photos for row in _detections(document) or []]
    first = 0 if any(isinstance(document, dict) and "bboxes" in document for _, document, _ in photos) else None
    return Listing(file, rows, images, first=first, whole=shares_of(every, file))
