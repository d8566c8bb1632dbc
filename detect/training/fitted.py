"""Parts of a recipe that are fitted to the training boxes: anchors, and Faster R-CNN's budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detect.data import Image
from detect.models.anchors import fit_anchors, layout, positive, seen_boxes
from detect.models.families import family_of
from detect.recipes import Recipe, Roi

DECIMALS = 1  # of a pixel, in the anchors that a recipe keeps


def fitted(recipe: Recipe, images: Sequence[Image]) -> Recipe:
    """The recipe with every "auto" that the model has settled by these images; the same ones give the same recipe."""
    family = family_of(recipe.model)
    if recipe.anchors == "auto" and family.has_anchors:
        boxes = seen_boxes(images, recipe.model, recipe.imgsz)
        shapes = fit_anchors(boxes, layout(recipe.model, recipe.imgsz), positive(recipe), recipe.seed)
        recipe = recipe.model_copy(update={"anchors": tuple(map(tuple, shapes.round(DECIMALS).tolist()))})
    if recipe.roi == "auto" and "roi" in family.keys:
        recipe = recipe.model_copy(update={"roi": roi_budget(images)})
    return recipe


def roi_budget(images: Sequence[Image]) -> Roi:
    """Samples and proposals for the boxes that an image holds (of 95 % of the images that have any).

    A quarter of the samples are right ones, and some ten proposals meet a box: 32 samples per box hold nearly all of
    them, from 64 to 512. 48 proposals per box leave enough for the background, from 200 to 1000.
    """
    counts = [len(image.boxes) for image in images if image.boxes]
    boxes = float(np.quantile(counts, 0.95)) if counts else 1.0
    samples = int(np.clip(32 * np.ceil(boxes), 64, 512))
    proposals = int(np.clip(np.ceil(48 * boxes / 50) * 50, 200, 1000))
    return Roi(samples=samples, proposals=proposals)
