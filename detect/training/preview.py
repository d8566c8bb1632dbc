"""Training photos as the network will see them: augmented, scaled, with their boxes drawn."""

from __future__ import annotations

from pathlib import Path

from detect.data import Box, Dataset
from detect.drawing import class_colours, draw
from detect.files import atomic_folder
from detect.models import require_torch
from detect.models.families import check_recipe, family_of
from detect.models.family import resolve
from detect.progress import track
from detect.recipes import Recipe
from detect.training.job import make_job
from detect.training.listeners import Listeners


def preview(recipe: Recipe, dataset: Dataset, folder: Path, count: int = 16) -> int:
    """Write the first pictures of the first epoch to a new folder, as PNG; returns how many there are.

    They are in the order in which training meets them, so one seed shows the same ones as it trains on.
    """
    require_torch()
    check_recipe(recipe)
    from detect.training.sampler import EpochSampler

    job = make_job(recipe, dataset, folder, Listeners())
    keys = list(EpochSampler(len(job.train), recipe.seed, 0, job.factors))[:count]
    pictures = resolve(family_of(recipe.model).preview)(job, keys)
    colours = class_colours(dataset.classes)
    with atomic_folder(folder) as temporary:
        for number, (picture, boxes, labels) in enumerate(track(pictures, "drawing", total=len(keys)), start=1):
            named = [Box(label, *corners) for label, corners in zip(labels, boxes.tolist(), strict=True)]
            draw(picture, named, colours=colours).save(temporary / f"{number:02d}.png")
    return len(keys)
