"""Augmentation of training photos, by albumentations: one section of the recipe for every detector.

A YOLO moves and turns photos in ultralytics' own way, since its mosaic is part of it, and takes the rest from here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detect.geometry import Boxes
from detect.models.detector import Picture
from detect.models.isolated_import import isolated_import
from detect.recipes import Augment

VISIBLE = 0.25  # share of a box that must be left inside the picture; less is a sliver, and dropped
GREY = (114, 114, 114)


class Augmentation:
    """Applies the recipe's `augment` section to one picture and its boxes, by a seed and nothing else."""

    def __init__(self, recipe: Augment) -> None:
        self.recipe, known = recipe, _library()
        steps = self._steps(known, recipe)
        self.moves = any(isinstance(step, known.DualTransform) for step in steps)
        kept = known.BboxParams(
            format="pascal_voc",
            label_fields=["labels"],
            min_visibility=VISIBLE,
            min_width=1,
            min_height=1,
            clip=True,
            check_each_transform=True,  # a cut-out would lose boxes that reach over the edge
        )
        self.steps = known.Compose(steps, bbox_params=kept if self.moves else None)

    def __reduce__(self) -> tuple[Any, ...]:
        """A worker process that starts anew builds it anew, and so loads the library as it is loaded here: offline."""
        return type(self), (self.recipe,)

    def _steps(self, known: Any, recipe: Augment) -> list[Any]:
        return [*_places(known, recipe), *_colours(known, recipe), *_defects(known, recipe)]

    def __bool__(self) -> bool:
        return bool(self.steps.transforms)

    def __call__(
        self, picture: Picture, boxes: Boxes, labels: NDArray[np.int64], seed: int
    ) -> tuple[Picture, Boxes, NDArray[np.int64]]:
        """Picture (h, w, 3) uint8, boxes (N, 4) pixels, labels (N,); fewer boxes may come back."""
        self.steps.set_random_seed(seed)
        if not self.moves:
            return np.asarray(self.steps(image=picture)["image"]), boxes, labels
        done = self.steps(image=picture, bboxes=boxes, labels=labels)
        kept = np.asarray(done["bboxes"], dtype=np.float64).reshape(-1, 4)
        return done["image"], kept, np.asarray(done["labels"], dtype=np.int64)


class Defects(Augmentation):
    """Only what ultralytics does not do itself: contrast, grey, blur and so on, and cut-outs, which may hide boxes."""

    def _steps(self, known: Any, recipe: Augment) -> list[Any]:
        return [*_contrast(known, recipe), *_defects(known, recipe)]


def _library() -> Any:
    with isolated_import({"NO_ALBUMENTATIONS_UPDATE": "1"}):
        import albumentations as known
    return known


def _places(known: Any, recipe: Augment) -> list[Any]:
    """What moves boxes."""
    steps: list[Any] = []
    if recipe.mirror:
        steps.append(known.HorizontalFlip(p=recipe.mirror))
    if recipe.flip:
        steps.append(known.VerticalFlip(p=recipe.flip))
    if recipe.rotation or recipe.shift or recipe.zoom:
        steps.append(
            known.Affine(
                scale=(1 - min(recipe.zoom, 0.9), 1 + recipe.zoom),
                translate_percent=(-recipe.shift, recipe.shift),
                rotate=(-recipe.rotation, recipe.rotation),
                keep_ratio=True,
                fill=GREY,
                p=1.0,
            )
        )
    return steps


def _colours(known: Any, recipe: Augment) -> list[Any]:
    if not (recipe.hue or recipe.saturation or recipe.brightness or recipe.contrast):
        return []
    return [
        known.ColorJitter(
            brightness=(1 - recipe.brightness, 1 + recipe.brightness),
            contrast=(1 - recipe.contrast, 1 + recipe.contrast),
            saturation=(1 - recipe.saturation, 1 + recipe.saturation),
            hue=(-min(recipe.hue, 0.5), min(recipe.hue, 0.5)),
            p=1.0,
        )
    ]


def _contrast(known: Any, recipe: Augment) -> list[Any]:
    return _colours(known, Augment(hue=0, saturation=0, brightness=0, contrast=recipe.contrast))


def _defects(known: Any, recipe: Augment) -> list[Any]:
    """What a camera, and what stands before it, do to a photo."""
    steps: list[Any] = []
    if recipe.grey:
        steps.append(known.ToGray(p=recipe.grey))
    if recipe.blur:
        kinds = [known.MotionBlur(blur_limit=(3, 9)), known.GaussianBlur(sigma_limit=(0.5, 2.0))]
        steps.append(known.OneOf(kinds, p=recipe.blur))
    if recipe.noise:
        steps.append(known.GaussNoise(std_range=(0.01, 0.06), p=recipe.noise))
    if recipe.jpeg:
        steps.append(known.ImageCompression(quality_range=(30, 80), p=recipe.jpeg))
    if recipe.cutout:
        patch = (0.05, 0.2)
        steps.append(
            _cutout(known)(
                num_holes_range=(1, 5), hole_height_range=patch, hole_width_range=patch, fill=GREY, p=recipe.cutout
            )
        )
    return steps


def _cutout(known: Any) -> Any:
    """The library's patches, which would move every box of the picture to whole pixels, those far from a patch, too."""

    class Cutout(known.CoarseDropout):  # type: ignore[misc]
        def apply_to_bboxes(self, bboxes: NDArray[Any], holes: NDArray[Any], **params: Any) -> NDArray[Any]:
            size = np.array([*params["shape"][1::-1]] * 2, dtype=np.float64)
            rows = [row[None] for row in bboxes]
            seen = [self._hidden(row, holes, size, params) for row in rows]
            return np.concatenate([bboxes[:0], *seen])

        def _hidden(self, row: NDArray[Any], holes: NDArray[Any], size: Any, params: Any) -> NDArray[Any]:
            """A box (1, 4 or more) as it is where no hole touches it; else what is left, edges that are free kept."""
            corners = row[0, :4] * size
            apart = (holes[:, :2] >= corners[2:]).any(axis=1) | (holes[:, 2:4] <= corners[:2]).any(axis=1)
            if apart.all():
                return row
            left = np.asarray(super().apply_to_bboxes(row, holes, **params)).copy()
            if len(left):
                free = np.abs(left[0, :4] * size - corners) <= 1  # rounded, not covered
                left[0, :4] = np.where(free, row[0, :4], left[0, :4])
            return left

    return Cutout
