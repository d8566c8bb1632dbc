"""The ids that a COCO file has for the images of data which was read from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from detect.conversion import json_file
from detect.conversion.coco.header import header_names
from detect.conversion.predictions.name_match import Ends
from detect.data import Dataset
from detect.errors import Problems


def with_ids(dataset: Dataset, ids: Path) -> Dataset:
    """The data, each image with its id in the COCO file `ids`, found by its name or by the longest end of its path.

    As it is where the file does not have all of its images. Raises DataError where that is no COCO file.
    """
    ends = Ends(image.name for image in dataset.images)
    problems = Problems()
    numbers: dict[str, float | str] = {}
    images, _ = header_names(json_file.load(ids), str(ids), problems)
    problems.raise_errors()
    for number, name in images.items():
        found = [name] if name in ends else [match.name for match in ends.find(name)]
        if len(found) == 1 and isinstance(number, int | float | str):
            numbers[found[0]] = number
    if len(numbers) < len(dataset):
        return dataset
    return replace(dataset, images=tuple(replace(image, id=numbers[image.name]) for image in dataset.images))
