"""Error bars by the bootstrap: the images are drawn again, with replacement, and every metric is computed anew.

A resample is a column of weights: how often each image stands in it. Every metric of this package is a function of
the match table and of such weights, (I, B) in and (B,) out, so that its value (all weights 1) and its error bar cannot
come from two calculations. Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from detect.progress import track

Weights = NDArray[np.float64]  # (I images, B resamples), whole numbers
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Name = TypeVar("Name")

LEVEL = 0.95
REPLICATES = 1000
CELLS = 5_000_000  # of a weights matrix held at a time
BLOCKS = 200  # of the jackknife, each left out once
NORMAL = NormalDist()


class Interval(NamedTuple):
    """The 95 % interval of a metric; NaN where the metric is undefined."""

    low: float
    high: float


def resamples(units: Rows, replicates: int = REPLICATES, seed: int = 0) -> Weights:
    """(I, B) weights of B resamples; `units` (I,) numbers what is drawn together: each image, or all of one claim.

    Photos of one claim show the same car, so they are no independent evidence: drawing claims gives honest error bars.
    """
    count = int(units.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, max(1, count), (replicates, count))
    cells = drawn + np.arange(replicates)[:, None] * count
    times = np.bincount(cells.ravel(), minlength=replicates * count).reshape(replicates, count)
    return np.ascontiguousarray(times.T[units], dtype=np.float64)


def deletions(units: Rows) -> Weights:
    """(I, J) weights of the jackknife: in each column some of the units are left out, each unit in one column.

    One unit per column up to BLOCKS units; of more, every BLOCKS-th together, so that time does not grow with them. The
    skewness of a sum of influences over blocks is that of the influences themselves, but for chance (0.002 of the
    acceleration at 200 blocks).
    """
    blocks = min(BLOCKS, int(units.max(initial=-1)) + 1)
    return np.asarray((units % max(1, blocks))[:, None] != np.arange(blocks), dtype=np.float64)


def replicate(
    metrics: Callable[[Weights], dict[Name, Floats]], units: Rows, replicates: int = REPLICATES, seed: int = 0
) -> dict[Name, Floats]:
    """The metrics (B,) by name in B resamples, some at a time so that memory does not grow with B; see `resamples`."""
    step = max(1, min(replicates, CELLS // max(1, len(units))))
    starts = range(0, replicates, step)
    parts = [
        metrics(resamples(units, min(step, replicates - start), seed + start))
        for start in track(starts, "error bars", len(starts))
    ]
    return _joined(parts)


def jackknife(metrics: Callable[[Weights], dict[Name, Floats]], units: Rows) -> dict[Name, Floats]:
    """The metrics (J,) by name with some units left out, some columns at a time; see `deletions`."""
    weights = deletions(units)
    step = max(1, CELLS // max(1, len(units)))
    return _joined([metrics(weights[:, start : start + step]) for start in range(0, weights.shape[1], step)])


def per_image(images: int, image: Rows, column: Rows, columns: int, values: Floats | None = None) -> Floats:
    """(columns, I) sums: how much of each column lies in each image. Times the weights: its total in each resample."""
    cells = column * max(1, images) + image
    sums = np.bincount(cells, values, minlength=columns * images)
    return np.asarray(sums.reshape(columns, images), dtype=np.float64)


def divided(part: Floats, whole: Floats) -> Floats:
    """The quotient, NaN where whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def mean_of_defined(values: Floats) -> Floats:
    """The mean over the first axis of what is not NaN; NaN where nothing is."""
    defined = ~np.isnan(values)
    return divided(np.where(defined, values, 0.0).sum(axis=0), defined.sum(axis=0).astype(np.float64))


def acceleration(left_out: Floats) -> float:
    """How much the standard error of a metric changes with its value, from its values (J,) of the jackknife.

    A sixth of the skewness of the influence of the units (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    equation 14.15). Unlike the skewness of the replicates it does not move with the seed. NaN values are left out.
    """
    known = left_out[~np.isnan(left_out)]
    influence = known.mean() - known if len(known) else known
    scale = float((influence**2).sum())
    return float((influence**3).sum()) / (6 * scale**1.5) if scale > 1e-24 else 0.0


def interval(
    value: float, replicates: Floats, units: int, bounded: bool = False, left_out: Floats | None = None
) -> Interval:
    """The 95 % interval of a metric from its values (B,) in the resamples of `units` images or groups.

    Bias-corrected and accelerated (Efron, Better Bootstrap Confidence Intervals, 1987), the acceleration from the
    values `left_out` (J,) of the jackknife, or else from the skewness of the replicates; widened for few units as in
    Hesterberg, What Teachers Should Know About the Bootstrap, 2015, section 4.4. NaN replicates were undefined in that
    resample. A `bounded` metric (a share in 0..1) that is 0 or 1 in every resample gets the exact interval of a share
    of which no exception was seen in `units` tries: that all of three were found does not prove a recall of 1.
    """
    known = replicates[~np.isnan(replicates)]
    if math.isnan(value) or not len(known) or units < 1:
        return Interval(math.nan, math.nan)
    spread = float(known.std())
    if spread < 1e-12:
        at_an_end = bounded and min(abs(value), abs(1 - value)) < 1e-9  # a precision is hits / (hits + 2e-16)
        unseen = 1 - ((1 - LEVEL) / 2) ** (1 / units) if at_an_end else 0.0
        return Interval(max(0.0, value - unseen), min(1.0, value + unseen)) if unseen else Interval(value, value)
    if units < 2:
        return Interval(math.nan, math.nan)
    below = (np.count_nonzero(known < value) + np.count_nonzero(known <= value)) / (2 * len(known))
    shift = NORMAL.inv_cdf(min(max(below, 1 / len(known)), 1 - 1 / len(known)))
    skewed = float(((known - known.mean()) ** 3).mean()) / spread**3 / 6 if left_out is None else acceleration(left_out)
    low, high = (_adjusted(sign * widened(units), shift, skewed) for sign in (-1, 1))
    return Interval(*map(float, np.quantile(known, [low, high])))


def _joined(parts: list[dict[Name, Floats]]) -> dict[Name, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def _adjusted(z: float, shift: float, acceleration: float) -> float:
    """The quantile of the replicates at which an end of the interval lies."""
    moved = shift + z
    return NORMAL.cdf(shift + moved / max(1 - acceleration * moved, 0.1))


def widened(units: int) -> float:
    """How many standard errors an interval reaches to each side with so many units.

    Student's t at LEVEL (Cornish and Fisher's expansion), times the bias of the bootstrap's spread.
    """
    z, free = NORMAL.inv_cdf((1 + LEVEL) / 2), units - 1
    t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    return t * math.sqrt(units / free)
