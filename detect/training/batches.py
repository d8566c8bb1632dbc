"""Photos and boxes as batches: a pure function of (seed, epoch, position)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, Sampler

from detect.data import Image
from detect.errors import DataError
from detect.geometry import Boxes, as_boxes
from detect.models.detector import Picture
from detect.models.letterbox import Scale, resize
from detect.models.threads import cores
from detect.parent_process import end_with_parent
from detect.recipes import Recipe
from detect.training.augmentation import Augmentation
from detect.training.job import Job, first_readable
from detect.training.sampler import COPIES, EpochSampler

THIN = 1e-3  # pixels of the input; what is no wider has no area to learn
Target = dict[str, torch.Tensor]
Seen = tuple[Picture, Boxes, NDArray[np.int64]]  # a picture, the boxes (N, 4) in it, and their labels (N,) from 1


class Truth(NamedTuple):
    """The boxes of a batch: `boxes` (B, M, 4) in input pixels, `labels` (B, M) from 1, and 0 where there is no box."""

    boxes: torch.Tensor
    labels: torch.Tensor


def truth_of(targets: Sequence[Target], device: torch.device) -> Truth:
    """The targets of a batch in one."""
    boxes, labels = (pad_sequence([one[key] for one in targets], batch_first=True) for key in ("boxes", "labels"))
    return Truth(boxes.to(device), labels.to(device))


class Item(NamedTuple):
    """A training photo: picture (3, h, w) uint8, target (boxes (N, 4) in input pixels, labels (N,) from 1).

    `unreadable` names those that were to be in its place.
    """

    picture: torch.Tensor
    target: Target
    name: str
    unreadable: tuple[str, ...]


class Photos(Dataset[Item]):
    """Training photos, augmented and scaled. A key is epoch * len + position, see `EpochSampler`.

    One that cannot be read is replaced by the next. `factors` are those of the sampler.
    """

    def __init__(
        self, images: Sequence[Image], classes: tuple[str, ...], recipe: Recipe, factors: Sequence[float] = ()
    ) -> None:
        self.images, self.classes, self.recipe = images, classes, recipe
        self.augmentation = Augmentation(recipe.augment)
        self.copies = COPIES if len(factors) else 1

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, key: int) -> Item:
        epoch, position = divmod(key, len(self.images))
        (seed,) = np.random.SeedSequence([self.recipe.seed, epoch, position]).generate_state(1)
        unreadable: list[str] = []
        name, seen = self.seen(position, epoch // self.copies, int(seed), unreadable)
        return Item(*tensors(*seen), name, tuple(unreadable))

    def seen(self, position: int, _epoch: int, seed: int, unreadable: list[str]) -> tuple[str, Seen]:
        """The name of the photo at a position, and what the model sees of it in this epoch.

        Photos that cannot be read are added to `unreadable`.
        """
        name, seen = self.still(position, unreadable)
        return name, self.augmentation(*seen, seed)

    def still(self, position: int, unreadable: list[str]) -> tuple[str, Seen]:
        """The same as it is. Scaled first: a small picture is augmented sooner."""
        (image, picture), missing = first_readable(self.images, position, self._read)
        unreadable += missing
        return image.name, scaled(image, picture, self.recipe.imgsz, self.classes)

    def _read(self, place: int) -> tuple[Image, Picture]:
        image = self.images[place]
        return image, read(image, self.recipe.imgsz)


def mosaics_over(recipe: Recipe, epoch: int) -> bool:
    """Whether an epoch, from 0, is one of the last ones, which show whole photos."""
    return epoch >= recipe.epochs - recipe.augment.mosaic_off


def scaled(image: Image, picture: Picture, imgsz: int, classes: Sequence[str]) -> Seen:
    """The picture as the model sees it, the boxes (N, 4) in its pixels, and their labels (N,) from 1."""
    picture, _ = resize(picture, imgsz)
    height, width = picture.shape[:2]
    boxes = as_boxes([box.xyxy for box in image.boxes]) * ([width / image.width, height / image.height] * 2)
    number = {name: place for place, name in enumerate(classes, start=1)}
    labels = np.array([number[box.label] for box in image.boxes], dtype=np.int64)
    there = ((boxes[:, 2:] - boxes[:, :2]) > THIN).all(axis=1)
    return picture, boxes[there], labels[there]


def tensors(picture: Picture, boxes: Boxes, labels: NDArray[np.int64]) -> tuple[torch.Tensor, Target]:
    """The same as an Item has it."""
    target = {"boxes": torch.from_numpy(boxes).float(), "labels": torch.from_numpy(labels)}
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))), target


def read(image: Image, enough: int | None = None) -> Picture:
    """The photo, upright, (h, w, 3) uint8, with at least `enough` pixels on its longer side. Raises DataError."""
    return np.asarray(image.open(enough=enough))


class Groups(Sampler[list[int]]):
    """Keys in groups of `size`. A single last one joins the group before: batch normalisation needs two pictures."""

    def __init__(self, sampler: EpochSampler, size: int) -> None:
        self.sampler, self.size = sampler, size
        self.joins = size > 1 and len(sampler) > size and len(sampler) % size == 1

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.size) - self.joins

    def __iter__(self) -> Iterator[list[int]]:
        keys = list(self.sampler)
        for number in range(len(self)):
            last = number + 1 == len(self)
            yield keys[number * self.size : None if last else (number + 1) * self.size]


def batches(
    photos: Photos, job: Job, epoch: int, rank: int = 0, world: int = 1, *, pinned: bool = False
) -> DataLoader[Any]:
    """Passes over the training photos in lists of `Item`s, the first of them that of `epoch`, counted from 0.

    `pinned`: in memory from which a GPU takes them without waiting.
    """
    recipe = job.recipe
    sampler = EpochSampler(len(photos), recipe.seed, epoch, job.factors, rank, world)
    workers = min(recipe.workers, cores())
    return DataLoader(
        photos,
        batch_sampler=Groups(sampler, recipe.batch),
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pinned,
        collate_fn=list,
        worker_init_fn=end_with_parent,
    )


def pictures(images: Sequence[Image], recipe: Recipe) -> DataLoader[Any]:
    """The photos upright, in lists of (image, picture as the model sees it, its size over the photo's).

    The picture of one that cannot be read is None.
    """
    workers = min(recipe.workers, cores(), 2)
    return DataLoader(
        _Still(images, recipe.imgsz),
        batch_size=recipe.batch,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=list,
        worker_init_fn=end_with_parent,
    )


class _Still(Dataset[tuple[Image, Picture | None, Scale]]):
    def __init__(self, images: Sequence[Image], imgsz: int) -> None:
        self.images, self.imgsz = images, imgsz

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Image, Picture | None, Scale]:
        try:
            return self.images[place], *resize(read(self.images[place]), self.imgsz)
        except DataError:
            return self.images[place], None, (1.0, 1.0)


def preview_items(photos: Photos, keys: Sequence[int]) -> Iterator[tuple[Picture, Boxes, list[str]]]:
    """What the model sees under these keys, see `EpochSampler`: picture, boxes (N, 4) in its pixels, their labels."""
    for key in keys:
        item = photos[key]
        picture = item.picture.numpy().transpose(1, 2, 0)
        labels = [photos.classes[label - 1] for label in item.target["labels"].tolist()]
        yield np.ascontiguousarray(picture), item.target["boxes"].double().numpy(), labels
