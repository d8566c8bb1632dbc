"""What a training loop gets: one job, the same for every kind of detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from detect.data import Image, Predictions
from detect.geometry import Boxes
from detect.recipes import Recipe

if TYPE_CHECKING:
    from detect.models.weights import Tensors

Picture = NDArray[np.uint8]
Vary = Callable[[Picture, Boxes, NDArray[np.int64], int], tuple[Picture, Boxes, NDArray[np.int64]]]
"""Picture, boxes (N, 4), a number for each and a seed in; the picture, the boxes that are left, and theirs out."""


@dataclass(frozen=True)
class Job:
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
    measure: Callable[[Predictions], dict[str, float]]  # what was found in val, where it can be read -> METRICS
    on_start: Callable[[str, int], None]  # what was taken over from other weights; the first epoch, from 1
    on_batch: Callable[[int, int], None]  # epoch from 1, batches in one epoch
    on_epoch: Callable[[dict[str, Any]], None]  # epoch, lr, seconds, boxes seen, train losses, val losses and metrics
    on_unreadable: Callable[[Sequence[str]], None]  # photos that were left out; raises when there are too many
    factors: tuple[float, ...] = ()  # how often each training photo is seen per epoch; empty: once
    class_weights: tuple[float, ...] = ()  # of each class in the loss; empty: all alike
    vary: Vary | None = None  # colours and defects of the camera, for a YOLO

    @property
    def last(self) -> Path:
        """The file of the weights as they are in the end, beside the best."""
        return self.best.with_name("last.pt")


def save_trained(tensors: Tensors, job: Job, path: Path) -> None:
    """Write what a training has made of its detector, from whichever device."""
    from detect.models.weights import Weights, save_weights

    recipe, on_cpu = job.recipe, {name: value.cpu() for name, value in tensors.items()}
    save_weights(Weights(recipe.model, job.classes, recipe.imgsz, on_cpu, recipe.model_dump(mode="json")), path)
