"""Predictions in the files of FiftyOne and Label Studio, beside what people drew there.

FiftyOne's boxes are x, y, width and height as shares of the image, Label Studio's in percent of it. What has no
confidence is an annotation, and is not read.
Source: https://docs.voxel51.com/user_guide/export_datasets.html, https://labelstud.io/guide/predictions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detect.conversion.coco.header import Names
from detect.conversion.label_studio import image_link
from detect.conversion.predictions.listing import Listing, Row
from detect.errors import DataError


def is_fiftyone(document: Any) -> bool:
    """Tell whether this is the samples.json or labels.json of an export of FiftyOne."""
    if not isinstance(document, dict):
        return False
    samples, labels = document.get("samples"), document.get("labels")
    if isinstance(samples, list):
        return any(isinstance(one, dict) and "filepath" in one for one in samples)
    lists = [some for some in labels.values() if some] if isinstance(labels, dict) and "classes" in document else []
    return any(isinstance(some, list) and isinstance(some[0], dict) and "bounding_box" in some[0] for some in lists)


def read_fiftyone(document: Any, file: str) -> Listing:
    """Every sample whose field of predictions is set; an empty one was looked at, and nothing found."""
    photos = _samples(document["samples"], file) if "samples" in document else document["labels"]
    rows = [
        Row(name, row.get("label"), row.get("bounding_box"), row.get("confidence"), f"{name}: detection {number}")
        for name, some in photos.items()
        for number, row in enumerate(some or [], 1)
        if isinstance(row, dict)
    ]
    images = {name: name for name, some in photos.items() if some is not None}
    classes: Names | None = None
    if isinstance(names := document.get("classes"), list) and all(isinstance(name, str) for name in names):
        classes = dict(enumerate(names))
    return Listing(file, rows, images, classes, whole=1.0)


def _samples(samples: list[Any], file: str) -> dict[str, list[Any] | None]:
    """The detections of each sample, from the one field that has confidences."""
    rows = [one for one in samples if isinstance(one, dict) and isinstance(one.get("filepath"), str)]
    fields = list(dict.fromkeys(key for one in rows for key, value in one.items() if _scored(value)))
    if len(fields) != 1:
        have = f"has confidences in the fields {', '.join(fields)}" if fields else "has no field with confidences"
        raise DataError(f"{file}: {have}; export one field of predictions")
    return {one["filepath"]: _detections(one.get(fields[0])) for one in rows}


def _detections(value: Any) -> list[Any] | None:
    found = value.get("detections") if isinstance(value, dict) else None
    return found if isinstance(found, list) else None


def _scored(value: Any) -> bool:
    return any(isinstance(row, dict) and row.get("confidence") is not None for row in _detections(value) or [])


def is_label_studio(document: Any) -> bool:
    """Tell whether these are tasks of Label Studio that hold predictions."""
    some = document[:1000] if isinstance(document, list) else [document]
    return any(map(_is_task, some))


def _is_task(task: Any) -> bool:
    made = task.get("predictions") if isinstance(task, dict) and isinstance(task.get("data"), dict) else None
    return isinstance(made, list) and any(isinstance(one, dict) and isinstance(one.get("result"), list) for one in made)


def read_label_studio(document: Any, file: str) -> Listing:
    """Every task with a prediction. Raises DataError where one has those of several models."""
    rows: list[Row] = []
    images: dict[Any, str] = {}
    for place, task in enumerate(document if isinstance(document, list) else [document], 1):
        where = f"task {task.get('id', place)}" if isinstance(task, dict) else f"task {place}"
        link = image_link(task["data"]) if isinstance(task, dict) and isinstance(task.get("data"), dict) else None
        if link is None:
            raise DataError(f"{file}: {where}: names no image")
        made = [one for one in task.get("predictions") or [] if isinstance(one, dict)]
        if len(made) > 1:
            models = ", ".join(str(one.get("model_version")) for one in made)
            raise DataError(f"{file}: {where}: has {len(made)} predictions ({models}); keep those of one model")
        for one in made:
            images[link] = link
            rows += _rows(link, one, where)
    return Listing(file, rows, images, whole=100.0)


def _rows(image: str, made: Mapping[str, Any], where: str) -> list[Row]:
    """The regions of one prediction; its own score is that of a region only where there is no other region."""
    regions = [row for row in made.get("result") or [] if isinstance(row, dict) and isinstance(row.get("value"), dict)]
    drawn = [row for row in regions if all(key in row["value"] for key in ("x", "y", "width", "height"))]
    alone = made.get("score") if len(drawn) == 1 else None
    found = []
    for place, row in enumerate(drawn, 1):
        value = row["value"]
        label = next((some for key, some in value.items() if key.endswith("labels") and some), None)
        score = next((s for s in (row.get("score"), value.get("score"), alone) if s is not None), None)
        box = [value["x"], value["y"], value["width"], value["height"]]
        name = label[0] if isinstance(label, list) else label
        found.append(Row(image, name, box, score, f"{where}: region {place}"))
    return found
