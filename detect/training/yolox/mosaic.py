"""Mosaics: four photos in one, zoomed, turned and shifted; and mixtures of two of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.data import Image
from detect.geometry import Boxes
from detect.models.detector import Picture
from detect.models.letterbox import GREY
from detect.models.threads import cores
from detect.recipes import Recipe
from detect.training.augmentation import VISIBLE, Augmentation
from detect.training.batches import Photos, Seen, mosaics_over

KEPT = 2**30  # bytes of scaled photos, in all worker processes together


class Mosaics(Photos):
    """Training photos as YOLOX learns from them; whole ones in the last epochs.

    Scaled photos are kept as far as memory allows, since a mosaic takes its partners from all of them.
    """

    def __init__(
        self, images: Sequence[Image], classes: tuple[str, ...], recipe: Recipe, factors: Sequence[float] = ()
    ) -> None:
        super().__init__(images, classes, recipe, factors)
        self.unmoved = Augmentation(recipe.augment.model_copy(update={"rotation": 0.0, "shift": 0.0, "zoom": 0.0}))
        self.kept = OrderedDict[int, tuple[str, Seen]]()
        self.capacity = KEPT // max(1, min(recipe.workers, cores())) // (3 * recipe.imgsz**2)

    def seen(self, position: int, epoch: int, seed: int, unreadable: list[str]) -> tuple[str, Seen]:
        """See Photos."""
        augment, rng = self.recipe.augment, np.random.default_rng(seed)
        if mosaics_over(self.recipe, epoch) or rng.random() >= augment.mosaic:
            return super().seen(position, epoch, seed, unreadable)
        name, seen = self._mosaic(position, rng, unreadable)
        if rng.random() < augment.mixup:
            other = self._mosaic(int(rng.integers(len(self))), rng, unreadable)[1]
            seen = mixed(seen, other)
        return name, self.unmoved(*seen, seed)

    def still(self, position: int, unreadable: list[str]) -> tuple[str, Seen]:
        """See Photos."""
        if position in self.kept:
            return self.kept[position]
        missing: list[str] = []
        found = super().still(position, missing)
        unreadable += missing
        if not missing:  # those that cannot be read are named each time
            self.kept[position] = found
            if len(self.kept) > self.capacity:
                self.kept.popitem(last=False)
        return found

    def _mosaic(self, position: int, rng: np.random.Generator, unreadable: list[str]) -> tuple[str, Seen]:
        """A mosaic of the photo at a position and three others; it goes by the name of the first."""
        positions = [position, *rng.integers(len(self), size=3).tolist()]
        photos = [self.still(place, unreadable) for place in positions]
        side, augment = self.recipe.imgsz, self.recipe.augment
        centre = rng.uniform(0.5 * side, 1.5 * side, 2).round().astype(int)
        canvas = collage([seen for _, seen in photos], side, (int(centre[0]), int(centre[1])))
        zoom, angle = rng.uniform(1 - min(augment.zoom, 0.9), 1 + augment.zoom), rng.uniform(-1, 1) * augment.rotation
        matrix = cv2.getRotationMatrix2D((side, side), angle, zoom)
        matrix[:, 2] += rng.uniform(-1, 1, 2) * augment.shift * side - side / 2
        return photos[0][0], moved(canvas, matrix, side)


class Collage(NamedTuple):
    """Photos side by side: `picture` (h, w, 3), and their boxes (N, 4), `whole` and as they are `cut` off at edges."""

    picture: Picture
    whole: Boxes
    cut: Boxes
    labels: NDArray[np.int64]


def collage(photos: Sequence[Seen], side: int, centre: tuple[int, int]) -> Collage:
    """Four photos around a point (x, y) of a grey square of twice the side."""
    canvas = np.full((2 * side, 2 * side, 3), GREY, dtype=np.uint8)
    whole, cut = [], []
    for number, (picture, boxes, _) in enumerate(photos):
        height, width = picture.shape[:2]
        left = centre[0] - (width if number % 2 == 0 else 0)
        top = centre[1] - (height if number < 2 else 0)
        x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + width, 2 * side), min(top + height, 2 * side)
        canvas[y1:y2, x1:x2] = picture[y1 - top : y2 - top, x1 - left : x2 - left]
        whole.append(boxes + np.array([left, top, left, top]))
        cut.append(np.clip(whole[-1], [x1, y1, x1, y1], [x2, y2, x2, y2]))
    labels = np.concatenate([own for _, _, own in photos])
    return Collage(canvas, np.concatenate(whole), np.concatenate(cut), labels)


def moved(photos: Collage, matrix: NDArray[np.float64], side: int) -> Seen:
    """What a matrix (2, 3) brings into a square of this side.

    Of a box at least a quarter must be left; less is a sliver, and dropped.
    """
    picture = cv2.warpAffine(photos.picture, matrix, (side, side), borderValue=(GREY, GREY, GREY))
    boxes = np.clip(_turned(photos.cut, matrix), 0, side)
    sides = boxes[:, 2:] - boxes[:, :2]
    before = (photos.whole[:, 2:] - photos.whole[:, :2]).prod(axis=1) * np.linalg.det(matrix[:, :2])
    stays = (sides >= 1).all(axis=1) & (sides.prod(axis=1) >= VISIBLE * before)
    return np.asarray(picture, dtype=np.uint8), boxes[stays], photos.labels[stays]


def _turned(boxes: Boxes, matrix: NDArray[Any]) -> Boxes:
    """The boxes (N, 4) around boxes that a matrix (2, 3) has moved."""
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def mixed(one: Seen, other: Seen) -> Seen:
    """Two pictures of one size over one another, with the boxes of both (Zhang et al., mixup, ICLR 2018)."""
    picture = cv2.addWeighted(one[0], 0.5, other[0], 0.5, 0)
    return np.asarray(picture), np.concatenate([one[1], other[1]]), np.concatenate([one[2], other[2]])
