"""All metrics of an evaluation by name, as one function of the weights of the images.

Names: `map50`, `recall`, `image_sensitivity`, `lost_background` ...; of a class: `OfClass("dent", "recall")`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.bootstrap import Floats, Interval, Rows, Weights, interval, jackknife, replicate
from detect.evaluation.calibration import FLOOR, expected_calibration_error
from detect.evaluation.calibration_error import Gaps, calibration_error, calibration_interval, gaps
from detect.evaluation.columns import Detections
from detect.evaluation.match import MAX_DETECTIONS, MatchTable
from detect.evaluation.mistakes import Kind, costs
from detect.evaluation.naming import LOST, Metric, OfClass, higher_is_better
from detect.evaluation.outcomes import Outcomes, cost_per_image, point_metrics
from detect.evaluation.precision import SIZES, resampled_metrics
from detect.evaluation.presence import Presence, presence, presence_metrics, unit_weights
from detect.evaluation.voc_ap import NAMES as VOC_NAMES
from detect.evaluation.voc_ap import VocTable, voc_metrics, voc_table

OF_TRUTHS = ("ap", "ap50", "ap75", "ar100", "recall", "f1", *VOC_NAMES)  # of a class: what its true boxes speak of
HEADLINE: tuple[Metric, ...] = (
    "map", "map50", "map75", *VOC_NAMES, "precision", "recall", "f1", "false_alarms_per_image", "cost_per_image",
    "image_sensitivity", "image_specificity", "image_auc", "group_sensitivity", "group_specificity", "group_auc", "ece",
)  # fmt: skip


class Estimate(NamedTuple):
    """A metric and its 95 % interval; NaN where undefined or not computed."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What every metric is computed from. `units` (I,) is drawn together: each image, or all of one claim.

    `groups` is the presence of damage per claim, where images were grouped; `cost` (K + 1, K + 1) the price of each
    cell of the confusion matrix, where one was given; `voc` what VOC's AP is read off, where it is wanted.
    """

    table: MatchTable
    outcomes: Outcomes
    units: Rows
    images: Presence
    groups: Presence | None
    cost: Floats | None
    voc: VocTable | None = None

    def at(self, weights: Weights) -> dict[Metric, Floats]:
        """Every metric (B,) by name, for weights (I, B)."""
        return self.without_calibration(weights) | self._calibration_errors(weights)

    def without_calibration(self, weights: Weights) -> dict[Metric, Floats]:
        """All but the calibration errors, whose intervals need no resamples."""
        metrics = resampled_metrics(self.table, weights) | point_metrics(self.outcomes, weights)
        if self.cost is not None:
            metrics["cost_per_image"] = cost_per_image(self.outcomes, self.cost, weights)
        metrics |= {f"image_{name}": v for name, v in presence_metrics(self.images, weights).items()}
        if self.groups is not None:
            by_group = presence_metrics(self.groups, unit_weights(self.units, weights))
            metrics |= {f"group_{name}": v for name, v in by_group.items()}
        lost = costs(self.table, self.outcomes.iou, self.outcomes.judged, weights)
        metrics |= {LOST + name: v for name, v in lost.items()}
        if self.voc is not None:
            metrics |= voc_metrics(self.voc, weights)
        return metrics

    def values(self) -> dict[Metric, float]:
        """Every metric of the data as it is."""
        return {name: float(v[0]) for name, v in self.at(np.ones((len(self.table.images), 1))).items()}

    def replicates(self, number: int, seed: int) -> dict[Metric, Floats]:
        """Every metric (B,) in `number` resamples; the same seed draws the same images for any predictions."""
        return replicate(self.at, self.units, number, seed) if len(self.table.images) else {}

    def left_out(self) -> dict[Metric, Floats]:
        """Every metric (J,) with some of the units left out, see `bootstrap.deletions`."""
        return jackknife(self.at, self.units) if len(self.table.images) else {}

    def support(self) -> dict[Metric, int]:
        """How many of the drawn units say anything about a metric; all of them where a name is absent."""
        table, real = self.table, ~self.table.truth_ignored[0]
        units: dict[Metric, int] = {"image_sensitivity": int((self.images.real & self.images.counted).sum())}
        units["image_specificity"] = int((~self.images.real & self.images.counted).sum())
        if self.groups is not None:
            units["group_sensitivity"] = int((self.groups.real & self.groups.counted).sum())
            units["group_specificity"] = int((~self.groups.real & self.groups.counted).sum())
        true = self.units[table.truths.image]
        ours = self.units[table.detections.image[self.outcomes.rows]]
        label = table.detections.label[self.outcomes.rows]
        units["precision"] = len(np.unique(ours))
        over_all = [f"map@{iou:g}" for iou in table.ious.round(4).tolist()]
        over_all += [*VOC_NAMES, "map", "map50", "map75", "recall", "f1", *(f"ar{most}" for most in MAX_DETECTIONS)]
        units |= dict.fromkeys(over_all, len(np.unique(true[real])))
        for a, size in SIZES:
            of_size = len(np.unique(true[~table.truth_ignored[a]]))
            units |= {f"map_{size}": of_size, f"ar_{size}": of_size}
        for k, name in enumerate(table.classes):
            with_truth = len(np.unique(true[real & (table.truths.label == k)]))
            units |= {OfClass(name, key): with_truth for key in OF_TRUTHS}
            units[OfClass(name, "precision")] = len(np.unique(ours[label == k]))
        return units

    def calibration_intervals(self, values: dict[Metric, float]) -> dict[Metric, Interval]:
        """The 95 % intervals of the calibration errors, which need no resamples; see `calibration_interval`."""
        return {metric: calibration_interval(values[metric], seen) for metric, seen in self._gaps().items()}

    def binned_calibration_error(self) -> float:
        """The ECE of all detections as papers define it, with what chance adds."""
        ours, rows, right = self._believed()
        once = np.ones((len(self.table.images), 1))
        return float(expected_calibration_error(ours.score[rows], right, ours.image[rows], once)[0])

    def _calibration_errors(self, weights: Weights) -> dict[Metric, Floats]:
        drawn = unit_weights(self.units, weights)
        return {metric: calibration_error(seen, drawn) for metric, seen in self._gaps().items()}

    def _gaps(self) -> dict[Metric, Gaps]:
        """By metric the gaps that it is calculated from, of all detections and of each class."""
        ours, rows, right = self._believed()
        label, unit, units = ours.label[rows], self.units[ours.image[rows]], int(self.units.max(initial=-1)) + 1
        found: dict[Metric, Gaps] = {"ece": gaps(ours.score[rows], right, unit, units)}
        for k, name in enumerate(self.table.classes):
            own = label == k
            found[OfClass(name, "ece")] = gaps(ours.score[rows[own]], right[own], unit[own], units)
        return found

    def _believed(self) -> tuple[Detections, Rows, NDArray[np.bool_]]:
        """The table's detections, the rows of those that count for calibration, and which of them are right."""
        ours, kind = self.table.detections, self.outcomes.judged.kind
        rows = np.flatnonzero((kind != Kind.IGNORED) & (ours.score >= FLOOR))
        return ours, rows, kind[rows] == Kind.FOUND


