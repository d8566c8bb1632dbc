"""Metrics that must be reached, for continuous integration: `map50=0.6,recall=0.7`."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import NamedTuple

from detect.errors import ConfigError
from detect.evaluation.evaluation import Evaluation
from detect.evaluation.metrics import higher_is_better


class Miss(NamedTuple):
    """A metric that falls short of what was asked; `value` is the end of its interval where that was judged."""

    name: str
    wanted: float
    value: float

    def __str__(self) -> str:
        beyond = "under" if higher_is_better(self.name) else "over"
        value = "undefined" if math.isnan(self.value) else f"{self.value:.3f}, {beyond} {self.wanted:g}"
        return f"{self.name} is {value}"


def parse_thresholds(text: str) -> dict[str, float]:
    """Name and number of each. Raises ConfigError for what is no `NAME=NUMBER,...`."""
    wanted: dict[str, float] = {}
    for part in text.split(","):
        name, sign, number = part.rpartition("=")
        try:
            wanted[name.strip()] = float(number)
        except ValueError:
            sign = ""
        if not sign or not name.strip() or not math.isfinite(wanted[name.strip()]):
            raise ConfigError(f"{part!r} is not a threshold: expected METRIC=NUMBER, such as map50=0.6,recall=0.7")
    return wanted


def missed(evaluation: Evaluation, wanted: dict[str, float], *, strict: bool = False) -> list[Miss]:
    """The metrics that fall short; an undefined one does. A metric that is better low must not lie over its number.

    `strict` judges the worse end of the 95 % interval in place of the value. Raises ConfigError for metrics that there
    are not, and for `strict` without intervals.
    """
    if strict and not evaluation.intervals:
        raise ConfigError("--strict needs intervals: give --resamples")
    short = []
    for name, number in wanted.items():
        if name not in evaluation.values:
            close = get_close_matches(name, evaluation.values, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"there is no metric {name!r}{hint} (docs/metrics.md names all)")
        value, low, high = evaluation.estimate(name)
        up = higher_is_better(name)
        if strict:
            value = low if up else high
        if math.isnan(value) or (value < number if up else value > number):
            short.append(Miss(name, number, value))
    return short
