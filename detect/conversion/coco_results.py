"""COCO results: a bare list of detections, whose ids refer to a COCO file of ground truth.

Read as annotations (to correct what a model found, for example), each keeps its score as an attribute.
Source: https://cocodataset.org/#format-results
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detect.conversion import coco, json_file, json_kinds
from detect.conversion.lost_content import telling
from detect.conversion.source import Source
from detect.conversion.tidy import PRECISION
from detect.data import Dataset
from detect.errors import ConfigError, Problems
from detect.files import write_bytes


def recognise(source: Source) -> bool:
    """One JSON file that is a list of objects with image_id and score; beside its ground truth it may be empty."""
    if not source.path.is_file() or source.path.suffix.lower() != ".json":
        return False
    nothing = source.ids is not None and source.head(source.path.name).strip() == "[]"
    return nothing or json_kinds.any_of(source, "coco-results")


def read(source: Source) -> Dataset:
    """The images of the ground truth that `ids` names, with the detections as their boxes.

    Raises ConfigError without `ids`, DataError where one of the files is none.
    """
    if source.ids is None:
        raise ConfigError(
            f"{source.path}: is a bare list of COCO results, whose ids mean nothing by themselves "
            "(name the ground truth JSON that they refer to with --ids)"
        )
    header, rows = json_file.load(source.ids), json_file.load(source.path)
    document = {**(header if isinstance(header, dict) else {}), "annotations": rows}
    return coco.read_document(source, source.path.name, document)


def write_file(dataset: Dataset, path: Path, problems: Problems) -> None:
    """The boxes as results; ids are those of `--to coco`: images in their order, classes in theirs, both from 1.

    Raises ConfigError where a box has no attribute `score` in 0..1.
    """
    numbers = {label: number for number, label in enumerate(dataset.classes, 1)}
    rows: list[dict[str, Any]] = []
    lost = 0
    for image_id, image in enumerate(dataset.images, 1):
        for box in image.boxes:
            score = box.attributes.get("score")
            if isinstance(score, str | bool) or score is None or not 0 <= score <= 1:
                raise ConfigError(f"{image.name}: a {box.label} has no score in 0..1; results are what a model found")
            size = [round(box.width, PRECISION), round(box.height, PRECISION)]
            row = {"image_id": image_id, "category_id": numbers[box.label], "bbox": [box.x1, box.y1, *size]}
            rows.append({**row, "score": score})
            lost += sum(name != "score" for name in telling(box.attributes))
    if lost:
        problems.add("lost", "box attributes", f"{lost} box attributes dropped, COCO results hold only the score")
    write_bytes(path, json_file.dump(rows))
