"""Datasets to review, and what lies in the database of them."""

from __future__ import annotations

from typing import Any

from detect.data import Attributes, Box, Dataset, Image, Predictions
from detect.evaluation import Evaluation, evaluate
from detect.questions import Question


def stored(name: str) -> Any:
    from detect.review.fiftyone import store

    return store.opened(name)


def full(squares: Dataset) -> Dataset:
    """Everything that a dataset can hold: splits, photo labels, attributes of all types, no boxes."""
    paths = [image.path for image in squares.images]
    some = Attributes({"severity": 3, "area": 0.1 + 0.2, "hidden": True, "note": "a, b\nc", "label": "x", "tags": 1})
    boxes = (Box("red", 1 / 3, 0.1, 17.3, 64.0, attributes=some), Box("blue", 5, 6, 7, 8))
    mixed = (Box("blue", 0, 0, 64, 64, attributes=Attributes({"severity": "bad"})),)
    images = (
        Image("b/x.png", 64, 64, boxes, "train", Attributes({"claim": 7, "wet": False}), paths[0], {"view": "rear"}),
        Image("a/x.png", 64, 64, mixed, None, path=paths[1]),
        Image("c ü.png", 64, 64, (), "val", path=paths[2]),
    )
    return Dataset(("red", "blue", "never"), images, {"view": Question(("front", "rear"), ordered=True)})


def nothing_found(dataset: Dataset) -> Evaluation:
    empty: dict[str, tuple[Box, ...]] = {image.name: () for image in dataset.images}
    return evaluate(dataset, Predictions(dataset.classes, empty), replicates=0)


def found(dataset: Dataset, *boxes: Box) -> Evaluation:
    """A model that says these about the first photo, and nothing about the others; 0.5 and more counts."""
    said = {image.name: boxes if not number else () for number, image in enumerate(dataset.images)}
    return evaluate(dataset, Predictions(dataset.classes, said), replicates=0, confidence=0.5)
