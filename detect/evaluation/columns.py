"""Truth and detections as columns over the same images and classes: what the matching works on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.data import Attributes, Dataset, Predictions, Value
from detect.evaluation.pairs import area, with_filed_corners
from detect.geometry import Boxes

YES = {"1", "1.0", "true", "yes"}  # CVAT writes attributes as text


class Truths(NamedTuple):
    """G true boxes, in the order of the data. A crowd region may be hit many times and is never missed.

    xyxy (G, 4) pixels; label and image (G,) indices into the data's classes and images; area (G,) square pixels;
    ignored (G,) counts neither when found nor when missed; crowd (G,) ignored, and overlap is measured by the
    detection's own area.
    """

    xyxy: Boxes
    label: NDArray[np.int64]
    image: NDArray[np.int64]
    area: NDArray[np.float64]
    ignored: NDArray[np.bool_]
    crowd: NDArray[np.bool_]


class Detections(NamedTuple):
    """D detections. xyxy (D, 4) pixels; label and image (D,) indices into the data's; score (D,) in 0..1."""

    xyxy: Boxes
    label: NDArray[np.int64]
    image: NDArray[np.int64]
    score: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Detections:
        """These rows, in this order."""
        return Detections(self.xyxy[rows], self.label[rows], self.image[rows], self.score[rows])


def truths(dataset: Dataset) -> Truths:
    """All true boxes of the data. The attributes `iscrowd`, `ignore` and `area` have COCO's meaning."""
    columns = dataset.columns()
    xyxy = with_filed_corners(columns.xyxy)
    sizes = area(xyxy)
    ignored = np.zeros(len(sizes), dtype=bool)
    crowd = np.zeros(len(sizes), dtype=bool)
    boxes = (box for image in dataset.images for box in image.boxes)
    for row, box in enumerate(boxes):
        if box.attributes:
            crowd[row] = is_set(box.attributes, "iscrowd")
            ignored[row] = crowd[row] or is_set(box.attributes, "ignore")
            if _is_number(given := box.attributes.get("area")):
                sizes[row] = given
    return Truths(xyxy, columns.label, columns.image, sizes, ignored, crowd)


def detections(dataset: Dataset, predictions: Predictions) -> Detections:
    """All predicted boxes that lie in images and classes of the data; those of other classes are left out.

    Ordered by the data's images and, within one, as predicted.
    """
    columns = predictions.columns()
    image = _translation(columns.names, [image.name for image in dataset.images])[columns.image]
    label = _translation(columns.classes, dataset.classes)[columns.label]
    rows = np.flatnonzero((image >= 0) & (label >= 0))
    rows = rows[np.argsort(image[rows], kind="stable")]
    return Detections(with_filed_corners(columns.xyxy[rows]), label[rows], image[rows], columns.score[rows])


def order_of_images(dataset: Dataset) -> NDArray[np.int64]:
    """(I,) the place of each image where detections of equal score are put in order.

    By rising id where all have one, as COCOeval takes the images; ids of which some are text are compared as text, as
    it does. Otherwise, and where ids are equal, the order of the data.
    """
    ids: list[Any] = [image.id for image in dataset.images]
    place = np.arange(len(ids))
    if None not in ids:
        if any(isinstance(one, str) for one in ids):
            ids = list(map(str, ids))
        place[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    return place


def _translation(ours: tuple[str, ...], theirs: tuple[str, ...] | list[str]) -> NDArray[np.int64]:
    """For each of our names its place among theirs, or -1."""
    place = {name: i for i, name in enumerate(theirs)}
    return np.array([place.get(name, -1) for name in ours], dtype=np.int64)


def is_set(attributes: Attributes, name: str) -> bool:
    """Whether a flag is set, whatever the file writes for it: 1, true, yes."""
    return str(attributes.get(name, "")).strip().lower() in YES


def _is_number(value: Value | None) -> bool:
    # A text attribute called "area" is a place on the car, not a size.
    return isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
