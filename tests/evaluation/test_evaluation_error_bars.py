"""Error bars: weights are copies of images, intervals hold the truth as often as they say, comparisons are paired."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from detect.data import Box, Dataset, Image, Predictions
from detect.errors import ConfigError
from detect.evaluation import compare, evaluate, match
from detect.evaluation.bootstrap import (
    Interval,
    interval,
    per_image,
    replicate,
    resamples,
)
from detect.evaluation.metrics import measured
from detect.evaluation.naming import Metric, OfClass
from detect.evaluation.outcomes import judge
from detect.evaluation.precision import RECALLS, averages, recalls_reached, resampled_metrics
from tests.evaluation.random_sets import knobs, random_set

Metrics = dict[str, NDArray[np.float64]]


@settings(max_examples=80, deadline=None)
@given(knobs)
def test_at_weight_one_the_metrics_are_the_official_ones(setting: dict[str, Any]) -> None:
    table = match(*random_set(**setting))
    official, weighted = averages(table), resampled_metrics(table, np.ones((len(table.images), 1)))
    for name, value in official.metrics.items():
        assert weighted[name][0] == pytest.approx(value, abs=1e-12, nan_ok=True)
    for k, name in enumerate(table.classes):
        for key, value in official.of_class(k).items():
            assert weighted[OfClass(name, key)][0] == pytest.approx(value, abs=1e-12, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(knobs)
def test_a_weight_is_a_number_of_copies(setting: dict[str, Any]) -> None:
    """Every metric of a set in which images stand several times, or not at all, equals the weighted one.

    Without ties: copies of an image would stand one by one among equal scores, weights stand together.
    """
    dataset, predictions = random_set(**{**setting, "levels": 10**9})
    times = np.random.default_rng(setting["seed"]).integers(0, 4, len(dataset))
    copies, found = [], {}
    for image, count in zip(dataset.images, times, strict=True):
        for number in range(count):
            copies.append(replace(image, name=f"{number}/{image.name}"))
            found[f"{number}/{image.name}"] = predictions.images[image.name]
    whole = _all_metrics(dataset, predictions, times[:, None].astype(np.float64))
    copied = Dataset(dataset.classes, tuple(copies))
    assert whole == pytest.approx(
        _all_metrics(copied, Predictions(dataset.classes, found), np.ones((len(copies), 1))), abs=1e-9, nan_ok=True
    )


def _all_metrics(dataset: Dataset, predictions: Predictions, weights: NDArray[np.float64]) -> dict[Metric, float]:
    table = match(dataset, predictions)
    parts = measured(table, judge(table, 0.5, 0.3), np.arange(len(dataset)))
    return {name: float(v[0]) for name, v in parts.at(weights).items()}


def test_resamples_draw_as_many_units_as_there_are_and_keep_groups_together() -> None:
    units = np.array([0, 1, 1, 2])
    drawn = resamples(units, 500, seed=1)
    assert drawn.shape == (4, 500)
    np.testing.assert_array_equal(drawn[1], drawn[2])
    np.testing.assert_array_equal(drawn[[0, 1, 3]].sum(axis=0), 3)
    np.testing.assert_array_equal(drawn, resamples(units, 500, seed=1))
    assert (drawn != resamples(units, 500, seed=2)).any()


def test_large_sets_are_resampled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detect.evaluation.bootstrap.CELLS", 50)
    widths, drawn = list[int](), set[tuple[float, ...]]()

    def count(weights: NDArray[np.float64]) -> Metrics:
        widths.append(weights.shape[1])
        drawn.update(map(tuple, weights.T.tolist()))
        return {"total": weights.sum(axis=0)}

    result = replicate(count, np.arange(10), 12, 0)["total"]
    assert widths == [5, 5, 2]
    assert result.tolist() == [10.0] * 12
    assert len(drawn) == 12  # no part draws what another one drew


def test_no_images_no_resamples() -> None:
    assert resamples(np.empty(0, dtype=np.int64), 3).shape == (0, 3)
    assert per_image(0, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), 2).shape == (2, 0)
    assert replicate(lambda w: {}, np.empty(0, dtype=np.int64), 0) == {}


@pytest.mark.parametrize("hits", range(13))
def test_recall_meets_the_101_levels_as_in_coco(hits: int) -> None:
    for truths in (12, 13, 29, 50, 100):
        recall = np.array(hits / truths)
        assert recalls_reached(recall) == np.searchsorted(RECALLS, recall, side="right")


@pytest.mark.parametrize(
    ("value", "replicates", "units", "bounded", "expected"),
    [
        pytest.param(math.nan, [0.5] * 9, 20, True, (math.nan, math.nan), id="undefined"),
        pytest.param(0.5, [math.nan] * 9, 20, True, (math.nan, math.nan), id="undefined in every resample"),
        pytest.param(1.0, [1.0] * 9, 3, True, (0.025 ** (1 / 3), 1.0), id="three of three: Clopper and Pearson"),
        pytest.param(0.0, [0.0] * 9, 10, True, (0.0, 1 - 0.025**0.1), id="none of ten"),
        pytest.param(0.0, [0.0] * 9, 10, False, (0.0, 0.0), id="a difference of nothing"),
        pytest.param(0.4, [0.3, 0.5], 1, True, (math.nan, math.nan), id="one image has no error bar"),
    ],
)
def test_special_intervals(
    value: float, replicates: list[float], units: int, bounded: bool, expected: tuple[float, float]
) -> None:
    assert interval(value, np.array(replicates), units, bounded) == pytest.approx(expected, nan_ok=True)


def test_the_interval_of_a_mean_is_the_textbooks() -> None:
    """Of a symmetric statistic it is the mean plus and minus Student's t standard errors."""
    rng = np.random.default_rng(0)
    data = rng.normal(10, 3, 40)
    drawn = (data @ resamples(np.arange(40), 20_000, seed=3)) / 40
    low, high = interval(float(data.mean()), drawn, 40)
    t = 2.0227 * data.std(ddof=1) / math.sqrt(40)
    assert (low, high) == pytest.approx((data.mean() - t, data.mean() + t), abs=0.03 * t)


