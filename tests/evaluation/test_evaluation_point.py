"""The operating point: what becomes of each box, the counts, the confusion matrix and the chosen confidence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from detect.data import Attributes, Box, Dataset, Image, Predictions
from detect.errors import ConfigError
from detect.evaluation import evaluate, match, metrics_document
from detect.evaluation.mistakes import Kind
from detect.evaluation.operating import sweep
from detect.evaluation.outcomes import Counts, judge
from detect.evaluation.tables import point_title
from tests.evaluation.random_sets import knobs, random_set

CLASSES = ("dent", "scratch")
DENT = Box("dent", 10, 10, 50, 50)
CROWD = DENT._replace(attributes=Attributes(iscrowd=1))
IGNORED = DENT._replace(attributes=Attributes(ignore="true"))


def at(label: str, x: float, score: float) -> Box:
    """DENT moved right by x pixels: IoU 1 at 0, 0.6 at 10, 0.33 at 20, 0.14 at 30, 0 at 40."""
    return Box(label, 10 + x, 10, 50 + x, 50, score)


def one_image(truths: tuple[Box, ...], found: tuple[Box, ...]) -> tuple[Dataset, Predictions]:
    data = Dataset(CLASSES, (Image("a.jpg", 100, 100, truths),))
    return data, Predictions(CLASSES, {"a.jpg": found})


@pytest.mark.parametrize(
    ("truths", "found", "verdicts", "missed"),
    [
        # table rows stand by class and falling score: dents first
        pytest.param((DENT,), (at("dent", 0, 0.9),), [Kind.FOUND], 0, id="found"),
        pytest.param((DENT,), (at("dent", 20, 0.9),), [Kind.POOR_BOX], 1, id="IoU 0.33 is a poor box"),
        pytest.param((DENT,), (at("dent", 40, 0.9),), [Kind.BACKGROUND], 1, id="no overlap"),
        pytest.param((DENT,), (at("scratch", 0, 0.9),), [Kind.WRONG_CLASS], 1, id="wrong class"),
        pytest.param((DENT,), (at("scratch", 20, 0.9),), [Kind.BOTH], 1, id="wrong class and poor box"),
        pytest.param((DENT,), (at("dent", 0, 0.8), at("dent", 10, 0.9)), [Kind.FOUND, Kind.DUPLICATE], 0, id="again"),
        pytest.param(
            (DENT,),
            (at("dent", 0, 0.8), at("scratch", 0, 0.9)),
            [Kind.FOUND, Kind.WRONG_CLASS],
            0,
            id="a found truth can be taken for another class as well",
        ),
        pytest.param(
            (DENT,),
            (at("scratch", 10, 0.8), at("scratch", 0, 0.7)),
            [Kind.WRONG_CLASS, Kind.WRONG_CLASS],
            1,
            id="two wrong classes mean the same truth",
        ),
        pytest.param((DENT,), (at("dent", 0, 0.4),), [], 1, id="below the confidence"),
        pytest.param((DENT,), (at("dent", 0, 0.5),), [Kind.FOUND], 0, id="exactly at the confidence"),
        pytest.param((CROWD,), (at("dent", 0, 0.9), at("dent", 0, 0.8)), [Kind.IGNORED] * 2, 0, id="crowd"),
        pytest.param(
            (IGNORED,),
            (at("dent", 0, 0.9), at("dent", 0, 0.8)),
            [Kind.IGNORED, Kind.BACKGROUND],
            0,
            id="a truth to ignore excuses one detection only",
        ),
        pytest.param((), (), [], 0, id="nothing at all"),
    ],
)
def test_verdicts(truths: tuple[Box, ...], found: tuple[Box, ...], verdicts: list[Kind], missed: int) -> None:
    point = judge(match(*one_image(truths, found)), 0.5, 0.5)
    assert point.kind.tolist() == verdicts
    assert point.missed.sum() == missed


def test_confusion_matrix_by_hand() -> None:
    other = Box("scratch", 60, 60, 90, 90)
    found = (at("dent", 0, 0.9), at("dent", 0, 0.7), other._replace(label="dent", score=0.6))
    point = judge(match(*one_image((DENT, other), found)), 0.5, 0.5)
    assert point.confusion.tolist() == [
        [1, 0, 0],  # the dent is found
        [1, 0, 0],  # the scratch is taken for a dent
        [1, 0, 0],  # the duplicate meets nothing that is left
    ]
    assert point.classes == (Counts(1, 2, 0), Counts(0, 0, 1))
    assert point.overall == Counts(1, 2, 1)


@settings(max_examples=60, deadline=None)
@given(knobs)
def test_matrix_sums_are_the_printed_precision_and_recall(setting: dict[str, Any]) -> None:
    dataset, predictions = random_set(**setting)
    result = evaluate(dataset, predictions, confidence=0.3)
    printed, matrix = metrics_document(result), result.outcomes.confusion
    assert (matrix >= 0).all()
    assert matrix[-1, -1] == 0
    counted = result.table.truths.label[~result.table.truth_ignored[0]]
    np.testing.assert_array_equal(matrix.sum(axis=1)[:-1], np.bincount(counted, minlength=len(dataset.classes)))
    for k, row in enumerate(printed["classes"]):
        column_sum, row_sum = int(matrix[:, k].sum()), int(matrix[k].sum())
        assert row["precision"] == (matrix[k, k] / column_sum if column_sum else None)
        assert row["recall"] == (matrix[k, k] / row_sum if row_sum else None)
    everything = printed["operating_point"]
    hits = int(np.trace(matrix[:-1, :-1]))
    assert everything["true_positives"] == hits
    assert everything["false_positives"] == matrix[:, :-1].sum() - hits
    assert everything["misses"] == matrix[:-1].sum() - hits


def test_of_two_wrong_classes_the_surer_stands_in_the_matrix() -> None:
    found = (at("scratch", 0, 0.7), at("scratch", 10, 0.9))
    point = judge(match(*one_image((DENT,), found)), 0.5, 0.5)
    assert point.confusion.tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 0]]
    assert point.table.detections.score[point.rows[point.pair >= 0]].tolist() == [0.9]


@settings(max_examples=40, deadline=None)
@given(knobs)
def test_the_curve_agrees_with_the_counts(setting: dict[str, Any]) -> None:
    table = match(*random_set(**setting))
    confidences = np.array([0.0, 0.25, 1 / 3, 0.5, 1.0])
    for label in (None, 0):
        precision, recall, f1 = sweep(table, 0.5, label).at(confidences)
        for place, confidence in enumerate(confidences):
            point = judge(table, 0.5, float(confidence))
            counts = point.overall if label is None else point.classes[label]
            expected = [counts.precision, counts.recall, counts.f1]
            np.testing.assert_allclose([precision[place], recall[place], f1[place]], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("counts", "precision", "recall", "f1"),
    [
        (Counts(2, 2, 1), 1 / 2, 2 / 3, 4 / 7),
        (Counts(0, 0, 0), math.nan, math.nan, math.nan),  # nothing to find and nothing found
        (Counts(0, 3, 0), 0.0, math.nan, 0.0),  # false alarms only
        (Counts(0, 0, 3), math.nan, 0.0, 0.0),  # misses only
    ],
)
def test_rates(counts: Counts, precision: float, recall: float, f1: float) -> None:
    assert [counts.precision, counts.recall, counts.f1] == pytest.approx([precision, recall, f1], nan_ok=True)


def test_a_given_confidence_is_not_called_chosen() -> None:
    data, found = one_image((DENT,), (at("dent", 0, 0.9),))
    given_one, chosen = (evaluate(data, found, confidence=c, replicates=0) for c in (0.5, None))
    assert (given_one.chosen, chosen.chosen) == (False, True)
    assert not any("chosen on this same data" in note for note in given_one.notes)
    assert any("chosen on this same data" in note for note in chosen.notes)


def test_any_iou_sets_the_operating_point() -> None:
    data, found = one_image((DENT,), (at("dent", 20, 0.9),))  # IoU 1/3
    loose, strict = evaluate(data, found, confidence=0.5, iou=0.3), evaluate(data, found, confidence=0.5)
    assert (loose.outcomes.overall.recall, strict.outcomes.overall.recall) == (1.0, 0.0)
    assert loose.metrics == pytest.approx(strict.metrics, nan_ok=True)  # COCO's metrics keep COCO's thresholds


@pytest.mark.parametrize(
    "wrong", [{"confidence": 1.2}, {"confidence": -0.1}, {"confidence": math.nan}, {"iou": 0.0}, {"iou": 1.5}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    data, found = one_image((DENT,), ())
    with pytest.raises(ConfigError, match="must lie"):
        evaluate(data, found, **wrong)  # type: ignore[arg-type]


def test_a_confidence_that_nothing_chose_is_not_called_chosen() -> None:
    """Photos without damage: no confidence is better than another."""
    data, found = one_image((), (at("dent", 0, 0.9),))
    result = evaluate(data, found, replicates=0)
    assert point_title(result) == "At confidence 0.5 (IoU 0.5)"
    assert "No detection is right at any confidence; counted at 0.5." in result.notes
