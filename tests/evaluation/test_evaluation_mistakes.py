"""Why detections are wrong and what that costs: the same as tidecv, and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from detect.data import Attributes, Box, Dataset, Image, Predictions
from detect.evaluation import match
from detect.evaluation.mistakes import NAMES, SPECIAL, Kind, costs, kinds, never_found
from detect.evaluation.precision import averages
from tests.evaluation.random_sets import TIDE_SETS, knobs, random_set, tide_set

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tide.json").read_text(encoding="utf-8"))
THEIRS = dict(
    zip((*NAMES, *SPECIAL), ("Cls", "Loc", "Both", "Dupe", "Bkg", "Miss", "FalsePos", "FalseNeg"), strict=True)
)
CLASSES = ("dent", "scratch")
DENT, SCRATCH = Box("dent", 10, 10, 50, 50), Box("scratch", 60, 60, 100, 100)
HALF, TENTH = Box("dent", 10, 10, 50, 30, 0.9), Box("dent", 10, 10, 50, 14, 0.9)  # of DENT: IoU exactly 0.5 and 0.1


def cost_of(truths: tuple[Box, ...], found: tuple[Box, ...]) -> dict[str, float]:
    table = match(Dataset(CLASSES, (Image("a.jpg", 200, 200, truths),)), Predictions(CLASSES, {"a.jpg": found}))
    return {name: float(v[0]) for name, v in costs(table, 0.5, kinds(table, 0.5), np.ones((1, 1))).items()}


def moved(box: Box, x: float, score: float, label: str = "") -> Box:
    """The box moved right: of 40 pixels width, IoU 0.6 at 10, 0.33 at 20, 0.14 at 30, 0 at 40."""
    return box._replace(x1=box.x1 + x, x2=box.x2 + x, score=score, label=label or box.label)


@pytest.mark.parametrize("number", range(len(TIDE_SETS)))
def test_the_costs_are_tidecvs(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded by tools/golden_tide.py with tidecv 1.0.1.

    tidecv's levels of recall are n / 100, which the last bit tells from COCO's linspace where a recall is exactly one.
    """
    monkeypatch.setattr("detect.evaluation.precision.RECALLS", np.arange(101) / 100)
    dataset, predictions = tide_set(number)
    table, theirs = match(dataset, predictions), GOLDEN[number]
    assert averages(table).metrics["map50"] == pytest.approx(theirs["ap50"], abs=1e-9)
    for name, ours in costs(table, 0.5, kinds(table, 0.5), np.ones((len(dataset), 1))).items():
        assert float(ours[0]) == pytest.approx(theirs[THEIRS[name]], abs=1e-9), name


def test_the_golden_sets_hold_every_kind_of_mistake() -> None:
    assert all(max(record[name] for record in GOLDEN) > 0.005 for name in THEIRS.values())


@pytest.mark.parametrize(
    ("found", "kind", "truth"),
    [
        pytest.param(moved(DENT, 0, 0.9), Kind.FOUND, 0, id="found"),
        pytest.param(moved(DENT, 20, 0.9), Kind.POOR_BOX, 0, id="IoU 1/3"),
        pytest.param(moved(DENT, 0, 0.9, "scratch"), Kind.WRONG_CLASS, 0, id="of another class"),
        pytest.param(moved(DENT, 20, 0.9, "scratch"), Kind.BOTH, 0, id="of another class, IoU 1/3"),
        pytest.param(moved(DENT, 40, 0.9), Kind.BACKGROUND, -1, id="touches nothing"),
        pytest.param(moved(DENT, 36, 0.9), Kind.BACKGROUND, -1, id="IoU 0.05 is nothing"),
        pytest.param(HALF, Kind.FOUND, 0, id="exactly at the threshold"),
        pytest.param(HALF._replace(label="scratch"), Kind.WRONG_CLASS, 0, id="of another class, at the threshold"),
        pytest.param(TENTH, Kind.POOR_BOX, 0, id="IoU 0.1 is some of its own class"),
        pytest.param(TENTH._replace(label="scratch"), Kind.BACKGROUND, -1, id="IoU 0.1 is nothing of another class"),
    ],
)
def test_kinds(found: Box, kind: Kind, truth: int) -> None:
    table = match(
        Dataset(CLASSES, (Image("a.jpg", 200, 200, (DENT, SCRATCH)),)), Predictions(CLASSES, {"a.jpg": (found,)})
    )
    judged = kinds(table, 0.5)
    assert (judged.kind.tolist(), judged.truth.tolist()) == ([kind], [truth])