def test_the_interval_of_a_skewed_metric_is_the_exact_one() -> None:
    """The mean of 20 exponential numbers is 1; the true one lies between 40 / chi-squared of 40 degrees of freedom."""
    drawn = np.random.default_rng(0).gamma(20, 1 / 20, 100_000)
    low, high = interval(1.0, drawn, 10**9)  # so many units that nothing is widened
    assert (low, high) == pytest.approx((40 / 59.342, 40 / 24.433), abs=0.02)  # 0.674, 1.637; symmetric: 0.56, 1.44


def test_a_model_beside_itself_cannot_be_told() -> None:
    dataset, predictions = random_set(
        seed=3, images=40, classes=2, truths=4, found=2, noise=3, levels=100, flags=0.0, digits=2
    )
    result = compare(dataset, predictions, predictions, replicates=200)
    assert len(result.differences) > 10
    for one in result.differences:
        assert one.verdict == "cannot tell"
        assert one.needed is None
        assert math.isnan(one.difference) or (one.difference, one.low, one.high) == (0, 0, 0)


def _found_in(share: float, seed: int, images: int = 80) -> tuple[Dataset, Predictions]:
    """A dent per image; the model finds this share of them."""
    rng = np.random.default_rng(seed)
    dent = Box("dent", 10, 10, 50, 50)
    names = [f"{n}.jpg" for n in range(images)]
    found = {name: (dent._replace(score=0.9),) if rng.random() < share else () for name in names}
    data = Dataset(("dent",), tuple(Image(name, 100, 100, (dent,)) for name in names))
    return data, Predictions(("dent",), found)


def test_a_real_difference_is_told_and_its_direction() -> None:
    data, weak = _found_in(0.5, 1)
    _, strong = _found_in(0.9, 2)
    assert compare(data, weak, strong, replicates=500).of("recall").verdict == "better"
    assert compare(data, strong, weak, replicates=500).of("recall").verdict == "worse"


