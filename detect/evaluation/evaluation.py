"""One evaluation: the match table, every metric read off it with its error bar, and the notes beside them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detect.data import Box, Dataset, Predictions
from detect.errors import ConfigError
from detect.evaluation.bootstrap import CELLS, REPLICATES, Interval, Rows, deletions, resamples
from detect.evaluation.calibration import FLOOR, Scaling, cross_validated, fit_classes
from detect.evaluation.calibration_error import calibration_error, gaps
from detect.evaluation.coverage import Missing, covered
from detect.evaluation.difficult import Difficult, with_difficult
from detect.evaluation.goals import Goal, parse_goal
from detect.evaluation.match import COCO_IOUS, MatchTable, match
from detect.evaluation.metrics import Estimate, Measured, intervals, measured
from detect.evaluation.mistakes import Kind, kinds
from detect.evaluation.naming import Metric, metric_named
from detect.evaluation.operating import Sweep, choose, sweep
from detect.evaluation.outcomes import Outcomes, judge
from detect.evaluation.plausibility import implausible
from detect.evaluation.precision import Averages, averages
from detect.evaluation.presence import group_units
from detect.evaluation.remarks import Finding, about_boxes, about_choice, about_table, texts
from detect.evaluation.slices import Slice, brightness, slices
from detect.operating_point import Calibration, OperatingPoint, fingerprint

MIN_SLICE_RESAMPLES = 200  # resamples of the slices where all do not fit into memory at once

IOU = 0.5  # the overlap from which a box counts as found, where none is given
NO_INTERVAL = Interval(math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The calibration error before, and after on photos that the fit did not see (five-fold)."""

    kind: Scaling
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The metrics of one set of predictions on one set of data. NaN means undefined, never zero.

    `values` and `intervals` hold every metric (docs/metrics.md), as `values["map50"]` of the whole data and
    `values["dent", "recall"]` of a class: shares in 0..1, but for false alarms and cost per image; the intervals are
    empty where no resamples were wanted. `ious` are those asked for. `operating_point`
    holds the confidences, and `chosen` says that they were picked on this same data; `outcomes` is what became of
    every box there. `notes` are what must be known beside the metrics, in words, and first of all `implausible`: what
    the predictions as a whole look like where they cannot be meant as they are.
    """

    table: MatchTable
    averages: Averages
    curve: Sweep
    measured: Measured
    values: dict[Metric, float]
    intervals: dict[Metric, Interval]
    slices: tuple[Slice, ...]
    operating_point: OperatingPoint
    chosen: bool
    calibrated: Calibrated | None
    groups: tuple[str, ...]
    ious: tuple[float, ...]
    replicates: int
    seed: int
    implausible: tuple[Finding, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        images, classes = len(self.table.images), len(self.table.classes)
        amounts = f"{images} image{'s' if images != 1 else ''}, {classes} class{'es' if classes != 1 else ''}"
        values = " ".join(f"{name}={self.values[name]:.3f}" for name in ("map", "map50", "precision", "recall", "f1"))
        return f"Evaluation({amounts}: {values})"

    @property
    def outcomes(self) -> Outcomes:
        """What became of every box at the operating point: counts, confusion matrix, kinds of mistakes."""
        return self.measured.outcomes

    @property
    def metrics(self) -> dict[str, float]:
        """COCO's twelve metrics by name: map, map50, map75, map_small ... ar1, ar10, ar100 ..."""
        return self.averages.metrics

    def estimate(self, metric: Metric) -> Estimate:
        """A metric with its 95 % interval, also as it is written (`dent.recall`); NaN where it is undefined.

        Raises ConfigError for a metric that was not measured.
        """
        known = metric if metric in self.values else metric_named(str(metric), self.values)
        return Estimate(self.values[known], *self.intervals.get(known, NO_INTERVAL))


