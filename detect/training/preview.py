"""Training photos as the network will see them: varied, scaled, with their boxes drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detect.data import Box, Dataset
from detect.drawing import class_colours, draw
from detect.files import atomic_folder
from detect.models import require_torch
from detect.models.names import TORCHVISION, check_recipe
from detect.progress import track
from detect.recipes import Recipe
from detect.training import log as logs
from detect.training.stage import photos, training

if TYPE_CHECKING:
    from detect.geometry import Boxes
    from detect.models.detector import Picture
from detect.training.job import Job


def preview(recipe: Recipe, dataset: Dataset, folder: Path, count: int = 16) -> int:
    """Write the first pictures of the first epoch to a new folder, as PNG; returns how many there are.

    They are in the order in which training meets them, so one seed shows the same ones as it trains on.
    """
    require_torch()
    check_recipe(recipe)
    from detect.training.sampler import EpochSampler

    images = photos(dataset, "train")
    watch = logs.Watch(logs.Log(folder / "log.jsonl"), lambda *_, **__: None, recipe.epochs, len(images))
    job = training(recipe, dataset, folder, watch)
    keys = list(EpochSampler(len(images), recipe.seed, 0, job.factors))[:count]
    pictures = _torchvision(job, keys) if recipe.model in TORCHVISION else _yolo(job, keys)
    colours = class_colours(dataset.classes)
    with atomic_folder(folder) as temporary:
        for number, (picture, boxes, labels) in enumerate(track(pictures, "drawing", total=len(keys)), start=1):
            named = [Box(label, *corners) for label, corners in zip(labels, boxes.tolist(), strict=True)]
            draw(picture, named, colours=colours).save(temporary / f"{number:02d}.png")
    return len(keys)


def _torchvision(job: Job, keys: Sequence[int]) -> Iterator[tuple[Picture, Boxes, list[str]]]:
    import numpy as np

    from detect.training.torchvision.batches import Photos

    items = Photos(job.train, job.classes, job.recipe)
    for key in keys:
        item = items[key]
        picture = item.picture.numpy().transpose(1, 2, 0)
        labels = [job.classes[label - 1] for label in item.target["labels"].tolist()]
        yield np.ascontiguousarray(picture), item.target["boxes"].double().numpy(), labels


def _yolo(job: Job, keys: Sequence[int]) -> Iterator[tuple[Picture, Boxes, list[str]]]:
    from detect.training.yolo.preview import training_pictures

    return training_pictures(job, keys)
