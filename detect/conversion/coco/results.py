"""COCO results: a bare list of detections, whose ids refer to a COCO file of ground truth.

Read as annotations (to correct what a model found, for example), each keeps its score as an attribute.
Source: https://cocodataset.org/#format-results
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detect.conversion import coco, json_file, json_kinds
from detect.conversion.coco.header import header_names
from detect.conversion.coco.ids import Ids
from detect.conversion.lost_content import telling
from detect.conversion.source import Source
from detect.conversion.tidy import PRECISION
from detect.data import Dataset
from detect.errors import ConfigError, DataError, Problems
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
    document = {**(header if isinstance(header, dict) else {}), "annotations": _with_ids(rows, header)}
    return coco.read_document(source, source.path.name, document)


def _with_ids(rows: Any, header: Any) -> Any:
    """The rows with ids of the ground truth; ultralytics calls images by their name without its ending instead."""
    from detect.conversion.predictions.name_match import Ends, plain_names

    try:
        images, classes = header_names(header, "", Problems())
    except DataError:  # reported when the document is read
        return rows
    names = plain_names(images.values())
    ids = {names[stated]: key for key, stated in images.items()}
    ends, image_ids, class_ids = Ends(ids), Ids(images), Ids(classes)

    def meant(row: dict[str, Any]) -> dict[str, Any]:
        image, category = image_ids.find(row.get("image_id")), class_ids.find(row.get("category_id"))
        stated = row.get("file_name", row.get("image_id"))
        if image is None and isinstance(stated, str) and len(found := ends.find(stated)) == 1:
            image = ids[found[0].name]
        better = {"image_id": image, "category_id": category}
        return row | {key: value for key, value in better.items() if value is not None}

    return [meant(row) if isinstance(row, dict) else row for row in rows] if isinstance(rows, list) else rows


def write_file(dataset: Dataset, path: Path, problems: Problems) -> None:
    """The boxes as results; ids are those of `--to coco`: images in their order, classes in theirs, both from 1.

    Raises ConfigError where a box has no attribute `score` in 0..1.
    """
    images: dict[str, Any] = {image.name: number for number, image in enumerate(dataset.images, 1)}
    classes: dict[str, Any] = {label: number for number, label in enumerate(dataset.classes, 1)}
    _write(dataset, path, images, classes, problems)


def write_for(dataset: Dataset, path: Path, problems: Problems, ids: Path) -> None:
    """The boxes as results with the ids that images and classes have in the COCO file `ids`.

    Images are found there by the end of their path, classes but for case. Raises DataError where one with a box is not
    there, ConfigError as `write_file`.
    """
    from detect.conversion.predictions.name_match import Ends, match_classes, match_images, plain_names

    stated, labels = header_names(json_file.load(ids), str(ids), problems)
    names = plain_names(stated.values())
    image_ids = {names[name]: key for key, name in stated.items()}
    class_ids = {label: key for key, label in reversed(labels.items())}
    drawn = [image.name for image in dataset.images if image.boxes]
    used = {box.label for image in dataset.images for box in image.boxes}
    images = match_images({name: name for name in drawn}, Ends(image_ids), str(ids), problems)
    classes = match_classes([label for label in dataset.classes if label in used], list(class_ids), str(ids), problems)
    for noun, lost in (
        ("image", [name for name in drawn if name not in images]),
        ("class", [label for label, meant in classes.items() if meant not in class_ids]),
    ):
        if lost:
            others = f", and {len(lost) - 1:,} others" if len(lost) > 1 else ""
            what = f"has no {noun} {lost[0]!r}, of which there are boxes{others}"
            problems.add("error", f"unknown {noun}", what, file=ids)
    problems.raise_errors()
    to_image = {name: image_ids[meant] for name, meant in images.items()}
    _write(dataset, path, to_image, {label: class_ids[meant] for label, meant in classes.items()}, problems)


def _write(
    dataset: Dataset, path: Path, images: Mapping[str, Any], classes: Mapping[str, Any], problems: Problems
) -> None:
    rows: list[dict[str, Any]] = []
    lost = 0
    for image in dataset.images:
        for box in image.boxes:
            score = box.attributes.get("score")
            if isinstance(score, str | bool) or score is None or not 0 <= score <= 1:
                raise ConfigError(f"{image.name}: a {box.label} has no score in 0..1; results are what a model found")
            size = [round(box.width, PRECISION), round(box.height, PRECISION)]
            row = {"image_id": images[image.name], "category_id": classes[box.label], "bbox": [box.x1, box.y1, *size]}
            rows.append({**row, "score": score})
            lost += sum(name != "score" for name in telling(box.attributes))
    if lost:
        problems.add("lost", "box attributes", f"{lost} box attributes dropped, COCO results hold only the score")
    write_bytes(path, json_file.dump(rows))
