"""The boxes of many images as arrays, which are counted and compared at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.geometry import Boxes, as_boxes

if TYPE_CHECKING:
    from detect.data import Box


class Columns(NamedTuple):
    """All boxes of a dataset or of predictions as arrays; N boxes, in the order of the images.

    xyxy (N, 4) float64; label (N,) int64, index into `classes`; image (N,) int64, index into `names`;
    score (N,) float64 (NaN in ground truth).
    """

    xyxy: Boxes
    label: NDArray[np.int64]
    image: NDArray[np.int64]
    score: NDArray[np.float64]
    names: tuple[str, ...]
    classes: tuple[str, ...]


def columns(classes: tuple[str, ...], images: Iterable[tuple[str, tuple[Box, ...]]]) -> Columns:
    """The boxes of these images, which have a name and boxes each."""
    index = {label: i for i, label in enumerate(classes)}
    names: list[str] = []
    corners: list[tuple[float, float, float, float]] = []
    labels: list[int] = []
    owners: list[int] = []
    scores: list[float] = []
    for number, (name, boxes) in enumerate(images):
        names.append(name)
        for box in boxes:
            corners.append(box[1:5])
            labels.append(index[box.label])
            owners.append(number)
            scores.append(float("nan") if box.score is None else box.score)
    return Columns(
        as_boxes(corners),
        np.array(labels, dtype=np.int64),
        np.array(owners, dtype=np.int64),
        np.array(scores, dtype=np.float64),
        tuple(names),
        classes,
    )
