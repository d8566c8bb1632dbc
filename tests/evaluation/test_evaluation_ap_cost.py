"""What each single mistake costs, held to the AP of data in which just that one is mended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detect.data import Box, Dataset, Image, Predictions
from detect.evaluation import match
from detect.evaluation.ap_cost import ap_cost
from detect.evaluation.outcomes import judge
from detect.evaluation.precision import averages
from tests.evaluation.random_sets import TIDE_SETS, random_set


def ap50(dataset: Dataset, predictions: Predictions) -> float:
    return averages(match(dataset, predictions)).metrics["map50"]


def one(score: float, x: float, label: str = "dent") -> Box:
    return Box(label, x, 0, x + 10, 10, score)


def test_a_false_alarm_costs_what_its_absence_gains() -> None:
    dataset = Dataset(("dent",), (Image("a", 100, 100, (Box("dent", 0, 0, 10, 10), Box("dent", 20, 0, 30, 10))),))
    found = Predictions(("dent",), {"a": (one(0.9, 60), one(0.8, 0), one(0.7, 20))})
    point = judge(match(dataset, found), 0.5, 0.5)
    costs = ap_cost(point)
    without = Predictions(("dent",), {"a": found.images["a"][1:]})
    assert costs.detection.tolist() == pytest.approx([ap50(dataset, without) - ap50(dataset, found), 0, 0])
    assert costs.truth.tolist() == [0, 0]


def test_a_missed_box_costs_what_finding_it_gains() -> None:
    boxes = (Box("dent", 0, 0, 10, 10), Box("dent", 20, 0, 30, 10))
    dataset = Dataset(("dent",), (Image("a", 100, 100, boxes),))
    found = Predictions(("dent",), {"a": (one(0.8, 0),)})
    costs = ap_cost(judge(match(dataset, found), 0.5, 0.5))
    with_it = Predictions(("dent",), {"a": (one(0.99, 20), one(0.8, 0))})
    assert costs.truth.tolist() == pytest.approx([0, ap50(dataset, with_it) - ap50(dataset, found)])


def test_a_box_found_below_the_confidence_is_not_found_twice() -> None:
    dataset = Dataset(("dent",), (Image("a", 100, 100, (Box("dent", 0, 0, 10, 10),)),))
    found = Predictions(("dent",), {"a": (one(0.9, 50), one(0.2, 0))})
    costs = ap_cost(judge(match(dataset, found), 0.5, 0.5))
    assert costs.truth.tolist() == pytest.approx([1 - ap50(dataset, found)])


@pytest.mark.parametrize("knobs", TIDE_SETS)
def test_costs_on_random_sets(knobs: dict[str, Any]) -> None:
    dataset, predictions = random_set(**knobs)
    table = match(dataset, predictions)
    point = judge(table, 0.5, 0.4)
    costs, before = ap_cost(point), ap50(dataset, predictions)
    assert (costs.detection >= 0).all() and (costs.truth >= 0).all()
    assert not costs.detection[~point.wrong].any() and not costs.truth[~point.missed].any()
    checked = 0
    for place in np.flatnonzero(point.wrong)[:25]:
        row = point.rows[place]
        name, corners = table.images[table.detections.image[row]], table.detections.xyxy[row]
        kept = tuple(
            box
            for box in predictions.images[name]
            if not (np.allclose(box.xyxy, corners) and box.score == table.detections.score[row])
        )
        if len(kept) != len(predictions.images[name]) - 1:
            continue  # another box is just the same
        less = replace(predictions, images={**predictions.images, name: kept})
        assert ap50(dataset, less) - before == pytest.approx(costs.detection[place], abs=1e-12)
        checked += 1
    assert checked > 5


def test_nothing_costs_nothing() -> None:
    empty = match(Dataset(("dent",), ()), Predictions(("dent",), {}))
    costs = ap_cost(judge(empty, 0.5, 0.5))
    assert costs.detection.shape == (0,) and costs.truth.shape == (0,)
    bare = match(
        Dataset(("dent",), (Image("a", 10, 10),)), Predictions(("dent",), {"a": (Box("dent", 0, 0, 5, 5, 0.9),)})
    )
    assert ap_cost(judge(bare, 0.5, 0.5)).detection.tolist() == [0]
