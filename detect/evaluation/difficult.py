"""True boxes that the annotator marked `difficult`, as Pascal VOC and LabelImg do: they count, or neither way."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from detect.data import Box, Dataset, Image
from detect.evaluation.columns import is_set

Difficult = Literal["count", "ignore"]


def with_difficult(dataset: Dataset, notes: tuple[str, ...], difficult: Difficult) -> tuple[Dataset, tuple[str, ...]]:
    """The data, its difficult boxes marked `ignore` where that is wanted, and the notes with one about them."""
    number = sum(_is_difficult(box) for image in dataset.images for box in image.boxes)
    if not number:
        return dataset, notes
    which = "1 true box is marked difficult" if number == 1 else f"{number} true boxes are marked difficult"
    if difficult == "count":
        like = "it counts" if number == 1 else "they count"
        return dataset, (*notes, f"{which}: {like} like any other. VOC's evaluation does not: --difficult ignore.")
    left = "it counts" if number == 1 else "they count"
    note = f"{which}: {left} neither as found nor as missed, as in VOC's evaluation."
    return replace(dataset, images=tuple(map(_ignoring, dataset.images))), (*notes, note)


def _ignoring(image: Image) -> Image:
    if not any(map(_is_difficult, image.boxes)):
        return image
    return replace(image, boxes=tuple(b.with_attributes(ignore=1) if _is_difficult(b) else b for b in image.boxes))


def _is_difficult(box: Box) -> bool:
    return bool(box.attributes) and is_set(box.attributes, "difficult")
