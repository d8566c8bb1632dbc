"""The table of ways in which tools write predictions. Which one a document is follows from its structure alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from detect.conversion.predictions import annotation_tools
from detect.conversion.predictions.listing import Fault, Listing, Row
from detect.conversion.predictions.per_photo import (
    LISTS,
    detection,
    image_key,
    image_of,
    is_columns,
    is_detection,
    is_photo,
    photo_rows,
    read_photos,
    shares_of,
)
from detect.errors import DataError, Problem

_NESTED = ("annotations", "results", "predictions", "detections", "bbox", "data")
"""Where a list of results may lie in an object that is no COCO document."""

EXPECTED = (
    'it must be an object with "images" and "categories", as `detect predict` writes, a list of COCO results, or what '
    "another tool writes; `detect formats` lists what is read"
)


class PredictionFormat(NamedTuple):
    """What `detect formats` says of a layout. `example` is one detection as the tool writes it."""

    name: str
    title: str
    example: str


class Layout(NamedTuple):
    """One row of the table. `example` is one detection as the tool writes it."""

    name: str
    title: str
    example: str
    fits: Callable[[Any], bool]
    read: Callable[[Any, str], Listing]


def _is_document(document: Any) -> bool:
    return isinstance(document, dict) and "images" in document and not _is_hub(document)


def _is_hub(document: dict[str, Any]) -> bool:
    """Tell whether this is the answer of Ultralytics' service: its images have results, and no names."""
    images = document["images"]
    return isinstance(images, list) and any(isinstance(one, dict) and "results" in one for one in images)


def _read_document(document: Any, file: str) -> Listing:
    """A COCO document with its own images and categories; `predictions` names them later."""
    key = next((key for key in ("annotations", *_NESTED) if document.get(key)), "annotations")
    rows = document.get(key, [])
    if not isinstance(rows, list):
        raise DataError(f'{file}: {EXPECTED} ("{key}" must be a list)')
    return Listing(file, _coco_rows(rows), document=document)


def _is_results(document: Any) -> bool:
    return isinstance(document, list) and (not document or any(map(_is_result, document[:1000])))


def _is_result(row: Any) -> bool:
    ids = {"category_id", "bbox", "segmentation"}
    return isinstance(row, dict) and "image_id" in row and not ids.isdisjoint(row) and not is_columns(row)


def _read_results(document: Any, file: str) -> Listing:
    return Listing(file, _coco_rows(document))


def _coco_rows(rows: list[Any]) -> list[Row]:
    """The rows of COCO results. A file_name beside the id, which ultralytics writes, says more than the id does."""
    found = []
    for number, row in enumerate(rows, 1):
        where = f"prediction {number}"
        if isinstance(row, dict):
            name = row.get("file_name")
            image = name if isinstance(name, str) and name else row.get("image_id")
            found.append(Row(image, row.get("category_id"), row.get("bbox"), row.get("score"), where))
        else:
            found.append(Row(None, None, None, None, where, form=""))
    return found


def _is_named_photos(document: Any) -> bool:
    if isinstance(document, dict) and document:
        return LISTS.isdisjoint(document) and all(is_photo(one) for one in document.values())
    some = document[:1000] if isinstance(document, list) else []
    return bool(some) and all(isinstance(one, dict) and is_photo(one) and image_key(one) for one in some)


def _read_named_photos(document: Any, file: str) -> Listing:
    if isinstance(document, dict):
        return read_photos([(name, one, name) for name, one in document.items()], file)
    bad = next((place for place, one in enumerate(document, 1) if not is_photo(one) or not image_key(one)), None)
    if bad is not None:
        raise DataError(f"{file}: photo {bad}: needs the name of its image, and boxes, labels and scores as the others")
    return read_photos([(image_of(one), one, f"photo {place}") for place, one in enumerate(document, 1)], file)


def _is_named_rows(document: Any) -> bool:
    some = document[:1000] if isinstance(document, list) else []
    return bool(some) and all(is_detection(row) and image_key(row) for row in some)


def _read_named_rows(document: Any, file: str) -> Listing:
    bad = next((place for place, row in enumerate(document, 1) if not is_detection(row) or not image_key(row)), None)
    if bad is not None:
        raise DataError(f"{file}: detection {bad}: needs an image, a label, a score and a box as the others have them")
    rows = [detection(image_of(row), row, f"detection {place}") for place, row in enumerate(document, 1)]
    return Listing(file, rows, first=0, whole=shares_of(document, file))


def _read_one_photo(document: Any, file: str) -> Listing:
    rows = list(_photo_rows(document, file))
    name = next((image_of(row) for row in _inner(document) if image_key(row)), None)
    images = {name: str(name)} if name is not None else None
    rows = [row._replace(image=name) for row in rows]
    detections = [row for row in _inner(document) if is_detection(row)]
    first = 0 if detections or "bboxes" in document else None
    return Listing(file, rows, images, first=first, whole=shares_of(detections, file), one_photo=name is None)


