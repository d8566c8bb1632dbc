"""Results that cannot be right: what predictions look like as a whole where they do not mean what they are taken for.

A detector may be as bad as it likes. What is sought here fits hardly anything as it is given, and fits well once its
numbers, names or ids are read in another way; or it lacks what any detector gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from detect.data import Dataset, Predictions
from detect.evaluation.class_fit import about_missing, about_order, exchanged
from detect.evaluation.completeness import about_inverted, about_photos, about_scores
from detect.evaluation.fit import FEWEST, Floats, Gain, Sample, gain, surest
from detect.evaluation.match import MatchTable
from detect.evaluation.pairs import Rows
from detect.evaluation.readings import Reading, other_sizes, readings, scaled, shares, turned
from detect.evaluation.remarks import Finding
from detect.geometry import Boxes, area

OTHERS = 200  # photos on which the orders of photos are tried
SCANNED = 60  # photos on which all readings are tried; the best is confirmed on the whole sample
INSIDE = 0.9  # the share of boxes that a reading has to bring into the photos
LIKE = 0.15  # the share of boxes that a reading has to make as large as true boxes are
ROUNDING = 0.01
EDGE = 0.03  # of a photo's side, by which a box may reach over its edge
AT_ONCE = 100  # readings
BETTER = 1.02  # by how much a rarer reading has to fit better than a more usual one
SHARES = 2.0  # pixels: corners of shares that were read as x, y, width, height reach no farther
LARGE = 32  # pixels: photos in which boxes of shares cannot be meant


def implausible(dataset: Dataset, predictions: Predictions, table: MatchTable) -> tuple[Finding, ...]:
    """What the predictions look like where they cannot be meant as they were given; mostly nothing."""
    if not len(dataset):
        return ()
    size = np.array([(image.width, image.height) for image in dataset.images], dtype=np.float64)
    sample = surest(table.truths, table.detections, size)
    read = _reading(sample, readings())
    xyxy = read[0].undo(sample.xyxy, size[sample.image]) if read else sample.xyxy
    place = [_about_reading(sample, *read)] if read else [*_about_place(dataset, table, sample)]
    pairs = exchanged(sample, xyxy, dataset.classes)
    explained = {*pairs, *pairs.values()} if not place else set(range(len(dataset.classes)))
    return (
        *place,
        *about_order(pairs, dataset.classes),
        *about_photos(dataset, predictions, table),
        *about_missing(dataset, predictions, table, sample, explained),
        *about_scores(predictions, table),
        *(() if explained else about_inverted(table, sample)),
    )


def _reading(sample: Sample, options: Iterable[Reading]) -> tuple[Reading, Gain] | None:
    """The other meaning of the boxes under which they fit, and by how much better."""
    best = sample.best(sample.xyxy)
    if len(sample.photos) < FEWEST or sample.fits:
        return None
    few = sample.some(SCANNED)
    chosen = _best_reading(few, options)
    if chosen is None:
        return None
    if chosen.factor:
        steps = [scaled(chosen.factor * (1 + step / 200)) for step in range(-6, 7)]
        chosen = _best_reading(few, [chosen, *steps]) or chosen
    xyxy = chosen.undo(sample.xyxy, sample.size[sample.image])
    worth = gain(best, sample.best(xyxy), sample.by_chance(xyxy), len(sample.photos))
    return None if worth is None else (chosen, worth)


def _best_reading(sample: Sample, options: Iterable[Reading]) -> Reading | None:
    """The one under which the boxes lie best; many at once, which takes a tenth of the time."""
    options, size = iter(options), sample.size[sample.image]
    low, high = -EDGE * np.tile(size, 2), (1 + EDGE) * np.tile(size, 2)
    small, large = np.quantile(area(sample.truth), (0.1, 0.9)) * (0.5, 2)
    chosen, most = None, 0.0
    while some := list(islice(options, AT_ONCE)):
        boxes = np.stack([reading.undo(sample.xyxy, size) for reading in some])
        sizes = area(boxes.reshape(-1, 4)).reshape(boxes.shape[:-1])
        alike = ((sizes > small) & (sizes < large)).mean(axis=1) >= LIKE
        inside = ((boxes >= low) & (boxes <= high)).all(axis=2).mean(axis=1) >= INSIDE
        rows = np.flatnonzero(alike & inside)
        for row, quality in zip(rows, np.clip(2 * sample.best(boxes[rows]) - 1, 0, 1).mean(axis=1), strict=True):
            if quality > BETTER * most:
                chosen, most = some[row], quality
    return chosen


def _about_reading(sample: Sample, reading: Reading, worth: Gain, whose: str = "The boxes") -> Finding:
    size = sample.size[sample.image]
    xyxy = reading.undo(sample.xyxy, size)
    same = [
        other.looks
        for other in shares()
        if other.looks != reading.looks and np.allclose(other.undo(sample.xyxy, size), xyxy)
    ]
    looks = " or ".join([reading.looks, *same])
    if reading.kind == "another size" and not reading.factor and (factor := _factor(sample.xyxy, xyxy)) != 1:
        looks += f", {factor:.3g} times as large"
    return Finding(
        reading.kind,
        f"{whose} look like {looks}: read so, {worth.read:.0%} of the surest detections lie on a true box "
        f"(IoU {worth.iou:g}), as given {worth.given:.0%}. {reading.remedy}",
    )


def _factor(given: Boxes, read: Boxes) -> float:
    """By how much boxes are too large, where that is the same for all sides of all of them, else 1."""
    sides = [(boxes[:, 2:] - boxes[:, :2]).ravel() for boxes in (given, read)]
    kept = sides[1] > 0
    factors = sides[0][kept] / sides[1][kept]
    same = len(factors) and np.ptp(factors) < ROUNDING * factors.mean()
    return round(float(factors.mean()), 3) if same else 1.0


def _about_place(dataset: Dataset, table: MatchTable, sample: Sample) -> Iterator[Finding]:
    """Boxes whose place is wrong in a way that no reading of all of them repairs: the first that applies."""
    size = sample.size
    if finding := _tiny(table, size) or _some_photos(sample) or _other_photos(dataset, table, sample):
        yield finding


def _tiny(table: MatchTable, size: Floats) -> Finding | None:
    """Boxes of a pixel in the corner of large photos, also where nobody can know which they were meant to be."""
    boxes = table.detections
    if len(boxes.score) < FEWEST or boxes.xyxy.max() > SHARES or size[boxes.image].min() < LARGE:
        return None
    whole = next(shares())
    return Finding(
        whole.kind,
        f"The boxes look like {whole.looks}: none reaches beyond {boxes.xyxy.max():.3g} pixels. {whole.remedy}",
    )


def _some_photos(sample: Sample) -> Finding | None:
    """The reading that holds for a part of the photos alone: those that were turned, or that have another size."""
    size = sample.size
    sizes, number = np.unique(size[sample.photos], axis=0, return_counts=True)
    usual = sizes[number.argmax()] if len(sizes) else np.zeros(2)
    parts: list[tuple[str, NDArray[np.bool_], Iterable[Reading]]] = [
        ("higher than wide", size[:, 1] > size[:, 0], turned()),
        ("wider than high", size[:, 1] < size[:, 0], turned()),
        (f"of another size than {usual[0]:.0f} x {usual[1]:.0f}", (size != usual).any(axis=1), other_sizes()),
    ]
    for which, some, options in parts:
        part = sample.of(sample.photos[some[sample.photos]])
        if len(part.photos) < len(sample.photos) and (read := _reading(part, options)):
            return _about_reading(part, *read, whose=f"The boxes in photos {which}")
    return None


def _other_photos(dataset: Dataset, table: MatchTable, sample: Sample) -> Finding | None:
    """Detections that lie on the true boxes of another photo: the next one, or that at its place in another order."""
    best = sample.best(sample.xyxy)
    if len(sample.photos) < FEWEST or sample.fits:
        return None
    for looks, place in _orders([image.name for image in dataset.images]):
        there = table.detections._replace(image=place[table.detections.image])
        moved = surest(table.truths, there, sample.size, OTHERS)
        if not len(moved.image):
            continue
        worth = gain(best, moved.best(moved.xyxy), moved.by_chance(moved.xyxy), len(moved.photos))
        if worth is not None:
            return Finding(
                "other photos",
                f"The detections look like {looks}: {worth.read:.0%} of the surest lie on a true box there "
                f"(IoU {worth.iou:g}), as given {worth.given:.0%}. Use the image ids of the ground truth, or names.",
            )
    return None


def _orders(names: list[str]) -> Iterator[tuple[str, Rows]]:
    """Where detections of each photo may belong: a text, and the index of that photo for each photo (I,)."""
    given = np.arange(len(names))
    by_name = np.array(sorted(given, key=names.__getitem__), dtype=np.int64)
    by_number = np.array(sorted(given, key=lambda k: _numbers(names[k])), dtype=np.int64)
    for which, order in (("of the data", given), ("of names", by_name)):
        for step, noun in ((1, "next"), (-1, "previous")):
            place = np.empty_like(given)
            place[order] = np.roll(order, -step)
            yield f"those of the {noun} photo (in the order {which})", place
    orders = {"of the data": given, "of names": by_name, "of the numbers in the names": by_number}
    for of, a in orders.items():
        for to, b in orders.items():
            place = np.empty_like(given)
            place[b] = a
            if (place != given).any():
                yield f"those of photos numbered in the order {of}, not in that {to}", place


def _numbers(name: str) -> list[tuple[int, str]]:
    """A key by which 2.jpg comes before 10.jpg."""
    return [(int(number or 0), text) for text, number in re.findall(r"(\D+)|(\d+)", name)]
