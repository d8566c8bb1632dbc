"""The names of metrics: of the whole data a word, of a class a pair; written and read as text here alone.

A class may be called anything, `lost_bolt` or `map50`, so what a metric means is read off its own name and never off a
text that holds the name of a class.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from detect.errors import ConfigError, nearest

BETTER_LOW = ("false_alarms_per_image", "cost_per_image", "ece")  # and what begins with LOST
SHOWN = 20  # metrics named in a message
LOST = "lost_"  # AP lost to a kind of mistake: lost_background


class OfClass(NamedTuple):
    """A metric of one class: its label, and the metric's own name."""

    label: str
    name: str

    def __str__(self) -> str:
        return f"{self.label}.{self.name}"


Metric = str | OfClass  # a word such as map50 or lost_background is of the whole data


def own_name(metric: Metric) -> str:
    """What is measured, whatever it is measured of: recall for ("dent", "recall")."""
    return metric.name if isinstance(metric, OfClass) else metric


def label_of(metric: Metric) -> str | None:
    """The class that it is measured of; None for the whole data."""
    return metric.label if isinstance(metric, OfClass) else None


def higher_is_better(metric: Metric) -> bool:
    """False for false alarms, costs, AP lost and calibration error."""
    name = own_name(metric)
    return not (name in BETTER_LOW or name.startswith(LOST))


def metric_named(text: str, known: Collection[Metric]) -> Metric:
    """The metric that is written so: `map50`, or `dent.recall` with the class before the last dot.

    No two are written alike: the own name of a metric of a class has no dot and no digit at its start, and a metric of
    the whole data has a dot only before a digit (`map@0.5`). Raises ConfigError, with the nearest, for others.
    """
    if text in known:
        return text
    written = {str(metric): metric for metric in known}
    found = written.get(text, written.get(text.strip()))
    if found is None:
        close = nearest(text, written)
        hint = f"did you mean {close!r}?" if close else f"there are {', '.join(list(written)[:SHOWN])} ..."
        raise ConfigError(f"there is no metric {text!r}; {hint} (docs/metrics.md explains them)")
    return found