def _photo_rows(document: Any, file: str) -> Iterator[Row]:
    try:
        yield from photo_rows(None, document)
    except Fault as fault:
        raise DataError(f"{file}: {fault}") from None


def _inner(document: Any) -> list[dict[str, Any]]:
    """The objects in the answer about a photo, and the answer itself where it is one."""
    lists = [document] if isinstance(document, list) else [[document], *document.values()]
    return [row for rows in lists if isinstance(rows, list) for row in rows if isinstance(row, dict)]


LAYOUTS: dict[str, Layout] = {
    one.name: one
    for one in (
        Layout(
            "coco",
            "COCO with images, categories and scores: detect predict, FiftyOne, supervision",
            '{"images": [...], "categories": [...], "annotations": [{"image_id": 1, "category_id": 2, '
            '"bbox": [x, y, width, height], "score": 0.87}]}',
            _is_document,
            _read_document,
        ),
        Layout(
            "coco-results",
            "COCO results: Detectron2, MMDetection, YOLOX, RF-DETR; ultralytics' predictions.json",
            '[{"image_id": 1, "category_id": 2, "bbox": [x, y, width, height], "score": 0.87}]',
            _is_results,
            _read_results,
        ),
        Layout(
            "photos",
            "a list of photos with boxes, labels and scores, or an object with a photo under each name: torchvision",
            '[{"image": "1.jpg", "boxes": [[x1, y1, x2, y2]], "labels": ["dent"], "scores": [0.87]}]',
            _is_named_photos,
            _read_named_photos,
        ),
        Layout(
            "rows",
            "a list of detections, each with its image: supervision's JSON, results as a table",
            '[{"file_name": "1.jpg", "x_min": 10, "y_min": 20, "x_max": 50, "y_max": 60, "class_name": "dent", '
            '"confidence": 0.87}]',
            _is_named_rows,
            _read_named_rows,
        ),
        Layout(
            "server",
            "the answer of an inference server about one photo, called as the photo; a folder of them: Roboflow, "
            "MMDetection, ultralytics, Hugging Face",
            '{"predictions": [{"x": 30, "y": 40, "width": 40, "height": 40, "class": "dent", "confidence": 0.87}]}',
            is_photo,
            _read_one_photo,
        ),
        Layout(
            "fiftyone",
            "FiftyOne's samples.json or labels.json",
            '{"samples": [{"filepath": "data/1.jpg", "predictions": {"detections": [{"label": "dent", '
            '"bounding_box": [0.1, 0.2, 0.4, 0.4], "confidence": 0.87}]}}]}',
            annotation_tools.is_fiftyone,
            annotation_tools.read_fiftyone,
        ),
        Layout(
            "label-studio",
            "Label Studio tasks with predictions",
            '[{"data": {"image": "1.jpg"}, "predictions": [{"result": [{"type": "rectanglelabels", "score": 0.87, '
            '"value": {"x": 10, "y": 20, "width": 40, "height": 40, "rectanglelabels": ["dent"]}}]}]}]',
            annotation_tools.is_label_studio,
            annotation_tools.read_label_studio,
        ),
    )
}


PREDICTIONS: tuple[PredictionFormat, ...] = (
    *(PredictionFormat(one.name, one.title, one.example) for one in LAYOUTS.values()),
    PredictionFormat(
        "yolo",
        "a folder with a text file for each photo: ultralytics and yolov5 with save_txt and save_conf",
        "1 0.5 0.4 0.2 0.3 0.87",
    ),
)
"""All that `read_predictions` reads, as `detect formats` lists it."""


def recognised(document: Any) -> Layout | None:
    """The layout of a document; None where it is none. Raises ValueError where it can be several."""
    found = [layout for layout in LAYOUTS.values() if layout.fits(document)]
    if len(found) > 1:
        raise ValueError("can be read as " + " or as ".join(layout.name for layout in found))
    return found[0] if found else None


def read_document(document: Any, file: str) -> Listing:
    """What a document says. Raises DataError, once, where it is in no layout that is known."""
    try:
        layout = recognised(document) or recognised(inner := _nested(document))
    except ValueError as error:
        raise DataError(f"{file}: {error}") from None
    if layout is None:
        raise DataError(Problem("error", "no predictions", f"holds no predictions that are known: {EXPECTED}", file))
    return layout.read(document if layout.fits(document) else inner, file)


def _nested(document: Any) -> Any:
    """The one list of an object that holds results; None where there is none, or more than one."""
    if not isinstance(document, dict):
        return None
    if "images" in document and _is_hub(document):
        return document["images"][0].get("results") if len(document["images"]) == 1 else None
    lists = [document[key] for key in _NESTED if isinstance(document.get(key), list) and document[key]]
    return lists[0] if len(lists) == 1 else None