def measured(
    table: MatchTable,
    outcomes: Outcomes,
    units: Rows,
    *,
    grouped: bool = False,
    cost: Floats | None = None,
    voc: bool = False,
) -> Measured:
    """Everything that the metrics need, at this operating point. `grouped`: the units are claims, not images."""
    each = np.arange(len(table.images))
    images = presence(table, each, outcomes.confidence)
    groups = presence(table, units, outcomes.confidence) if grouped else None
    return Measured(table, outcomes, units, images, groups, cost, voc_table(table, outcomes.iou) if voc else None)


def intervals(parts: Measured, values: dict[Metric, float], number: int, seed: int) -> dict[Metric, Interval]:
    """The 95 % interval of each metric, from `number` resamples and the jackknife; none without resamples."""
    if not number or not len(parts.units):
        return {}
    drawn = replicate(parts.without_calibration, parts.units, number, seed)
    left_out, support = jackknife(parts.without_calibration, parts.units), parts.support()
    units = int(parts.units.max()) + 1
    spans = {
        one: interval(values[one], replicates, min(units, support.get(one, units)), is_share(one), left_out[one])
        for one, replicates in drawn.items()
    }
    return spans | parts.calibration_intervals(values)


def is_share(metric: Metric) -> bool:
    """Whether a metric is a share of things, so that a value of 0 or 1 may come from having seen few of them."""
    return higher_is_better(metric)
