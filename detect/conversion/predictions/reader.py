"""Predictions, of `detect predict` or of another tool, as they are and as the data calls its images and classes.

`predictions.json` of `detect predict` is COCO with "images" (every image that was looked at, also those where nothing
was found), "categories" and "annotations" with a bbox x, y, width, height in pixels and a score. Answers to "questions"
about a whole photo stand with the photo. What other tools write is listed in layouts.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from detect.conversion import json_file
from detect.conversion.coco.header import Names, header_names
from detect.conversion.photo_labels import answers_from, questions_from
from detect.conversion.predictions.class_names import ClassNames
from detect.conversion.predictions.image_names import ImageNames, with_photo
from detect.conversion.predictions.listing import Fault, Faults, Listing, check_percent, checked
from detect.conversion.predictions.listing_files import open_listing
from detect.conversion.predictions.name_match import report_unknown
from detect.data import Box, Dataset, Predictions
from detect.errors import DataError, Problems
from detect.questions import Answer


def read_predictions(
    path: str | Path,
    *,
    ids: str | Path | None = None,
    dataset: Dataset | None = None,
    mapping: Sequence[str] = (),
    problems: Problems | None = None,
) -> Predictions:
    """The predictions in a file or folder, of `detect predict` or any tool that `detect formats` lists.

    `ids` is the COCO file that the ids of bare results refer to. `dataset`: the data that was predicted on. Images are
    then called as it calls them, found by the end of their path, with or without its ending; classes too, whose names
    may differ in case. It gives the order of classes that are numbers and the sizes of images whose boxes are shares.
    `mapping` renames classes first: `old=new`, or a YAML file with such pairs. What was matched is added to `problems`,
    or logged where that is None.

    Raises DataError with every error found, each kind once: content that is in no known layout, unknown or ambiguous
    images and classes, ids that refer to nothing, a score that is no number in 0..1, a box that is not four finite
    numbers; ConfigError for a mapping that is none.
    """
    found = Problems()
    try:
        listing = open_listing(Path(path))
        result = _named(listing, ids if not listing.document else None, dataset, mapping, found)
    finally:
        if problems is None:
            _log(found)
        else:
            problems.items.extend(found)
    return result


def _named(
    listing: Listing, ids: str | Path | None, dataset: Dataset | None, mapping: Sequence[str], problems: Problems
) -> Predictions:
    """The predictions with the names of the data."""
    header, place = (listing.document, listing.file) if ids is None else (json_file.load(ids), str(ids))
    alone = not header and ids is None
    if listing.one_photo:
        listing = with_photo(listing, dataset)
    images, categories = ({}, {}) if alone else header_names(header, place, problems)
    image_names = ImageNames(listing, images, dataset, problems)
    if alone and (image_names.unknown or not (listing.images or listing.rows or dataset)):
        raise DataError(
            f"{listing.file}: is a bare list of COCO results, whose ids mean nothing by themselves "
            "(name the ground truth JSON that they refer to with --ids)"
        )
    table = listing.classes or categories
    class_names = ClassNames(listing, table, dataset, mapping, image_names.by_id, problems)
    found: dict[str, list[Box]] = {name: [] for name in image_names.looked_at}
    if listing.images is None and not images and dataset is not None:
        _count_silent(listing, dataset, image_names, found, problems)
    _fill(found, listing, image_names, class_names, dataset, problems)
    answers: dict[str, dict[str, Answer]] = {}
    if listing.document:
        answers = _answers(listing.document, image_names.listed, found, listing.file, problems)
    questions = questions_from(listing.document.get("questions"), place, problems)
    if dataset is not None:
        counts = dict.fromkeys(class_names.classes, 0)
        for box in (box for boxes in found.values() for box in boxes):
            counts[box.label] += 1
        report_unknown(counts, dataset, listing.file, problems)
    problems.raise_errors()
    try:
        seconds = _seconds(listing.document, image_names.listed)
        return Predictions(class_names.classes, found, questions, answers, seconds)  # type: ignore[arg-type]
    except DataError as error:
        raise DataError([replace(one, file=f"{listing.file}: {one.file}") for one in error.problems]) from None


def _fill(
    found: dict[str, list[Box]],
    listing: Listing,
    image_names: ImageNames,
    class_names: ClassNames,
    dataset: Dataset | None,
    problems: Problems,
) -> None:
    """Put the box of every row to its image; what is wrong with rows is added to the problems, each kind once."""
    sizes = _sizes(listing, dataset)
    faults = Faults()
    if (percent := check_percent(listing.rows)) is not None:
        faults.add(percent, "all predictions")
    for row in listing.rows:
        try:
            if not row.form:
                raise Fault("no object", "must be an object with image_id, category_id, bbox and score")
            name, label = image_names(row.image), class_names(row.label)
            boxes = found.setdefault(name, [])
            if label:
                boxes.append(checked(row, label, sizes.get(name)))
        except Fault as fault:
            if percent is None or fault.kind != "score out of range":
                faults.add(fault, row.where)
    faults.report(listing.file, problems)


def _sizes(listing: Listing, dataset: Dataset | None) -> dict[str, tuple[float, float]]:
    """What boxes are shares of, by image; empty where they are pixels."""
    if listing.whole is None:
        return {}
    if dataset is None:
        raise DataError(f"{listing.file}: the boxes are shares of the images; name the data, whose sizes they need")
    return {image.name: (image.width / listing.whole, image.height / listing.whole) for image in dataset}


def _count_silent(
    listing: Listing, dataset: Dataset, image_names: ImageNames, found: dict[str, list[Box]], problems: Problems
) -> None:
    """Count images without any row as looked at, in the splits that have some, and say how many they are."""
    named = image_names.used
    splits = {image.split for image in dataset if image.name in named}
    silent = [image.name for image in dataset if image.name not in named and image.split in splits | {None}]
    found.update({name: [] for name in silent})
    if silent:
        are = "photo has" if len(silent) == 1 else "photos have"
        what = f"{len(silent):,} {are} no detection, first {silent[0]!r}: counted as looked at with nothing found"
        problems.add("note", "photos without detections", what, file=listing.file)


def _answers(
    document: Mapping[str, Any], names: Names, found: dict[str, list[Box]], file: str, problems: Problems
) -> dict[str, dict[str, Answer]]:
    """The answers of each image; images at which no detector looked are taken out of `found`."""
    answers: dict[str, dict[str, Answer]] = {}
    for where, name, row in _listed(document, names):
        if row.get("detected") is False and found.pop(name, []):
            what = "has boxes, and says that no detector looked"
            problems.add("error", "bad prediction", what, file=file, where=where)
        if "answers" in row:
            try:
                answers[name] = answers_from(row["answers"])
            except ValueError as error:
                problems.add("error", "bad answer", str(error), file=file, where=where)
    return answers


def _seconds(document: Mapping[str, Any], names: Names) -> dict[str, float]:
    """When frames of videos are shown, by the name of the image."""
    stated = {name: row.get("attributes") for _, name, row in _listed(document, names)}
    values = {name: one.get("seconds") for name, one in stated.items() if isinstance(one, dict)}
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}


def _listed(document: Mapping[str, Any], names: Names) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The rows of images, each with its position and name; those without a name are reported elsewhere."""
    for place, row in enumerate(document["images"] if isinstance(document.get("images"), list) else [], 1):
        if isinstance(row, dict) and isinstance(row.get("id"), int | str) and row["id"] in names:
            yield f"images: row {place}", names[row["id"]], row


def _log(problems: Problems) -> None:
    import logging

    for line in problems.summary():
        logging.getLogger("detect").warning("%s", line)
