"""What a training loop gets: one job, the same for every kind of detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from detect.data import Dataset, Image, Predictions
from detect.errors import DataError
from detect.geometry import Boxes
from detect.recipes import Recipe
from detect.training.balance import class_weights, repeat_factors
from detect.training.listeners import Listeners
from detect.training.measures import MEASURES

if TYPE_CHECKING:
    from detect.models.weights import Tensors

T = TypeVar("T")
Picture = NDArray[np.uint8]
Augmenter = Callable[[Picture, Boxes, NDArray[np.int64], int], tuple[Picture, Boxes, NDArray[np.int64]]]
"""Picture, boxes (N, 4), a number for each and a seed in; the picture, the boxes that are left, and theirs out."""


@dataclass(frozen=True)
class Job:
    """What a family's `fit` gets: the recipe, the images, how to augment and weigh them, where to save.

    `state` holds all that is needed to go on after the last whole epoch; `best` the weights of the best epoch so
    far, `last` those of the end. All are written atomically, `state` after `best`; the listeners come before both.
    """

    recipe: Recipe
    classes: tuple[str, ...]
    train: tuple[Image, ...]
    val: tuple[Image, ...]
    state: Path
    best: Path
    measure: Callable[[Predictions], dict[str, float]]  # what was found in val -> the metrics of the recipe's task
    listeners: Listeners
    factors: tuple[float, ...] = ()  # how often each training photo is seen per epoch; empty: once
    class_weights: tuple[float, ...] = ()  # of each class in the loss; empty: all alike

    @property
    def last(self) -> Path:
        """The file of the weights as they are in the end, beside the best."""
        return self.best.with_name("last.pt")


def make_job(recipe: Recipe, dataset: Dataset, out: Path, listeners: Listeners) -> Job:
    """The job of training by this recipe, in the folder `out`. Raises DataError where a split or a photo is absent."""
    train, val = (dataset.only(split).require_photos() for split in ("train", "val"))
    return Job(
        recipe,
        dataset.classes,
        train.images,
        val.images,
        state=out / "state.pt",
        best=out / "weights" / "best.pt",
        measure=lambda found: MEASURES[recipe.task](val, found),
        listeners=listeners,
        factors=repeat_factors(train.images, recipe.balance.repeat),
        class_weights=class_weights(train.images, dataset.classes, recipe.balance),
    )


def first_readable(images: Sequence[Image], position: int, load: Callable[[int], T]) -> tuple[T, list[str]]:
    """What `load` makes of the photo at this position, or of the next that can be read.

    With it come the names of those that cannot. `load` raises DataError for them; so does this where none can be read.
    """
    unreadable: list[str] = []
    for place in range(position, position + len(images)):
        try:
            return load(place % len(images)), unreadable
        except DataError:
            unreadable.append(images[place % len(images)].name)
    raise DataError("none of the training photos can be read as an image")


def save_trained(tensors: Tensors, job: Job, path: Path) -> None:
    """Write what a training has made of its detector, from whichever device."""
    from detect.models.weights import Weights, save_weights

    recipe, on_cpu = job.recipe, {name: value.cpu() for name, value in tensors.items()}
    save_weights(Weights(recipe.model, job.classes, recipe.imgsz, on_cpu, recipe.model_dump(mode="json")), path)
