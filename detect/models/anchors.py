"""Anchor boxes fitted to the data: shapes that the boxes of a dataset have, as the model sees them.

Sources: k-means on 1 - IoU, Redmon and Farhadi, YOLO9000, CVPR 2017; the search by mutation after it, Jocher et al.,
YOLOv5, 2020. Both take overlap as if every anchor stood on the centre of every box. It does not: anchors stand on a
grid, and the wide grids of the coarse levels leave a small box between two places. So overlap here is that of the
nearest place, and a level keeps to boxes of the size that it is made for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.data import Image
from detect.errors import DataError, ModelError
from detect.models.families import family_of
from detect.models.family import resolve
from detect.progress import track
from detect.recipes import Recipe

Shapes = NDArray[np.float64]  # (N, 2) width and height, pixels of the model's input
Seen = NDArray[np.float64]  # (N, 4) centre x, y, width and height of boxes, pixels of the model's input
Overlap = NDArray[np.float64]  # (N, K) of N boxes with K anchors

GENERATIONS, SPREAD, SEEN = 1600, 0.1, 5_000  # of the search; boxes that it uses, at most
MARGIN = 0.02  # of fitness
GOOD, FAIR = 0.7, 0.5  # overlaps from which an anchor is a positive example by itself, and from which it may become one


class Fit(NamedTuple):
    """How well anchors meet boxes: the mean best IoU, and the shares of boxes with one of FAIR and of GOOD overlap."""

    mean: float
    fair: float
    good: float


class Level(NamedTuple):
    """Where the anchors of a feature level stand: `cells` by `cells` places, `step` pixels apart from `first` on."""

    cells: int
    step: float
    first: float
    shapes: Shapes  # of the default anchors


class Layout(NamedTuple):
    """The anchors that torchvision gives a model, finest level first."""

    levels: tuple[Level, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many anchors stand at a place of each level."""
        return tuple(len(level.shapes) for level in self.levels)

    @property
    def shapes(self) -> Shapes:
        """All default shapes (K, 2), level by level."""
        return np.concatenate([level.shapes for level in self.levels])


def layout(model: str, imgsz: int) -> Layout:
    """The default anchors of this model. Raises ModelError for models that have none."""
    family = family_of(model)
    if family.layout is None:
        raise ModelError(f"{model}: has no anchors to fit; it predicts the edges of a box from each place directly")
    found: Layout = resolve(family.layout)(model, imgsz)
    return found


def positive(recipe: Recipe) -> float:
    """The overlap with a box from which an anchor learns to find it."""
    return float(getattr(recipe.overlap, family_of(recipe.model).positive))


def seen_boxes(images: Sequence[Image], model: str, imgsz: int) -> Seen:
    """The boxes of these images (N, 4) after resizing: longer side to imgsz, or for SSD to a square.

    Raises DataError without boxes.
    """
    square = family_of(model).square
    rows = []
    for image in images:
        across = imgsz / (image.width if square else max(image.width, image.height))
        down = imgsz / (image.height if square else max(image.width, image.height))
        for box in image.boxes:
            middle = ((box.x1 + box.x2) / 2 * across, (box.y1 + box.y2) / 2 * down)
            rows.append((*middle, box.width * across, box.height * down))
    if not rows:
        raise DataError("there are no boxes to fit anchors to")
    return np.array(rows, dtype=np.float64)


def shape_iou(boxes: Shapes, anchors: Shapes) -> Overlap:
    """IoU (N, K) of shapes (N, 2) and (K, 2) with one centre."""
    (width, height), (across, down) = boxes.T, anchors.T[:, :, None]
    shared = np.minimum(width, across) * np.minimum(height, down)
    return np.asarray(shared / (width * height + across * down - shared)).T


def placed_iou(boxes: Seen, anchors: Shapes, level: Level) -> Overlap:
    """IoU (N, K) of boxes (N, 4) with anchors (K, 2) at the place of the level that is nearest to each box."""
    return _iou(_nearest(boxes, level), anchors).T


class _Nearest(NamedTuple):
    """For each of N boxes its width and height (2, N), and how far the nearest place is, to the side and down."""

    size: NDArray[np.float64]
    away: NDArray[np.float64]


def _nearest(boxes: Seen, level: Level) -> _Nearest:
    middle, size = np.split(np.ascontiguousarray(boxes.T), 2)
    place = np.clip(np.round((middle - level.first) / level.step), 0, level.cells - 1)
    return _Nearest(size, np.abs(middle - level.first - place * level.step))


def _iou(nearest: _Nearest, anchors: Shapes) -> Overlap:
    """(K, N): a row for each anchor, side by side and not in pairs, which is several times as fast."""
    shared = np.ones((len(anchors), nearest.size.shape[1]))
    for size, away, anchor in zip(*nearest, anchors.T[:, :, None], strict=True):
        shared *= np.clip(np.minimum(np.minimum((size + anchor) / 2 - away, size), anchor), 0, None)
    return np.asarray(shared / (nearest.size.prod(axis=0) + anchors.prod(axis=1)[:, None] - shared))