def test_a_poor_box_of_its_own_class_goes_before_a_good_one_of_another() -> None:
    """TIDE's order: it is tried first whether a better box would have been right."""
    other = moved(DENT, 20, 0)._replace(label="scratch", score=None)
    table = match(
        Dataset(CLASSES, (Image("a.jpg", 200, 200, (DENT, other)),)),
        Predictions(CLASSES, {"a.jpg": (moved(DENT, 20, 0.9),)}),
    )
    assert kinds(table, 0.5).kind.tolist() == [Kind.POOR_BOX]


def test_exactly_at_the_threshold_a_second_box_is_a_duplicate() -> None:
    found = (moved(DENT, 0, 0.9), Box("dent", 10, 10, 50, 30, 0.8))  # half of it: IoU 0.5
    table = match(Dataset(CLASSES, (Image("a.jpg", 200, 200, (DENT,)),)), Predictions(CLASSES, {"a.jpg": found}))
    assert kinds(table, 0.5).kind.tolist() == [Kind.FOUND, Kind.DUPLICATE]


def test_the_surer_of_two_poor_boxes_is_mended_and_the_other_removed() -> None:
    found = (moved(DENT, 20, 0.9), moved(DENT, -20, 0.8))
    cost = cost_of((DENT,), found)
    assert cost["poor_box"] == pytest.approx(1)  # AP 0 becomes 1
    assert cost["overlooked"] == 0.0  # not overlooked: a poor box meant it
    assert cost["background"] == 0.0


def test_a_wrong_class_mended_counts_for_the_true_class() -> None:
    """Dents: 0 becomes 1. Scratches lose a false alarm that stood before the right one: 1/2 becomes 1."""
    cost = cost_of((DENT, SCRATCH), (moved(DENT, 0, 0.9, "scratch"), moved(SCRATCH, 0, 0.8)))
    assert cost["wrong_class"] == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize(
    ("poor", "wrong", "poor_box", "wrong_class"), [(0.9, 0.8, 0.5, 0.25), (0.8, 0.9, 0.0, 0.75)], ids=["poor", "wrong"]
)
def test_the_surer_of_a_poor_box_and_a_wrong_class_is_mended(
    poor: float, wrong: float, poor_box: float, wrong_class: float
) -> None:
    """Either makes dents 1 if it is the surer, and only goes if not; the wrong class costs scratches 1/2 besides."""
    cost = cost_of((DENT, SCRATCH), (moved(DENT, 20, poor), moved(DENT, 0, wrong, "scratch"), moved(SCRATCH, 0, 0.7)))
    assert (cost["poor_box"], cost["wrong_class"]) == pytest.approx((poor_box, wrong_class))
    assert cost["overlooked"] == 0.0


def test_a_wrong_class_over_a_found_box_is_only_removed() -> None:
    cost = cost_of((DENT, SCRATCH), (moved(DENT, 0, 0.95), moved(DENT, 0, 0.9, "scratch"), moved(SCRATCH, 0, 0.8)))
    assert cost["wrong_class"] == pytest.approx(0.5 / 2)


def test_overlooked_boxes_cost_the_recall() -> None:
    second = DENT._replace(x1=110, x2=150)
    cost = cost_of((DENT, second), (moved(DENT, 0, 0.9),))
    assert cost["overlooked"] == pytest.approx(1 - 51 / 101)
    assert cost["false_negatives"] == pytest.approx(1 - 51 / 101)


def test_duplicates_and_background_cost_what_stands_before_the_right_ones() -> None:
    second = DENT._replace(x1=110, x2=150)
    found = (moved(DENT, 0, 0.9), moved(DENT, 5, 0.8), moved(second, 0, 0.7))
    assert cost_of((DENT, second), found)["duplicate"] == pytest.approx(50 / 101 / 3)  # 2/3 becomes 1 beyond recall 0.5
    alarm = Box("dent", 0, 150, 40, 190, 0.95)
    assert cost_of((DENT,), (alarm, moved(DENT, 0, 0.9)))["background"] == pytest.approx(0.5)


def test_both_costs_what_stands_before_the_right_ones() -> None:
    assert cost_of((DENT, SCRATCH), (moved(DENT, 20, 0.9, "scratch"), moved(SCRATCH, 0, 0.8)))["both"] == pytest.approx(
        0.5 / 2
    )


