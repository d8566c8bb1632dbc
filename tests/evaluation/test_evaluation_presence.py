"""Is there damage at all: sensitivity, specificity and the ROC curve, per image and per claim."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from detect.data import Attributes, Box, Dataset, Image, Predictions
from detect.errors import ConfigError, DataError
from detect.evaluation.bootstrap import resamples
from detect.evaluation.match import MatchTable, match
from detect.evaluation.presence import (
    Presence,
    PresenceCounts,
    counts,
    group_units,
    presence,
    presence_metrics,
    roc,
    unit_weights,
)
from tests.evaluation.random_sets import knobs, random_set

CLASSES = ("dent", "scratch")
DENT = Box("dent", 10, 10, 50, 50)
CROWD = DENT._replace(attributes=Attributes(iscrowd=1))
SCRATCH = Box("scratch", 60, 60, 90, 90)
SURE = np.array([0.5, 0.8])


def table_of(*images: tuple[tuple[Box, ...], tuple[Box, ...]]) -> MatchTable:
    """Each image is its true boxes and its detections."""
    pictures = tuple(Image(f"{n}.jpg", 100, 100, truths) for n, (truths, _) in enumerate(images))
    return match(
        Dataset(CLASSES, pictures), Predictions(CLASSES, {f"{n}.jpg": found for n, (_, found) in enumerate(images)})
    )


def a_presence(real: list[int], score: list[float], flagged: list[int] | None = None) -> Presence:
    yes = np.array(flagged or np.zeros(len(real)), dtype=bool)
    return Presence(np.array(real, dtype=bool), np.ones(len(real), dtype=bool), np.array(score, dtype=float), yes)


def of(p: Presence) -> dict[str, float]:
    return {name: float(v[0]) for name, v in presence_metrics(p, np.ones((len(p.real), 1))).items()}


SIX = (
    ((DENT,), (DENT._replace(score=0.9),)),  # damaged and flagged
    ((DENT,), (SCRATCH._replace(score=0.7),)),  # damaged, and the only detection is below its class's confidence
    ((), (DENT._replace(score=0.5),)),  # a false alarm, exactly at the confidence
    ((), ()),  # undamaged and not flagged
    ((CROWD,), (DENT._replace(score=1.0),)),  # nobody says whether a crowd is damage
    ((CROWD, SCRATCH), ()),  # damaged, for one box counts, and missed
)


def test_presence_by_hand() -> None:
    p = presence(table_of(*SIX), np.arange(6), SURE)
    assert p.real.tolist() == [True, True, False, False, False, True]
    assert p.counted.tolist() == [True, True, True, True, False, True]
    assert p.score.tolist() == [0.9, 0.7, 0.5, 0.0, 1.0, 0.0]
    assert p.flagged.tolist() == [True, False, True, False, True, False]
    assert counts(p) == PresenceCounts(1, 2, 1, 1)
    # 0.9 and 0.7 beat 0.5 and 0; the missed one, at 0, loses to 0.5 and ties with 0.
    assert of(p) == pytest.approx({"sensitivity": 1 / 3, "specificity": 1 / 2, "auc": 4.5 / 6})


def test_a_claim_is_damaged_and_flagged_where_any_of_its_images_is() -> None:
    units = np.array([0, 1, 0, 2, 3, 1])
    p = presence(table_of(*SIX), units, SURE)
    assert p.real.tolist() == [True, True, False, False]
    assert p.counted.tolist() == [True, True, True, False]
    assert p.score.tolist() == [0.9, 0.7, 0.0, 1.0]
    assert p.flagged.tolist() == [True, False, False, True]
    assert counts(p) == PresenceCounts(1, 1, 0, 1)
    assert of(p) == {"sensitivity": 0.5, "specificity": 1.0, "auc": 1.0}


@pytest.mark.parametrize(
    ("real", "flagged", "expected"),
    [
        pytest.param([], [], (math.nan, math.nan, math.nan), id="nothing at all"),
        pytest.param([1, 1], [1, 0], (0.5, math.nan, math.nan), id="no undamaged units"),
        pytest.param([0, 0, 0, 0], [1, 0, 0, 0], (math.nan, 0.75, math.nan), id="no damaged units"),
    ],
)
def test_what_is_undefined(real: list[int], flagged: list[int], expected: tuple[float, ...]) -> None:
    p = a_presence(real, [0.3] * len(real), flagged)
    assert list(of(p).values()) == pytest.approx(list(expected), nan_ok=True)
    rates = roc(p)
    assert [math.isnan(rates.false_positive_rate[-1]), math.isnan(rates.true_positive_rate[-1])] == [
        math.isnan(expected[1]),
        math.isnan(expected[0]),
    ]


def test_no_images() -> None:
    p = presence(table_of(), np.empty(0, dtype=np.int64), SURE)
    assert counts(p) == PresenceCounts(0, 0, 0, 0)
    assert all(v.shape == (7,) and np.isnan(v).all() for v in presence_metrics(p, np.ones((0, 7))).values())
    assert roc(p).threshold.tolist() == [math.inf]
    assert unit_weights(np.empty(0, dtype=np.int64), np.ones((0, 7))).shape == (0, 7)
    assert presence_metrics(a_presence([1, 0], [1, 0]), np.ones((2, 0)))["auc"].shape == (0,)


def test_roc_by_hand() -> None:
    rates = roc(a_presence([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.0]))
    assert rates.threshold.tolist() == [math.inf, 0.9, 0.5, 0.0]
    assert rates.true_positive_rate.tolist() == [0, 0.5, 1, 1]
    assert rates.false_positive_rate.tolist() == [0, 0, 0.5, 1]


def pair_count(p: Presence, weight: NDArray[np.float64]) -> float:
    """The AUC as it is defined, pair by pair."""
    won = total = 0.0
    for i in np.flatnonzero(p.real & p.counted):
        for j in np.flatnonzero(~p.real & p.counted):
            total += weight[i] * weight[j]
            won += weight[i] * weight[j] * ((p.score[i] > p.score[j]) + (p.score[i] == p.score[j]) / 2)
    return won / total if total else math.nan


@settings(max_examples=60, deadline=None)
@given(knobs)
def test_metrics_of_random_sets(setting: dict[str, Any]) -> None:
    """AUC is the count of pairs and the area under the curve; a weight is a number of copies of a unit."""
    table = match(*random_set(**(setting | {"images": 4 * setting["images"], "truths": setting["truths"] // 3})))
    rng = np.random.default_rng(setting["seed"])
    images = len(table.images)
    p = presence(table, np.arange(images), rng.random(len(table.classes)))
    weights = rng.integers(0, 4, (images, 3)).astype(np.float64)
    metrics = presence_metrics(p, weights)
    for b in range(3):
        assert metrics["auc"][b] == pytest.approx(pair_count(p, weights[:, b]), nan_ok=True)
        rows = np.repeat(np.arange(images), weights[:, b].astype(np.int64))
        copies = Presence(p.real[rows], p.counted[rows], p.score[rows], p.flagged[rows])
        assert {name: v[b] for name, v in metrics.items()} == pytest.approx(of(copies), abs=1e-12, nan_ok=True)
        tp, fn, fp, tn = counts(copies)
        assert tp + fn + fp + tn == copies.counted.sum()
        assert of(copies)["sensitivity"] == pytest.approx(tp / (tp + fn) if tp + fn else math.nan, nan_ok=True)
        assert of(copies)["specificity"] == pytest.approx(tn / (tn + fp) if tn + fp else math.nan, nan_ok=True)
    x, y, threshold = roc(p)
    if not math.isnan(of(p)["auc"]):
        assert (np.diff(y) * (x[1:] + x[:-1]) / 2).sum() == pytest.approx(1 - of(p)["auc"])
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
        assert (np.diff(threshold) < 0).all()


def test_the_weight_of_a_claim_is_that_of_its_images() -> None:
    units = np.array([1, 0, 1, 2, 0])
    weights = resamples(units, 50)
    np.testing.assert_array_equal(unit_weights(units, weights)[units], weights)


@pytest.mark.parametrize(
    ("names", "pattern", "units", "labels"),
    [
        pytest.param(("b1/x.jpg", "a2/x.jpg", "b1/y.jpg"), r"^\w+", [0, 1, 0], ("b1", "a2"), id="the match"),
        pytest.param(("k7_1.jpg", "k8_1.jpg", "k7_2.jpg"), r"k(\d)_", [0, 1, 0], ("7", "8"), id="its group"),
        pytest.param(("a/7_1.jpg", "b/7_1.jpg"), r"(\w)/(\d)_", [0, 1], ("a/7", "b/7"), id="two groups"),
        pytest.param(("a7.jpg", "7.jpg"), r"(a)?(\d)", [0, 1], ("a/7", "7"), id="a group without a part"),
        pytest.param((), "x", [], (), id="no images"),
    ],
)
def test_group_units(names: tuple[str, ...], pattern: str, units: list[int], labels: tuple[str, ...]) -> None:
    found, called = group_units(names, pattern)
    assert (found.tolist(), called) == (units, labels)
    assert found.dtype == np.int64


def test_groups_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="no regular expression"):
        group_units(("a.jpg",), "(")
    with pytest.raises(DataError, match=r"b\.jpg"):
        group_units(("a.jpg", "b.jpg"), "a")
