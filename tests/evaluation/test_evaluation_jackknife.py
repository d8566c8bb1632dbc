"""The jackknife behind the intervals: what is left out, the acceleration, and that no end moves with the seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from detect.evaluation import evaluate
from detect.evaluation.bootstrap import acceleration, deletions, jackknife
from detect.evaluation.naming import OfClass
from tests.evaluation.random_sets import random_set

Metrics = dict[str, NDArray[np.float64]]


@pytest.mark.parametrize(
    ("units", "columns"),
    [
        pytest.param([0, 1, 2], 3, id="each image in its turn"),
        pytest.param([0, 1, 1, 0], 2, id="all images of a claim together"),
        pytest.param([*range(450)], 200, id="of many, every 200th together"),
        pytest.param([], 0, id="no images"),
    ],
)
def test_every_unit_is_left_out_once(units: list[int], columns: int) -> None:
    rows = np.array(units, dtype=np.int64)
    weights = deletions(rows)
    assert weights.shape == (len(units), columns)
    np.testing.assert_array_equal((weights == 0).sum(axis=1), 1)
    for unit in set(units):
        assert len({tuple(row) for row in weights[rows == unit].tolist()}) == 1


def test_acceleration_by_hand() -> None:
    """Of a mean of n numbers it is a sixth of their skewness over the root of n (Efron 1987, section 7)."""
    data = np.random.default_rng(0).exponential(size=60)
    skewness = ((data - data.mean()) ** 3).mean() / data.std() ** 3
    without = (data.sum() - data) / 59
    assert acceleration(without) == pytest.approx(skewness / 6 / math.sqrt(60), rel=1e-9)
    assert acceleration(np.append(without, math.nan)) == acceleration(without)
    assert acceleration(np.full(60, 0.3)) == acceleration(np.empty(0)) == acceleration(np.full(3, math.nan)) == 0


def test_the_acceleration_from_blocks_is_that_from_single_images() -> None:
    data = np.random.default_rng(1).exponential(size=5000)

    def mean(weights: NDArray[np.float64]) -> Metrics:
        return {"mean": (data @ weights) / weights.sum(axis=0)}

    blocks = acceleration(jackknife(mean, np.arange(5000))["mean"])
    single = acceleration((data.sum() - data) / 4999)
    assert abs(blocks - single) < 0.006  # three times sqrt(6 / 200) / (6 sqrt(200))


def test_the_ends_of_intervals_hardly_move_with_the_seed() -> None:
    """Per class: of 3 to 20 images with true boxes. By the skewness of the replicates one moved by 0.54 here."""
    dataset, predictions = random_set(
        seed=8, images=60, classes=3, truths=1, found=2, noise=1, levels=1000, flags=0.0, digits=2
    )
    several = [evaluate(dataset, predictions, confidence=0.4, seed=seed) for seed in range(6)]
    moved = {}
    for metric in several[0].intervals:
        low, high = (np.array([one.intervals[metric][end] for one in several]) for end in (0, 1))
        moved[metric] = np.ptp(low) if isinstance(metric, OfClass) and not np.isnan(high - low).any() else 0.0
    assert sum(isinstance(metric, OfClass) for metric in moved) > 20
    assert max(moved.values()) < 0.12, {str(m): round(float(v), 3) for m, v in moved.items() if v >= 0.12}
