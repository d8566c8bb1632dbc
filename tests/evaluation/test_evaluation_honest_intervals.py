"""Intervals and ranges hold the truth as often as they say: simulated test sets from detectors whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.evaluation.bootstrap import deletions, interval, resamples
from detect.evaluation.calibration_error import Gaps, calibration_error, calibration_interval, gaps
from detect.evaluation.columns import Detections, Truths
from detect.evaluation.images_needed import MIN_UNITS, needed_range
from detect.evaluation.match import MatchTable
from detect.evaluation.naming import Metric, OfClass, label_of, own_name
from detect.evaluation.outcomes import judge, point_metrics
from detect.evaluation.precision import resampled_ap

Floats = NDArray[np.float64]
Metrics = dict[Metric, Floats]
RATES = {"dent": 0.8, "scratch": 0.8, "rare": 0.2}  # true boxes per image
IMAGES = 120
SURE = 0.5


def simulated(rng: np.random.Generator, images: int) -> MatchTable:
    """A detector that finds three of four, and claims as many boxes of each class where nothing is."""
    classes = tuple(RATES)
    label, image, score, hit, true_label, true_image = ([] for _ in range(6))
    for k, rate in enumerate(RATES.values()):
        truths, alarms = rng.poisson(rate, images), rng.poisson(rate, images)
        found = rng.random(truths.sum()) < 0.75
        where = np.repeat(np.arange(images), truths)
        true_label.append(np.full(len(where), k))
        true_image.append(where)
        image += [where[found], np.repeat(np.arange(images), alarms)]
        score += [rng.beta(5, 2, found.sum()), rng.beta(2, 4, alarms.sum())]
        hit += [np.ones(found.sum(), bool), np.zeros(alarms.sum(), bool)]
        label.append(np.full(found.sum() + alarms.sum(), k))
    order = np.lexsort((-np.concatenate(score), np.concatenate(label)))
    taken = np.cumsum(np.concatenate(hit)) - 1  # any truth of the same class will do: nothing here looks at boxes
    ours = Detections(np.zeros((len(order), 4)), *(np.concatenate(c)[order] for c in (label, image, score)))
    real = Truths(np.ones((len(np.concatenate(true_label)), 4)), np.concatenate(true_label),
                  np.concatenate(true_image), *np.zeros((3, len(np.concatenate(true_label)))))  # fmt: skip
    real = real._replace(ignored=real.ignored.astype(bool), crowd=real.crowd.astype(bool))
    found_row = np.concatenate(hit)[order][None, None]
    truth = np.where(found_row[0], taken[order], -1).astype(np.int32)
    nobody = np.zeros((1, len(real.label)), bool)
    names = tuple(map(str, range(images)))
    return MatchTable(classes, names, np.array([0.5]), real, nobody, ours, np.zeros(len(order), np.int64), 0,
                      found_row, np.zeros_like(found_row), truth)  # fmt: skip


def simulated_metrics(table: MatchTable, weights: NDArray[np.float64]) -> Metrics:
    """AP50, precision, recall and F1, as a whole and of each class."""
    ap50 = resampled_ap(table, weights)[0]
    whole: Metrics = {"map50": ap50.mean(axis=0)} | {OfClass(n, "ap50"): ap50[k] for k, n in enumerate(table.classes)}
    rates = point_metrics(judge(table, 0.5, SURE), weights)
    return whole | {m: values for m, values in rates.items() if own_name(m) in ("precision", "recall", "f1")}


def evidence(table: MatchTable) -> dict[Metric, int]:
    """How many images say anything about a metric, as `Measured.support` counts them."""
    real, ours = table.truths, table.detections
    sure = ours.score >= SURE
    known: dict[Metric, int] = dict.fromkeys(("map50", "precision", "recall", "f1"), IMAGES)
    for k, name in enumerate(table.classes):
        known |= {OfClass(name, key): len(np.unique(real.image[real.label == k])) for key in ("ap50", "recall", "f1")}
        known[OfClass(name, "precision")] = len(np.unique(ours.image[sure & (ours.label == k)]))
    return known


def test_the_interval_holds_the_truth_in_95_of_100_repetitions() -> None:
    """500 test sets of 120 images from a detector whose true metrics are known (from 200,000 images).

    The rare class has 24 boxes in 120 images: its intervals reach a little too far rather than not far enough.
    """
    rng = np.random.default_rng(11)
    truth = simulated_metrics(simulated(rng, 200_000), np.ones((200_000, 1)))
    held = dict.fromkeys(truth, 0)
    units = np.arange(IMAGES)
    for repetition in range(500):
        table = simulated(rng, IMAGES)
        support = evidence(table)
        values = simulated_metrics(table, np.ones((IMAGES, 1)))
        drawn = simulated_metrics(table, resamples(units, 600, seed=repetition))
        left_out = simulated_metrics(table, deletions(units))
        for name, true in truth.items():
            low, high = interval(float(values[name][0]), drawn[name], support[name], True, left_out[name])
            held[name] += low <= true[0] <= high
    assert all(460 <= count <= (498 if label_of(name) == "rare" else 490) for name, count in held.items()), held


CURVES: dict[str, Callable[[Floats], Floats]] = {  # the share that is right at a score
    "right at every score": lambda score: score,
    "boasts a little": lambda score: score**1.3,
    "boasts": lambda score: score**3,
    "0.05 too sure everywhere": lambda score: np.maximum(score - 0.05, 0),
    "boasts above 0.9 alone": lambda score: np.where(score > 0.9, score - 0.3, score),
}


def scored(rng: np.random.Generator, images: int, per_image: float, curve: Callable[[Floats], Floats]) -> Gaps:
    """The gaps of so many detections per image, of which the curve's share is right."""
    image = np.repeat(np.arange(images), rng.poisson(per_image, images))
    score = rng.beta(1.2, 1.2, len(image)).clip(0.05, 0.9999)
    return gaps(score, rng.random(len(score)) < curve(score), image, images)