def test_as_many_images_as_it_says_do_show_the_difference() -> None:
    """At the number of images that `needed` names, about 8 of 10 test sets show the difference."""
    data, a = _found_in(0.6, 1, 1000)
    _, b = _found_in(0.7, 2, 1000)
    one = compare(data, a, b, replicates=300).of("recall")
    independent = 0.6 * 0.4 + 0.7 * 0.3
    assert one.needed == pytest.approx(independent * (2.8016 / one.difference) ** 2, rel=0.15)
    shown = 0
    for seed in range(40):
        data, a = _found_in(0.5, 100 + seed, 55)  # 0.4375 x (2.80 / 0.25)^2 = 55
        _, b = _found_in(0.75, 900 + seed, 55)
        shown += compare(data, a, b, replicates=200).of("recall").verdict == "better"
    assert 24 <= shown <= 39


def test_few_images_tell_nothing() -> None:
    data, nothing = _found_in(0.0, 1, 5)
    _, everything = _found_in(1.0, 1, 5)
    assert compare(data, nothing, everything).of("recall").verdict == "cannot tell"


def test_a_false_alarm_more_is_worse() -> None:
    data, quiet = _found_in(1.0, 1)
    noisy = Predictions(("dent",), {n: (*b, Box("dent", 60, 60, 90, 90, 0.95)) for n, b in quiet.images.items()})
    result = compare(data, quiet, noisy, replicates=200, confidence=0.5)
    assert result.of("false_alarms_per_image").verdict == "worse"
    assert result.of("precision").verdict == "worse"
    with pytest.raises(ConfigError, match="no metric 'map5'"):
        result.of("map5")


def test_only_images_that_both_have_seen_are_compared() -> None:
    data, both = _found_in(0.5, 1, 30)
    a = replace(both, images=dict(list(both.images.items())[:20]))
    b = replace(both, images=dict(list(both.images.items())[10:]))
    assert len(compare(data, a, b, missing="ignore", replicates=100).a.table.images) == 10


def test_groups_widen_the_interval() -> None:
    """Ten photos of each claim tell the same: error bars by photo would be far too short."""
    dent = Box("dent", 10, 10, 50, 50)
    rng = np.random.default_rng(0)
    images, found = [], {}
    for claim in range(30):
        good = rng.random() < 0.6
        for shot in range(10):
            name = f"claim-{claim:02d}/{shot}.jpg"
            images.append(Image(name, 100, 100, (dent,)))
            found[name] = (dent._replace(score=0.9),) if good else ()
    data, predictions = Dataset(("dent",), tuple(images)), Predictions(("dent",), found)
    single = evaluate(data, predictions, confidence=0.5).estimate("recall")
    grouped = evaluate(data, predictions, confidence=0.5, group=r"claim-\d+").estimate("recall")
    assert single.value == grouped.value
    assert (grouped.high - grouped.low) / (single.high - single.low) == pytest.approx(math.sqrt(10), rel=0.2)


def test_three_of_three_prove_no_perfection() -> None:
    data, found = _found_in(1.0, 1, 3)
    result = evaluate(data, found, confidence=0.5)
    for name in ("map", "map50", "recall", "precision", "dent.ap50", "dent.f1", "image_sensitivity"):
        value, low, high = result.estimate(name)
        assert (value, low, high) == pytest.approx((1, 0.025 ** (1 / 3), 1)), name
    assert math.isnan(result.estimate("image_specificity").low)


def test_no_resamples_no_intervals() -> None:
    data, found = _found_in(0.5, 1, 10)
    result = evaluate(data, found, replicates=0)
    assert result.intervals == {}
    assert math.isnan(result.estimate("recall").low)
    with pytest.raises(ConfigError, match="at least 100"):
        compare(data, found, found, replicates=10)


def test_intervals_are_undefined_where_the_metric_is() -> None:
    result = evaluate(Dataset(("dent",), ()), Predictions(("dent",), {}))
    assert set(result.values) >= {"map", "recall", "image_sensitivity"}
    assert all(math.isnan(v) or v == 0 for v in result.values.values())
    assert result.intervals == {} or all(i == Interval(math.nan, math.nan) for i in result.intervals.values())
