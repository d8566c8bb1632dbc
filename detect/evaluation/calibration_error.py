"""How far scores are from the share that is right, freed from what chance adds, with its 95 % interval.

Binned gaps are never negative once their signs are dropped, so chance adds to their sum even where the scores are
right: 0.05 in 120 photos with four detections each. Sources: Kumar, Liang and Ma, Verified Uncertainty Calibration,
NeurIPS 2019; Roelofs et al., Mitigating Bias in Calibration Error Estimation, AISTATS 2022.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from detect.evaluation.bootstrap import LEVEL, NORMAL, Floats, Interval, Rows, Weights, divided, per_image, widened
from detect.evaluation.calibration import BINS, Flags, bins_of

DRAWS = 2000  # of what chance may add to the gaps
HALVINGS, STEPS = 20, 30  # of a search for an end of the interval; of Newton's method
TAIL = (1 - LEVEL) / 2


class Gaps(NamedTuple):
    """Of U images or claims: the sums (BINS, U) of score - right in each bin, and the detections (U,)."""

    sums: Floats
    detections: Floats


def gaps(score: Floats, right: Flags, unit: Rows, units: int) -> Gaps:
    """The gaps of detections (N,), each in one of the `units`."""
    place = bins_of(score, BINS)
    sums = per_image(units, unit, place, BINS, score - right)
    return Gaps(sums, per_image(units, unit, np.zeros_like(place), 1)[0])


def calibration_error(seen: Gaps, weights: Weights) -> Floats:
    """The calibration error (B,) for weights (U, B) of the units; NaN without detections.

    All gaps are made smaller by one factor: the one with which gaps of that size, and what chance adds to them, would
    on average sum up to what is seen. It is 0 where chance alone adds as much. Of one unit nothing is known of chance,
    and the sum is taken as it is.
    """
    count = seen.detections @ weights
    gap, spread = np.abs(divided(seen.sums @ weights, count)), _spread(seen, weights)
    total = gap.sum(axis=0)
    factor = np.ones_like(total)
    for _ in range(STEPS):  # Newton's method: the expectation is convex, so it comes down to the root from above
        slope, expected = _expected(factor * gap, spread)
        step = divided(expected.sum(axis=0) - total, (gap * slope).sum(axis=0))
        factor = np.maximum(factor - np.nan_to_num(step), 0.0)
    return np.asarray(np.where(np.isnan(total), np.nan, factor * total))


def calibration_interval(value: float, seen: Gaps) -> Interval:
    """The 95 % interval of a calibration error whose estimate is `value`; NaN where fewer than two units speak of it.

    A test turned round (Carpenter, Test Inversion Bootstrap Confidence Intervals, 1999): it holds the errors with which
    a sum of gaps as it is seen would be no surprise. What chance adds is drawn from a normal distribution with the
    covariance that the units show. How an error is spread over the bins is not known: the lower end takes that of gaps
    well above chance alone, the upper end that of all gaps, or an even one if it leads further.
    """
    units = int(np.count_nonzero(seen.detections))
    if np.isnan(value) or units < 2:
        return Interval(np.nan, np.nan)
    count = seen.detections.sum()
    gap = seen.sums.sum(axis=1) / count
    influence = (seen.sums - gap[:, None] * seen.detections) / count * (widened(units) / -NORMAL.inv_cdf(TAIL))
    variance, axes = np.linalg.eigh(influence @ influence.T)
    drawn = axes * np.sqrt(np.maximum(variance, 0)) @ np.random.default_rng(0).standard_normal((BINS, DRAWS))
    spread = np.sqrt((influence**2).sum(axis=1))
    total = np.abs(gap).sum()
    clear = gap * np.nan_to_num(np.maximum(0, 1 - divided(spread**2, gap**2)))

    def sums(error: Floats) -> Floats:
        return np.asarray(np.abs(error[:, None] + drawn).sum(axis=0))

    low = _largest(clear, lambda error: float(np.mean(sums(error) >= total)) <= TAIL)
    shapes = (gap, np.where(gap < 0, -spread, spread))
    high = max(_largest(shape, lambda error: float(np.mean(sums(error) <= total)) > TAIL) for shape in shapes)
    return Interval(min(low, value), min(1.0, max(high, value)))


def _spread(seen: Gaps, weights: Weights) -> Floats:
    """The standard error (BINS, B) of each bin's gap, from how the units differ; 0 where fewer than two speak."""
    count, units = seen.detections @ weights, (seen.detections > 0) @ weights
    gap = divided(seen.sums @ weights, count)
    squares = seen.sums**2 @ weights - 2 * gap * ((seen.sums * seen.detections) @ weights)
    squares += gap**2 * (seen.detections**2 @ weights)
    variance = divided(np.maximum(squares, 0) * units, count**2 * (units - 1))
    return np.sqrt(np.nan_to_num(variance))


def _expected(gap: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """The mean of |gap + noise| for normal noise of this spread, all (BINS, B), and its slope; the slope first."""
    z = np.divide(gap, spread, out=np.full_like(gap, np.inf), where=spread > 0)
    density = np.exp(-(z**2) / 2)
    slope = _erf(z / np.sqrt(2), density)
    return slope, gap * slope + spread * np.sqrt(2 / np.pi) * density


def _erf(x: Floats, density: Floats) -> Floats:
    """The error function of x >= 0, given exp(-x²), to 2e-7 (Abramowitz and Stegun, 1964, formula 7.1.26)."""
    t = 1 / (1 + 0.3275911 * x)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.asarray(1 - series * density)


def _largest(shape: Floats, fits: Callable[[Floats], bool]) -> float:
    """The sum of |shape|, times the largest factor with which the shape still fits; 0 where none does."""
    if not shape.any() or not fits(0 * shape):
        return 0.0
    low, high = 0.0, 1.0
    while fits(high * shape):
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle * shape) else (low, middle)
    return low * float(np.abs(shape).sum())
