"""Writing predictions.json: COCO with names, every image that was looked at, and a score for each box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detect.conversion.photo_labels import answers_document, questions_document
from detect.data import Dataset, Predictions
from detect.files import write_bytes


def write_predictions(predictions: Predictions, path: str | Path, *, dataset: Dataset | None = None) -> Path:
    """Write predictions.json atomically, and return its path; `dataset` adds the sizes of its images, in pixels.

    Raises DetectError where the file cannot be written.
    """
    import orjson

    sizes = {image.name: (image.width, image.height) for image in dataset.images} if dataset is not None else {}
    numbers = {label: number for number, label in enumerate(predictions.classes, 1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, name in enumerate(predictions.names, 1):
        row: dict[str, Any] = {"id": image_id, "file_name": name}
        if name in sizes:
            row["width"], row["height"] = sizes[name]
        if name not in predictions.images:
            row["detected"] = False
        if name in predictions.answers:
            row["answers"] = answers_document(predictions.answers[name])
        images.append(row)
        for label, x1, y1, x2, y2, score, _ in predictions.images.get(name, ()):
            bbox = [x1, y1, x2 - x1, y2 - y1]
            ids = {"id": len(annotations) + 1, "image_id": image_id, "category_id": numbers[label]}
            annotations.append({**ids, "bbox": bbox, "area": bbox[2] * bbox[3], "score": score, "iscrowd": 0})
    categories = [{"id": number, "name": label} for label, number in numbers.items()]
    asked = {"questions": questions_document(predictions.questions)} if predictions.questions else {}
    document = {**asked, "images": images, "categories": categories, "annotations": annotations}
    write_bytes(Path(path), orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY))
    return Path(path)
