"""Photos of several sizes, and detectors of any strength, whose predictions can be spoilt on purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detect.data import Box, Dataset, Image, Predictions

Corners = NDArray[np.float64]
Spoil = Callable[[Corners, int, int], Corners]

CLASSES = ("dent", "scratch", "crack", "lamp broken", "glass shatter")
SIZES = ((640, 480), (480, 640), (800, 600), (600, 800), (1024, 768))


def photos(number: int = 80, *, seed: int = 0, sizes: Sequence[tuple[int, int]] = SIZES) -> Dataset:
    """One to four boxes per photo, anywhere and of any class; names that do not sort like numbers."""
    rng, images = np.random.default_rng(seed), []
    for place in range(number):
        width, height = sizes[int(rng.integers(len(sizes)))]
        boxes = tuple(_anywhere(rng, CLASSES, width, height) for _ in range(rng.integers(1, 5)))
        images.append(Image(f"{place}.jpg", width, height, boxes))
    return Dataset(CLASSES, tuple(images))


def detector(
    dataset: Dataset,
    *,
    seed: int = 0,
    recall: float = 0.8,
    jitter: float = 0.06,
    right: float = 0.9,
    alarms: float = 4.0,
    order: float = 3.0,
    cut: float = 0.0,
    growth: float = 0.0,
) -> Predictions:
    """What a detector finds: `recall` of the boxes, some twice, `right` of them in their class.

    `jitter` and `growth` move edges, in sides of the box; `alarms` per photo lie anywhere; `order` is how far apart the
    scores of both are; scores below `cut` are dropped.
    """
    rng, found = np.random.default_rng(seed), {}
    for image in dataset.images:
        boxes = []
        for box in image.boxes:
            sides = np.array([box.width, box.height] * 2)
            for again in range(1 + int(rng.random() < 0.3)):
                corners = np.array(box.xyxy) + sides * (rng.normal(0, jitter, 4) + growth * np.array([-1, -1, 1, 1]))
                label = box.label if rng.random() < right else str(rng.choice(dataset.classes))
                if rng.random() < recall:
                    boxes.append(_inside(label, corners, image, _score(rng, order / 2 - again)))
        for _ in range(rng.poisson(alarms)):
            alarm = _anywhere(rng, dataset.classes, image.width, image.height)
            boxes.append(alarm._replace(score=_score(rng, -order / 2)))
        found[image.name] = tuple(box for box in boxes if (box.score or 0) >= cut)
    return Predictions(dataset.classes, found)


def _score(rng: np.random.Generator, mean: float) -> float:
    return float(1 / (1 + np.exp(-rng.normal(mean, 1))))


def _anywhere(rng: np.random.Generator, classes: Sequence[str], width: int, height: int) -> Box:
    w, h = rng.uniform(0.06, 0.4, 2) * (width, height)
    x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
    return Box(str(rng.choice(classes)), float(x), float(y), float(x + w), float(y + h))


def _inside(label: str, corners: Corners, image: Image, score: float) -> Box:
    x, y = (np.sort(np.clip(corners[k::2], 0, side)) for k, side in enumerate((image.width, image.height)))
    return Box(label, float(x[0]), float(y[0]), float(x[1]), float(y[1]), score)


def spoilt(dataset: Dataset, predictions: Predictions, spoil: Spoil) -> Predictions:
    """Each box put through this function of its corners and the photo's width and height; impossible ones dropped."""
    found = {}
    for image in dataset.images:
        boxes = []
        for box in predictions.images[image.name]:
            x1, y1, x2, y2 = spoil(np.array(box.xyxy), image.width, image.height).tolist()
            if x1 <= x2 and y1 <= y2:
                boxes.append(box._replace(x1=x1, y1=y1, x2=x2, y2=y2))
        found[image.name] = tuple(boxes)
    return replace(predictions, images=found)


def boxwise(predictions: Predictions, change: Callable[[Box], Box | None]) -> Predictions:
    """Each box changed, or dropped where that gives None; with the labels that then appear as classes."""
    found = {name: tuple(b for b in map(change, boxes) if b is not None) for name, boxes in predictions.images.items()}
    labels = dict.fromkeys((*predictions.classes, *(box.label for boxes in found.values() for box in boxes)))
    return Predictions(tuple(labels), found)


def filed_under(predictions: Predictions, names: Sequence[str], others: Sequence[str]) -> Predictions:
    """What was found in each of `names` under the name in `others` that stands at its place."""
    return replace(predictions, images={to: predictions.images[of] for of, to in zip(names, others, strict=True)})
