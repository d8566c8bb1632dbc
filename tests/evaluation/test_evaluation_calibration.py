"""Calibration: how far scores are from the share that is right, and the fits that mend it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detect.data import Box, Dataset, Image, Predictions
from detect.errors import ConfigError
from detect.evaluation import evaluate
from detect.evaluation.calibration import (
    Scaling,
    cross_validated,
    expected_calibration_error,
    fit,
    fit_classes,
    reliability,
)
from detect.operating_point import Curve, Temperature

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
NOTHING, NOBODY = np.empty(0), np.empty(0, dtype=bool)
KINDS: list[Scaling] = ["isotonic", "temperature"]


def scores(count: int, seed: int, power: float = 1.0) -> tuple[Floats, Flags]:
    """Scores of which a share of score ** power is right."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.05, 1, count)
    return score, rng.random(count) < score**power


def error_of(score: Floats, right: Flags) -> float:
    image = np.zeros(len(score), dtype=np.int64)
    return float(expected_calibration_error(score, right, image, np.ones((1, 1)))[0])


def test_reliability_by_hand() -> None:
    score, right = np.array([0.05, 0.61, 0.69, 1.0]), np.array([False, True, False, True])
    bins = reliability(score, right)
    assert bins.detections.tolist() == [1, 0, 0, 0, 0, 0, 2, 0, 0, 1]
    assert bins.score[[0, 6, 9]] == pytest.approx([0.05, 0.65, 1.0])
    assert bins.right[[0, 6, 9]] == pytest.approx([0, 0.5, 1.0])
    assert np.isnan(bins.right[1])
    assert error_of(score, right) == pytest.approx((0.05 + 2 * 0.15 + 0) / 4)


def test_true_scores_have_no_error_and_boasting_ones_have() -> None:
    assert error_of(*scores(20_000, 1)) < 0.015
    assert error_of(*scores(20_000, 1, power=3)) > 0.2


