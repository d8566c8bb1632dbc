"""Two models on the same images: whether the difference is real, or other images could have shown another one.

Paired: both are measured on the same resamples, so that what makes an image hard for both cancels out. That is why a
difference can be certain whose two intervals overlap widely.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from detect.data import Dataset, Predictions
from detect.errors import ConfigError
from detect.evaluation.bootstrap import LEVEL, REPLICATES, Floats, interval
from detect.evaluation.coverage import Missing, known_images
from detect.evaluation.evaluation import Evaluation, evaluate
from detect.evaluation.images_needed import MIN_UNITS, POWER, ROUNDING, Range, needed, needed_range
from detect.evaluation.metrics import HEADLINE
from detect.evaluation.naming import Metric, OfClass, higher_is_better, label_of, metric_named, own_name
from detect.operating_point import OperatingPoint

Verdict = Literal["better", "worse", "cannot tell"]
MIN_REPLICATES = 100


class Note(NamedTuple):
    """What must be known beside the metrics, in words, and `of` which side it is true: "A", "B" or "A and B"."""

    of: str
    note: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of A and of B, B - A with its 95 % interval, and the verdict on B.

    `needed` is how many images (or groups) would show a true difference of just this size in 8 of 10 cases, None where
    there is no difference to show; `needed_range` those for all differences in the interval, see `needed_range`.
    """

    metric: Metric
    a: float
    b: float
    difference: float
    low: float
    high: float
    verdict: Verdict
    needed: int | None
    needed_range: Range | None

    @property
    def name(self) -> str:
        """The metric as it is written: `recall`, or `dent.recall` of a class."""
        return str(self.metric)

    def __str__(self) -> str:
        return f"{self.name} {self.difference:+.3f} ({self.low:+.3f} to {self.high:+.3f}) {self.verdict}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two evaluations and the `differences` of their metrics: of all first, then AP50 and recall of each class.

    `units` is how many images (or groups, as `unit` says) were resampled together for both. `notes` are those of the
    two evaluations, and what was left out of both.
    """

    a: Evaluation
    b: Evaluation
    differences: tuple[Difference, ...]
    units: int
    unit: str
    notes: tuple[Note, ...]

    def __repr__(self) -> str:
        compared = f"{len(self.a.table.images)} images, B beside A"
        return f"Comparison({compared}: {', '.join(map(str, self.differences[:3]))})"

    def of(self, metric: Metric) -> Difference:
        """The difference of one metric, also as it is written (`dent.recall`). Raises ConfigError for others."""
        by_metric = {one.metric: one for one in self.differences}
        known = metric if metric in by_metric else metric_named(str(metric), by_metric)
        return by_metric[known]

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, as docs/metrics.md describes them; None for what is undefined."""
        return {
            "schema": "damage-detect comparison",
            "version": 1,
            "images": len(self.a.table.images),
            "unit": self.unit,
            "units": self.units,
            "level": LEVEL,
            "power": POWER,
            "replicates": self.a.replicates,
            "notes": [note._asdict() for note in self.notes],
            "differences": [_row(one) for one in self.differences],
        }


def compare(
    dataset: Dataset,
    a: Predictions,
    b: Predictions,
    *,
    point: OperatingPoint | tuple[OperatingPoint, OperatingPoint] | None = None,
    missing: Missing = "fail",
    replicates: int = REPLICATES,
    seed: int = 0,
    **settings: Any,
) -> Comparison:
    """Measure A and B on the same images, and the paired difference of each metric.

    `point` is an operating point chosen elsewhere, for both, or one for A and one for B. The other `settings` are those
    of `evaluate`: without a point each model gets its own by the same rule. With `missing="ignore"` only the images
    that both have looked at count. Raises ConfigError without resamples, for points of different IoU unless `iou` is
    given, and as `evaluate`.
    """
    if replicates < MIN_REPLICATES:
        raise ConfigError(f"a comparison needs at least {MIN_REPLICATES} resamples, got {replicates}")
    points = point if isinstance(point, tuple) else (point, point)
    ious = sorted({f"{one.iou:g}" for one in points if one is not None})
    if len(ious) > 1 and settings.get("iou") is None:
        raise ConfigError(f"the operating points have IoU {' and '.join(ious)}: give one for both (--iou)")
    notes: list[Note] = []
    if missing == "ignore":
        dataset, a, b, notes = _seen_by_both(dataset, a, b)
    first, second = (
        evaluate(dataset, predictions, point=one, missing=missing, replicates=0, **settings)
        for predictions, one in zip((a, b), points, strict=True)
    )
    drawn = _subtracted(*(one.measured.replicates(replicates, seed) for one in (first, second)))
    left_out = _subtracted(*(one.measured.left_out() for one in (first, second)))
    first, second = (replace(one, replicates=replicates, seed=seed) for one in (first, second))
    units = int(first.measured.units.max(initial=-1)) + 1
    of_classes = [OfClass(label, name) for label in dataset.classes for name in ("ap50", "recall")]
    compared = [metric for metric in (*HEADLINE, *of_classes) if metric in first.values and metric in second.values]
    none = np.empty(0)
    differences = tuple(
        _difference(m, first.values[m], second.values[m], drawn.get(m, none), left_out.get(m, none), units)
        for m in compared
    )
    notes += _notes(first, second)
    return Comparison(first, second, differences, units, "groups" if first.groups else "images", tuple(notes))


def _seen_by_both(
    dataset: Dataset, a: Predictions, b: Predictions
) -> tuple[Dataset, Predictions, Predictions, list[Note]]:
    """The images that both have looked at, and a note about the others."""
    known_images(dataset, a)
    known_images(dataset, b)
    both = a.images.keys() & b.images.keys()
    kept = tuple(image for image in dataset.images if image.name in both)
    notes = []
    if lost := len(dataset) - len(kept):
        which = f"{lost} image{' is' if lost == 1 else 's are'} not in the predictions of both"
        notes.append(Note("A and B", f"{which}: left out; the metrics hold for the other {len(kept)}."))
    a, b = (replace(p, images={n: boxes for n, boxes in p.images.items() if n in both}) for p in (a, b))
    return replace(dataset, images=kept), a, b, notes


def _notes(a: Evaluation, b: Evaluation) -> list[Note]:
    """Those of both evaluations, a note that both have once."""
    sides: dict[str, list[str]] = {}
    for side, one in (("A", a), ("B", b)):
        for note in one.notes:
            sides.setdefault(note, []).append(side)
    return [Note(" and ".join(of), note) for note, of in sides.items()]


def _subtracted(a: dict[Metric, Floats], b: dict[Metric, Floats]) -> dict[Metric, Floats]:
    return {metric: b[metric] - values for metric, values in a.items() if metric in b}


def _difference(metric: Metric, a: float, b: float, replicates: Floats, left_out: Floats, units: int) -> Difference:
    difference = b - a
    low, high = interval(difference, replicates, units, left_out=left_out)
    verdict: Verdict = "cannot tell"
    if units >= MIN_UNITS and (low > ROUNDING or high < -ROUNDING):
        verdict = "better" if (low > 0) == higher_is_better(metric) else "worse"
    least, span = needed(difference, replicates, units), needed_range(low, high, replicates, units)
    return Difference(metric, a, b, difference, low, high, verdict, least, span)


def _row(one: Difference) -> dict[str, Any]:
    numbers = {key: _plain(getattr(one, key)) for key in Difference.__slots__ if key != "metric"}
    return {"name": one.name, "metric": own_name(one.metric), "class": label_of(one.metric), **numbers}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
