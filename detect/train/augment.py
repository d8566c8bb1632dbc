"""How training photos are varied, for every detector but YOLO, whose mosaic needs its own loop: by albumentations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detect.config import Augment
from detect.geometry import Boxes
from detect.models.detector import Picture
from detect.models.untouched import untouched

VISIBLE = 0.25  # share of a box that must be left inside the picture; less is a sliver, and dropped
GREY = (114, 114, 114)


class Varied:
    """Applies the recipe's `augment` section to one picture and its boxes, by a seed and nothing else."""

    def __init__(self, recipe: Augment) -> None:
        with untouched({"NO_ALBUMENTATIONS_UPDATE": "1"}):
            import albumentations as known
        self.steps = known.Compose(
            _steps(known, recipe),
            bbox_params=known.BboxParams(
                format="pascal_voc",
                label_fields=["labels"],
                min_visibility=VISIBLE,
                min_width=1,
                min_height=1,
                clip=True,
            ),
        )

    def __call__(
        self, picture: Picture, boxes: Boxes, labels: NDArray[np.int64], seed: int
    ) -> tuple[Picture, Boxes, NDArray[np.int64]]:
        """Picture (h, w, 3) uint8, boxes (N, 4) pixels, labels (N,); fewer boxes may come back."""
        self.steps.set_random_seed(seed)
        done = self.steps(image=picture, bboxes=boxes, labels=labels)
        kept = np.asarray(done["bboxes"], dtype=np.float64).reshape(-1, 4)
        return done["image"], kept, np.asarray(done["labels"], dtype=np.int64)


def _steps(known: Any, recipe: Augment) -> list[Any]:
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
                fill=GREY,
                p=1.0,
            )
        )
    if recipe.hue or recipe.saturation or recipe.brightness:
        steps.append(
            known.ColorJitter(
                brightness=(1 - recipe.brightness, 1 + recipe.brightness),
                contrast=(1.0, 1.0),
                saturation=(1 - recipe.saturation, 1 + recipe.saturation),
                hue=(-min(recipe.hue, 0.5), min(recipe.hue, 0.5)),
                p=1.0,
            )
        )
    return steps
