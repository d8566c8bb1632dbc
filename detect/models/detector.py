"""What every detector can do, whichever library it comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detect.config import Recipe
from detect.data import Box, Image, Predictions
from detect.geometry import Boxes
from detect.models.nms import Candidates, suppress
from detect.point import OperatingPoint, Suppression

Picture = NDArray[np.uint8]


class Detector(Protocol):
    """A trained model ready to look at photos. `classes` are in the order of its outputs."""

    name: str
    classes: tuple[str, ...]
    imgsz: int
    suppression: Suppression  # what it was trained or fitted with
    point: OperatingPoint | None  # what was fitted to it, see `detect thresholds`

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """What it sees in each picture before suppression, with scores above `confidence`.

        A picture is upright RGB, (height, width, 3) uint8; pictures may differ in size.
        """
        ...


def detect(
    detector: Detector, pictures: Sequence[Picture], confidence: float = 0.001, suppression: Suppression | None = None
) -> list[tuple[Box, ...]]:
    """Boxes of each picture, best first, in the picture's own pixels; without `suppression` the detector's own."""
    how = suppression or detector.suppression
    found = detector.candidates(pictures, confidence)
    kept = [suppress(one, how, confidence) for one in found]
    sizes = [picture.shape[1::-1] for picture in pictures]
    return [one.inside(*size).boxes(detector.classes) for one, size in zip(kept, sizes, strict=True)]


Vary = Callable[[Picture, Boxes, NDArray[np.int64], int], tuple[Picture, Boxes, NDArray[np.int64]]]
"""Picture, boxes (N, 4), a number for each and a seed in; the picture, the boxes that are left, and theirs out."""


@dataclass(frozen=True)
class Training:
    """What a detector's `fit` gets: the recipe, the images, how to vary and weigh them, where to save, whom to tell.

    `state` holds all that is needed to go on after the last whole epoch; `best` the weights of the best epoch so
    far, `last` those of the end. All are written atomically, `state` after `best`. `on_epoch` is called before.
    """

    recipe: Recipe
    classes: tuple[str, ...]
    train: tuple[Image, ...]
    val: tuple[Image, ...]
    state: Path
    best: Path
    measure: Callable[[Predictions], dict[str, float]]  # what was found in val, where it can be read -> FIGURES
    on_start: Callable[[str, int], None]  # what was taken over from other weights; the first epoch, from 1
    on_batch: Callable[[int, int], None]  # epoch from 1, batches in one epoch
    on_epoch: Callable[[dict[str, Any]], None]  # epoch, lr, seconds, boxes seen, train losses, val losses and figures
    on_unreadable: Callable[[Sequence[str]], None]  # photos that were left out; raises when there are too many
    factors: tuple[float, ...] = ()  # how often each training photo is seen per epoch; empty: once
    class_weights: tuple[float, ...] = ()  # of each class in the loss; empty: all alike
    vary: Vary | None = None  # colours and defects of the camera, for a YOLO

    @property
    def last(self) -> Path:
        """The file of the weights as they are in the end, beside the best."""
        return self.best.with_name("last.pt")
