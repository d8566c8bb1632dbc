"""Photos and boxes as batches for torchvision's detectors: a pure function of (seed, epoch, position)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from detect.config import Recipe
from detect.data import Image
from detect.draw import open_upright
from detect.geometry import as_boxes
from detect.models.order import Order
from detect.models.torchvision import scale
from detect.train.augment import Varied

Target = dict[str, torch.Tensor]


class Batch(NamedTuple):
    """B pictures (3, h, w) float32 in 0..1, their targets (boxes (N, 4) in input pixels, labels (N,) from 1), names."""

    pictures: list[torch.Tensor]
    targets: list[Target]
    names: list[str]


class Photos(Dataset[tuple[torch.Tensor, Target, str]]):
    """Training photos, varied and scaled. A key is epoch * len + position, see `Order`."""

    def __init__(self, images: Sequence[Image], classes: tuple[str, ...], recipe: Recipe) -> None:
        self.images, self.recipe = images, recipe
        self.label = {name: number for number, name in enumerate(classes, start=1)}
        self.varied = Varied(recipe.augment)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, key: int) -> tuple[torch.Tensor, Target, str]:
        epoch, position = divmod(key, len(self.images))
        image = self.images[position]
        picture = np.asarray(open_upright(image.path)) if image.path is not None else np.empty((0, 0, 3), np.uint8)
        boxes = as_boxes([box.xyxy for box in image.boxes])
        labels = np.array([self.label[box.label] for box in image.boxes], dtype=np.int64)
        (seed,) = np.random.SeedSequence([self.recipe.seed, epoch, position]).generate_state(1)
        picture, boxes, labels = self.varied(picture, boxes, labels, int(seed))
        scaled = scale(picture, self.recipe.imgsz)
        target = {"boxes": torch.from_numpy(boxes * scaled.scale).float(), "labels": torch.from_numpy(labels)}
        return scaled.tensor, target, image.name


def batches(images: Sequence[Image], classes: tuple[str, ...], recipe: Recipe, epoch: int) -> DataLoader[Any]:
    """Passes over the photos in `Batch`es, the first of them that of `epoch`, counted from 0."""
    photos = Photos(images, classes, recipe)
    return DataLoader(
        photos,
        batch_size=min(recipe.batch, len(photos)),
        sampler=Order(len(photos), recipe.seed, epoch),
        num_workers=recipe.workers,
        persistent_workers=recipe.workers > 0,
        collate_fn=_together,
        drop_last=False,
    )


def pictures(images: Sequence[Image], size: int) -> Iterator[tuple[Sequence[Image], list[np.ndarray]]]:
    """The photos as they are, upright, some at a time."""
    for start in range(0, len(images), size):
        part = images[start : start + size]
        yield part, [np.asarray(open_upright(image.path)) for image in part if image.path is not None]


def _together(items: list[tuple[torch.Tensor, Target, str]]) -> Batch:
    return Batch(*(list(column) for column in zip(*items, strict=True)))