def test_a_class_left_without_true_boxes_counts_zero_while_it_has_detections() -> None:
    """As in tidecv; without detections it leaves the mean of the classes. Detections of absent images are none."""
    alarm = Box("scratch", 0, 150, 40, 190, 0.9)
    assert cost_of((DENT, SCRATCH), (moved(DENT, 0, 0.9), alarm))["overlooked"] == 0.0
    assert cost_of((DENT, SCRATCH), (moved(DENT, 0, 0.9),))["overlooked"] == pytest.approx(0.5)
    images = (Image("a.jpg", 200, 200, (DENT, SCRATCH)), Image("b.jpg", 200, 200))
    table = match(Dataset(CLASSES, images), Predictions(CLASSES, {"a.jpg": (moved(DENT, 0, 0.9),), "b.jpg": (alarm,)}))
    weights = np.array([[1.0, 1.0, 2.0], [0.0, 1.0, 0.0]])
    cost = costs(table, 0.5, kinds(table, 0.5), weights)
    assert cost["overlooked"].tolist() == cost["false_negatives"].tolist() == pytest.approx([0.5, 0, 0.5])


@pytest.mark.parametrize("mark", ["iscrowd", "ignore"])
def test_what_is_ignored_is_no_mistake_and_costs_nothing(mark: str) -> None:
    """tidecv would take the ignored dent for a poor box of the true one, and mend it."""
    aside = moved(DENT, 20, 0)._replace(score=None, attributes=Attributes({mark: 1}))
    truths, right = (DENT, aside, SCRATCH), moved(SCRATCH, 0, 0.7)
    ignored, swapped = moved(DENT, 20, 0.9), moved(DENT, 33, 0.95, "scratch")  # IoU 0.51 with what is aside
    table = match(
        Dataset(CLASSES, (Image("a.jpg", 200, 200, truths),)),
        Predictions(CLASSES, {"a.jpg": (ignored, swapped, right)}),
    )
    judged = kinds(table, 0.5)
    assert judged.kind.tolist() == [Kind.IGNORED, Kind.BACKGROUND, Kind.FOUND]  # not the wrong class of what is aside
    assert never_found(table, 0.5, judged).tolist() == [True, False, False]
    cost = cost_of(truths, (ignored, swapped, right))
    assert cost == pytest.approx(cost_of((DENT, SCRATCH), (swapped, right)))
    assert (cost["poor_box"], cost["background"]) == pytest.approx((0, 0.25))
    found, alarm = moved(DENT, 0, 0.5), Box("dent", 0, 150, 40, 190, 0.8)
    assert all(v == 0 for v in cost_of(truths, (ignored, found, right)).values())
    assert cost_of(truths, (ignored, alarm, found, right))["background"] == pytest.approx(0.5 / 2)  # nor does it stay
    wrong = moved(DENT, 0, 0.8, "scratch")
    assert cost_of(truths, (ignored, wrong, right))["wrong_class"] == pytest.approx((1 + 0.5) / 2)  # before the mended


def test_a_box_that_nothing_meant_is_never_found() -> None:
    second = DENT._replace(x1=110, x2=150)
    table = match(
        Dataset(CLASSES, (Image("a.jpg", 200, 200, (DENT, second, SCRATCH)),)),
        Predictions(CLASSES, {"a.jpg": (moved(DENT, 20, 0.9), moved(SCRATCH, 0, 0.9))}),
    )
    assert never_found(table, 0.5, kinds(table, 0.5)).tolist() == [False, True, False]


@settings(max_examples=60, deadline=None)
@given(knobs)
def test_costs_are_shares_and_every_wrong_detection_has_one_kind(setting: dict[str, Any]) -> None:
    dataset, predictions = random_set(**setting)
    table = match(dataset, predictions)
    judged = kinds(table, 0.5)
    np.testing.assert_array_equal(judged.kind == Kind.FOUND, table.found[0, 0])
    np.testing.assert_array_equal(judged.kind == Kind.IGNORED, table.ignored[0, 0])
    np.testing.assert_array_equal(judged.truth < 0, np.isin(judged.kind, (Kind.BACKGROUND, Kind.IGNORED)))
    for name, value in costs(table, 0.5, judged, np.ones((len(dataset), 1))).items():
        assert np.isnan(value[0]) or 0 <= value[0] <= 1, name


@pytest.mark.parametrize(
    ("truths", "found"), [((), ()), ((DENT,), ()), ((), (moved(DENT, 0, 0.9),))], ids=["nothing", "missed", "alarm"]
)
def test_nothing_is_no_trouble(truths: tuple[Box, ...], found: tuple[Box, ...]) -> None:
    cost = cost_of(truths, found)
    assert set(cost) == {*NAMES, *SPECIAL}
    assert all(np.isnan(v) for v in cost.values()) == (not truths)


def test_no_images_and_no_classes() -> None:
    for classes in (CLASSES, ()):
        table = match(Dataset(classes, ()), Predictions(classes, {}))
        judged = kinds(table, 0.5)
        assert len(judged.kind) == 0
        assert all(len(v) == 1 for v in costs(table, 0.5, judged, np.ones((0, 1))).values())