def overlap(boxes: Seen, anchors: Shapes, given: Layout) -> Overlap:
    """The same for the anchors (K, 2) of all levels."""
    parts = np.split(anchors, np.cumsum(given.counts)[:-1])
    return np.concatenate([placed_iou(boxes, *pair) for pair in zip(parts, given.levels, strict=True)], axis=1)


def quality(iou: Overlap) -> Fit:
    """How well anchors meet boxes that overlap by (N, K)."""
    best = iou.max(axis=1)
    return Fit(float(best.mean()), float((best >= FAIR).mean()), float((best >= GOOD).mean()))


def fit_anchors(boxes: Seen, given: Layout, positive: float, seed: int = 0) -> Shapes:
    """Anchors (K, 2) for boxes (N, 4), level by level: k-means on 1 - IoU, then a search by mutation.

    The search raises the mean best IoU plus the share of boxes with an anchor of `positive` IoU, from which the model
    learns by itself. It starts twice: each level with the boxes whose size is nearest to that of its default anchors,
    and each with as many boxes as another. The first keeps what a level sees in proportion to its step, and is taken
    unless the second is better by MARGIN.
    """
    rng = np.random.default_rng(seed)
    if len(boxes) > SEEN:
        boxes = boxes[rng.choice(len(boxes), SEEN, replace=False)]
    area = boxes[:, 2:].prod(axis=1)
    sizes = np.array([np.log(level.shapes.prod(axis=1)).mean() for level in given.levels])
    by_size = np.abs(np.log(area)[:, None] - sizes).argmin(axis=1)
    shares = np.cumsum(given.counts)[:-1] / sum(given.counts)
    first, second = (
        _evolve(boxes, _start(boxes, owner, given, rng), given, positive, rng)
        for owner in (by_size, np.searchsorted(np.quantile(area, shares), area))
    )
    chosen = second if _fitness(second, positive) > _fitness(first, positive) + MARGIN else first
    return np.concatenate([_in_place(*pair) for pair in zip(chosen.shapes, given.levels, strict=True)])


class _Trial(NamedTuple):
    """The shapes of each level, and the best overlap (L, N) that each level has with each box."""

    shapes: list[Shapes]
    best: Overlap


def _fitness(trial: _Trial, positive: float) -> float:
    best = trial.best.max(axis=0)
    return float(best.mean() + (best >= positive).mean())


def _start(boxes: Seen, owner: NDArray[np.int64], given: Layout, rng: np.random.Generator) -> list[Shapes]:
    """Each level's shapes from its own boxes; where these are fewer than its anchors, it keeps the default ones."""
    sizes = [boxes[owner == k, 2:] for k in range(len(given.levels))]
    return [
        _k_means(own, len(level.shapes), rng) if len(own) >= len(level.shapes) else level.shapes
        for own, level in zip(sizes, given.levels, strict=True)
    ]


def _evolve(boxes: Seen, shapes: list[Shapes], given: Layout, positive: float, rng: np.random.Generator) -> _Trial:
    """Keep each random change of some shapes of a level that makes the whole fitter; default shapes stay."""
    places = [_nearest(boxes, level) for level in given.levels]
    iou = [_iou(*pair) for pair in zip(places, shapes, strict=True)]
    trial = _Trial(shapes, np.stack([one.max(axis=0) for one in iou]))
    learning = [k for k, level in enumerate(given.levels) if shapes[k] is not level.shapes]
    fitness = _fitness(trial, positive)
    for number in track(range(GENERATIONS if learning else 0), "fitting anchors"):
        k = learning[number % len(learning)]
        change = rng.normal(1, SPREAD, shapes[k].shape).clip(0.5, 2)
        change = np.where(rng.random(change.shape) < 0.3, change, 1)
        before = trial.shapes[k], trial.best[k].copy(), iou[k]
        trial.shapes[k], iou[k], moved = before[0] * change, iou[k].copy(), (change != 1).any(axis=1)
        iou[k][moved] = _iou(places[k], trial.shapes[k][moved])
        trial.best[k] = iou[k].max(axis=0)
        if (changed := _fitness(trial, positive)) > fitness:
            fitness = changed
        else:
            trial.shapes[k], trial.best[k], iou[k] = before
    return trial


def _in_place(shapes: Shapes, level: Level) -> Shapes:
    """Each in the place of the default one that has its rank by ratio and, of one ratio, by size.

    So a head that all levels share means the same by each, and one that learnt the default ones is not confused.
    """
    if shapes is level.shapes:
        return shapes
    ratio, area = (level.shapes[:, 1] / level.shapes[:, 0]).round(2), level.shapes.prod(axis=1)
    _, counts = np.unique(ratio, return_counts=True)
    by_ratio = shapes[np.argsort(shapes[:, 1] / shapes[:, 0], kind="stable")]
    groups = np.split(by_ratio, np.cumsum(counts)[:-1])
    placed = np.empty_like(shapes)
    ranked = [group[np.argsort(group.prod(axis=1), kind="stable")] for group in groups]
    placed[np.lexsort((area, ratio))] = np.concatenate(ranked)
    return placed


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