@pytest.mark.parametrize(("images", "detections"), [(120, 4.0), (30, 2.0), (400, 6.0)])
@pytest.mark.parametrize("curve", CURVES)
def test_the_interval_of_the_calibration_error_holds_it(curve: str, images: int, detections: float) -> None:
    """In 91 of 100 or more; one around the plain ECE holds it in none where the scores are right."""
    rng = np.random.default_rng(5)
    whole = scored(rng, 200_000, 10, CURVES[curve])
    true = 0.0 if curve == "right at every score" else float(_binned(whole))
    held, estimates, plain = 0, list[float](), list[float]()
    for _ in range(100):
        seen = scored(rng, images, detections, CURVES[curve])
        value = float(calibration_error(seen, np.ones((images, 1)))[0])
        low, high = calibration_interval(value, seen)
        assert low <= value <= high
        held += low <= true <= high
        estimates.append(value)
        plain.append(_binned(seen))
    assert 90 <= held <= 100
    assert abs(float(np.mean(estimates)) - true) < max(0.02, 0.6 * abs(float(np.mean(plain)) - true))


def _binned(seen: Gaps) -> float:
    """The ECE as papers define it."""
    return float(np.abs(seen.sums.sum(axis=1)).sum() / seen.detections.sum())


@pytest.mark.parametrize(
    ("share", "images"),
    [
        pytest.param(0.02, 60, id="a difference that 60 images hardly show"),
        pytest.param(0.1, 60, id="one that they show in half of the cases"),
        pytest.param(0.25, 60, id="one that they show"),
        pytest.param(0.1, 400, id="one that 400 images show"),
    ],
)
def test_the_range_of_images_needed_holds_the_true_number(share: float, images: int) -> None:
    """B finds what A misses in `share` of the images more than the other way round, which are 0.1."""
    spread = math.sqrt(share + 0.2 - share**2)
    true = max(MIN_UNITS, (2.8016 * spread / share) ** 2)
    rng, held = np.random.default_rng(3), 0
    for repetition in range(400):
        side = rng.random(images)
        each = np.where(side < 0.1 + share, 1.0, np.where(side < 0.2 + share, -1.0, 0.0))
        drawn = each @ resamples(np.arange(images), 400, seed=repetition) / images
        left_out = (each.sum() - each) / (images - 1)
        low, high = interval(float(each.mean()), drawn, images, left_out=left_out)
        span = needed_range(low, high, drawn, images)
        assert span is not None
        held += span[0] <= true and (span[1] is None or true <= span[1])
    assert 370 <= held <= 398  # 95 of 100, and more where the range has no upper bound