def test_weights_are_copies() -> None:
    score, right = scores(60, 2)
    image = np.random.default_rng(0).integers(0, 7, 60)
    times = np.array([0, 1, 2, 3, 0, 1, 5])
    rows = np.repeat(np.arange(60), times[image])
    weighted = expected_calibration_error(score, right, image, times[:, None].astype(np.float64))[0]
    assert weighted == pytest.approx(error_of(score[rows], right[rows]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_helps_on_other_data(kind: Scaling) -> None:
    rng = np.random.default_rng(3)
    logit = rng.normal(0, 3, 6000)  # twice as sure as it should be
    score, right = 1 / (1 + np.exp(-logit)), rng.random(6000) < 1 / (1 + np.exp(-logit / 2))
    fitted = fit(kind, score[:3000], right[:3000])
    before, after = error_of(score[3000:], right[3000:]), error_of(fitted.apply(score[3000:]), right[3000:])
    assert after < before / 3


def test_a_planted_temperature_is_found() -> None:
    rng = np.random.default_rng(4)
    logit = rng.normal(0, 3, 20_000)
    fitted = fit("temperature", 1 / (1 + np.exp(-logit)), rng.random(20_000) < 1 / (1 + np.exp(-logit / 1.7)))
    assert isinstance(fitted, Temperature)
    assert fitted.temperature == pytest.approx(1.7, rel=0.05)


def test_isotonic_by_hand() -> None:
    """Right shares 1, 0 fall and are pooled to 1/2; the knots stand at the mean scores of the blocks."""
    fitted = fit("isotonic", np.array([0.2, 0.4, 0.8]), np.array([True, False, True]))
    assert isinstance(fitted, Curve)
    assert fitted.score == pytest.approx((0, 0.3, 0.8, 1))
    assert fitted.probability == pytest.approx((0.5, 0.5, 1, 1), abs=2e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40), st.sampled_from([2, 5, 1000]))
def test_isotonic_is_the_best_rising_fit(seed: int, count: int, levels: int) -> None:
    """The block of each score is the largest mean from below of the smallest mean from above (Barlow's max-min)."""
    rng = np.random.default_rng(seed)
    score, right = rng.integers(0, levels + 1, count) / levels, rng.random(count) < 0.5
    fitted = fit("isotonic", score, right)
    assert isinstance(fitted, Curve)
    levels_seen = np.unique(score)
    best = [
        max(min(right[(score >= low) & (score <= high)].mean() for high in levels_seen if high >= at)
            for low in levels_seen if low <= at)
        for at in levels_seen
    ]  # fmt: skip
    for share in np.unique(np.round(best, 9)):  # every block has a knot of its height at its mean score
        block = levels_seen[np.isclose(best, share)]
        middle = score[np.isin(score, block)].mean()
        assert fitted.apply(np.array([middle]))[0] == pytest.approx(share, abs=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_scores_stays(kind: Scaling) -> None:
    score, right = scores(500, 5, power=2)
    fitted = fit(kind, score, right)
    grid = np.linspace(0.001, 0.999, 400)
    assert (np.diff(fitted.apply(grid)) > 0).all()
    assert ((fitted.apply(grid) >= 0) & (fitted.apply(grid) <= 1)).all()


@pytest.mark.parametrize("right", [True, False])
def test_a_temperature_needs_right_and_wrong(right: bool) -> None:
    assert fit("temperature", scores(100, 8)[0], np.full(100, right)) == Temperature(1.0)


def test_rare_classes_take_the_common_fit() -> None:
    score, right = scores(200, 6, power=2)
    label = np.array([0] * 150 + [1] * 50)
    right[label == 1] = True  # nothing wrong: no fit of its own
    fitted = fit_classes("temperature", ("dent", "scratch", "crack"), score, right, label)
    common = fit("temperature", score, right)
    assert fitted["scratch"] == fitted["crack"] == common
    assert fitted["dent"] == fit("temperature", score[:150], right[:150]) != common
    with pytest.raises(ConfigError, match=r"19 detections .* too few to calibrate; 20 needed"):
        fit_classes("isotonic", ("dent",), score[:19], right[:19], label[:19])


def test_cross_validation_does_not_see_what_it_scores() -> None:
    """Of scores that say nothing about right or wrong, a fit on the same data looks better than it is."""
    rng = np.random.default_rng(7)
    score, right = rng.uniform(0.05, 1, 400), rng.random(400) < 0.3
    label, unit = np.zeros(400, dtype=np.int64), np.repeat(np.arange(100), 4)
    held_out = cross_validated("isotonic", score, right, label, unit)
    same = fit("isotonic", score, right).apply(score)
    assert 2 * error_of(same, right) < error_of(held_out, right) < error_of(score, right)
    np.testing.assert_array_equal(held_out, cross_validated("isotonic", score, right, label, unit))


@pytest.mark.parametrize("kind", KINDS)
def test_of_nothing_and_of_one(kind: Scaling) -> None:
    assert np.isnan(error_of(NOTHING, NOBODY))
    assert np.isnan(reliability(NOTHING, NOBODY).right).all()
    assert fit(kind, NOTHING, NOBODY).apply(np.array([0.3]))[0] == pytest.approx(0.3)
    assert 0 <= fit(kind, np.array([0.3]), np.array([True])).apply(np.array([0.3]))[0] <= 1
    rows = np.empty(0, dtype=np.int64)
    assert len(cross_validated(kind, NOTHING, NOBODY, rows, rows)) == 0


def boastful(images: int, seed: int, kind: Scaling) -> tuple[Dataset, Predictions]:
    """One dent per photo; scores much surer than the share that is right, for temperature symmetrically so."""
    rng = np.random.default_rng(seed)
    dent, elsewhere = Box("dent", 10, 10, 50, 50), Box("dent", 60, 60, 90, 90)
    found, pictures = {}, []
    for number in range(images):
        name, score = f"{seed}/{number}.jpg", float(rng.uniform(0.06, 0.99))
        true = score**4 if kind == "isotonic" else 1 / (1 + ((1 - score) / score) ** 0.2)
        pictures.append(Image(name, 100, 100, (dent,)))
        found[name] = ((dent if rng.random() < true else elsewhere)._replace(score=score),)
    return Dataset(("dent",), tuple(pictures)), Predictions(("dent",), found)


@pytest.mark.parametrize("kind", KINDS)
def test_calibrated_on_validation_data_the_scores_of_the_test_data_are_right(kind: Scaling) -> None:
    chosen = evaluate(*boastful(400, 1, kind), calibrate=kind, replicates=0)
    raw, plain = evaluate(*boastful(400, 2, kind), replicates=0), evaluate(*boastful(400, 1, kind), replicates=0)
    mended = evaluate(*boastful(400, 2, kind), point=chosen.operating_point, replicates=0)
    assert chosen.calibrated is not None
    assert chosen.calibrated.before == plain.values["ece"] > 0.1
    assert chosen.calibrated.after < chosen.calibrated.before / 2
    assert mended.values["ece"] < raw.values["ece"] / 2
    assert mended.metrics == pytest.approx(raw.metrics, nan_ok=True)  # the order of scores is what AP sees
    with pytest.raises(ConfigError, match="calibrates the scores already"):
        evaluate(*boastful(400, 2, kind), point=chosen.operating_point, calibrate=kind, replicates=0)
