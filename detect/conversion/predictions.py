"""Predictions in a COCO document that carries its own names, and bare COCO results.

`predictions.json` has "images" (every image that was looked at, also those where nothing was found), "categories"
and "annotations" with a bbox x, y, width, height in pixels and a score. Answers to "questions" about a whole photo
stand with the photo. A bare results list has ids alone, so it needs the ground truth that they refer to.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from detect.conversion import json_file
from detect.conversion.names import image_names, posix
from detect.conversion.photo_labels import answers_document, answers_from, questions_document, questions_from
from detect.conversion.tidy import clean_label
from detect.data import Box, Dataset, Predictions
from detect.errors import DataError, Problems
from detect.files import write_bytes
from detect.questions import Answer

Names = dict[Hashable, str]


def read_predictions(path: str | Path, *, ids: Path | None = None) -> Predictions:
    """The predictions in a COCO document, or in a bare results list with `ids`, the COCO file its ids refer to.

    Raises DataError with every error found: unknown or duplicate ids, a score that is no number in 0..1, a bbox
    that is not four finite numbers, a list without `ids`.
    """
    path, problems = Path(path), Problems()
    document = json_file.load(path)
    if isinstance(document, list):
        if ids is None:
            raise DataError(
                f"{path}: is a bare list of COCO results, whose ids mean nothing by themselves "
                "(name the ground truth JSON that they refer to with --ids)"
            )
        header, rows = json_file.load(ids), document
    else:
        header, rows = document, document.get("annotations", []) if isinstance(document, dict) else []
    place = str(ids if isinstance(document, list) else path)
    if not isinstance(header, dict) or not isinstance(rows, list) or "categories" not in header:
        raise DataError(f'{place}: must be an object with "images" and "categories"')
    names = _names(header, "images", "file_name", place, problems)
    names = dict(zip(names, image_names([posix(name) for name in names.values()]), strict=True))
    classes = _names(header, "categories", "name", place, problems)
    classes = {key: clean_label(classes[key]) for key in sorted(classes, key=lambda key: (isinstance(key, str), key))}
    found: dict[str, list[Box]] = {name: [] for name in names.values()}
    if len(found) < len(names):
        problems.add("error", "image twice", "two images have the same file_name", file=place)
    for number, row in enumerate(rows, 1):
        try:
            name, box = _box(row, names, classes)
            found[name].append(box)
        except (ValueError, DataError) as error:
            problems.add("error", "bad prediction", str(error), file=path, where=f"prediction {number}")
    answers, asked = {}, None
    if isinstance(document, dict):
        answers, asked = _answers(document, names, found, path, problems), document.get("questions")
    questions = questions_from(asked, place, problems)
    problems.raise_errors()
    try:
        return Predictions(tuple(dict.fromkeys(classes.values())), found, questions, answers)  # type: ignore[arg-type]
    except DataError as error:
        raise DataError([replace(one, file=f"{path}: {one.file}") for one in error.problems]) from None


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


def _answers(
    document: dict[str, Any], names: Names, found: dict[str, list[Box]], path: Path, problems: Problems
) -> dict[str, dict[str, Answer]]:
    """The answers of each image; images at which no detector looked are taken out of `found`."""
    answers: dict[str, dict[str, Answer]] = {}
    for place, row in enumerate(document["images"] if isinstance(document.get("images"), list) else [], 1):
        if not isinstance(row, dict) or not isinstance(row.get("id"), int | str) or row["id"] not in names:
            continue  # reported as a row without a name
        name, where = names[row["id"]], f"images: row {place}"
        if row.get("detected") is False and found.pop(name, []):
            what = "has boxes, and says that no detector looked"
            problems.add("error", "bad prediction", what, file=path, where=where)
        if "answers" in row:
            try:
                answers[name] = answers_from(row["answers"])
            except ValueError as error:
                problems.add("error", "bad answer", str(error), file=path, where=where)
    return answers


def _names(document: Mapping[str, Any], key: str, field: str, file: str, problems: Problems) -> Names:
    """From id to name of the rows in a list of the document."""
    rows = document.get(key)
    names: Names = {}
    if not isinstance(rows, list):
        problems.add("error", "no list", f'"{key}" must be a list', file=file)
        return names
    for place, row in enumerate(rows, 1):
        where = f"{key}: row {place}"
        if not isinstance(row, dict) or not isinstance(row.get("id"), int | str) or not isinstance(row.get(field), str):
            problems.add("error", "no name", f"needs an id and a {field}", file=file, where=where)
        elif not posix(row[field]):
            problems.add("error", "no name", f"the {field} {row[field]!r} names nothing", file=file, where=where)
        elif row["id"] in names:
            problems.add("error", "duplicate id", f"the id {row['id']} appears twice", file=file, where=where)
        else:
            names[row["id"]] = row[field]
    return names


def _box(row: Any, names: Names, classes: Names) -> tuple[str, Box]:
    """The image's name and the box of one prediction; ValueError says what is wrong."""
    if not isinstance(row, dict):
        raise ValueError("must be an object with image_id, category_id, bbox and score")
    image, category, bbox, score = (row.get(key) for key in ("image_id", "category_id", "bbox", "score"))
    if not isinstance(image, int | str) or image not in names:
        raise ValueError(f"image_id {image} is unknown")
    if not isinstance(category, int | str) or category not in classes:
        raise ValueError(f"category_id {category} is unknown")
    if not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ValueError(f"the score must be a number from 0 to 1, got {score}")
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(type(v) in (int, float) and isfinite(v) for v in bbox):
        raise ValueError(f"bbox must be four numbers x, y, width, height, got {str(bbox)[:60]}")
    x, y, w, h = map(float, bbox)
    if w < 0 or h < 0:
        raise ValueError(f"bbox has a negative width or height: {str(bbox)[:60]}")
    return names[image], Box(classes[category], x, y, x + w, y + h, float(score))
