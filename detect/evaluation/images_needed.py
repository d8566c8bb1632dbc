"""How many images (or groups) would tell two models apart: a range, as the difference is only known to an interval."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from detect.evaluation.bootstrap import LEVEL, Floats

MIN_UNITS = 6  # images or groups: with fewer, not even a sign test can reach 5 % (2 x 0.5^6 = 0.03)
ROUNDING = 1e-9  # of a difference that is none: means over the same numbers may differ in the last bit
POWER = 0.8  # chance to see a difference of this size with the number of images asked for
MOST = 10_000  # images that are written out; nobody collects more to tell two models apart

Range = tuple[int, int | None]
"""From so many to so many; None where the second has no bound."""


def needed(difference: float, replicates: Floats, units: int) -> int | None:
    """Images that show a true difference of this size at LEVEL with POWER; None where there is no difference to show.

    From the standard error of the difference in its `replicates` (B,), which falls with the root of their number.
    """
    known = replicates[~np.isnan(replicates)]
    if math.isnan(difference) or abs(difference) < ROUNDING or not len(known):
        return None
    normal = NormalDist()
    reach = (normal.inv_cdf((1 + LEVEL) / 2) + normal.inv_cdf(POWER)) * float(known.std())
    return max(MIN_UNITS, math.ceil(units * (reach / difference) ** 2))


def needed_range(low: float, high: float, replicates: Floats, units: int) -> Range | None:
    """The images needed for the largest and the smallest difference in the interval from `low` to `high`.

    Without an upper bound where the interval holds 0, as it does whenever one cannot tell. None where there is no
    interval, or it is 0 alone.
    """
    least = needed(max(low, high, key=abs), replicates, units)
    if least is None or math.isnan(low):
        return None
    most = needed(min(low, high, key=abs), replicates, units) if low > ROUNDING or high < -ROUNDING else None
    return least, most


def range_in_words(span: Range) -> str:
    """`120 to 900`, or `120 to over 10,000`."""
    low, high = span
    if low > MOST:
        return f"over {MOST:,}"
    return f"{low:,} to {high:,}" if high is not None and high <= MOST else f"{low:,} to over {MOST:,}"
