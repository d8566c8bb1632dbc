"""What every detector can do, whichever library it comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from detect.config import Recipe
from detect.data import Box, Image

Picture = NDArray[np.uint8]


class Detector(Protocol):
    """A trained model ready to look at photos. `classes` are in the order of its outputs."""

    name: str
    classes: tuple[str, ...]
    imgsz: int

    def detect(self, pictures: Sequence[Picture], confidence: float, nms_iou: float) -> list[tuple[Box, ...]]:
        """Boxes of each picture, best first, in the picture's own pixels, with scores of at least `confidence`.

        A picture is upright RGB, (height, width, 3) uint8; pictures may differ in size. `nms_iou`: of two boxes of
        one class that overlap by more than this IoU, the weaker is dropped.
        """
        ...


@dataclass(frozen=True)
class Training:
    """What a detector's `fit` gets: the recipe, the images, where to save, and whom to tell.

    `state` holds all that is needed to go on after the last whole epoch; `best` the weights of the best epoch so
    far. Both are written atomically, `state` last. `on_epoch` is called before they are written.
    """

    recipe: Recipe
    classes: tuple[str, ...]
    train: tuple[Image, ...]
    val: tuple[Image, ...]
    state: Path
    best: Path
    on_start: Callable[[str, int], None]  # what was taken over from other weights; the first epoch, from 1
    on_batch: Callable[[int, int], None]  # epoch from 1, batches in one epoch
    on_epoch: Callable[[dict[str, Any]], None]  # epoch, lr, seconds, train losses, val losses and figures
