"""Metrics that must be reached, for continuous integration: `map50=0.6,recall=0.7`."""

from __future__ import annotations

import math
from typing import NamedTuple

from detect.errors import ConfigError
from detect.evaluation.evaluation import Evaluation
from detect.evaluation.naming import Metric, higher_is_better, metric_named


class Shortfall(NamedTuple):
    """A metric that falls short of what was asked; `value` is the end of its interval where that was judged."""

    metric: Metric
    wanted: float
    value: float

    def __str__(self) -> str:
        beyond = "under" if higher_is_better(self.metric) else "over"
        value = "undefined" if math.isnan(self.value) else f"{self.value:.3f}, {beyond} {self.wanted:g}"
        return f"{self.metric} is {value}"


def parse_thresholds(text: str) -> dict[str, float]:
    """Number of each metric, as it is written; commas and `=` may stand in the name of a class.

    Raises ConfigError for what is no `NAME=NUMBER,...`.
    """
    wanted: dict[str, float] = {}
    begun = ""
    for part in text.split(","):
        name, _, number = (begun + part).rpartition("=")
        begun = "" if _is_number(number) and name.strip() else f"{begun}{part},"
        if not begun:
            wanted[name] = float(number)
    if begun:
        raise _no_threshold(begun[:-1])
    return wanted


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _metric(text: str, evaluation: Evaluation) -> Metric:
    """The metric that is written so; with a comma in it, what stands before is more likely one without a number."""
    try:
        return metric_named(text, evaluation.values)
    except ConfigError as unknown:
        first, comma, _ = text.partition(",")
        raise (_no_threshold(first) if comma else unknown) from None


def _no_threshold(text: str) -> ConfigError:
    return ConfigError(f"{text!r} is not a threshold: expected METRIC=NUMBER, such as map50=0.6,recall=0.7")


def shortfalls(evaluation: Evaluation, wanted: dict[str, float], *, strict: bool = False) -> list[Shortfall]:
    """The metrics that fall short; an undefined one does. A metric that is better low must not lie over its number.

    `strict` judges the worse end of the 95 % interval in place of the value. Raises ConfigError for metrics that there
    are not, and for `strict` without intervals.
    """
    if strict and not evaluation.intervals:
        raise ConfigError("--strict needs intervals: give --resamples")
    short = []
    for text, number in wanted.items():
        metric = _metric(text, evaluation)
        value, low, high = evaluation.estimate(metric)
        up = higher_is_better(metric)
        if strict:
            value = low if up else high
        if math.isnan(value) or (value < number if up else value > number):
            short.append(Shortfall(metric, number, value))
    return short
