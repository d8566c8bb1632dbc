"""Which slice of the data is worse than the rest of it, beyond chance: a class, a size, a folder, dark photos ...

Every slice is compared with the rest: the boxes that count, lie outside it and have a value for the same property.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.data import Attributes, Dataset, Value
from detect.errors import DataError
from detect.evaluation.bootstrap import LEVEL, NORMAL, Floats, Interval, Weights, divided, interval, per_image
from detect.evaluation.match import AREAS, MatchTable
from detect.evaluation.pairs import Rows, area, size
from detect.geometry import Boxes
from detect.progress import track

MIN_BOXES = 5  # boxes in a slice, and in its rest, from which it is tested
MAX_TEXTS = 20  # folders, or texts of an attribute: more are names of things, not properties
MAX_VALUES = 6  # numbers of an attribute that are slices of their own; more are cut into three ranges
SIZES, SIZE_BORDERS = ("small", "medium", "large"), [AREAS["medium"][0], AREAS["large"][0]]
OURS = ("class", "size", "aspect", "folder", "brightness")
ASPECTS = ("tall", "compact", "wide")  # width / height below 1/2, in between, above 2
BRIGHTNESSES = ("dark", "medium", "bright")
NO_PROPERTIES = ("iscrowd", "ignore", "area")  # attributes with a meaning of their own; see `columns.truths`
THUMBNAIL = 64  # pixels on the longer side, enough for a mean

Flags = NDArray[np.bool_]
Coded = tuple[tuple[str, ...], Rows]  # names of values, and where each of M things stands among them, -1 for nowhere


class Slice(NamedTuple):
    """`by` a property, the value `name` of it; recall and precision there, in the rest, and how they differ.

    `images` have the value, or a box that has it; `truths` and `detections` are the boxes that count. The differences
    are 95 % intervals of slice less rest. NaN where undefined, and for precision by what only true boxes have. `worse`:
    "recall", "precision" or "recall and precision" where lower than the rest beyond chance, or "".
    """

    by: str
    name: str
    images: int
    truths: int
    detections: int
    recall: float
    recall_rest: float
    recall_difference: Interval
    precision: float
    precision_rest: float
    precision_difference: Interval
    worse: str


class _Property(NamedTuple):
    """Where each truth (G,), detection (N,) and image (I,) stands among the names, -1 without a value.

    `detection` is all -1 for what only true boxes have; `image` is None for what is no property of images.
    """

    by: str
    names: tuple[str, ...]
    truth: Rows
    detection: Rows
    image: Rows | None = None


class _Boxes(NamedTuple):
    """The boxes of which a share is taken: image (M,), good (M,) found or right, counts (M,) takes part."""

    image: Rows
    good: Flags
    counts: Flags


class _Contrast(NamedTuple):
    """A share in a slice of `boxes` boxes, in the rest, the interval of the difference, and how likely by chance."""

    boxes: int
    value: float
    rest: float
    difference: Interval
    chance: float  # two-sided p-value, NaN where not tested


def slices(  # noqa: PLR0913  the parts of an evaluation that is still in the making
    dataset: Dataset,
    table: MatchTable,
    found_truth: Flags,
    rows: Rows,
    right: Flags,
    counted: Flags,
    weights: Weights,
    *,
    units: int,
    left_out: Weights | None = None,
    brightness: Floats | None = None,
) -> tuple[Slice, ...]:
    """All slices, property by property, of the data that the table was matched on, at one operating point.

    `found_truth` (G,) true boxes found; `rows` (N,) the table's detections at or above the confidence, `right` (N,)
    and `counted` (N,), False where ignored; `weights` (I, B) resamples of `units` images or groups, `left_out` (I, J)
    those of the jackknife; `brightness` (I,) mean luma, NaN where unknown. Slices are by class, size, aspect, folder,
    brightness and every attribute; a property of one value gives none. Worse beyond chance: see `_chance`, over all
    differences together at 5 % by Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
    """
    true = _Boxes(table.truths.image, found_truth, ~table.truth_ignored[0])
    ours = _Boxes(table.detections.image[rows], right, counted)
    kept: list[tuple[str, str, int, _Contrast, _Contrast]] = []
    for one in _properties(dataset, table, rows, brightness):
        recall = _contrasts(one.truth, len(one.names), true, weights, units, left_out)
        precision = _contrasts(one.detection, len(one.names), ours, weights, units, left_out)
        images = _images(one, (true, ours), len(weights))
        filled = [k for k in range(len(one.names)) if recall[k].boxes or precision[k].boxes]
        if len(filled) > 1:
            kept += [(one.by, one.names[k], images[k], recall[k], precision[k]) for k in filled]
    worse = _worse([recall for *_, recall, _ in kept] + [precision for *_, precision in kept])
    verdicts = [
        " and ".join(name for name, bad in (("recall", low), ("precision", wrong)) if bad)
        for low, wrong in zip(worse[: len(kept)], worse[len(kept) :], strict=True)
    ]
    return tuple(
        Slice(by, name, images, recall.boxes, precision.boxes, *recall[1:4], *precision[1:4], verdict)
        for (by, name, images, recall, precision), verdict in zip(kept, verdicts, strict=True)
    )


def brightness(dataset: Dataset) -> Floats:
    """The mean luma (I,) of each photo in 0..255 (ITU-R BT.601); NaN where it is missing or cannot be read."""
    measured = np.full(len(dataset), np.nan)
    for place, image in enumerate(track(dataset.images, "measuring brightness")):
        try:
            picture = image.open(longest=THUMBNAIL)
        except DataError:
            continue
        measured[place] = np.asarray(picture.convert("L"), dtype=np.float64).mean()
    return measured


def _properties(dataset: Dataset, table: MatchTable, rows: Rows, luma: Floats | None) -> Iterator[_Property]:
    """Everything that the data can be sliced by."""
    true, ours = table.truths, table.detections.take(rows)
    yield _Property("class", table.classes, true.label, ours.label)
    yield _Property("size", SIZES, _size(true.area), _size(area(ours.xyxy)))
    yield _Property("aspect", ASPECTS, _aspect(true.xyxy), _aspect(ours.xyxy))
    of_images = {"folder": _texts([str(PurePosixPath(image.name).parent) for image in dataset.images])}
    if luma is not None:
        of_images["brightness"] = BRIGHTNESSES, _thirds(luma)
    for key, coded in _attributes([image.attributes for image in dataset.images]).items():
        of_images[f"{key} (image attribute)" if key in (*OURS, *of_images) else key] = coded
    for by, (names, code) in of_images.items():
        yield _Property(by, names, code[true.image], code[ours.image], code)
    nowhere = np.full(len(rows), -1, dtype=np.int64)
    for key, (names, code) in _attributes([box.attributes for image in dataset.images for box in image.boxes]).items():
        by = f"{key} (box attribute)" if key in (*OURS, *of_images) else key
        yield _Property(by, names, code, nowhere)


def _size(areas: Floats) -> Rows:
    return np.searchsorted(SIZE_BORDERS, areas, side="right")


def _aspect(boxes: Boxes) -> Rows:
    width, height = size(boxes).T
    return np.where(2 * width < height, 0, np.where(width > 2 * height, 2, 1))


def _thirds(values: Floats) -> Rows:
    """0, 1 or 2 by the terciles of what is not NaN, and -1 for NaN."""
    known = ~np.isnan(values)
    code = np.full(len(values), -1, dtype=np.int64)
    if known.any():
        code[known] = np.searchsorted(np.quantile(values[known], [1 / 3, 2 / 3]), values[known])
    return code


def _attributes(given: Sequence[Attributes]) -> dict[str, Coded]:
    """What M images or boxes say, by the name of the attribute; ids and what has a meaning of its own left out."""
    columns: dict[str, dict[int, Value]] = {}
    for place, attributes in enumerate(given):
        for key, value in attributes.items():
            columns.setdefault(key, {})[place] = value
    coded = {}
    for key, column in columns.items():
        if key in NO_PROPERTIES or re.search(r"(^|_)id$", key, re.IGNORECASE):
            continue
        values = list(column.values())
        is_text = any(isinstance(value, str | bool) for value in values)
        names, code = _texts([_text(value) for value in values]) if is_text else _numbers(values)
        everywhere = np.full(len(given), -1, dtype=np.int64)
        everywhere[list(column)] = code
        coded[key] = names, everywhere
    return coded


def _texts(values: Sequence[str]) -> Coded:
    """By text; an empty one is no value, nor is any of more than MAX_TEXTS."""
    distinct = sorted({value for value in values if value})
    place = {name: k for k, name in enumerate(distinct)} if len(distinct) <= MAX_TEXTS else {}
    return tuple(place), np.array([place.get(value, -1) for value in values], dtype=np.int64)


def _numbers(given: Sequence[Value]) -> Coded:
    """By number where there are few, else by range; what is not finite is no value."""
    values = np.array(given, dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) <= MAX_VALUES:
        code = np.where(np.isnan(values), -1, np.searchsorted(distinct, values))
        return tuple(map(_text, distinct.tolist())), code
    code = _thirds(values)
    ends = [(values[code == k].min(initial=np.inf), values[code == k].max(initial=-np.inf)) for k in range(3)]
    return tuple(_text(a) if a == b else f"{a:.6g} to {b:.6g}" for a, b in ends), code


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, int | float) else value.strip()


def _images(one: _Property, boxes: Sequence[_Boxes], images: int) -> list[int]:
    """How many images have each value, or a box that counts and has it."""
    pairs = [(np.arange(images), one.image)] if one.image is not None else []
    pairs += [(b.image[b.counts], code[b.counts]) for b, code in zip(boxes, (one.truth, one.detection), strict=True)]
    held = sum(per_image(images, image[code >= 0], code[code >= 0], len(one.names)) for image, code in pairs)
    return [int(number) for number in np.count_nonzero(held, axis=1)]


def _contrasts(
    code: Rows, values: int, boxes: _Boxes, weights: Weights, units: int, left_out: Weights | None
) -> list[_Contrast]:
    """The share of good boxes, for each value that a box (M,) may have, beside that of the others."""
    images = len(weights)
    kept = boxes.counts & (code >= 0)
    image, column, good = boxes.image[kept], code[kept], boxes.good[kept]
    whole = per_image(images, image, column, values)
    part = per_image(images, image[good], column[good], values)
    here, rest = (share[:, 0] for share in _shares(part, whole, np.ones((images, 1))))
    drawn = np.subtract(*_shares(part, whole, weights))
    without = None if left_out is None else np.subtract(*_shares(part, whole, left_out))
    pooled = divided(part.sum(), whole.sum())
    number, others = whole.sum(axis=1), whole.sum() - whole.sum(axis=1)
    # A difference is no better known than the one of its two sides that fewer images speak of.
    holders = np.minimum(np.count_nonzero(whole, axis=1), np.count_nonzero(whole.sum(axis=0) - whole, axis=1))
    found = []
    for k in range(values):
        evidence, difference = min(units, int(holders[k])), float(here[k] - rest[k])
        chance = _chance(difference, drawn[k], float(pooled), number[k], others[k], evidence)
        span = interval(difference, drawn[k], evidence, left_out=None if without is None else without[k])
        found.append(_Contrast(int(number[k]), float(here[k]), float(rest[k]), span, chance))
    return found


def _shares(part: Floats, whole: Floats, weights: Weights) -> tuple[Floats, Floats]:
    """Their quotient in each slice and in its rest, (S, B) each, from counts per image (S, I)."""
    good, number = part @ weights, whole @ weights
    return divided(good, number), divided(good.sum(axis=0) - good, number.sum(axis=0) - number)


def _chance(difference: float, drawn: Floats, pooled: float, here: float, rest: float, evidence: int) -> float:
    """How likely chance alone makes such a difference of two shares, or a larger one: the larger of two p-values.

    The first is by the spread of its resamples (B,) and Student's t, in Wallace's normal approximation (Annals of
    Mathematical Statistics 30, 1959). It knows that boxes of one image are alike, but of 5 boxes with none found all
    resamples agree, as if their recall were known to be 0. So the second is that of two samples of `here` and `rest`
    boxes from one `pooled` share. NaN where fewer than MIN_BOXES boxes or two images speak, or there are no resamples.
    """
    known = drawn[~np.isnan(drawn)]
    free = evidence - 1
    if min(here, rest) < MIN_BOXES or free < 1 or len(known) < 2:
        return math.nan
    spread = float(known.std()) * math.sqrt(evidence / free)
    independent = math.sqrt(pooled * (1 - pooled) * (1 / here + 1 / rest))
    scores = [abs(difference) / independent] if independent > 0 else [0.0]  # all boxes alike: no difference
    if spread > 0:
        t = difference / spread
        scores.append((8 * free + 1) / (8 * free + 3) * math.sqrt(free * math.log1p(t * t / free)))
    return 2 * NORMAL.cdf(-min(scores))


def _worse(contrasts: Sequence[_Contrast]) -> list[bool]:
    """Which shares are lower than the rest's where chance is ruled out for all of them together, by Holm."""
    worse = [False] * len(contrasts)
    tested = sorted((one.chance, n) for n, one in enumerate(contrasts) if not math.isnan(one.chance))
    for place, (chance, n) in enumerate(tested):
        if chance > (1 - LEVEL) / (len(tested) - place):
            break
        worse[n] = contrasts[n].value < contrasts[n].rest
    return worse