def evaluate(  # noqa: PLR0913  what is measured, then independent choices, each by name
    dataset: Dataset,
    predictions: Predictions,
    *,
    confidence: float | None = None,
    choose: str = "f1",
    point: OperatingPoint | None = None,
    iou: float | Sequence[float] | None = None,
    missing: Missing = "fail",
    group: str | None = None,
    calibrate: Scaling | None = None,
    difficult: Difficult = "count",
    voc: bool = False,
    photos: bool = False,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Evaluation:
    """Compare predictions with the truth, as COCO does, with error bars from `replicates` resamples of the images.

    The operating point: one `confidence`, a saved `point`, or chosen by `choose` ("f1", "precision=0.9", "recall=0.8",
    "cost=FILE"). From the first `iou` a box counts as found. `missing` images: error, left out ("ignore") or "empty".
    `difficult` boxes count, or neither way. `group`: names in which it finds the same are one claim. `calibrate`: fit
    the scores. `voc`: VOC's AP. `photos`: measure brightness. Raises DataError for misfits, ConfigError for settings.
    """
    ious = _ious(iou, point, confidence)
    dataset, notes = with_difficult(*covered(dataset, predictions, missing), difficult)
    units, groups = _units(dataset, group)
    table, calibrated, fitted = _scored(dataset, predictions, ious, units, calibrate, point)
    goal = parse_goal(choose, dataset.classes)
    saved, chosen, about = _operating_point(dataset, table, ious[0], confidence, goal, point)
    at = judge(table, ious[0], np.array([saved.confidence[name] for name in dataset.classes]))
    parts = measured(table, at, units, grouped=group is not None, cost=goal.cost, voc=voc)
    return Evaluation(
        table=table,
        averages=averages(table),
        curve=sweep(table, ious[0]),
        measured=parts,
        values=(values := parts.values()),
        intervals=intervals(parts, values, replicates, seed),
        slices=_slices(dataset, parts, photos, replicates, seed),
        operating_point=replace(saved, calibration=fitted),
        chosen=chosen,
        calibrated=calibrated,
        groups=groups,
        ious=tuple(ious),
        replicates=replicates,
        seed=seed,
        implausible=(odd := implausible(dataset, predictions, table)),
        notes=(*texts(odd), *about_table(table), *about, *notes, *about_boxes(dataset, predictions, odd)),
    )


def _ious(given: float | Sequence[float] | None, point: OperatingPoint | None, confidence: float | None) -> list[float]:
    """The IoU thresholds asked for, that of the operating point first."""
    if confidence is not None and point is not None:
        raise ConfigError("give a confidence or an operating point, not both")
    if confidence is not None and not 0 <= confidence <= 1:
        raise ConfigError(f"confidence must lie in 0..1, got {confidence}")
    if given is None:
        return [point.iou if point is not None else IOU]
    ious = [given] if isinstance(given, int | float) else list(given)
    for iou in ious:
        if not 0 < iou <= 1:
            raise ConfigError(f"IoU must lie above 0 and at most at 1, got {iou}")
    return ious or [IOU]


def _units(dataset: Dataset, group: str | None) -> tuple[Rows, tuple[str, ...]]:
    """What is drawn together (I,), and the names of the groups, where images are grouped."""
    if group is None:
        return np.arange(len(dataset)), ()
    return group_units(tuple(image.name for image in dataset.images), group)


def _scored(
    dataset: Dataset,
    predictions: Predictions,
    ious: list[float],
    units: Rows,
    calibrate: Scaling | None,
    point: OperatingPoint | None,
) -> tuple[MatchTable, Calibrated | None, dict[str, Calibration]]:
    """The match table of scores as given, as the point calibrates them, or as they are fitted now; and the fit."""
    fitted = {} if point is None else dict(point.calibration)
    known = replace(predictions, images={n: _of(b, dataset.classes) for n, b in predictions.images.items()})
    if point is not None:
        known = point.calibrated(known)
    table = _matched(dataset, known, ious)
    if calibrate is None:
        return table, None, fitted
    if fitted:
        raise ConfigError("the operating point calibrates the scores already; calibrate without it")
    calibrated, fitted = _calibrate(calibrate, table, ious[0], units)
    scale = OperatingPoint({}, ious[0], fitted, "given", frozenset())
    return _matched(dataset, scale.calibrated(known), ious), calibrated, fitted


def _of(boxes: tuple[Box, ...], classes: Collection[str]) -> tuple[Box, ...]:
    """The boxes of these classes; others take no part in an evaluation."""
    return tuple(box for box in boxes if box.label in classes)


def _matched(dataset: Dataset, predictions: Predictions, ious: list[float]) -> MatchTable:
    """The match table at COCO's ten thresholds, and behind them at those of `ious` that are not among the ten."""
    more = [iou for iou in dict.fromkeys(ious) if not np.isclose(COCO_IOUS, iou, rtol=0, atol=1e-9).any()]
    return match(dataset, predictions, np.append(COCO_IOUS, more))


def _operating_point(
    dataset: Dataset,
    table: MatchTable,
    iou: float,
    confidence: float | None,
    goal: Goal,
    point: OperatingPoint | None,
) -> tuple[OperatingPoint, bool, tuple[str, ...]]:
    """The point, whether it was chosen on this very data, and the note about that."""
    prints = frozenset(fingerprint(image) for image in dataset.images)
    if point is not None:
        if lacking := [name for name in dataset.classes if name not in point.confidence]:
            raise ConfigError(
                f"the operating point has no confidence for {', '.join(lacking)}; it has {', '.join(point.confidence)}"
            )
        return replace(point, iou=iou), False, about_choice(len(prints & point.images), len(prints))
    if confidence is not None:
        return OperatingPoint(dict.fromkeys(dataset.classes, confidence), iou, {}, "given", frozenset()), False, ()
    choice = choose(table, iou, goal)
    by_class = dict(zip(dataset.classes, choice.confidence.tolist(), strict=True))
    about = (*choice.notes, *(about_choice(len(prints), len(prints)) if choice.made else ()))
    chosen_for = str(goal) if choice.made else "given"
    return OperatingPoint(by_class, iou, {}, chosen_for, prints), choice.made, about


def _calibrate(kind: Scaling, table: MatchTable, iou: float, units: Rows) -> tuple[Calibrated, dict[str, Calibration]]:
    """The fit per class, and what it does to the calibration error on photos that it has not seen."""
    judged, ours = kinds(table, iou).kind, table.detections
    rows = np.flatnonzero((judged != Kind.IGNORED) & (ours.score >= FLOOR))
    score, right, label = ours.score[rows], judged[rows] == Kind.FOUND, ours.label[rows]
    fitted = fit_classes(kind, table.classes, score, right, label)
    unit, number = units[ours.image[rows]], int(units.max(initial=-1)) + 1
    held_out = cross_validated(kind, score, right, label, unit)
    once = np.ones((number, 1))
    before, after = (calibration_error(gaps(s, right, unit, number), once)[0] for s in (score, held_out))
    return Calibrated(kind, float(before), float(after)), fitted


def _slices(dataset: Dataset, parts: Measured, photos: bool, replicates: int, seed: int) -> tuple[Slice, ...]:
    if not len(dataset) or not replicates:
        return ()
    outcomes = parts.outcomes
    number = min(replicates, max(MIN_SLICE_RESAMPLES, CELLS // len(dataset)))
    return slices(
        dataset,
        parts.table,
        ~outcomes.missed,
        outcomes.rows,
        outcomes.kind == Kind.FOUND,
        outcomes.kind != Kind.IGNORED,
        resamples(parts.units, number, seed),
        units=int(parts.units.max()) + 1,
        left_out=deletions(parts.units),
        brightness=brightness(dataset) if photos else None,
    )
