"""Anchor boxes fitted to the data: shapes that the boxes of a dataset have, as the model sees them.

Sources: k-means on 1 - IoU, Redmon and Farhadi, YOLO9000, CVPR 2017; the search by mutation after it, Jocher et al.,
YOLOv5, 2020. Only shapes matter: an anchor stands everywhere, so overlap is that of two boxes with one centre.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.data import Image
from detect.errors import DataError, ModelError
from detect.models.names import MODELS, near
from detect.progress import track

Shapes = NDArray[np.float64]  # (N, 2) width and height, pixels of the model's input

GENERATIONS, SPREAD, SEEN = 400, 0.1, 20_000  # of the search; boxes looked at, at most
GOOD, FAIR = 0.7, 0.5  # overlaps from which an anchor is a positive example by itself, and from which it may become one


class Fit(NamedTuple):
    """How well anchors meet boxes: the mean best IoU, and the shares of boxes with one of FAIR and of GOOD overlap."""

    mean: float
    fair: float
    good: float


class Layout(NamedTuple):
    """How many anchors stand at a place of each feature level, finest first, and their default shapes."""

    counts: tuple[int, ...]
    shapes: Shapes


def layout(model: str, imgsz: int) -> Layout:
    """The anchors that torchvision gives this model. Raises ModelError for models that have none."""
    if model.startswith("ssd300"):
        scales = [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]  # of the input, as in the paper for COCO
        return _default_boxes([[2], [2, 3], [2, 3], [2, 3], [2], [2]], scales, imgsz)
    if model.startswith("ssdlite"):
        return _default_boxes([[2, 3]] * 6, [*np.linspace(0.2, 0.95, 6).tolist(), 1.0], imgsz)
    ratios = (0.5, 1.0, 2.0)
    if model.startswith("retinanet"):
        sizes = [[int(s * 2 ** (i / 3)) for i in range(3)] for s in (32, 64, 128, 256, 512)]
    elif model.startswith("fasterrcnn_mobilenet"):
        sizes = [[32, 64, 128, 256, 512]] * 3
    elif model.startswith("fasterrcnn"):
        sizes = [[32], [64], [128], [256], [512]]
    elif model not in MODELS and not model.startswith("yolo"):
        raise ModelError(f"{model!r}: no such detector; `detect models` lists them{near(model)}")
    else:
        raise ModelError(
            f"{model}: has no anchors to fit. YOLOv8 and later predict edges from each place directly, and the yolov5 "
            "here is the anchor-free `u` kind"
        )
    levels = [[(s / r**0.5, s * r**0.5) for r in ratios for s in level] for level in sizes]
    return Layout(tuple(map(len, levels)), np.array([shape for level in levels for shape in level], dtype=np.float64))


def has_anchors(model: str) -> bool:
    """Whether this model has anchors that can be fitted."""
    return model.startswith(("fasterrcnn", "retinanet", "ssd"))


def seen_shapes(images: Sequence[Image], model: str, imgsz: int) -> Shapes:
    """The boxes of these images (N, 2) after resizing: longer side to imgsz, or for SSD to a square.

    Raises DataError without boxes.
    """
    square = model.startswith("ssd")
    rows = []
    for image in images:
        across = imgsz / (image.width if square else max(image.width, image.height))
        down = imgsz / (image.height if square else max(image.width, image.height))
        rows += [(box.width * across, box.height * down) for box in image.boxes]
    if not rows:
        raise DataError("there are no boxes to fit anchors to")
    return np.array(rows, dtype=np.float64)


def shape_iou(boxes: Shapes, anchors: Shapes) -> NDArray[np.float64]:
    """IoU (N, K) of boxes (N, 2) and anchors (K, 2) with one centre."""
    shared = np.minimum(boxes[:, None], anchors[None]).prod(axis=2)
    return np.asarray(shared / (boxes.prod(axis=1)[:, None] + anchors.prod(axis=1)[None] - shared))


def quality(boxes: Shapes, anchors: Shapes) -> Fit:
    """How well the anchors (K, 2) meet the boxes (N, 2)."""
    best = shape_iou(boxes, anchors).max(axis=1)
    return Fit(float(best.mean()), float((best >= FAIR).mean()), float((best >= GOOD).mean()))


def fit_anchors(boxes: Shapes, count: int, seed: int = 0) -> Shapes:
    """`count` anchors (K, 2) for boxes (N, 2), by rising area: k-means on 1 - IoU, then a search by mutation."""
    rng = np.random.default_rng(seed)
    if len(boxes) > SEEN:
        boxes = boxes[rng.choice(len(boxes), SEEN, replace=False)]
    anchors = _evolve(boxes, _k_means(boxes, count, rng), rng)
    return np.asarray(anchors[np.argsort(anchors.prod(axis=1), kind="stable")])


def _k_means(boxes: Shapes, count: int, rng: np.random.Generator) -> Shapes:
    """Centres are the medians of their boxes; the first ones are drawn far from each other (k-means++)."""
    centres: Shapes = boxes[rng.integers(len(boxes))][None]
    while len(centres) < count:
        far = 1 - shape_iou(boxes, centres).max(axis=1)
        # With fewer distinct boxes than anchors the rest are variations of what there is.
        one = boxes[rng.choice(len(boxes), p=far / far.sum())] if far.sum() > 1e-9 else boxes[rng.integers(len(boxes))]
        centres = np.vstack([centres, one * (1 if far.sum() > 1e-9 else rng.uniform(0.8, 1.25, 2))])
    owner = np.full(len(boxes), -1)
    for _ in range(100):
        nearest = shape_iou(boxes, centres).argmax(axis=1)
        if (nearest == owner).all():
            break
        owner = nearest
        for k in np.unique(owner):
            centres[k] = np.median(boxes[owner == k], axis=0)
    return centres


def _evolve(boxes: Shapes, anchors: Shapes, rng: np.random.Generator) -> Shapes:
    """Keep each random change of some shapes that raises the mean best IoU."""
    best = shape_iou(boxes, anchors).max(axis=1).mean()
    for _ in track(range(GENERATIONS), "fitting anchors"):
        change = np.where(rng.random(anchors.shape) < 0.3, rng.normal(1, SPREAD, anchors.shape), 1).clip(0.5, 2)
        trial = anchors * change
        if (fitness := shape_iou(boxes, trial).max(axis=1).mean()) > best:
            best, anchors = fitness, trial
    return anchors


def _default_boxes(ratios: list[list[int]], scales: list[float], imgsz: int) -> Layout:
    """SSD's default boxes: two squares per level, and each ratio upright and across (Liu et al., SSD, ECCV 2016)."""
    levels = []
    for k, level in enumerate(ratios):
        own, between = scales[k], (scales[k] * scales[k + 1]) ** 0.5
        shapes = [(own, own), (between, between)]
        for ratio in level:
            wide, narrow = own * ratio**0.5, own / ratio**0.5
            shapes += [(wide, narrow), (narrow, wide)]
        levels.append(np.minimum(np.array(shapes), 1) * imgsz)
    return Layout(tuple(map(len, levels)), np.concatenate(levels))
