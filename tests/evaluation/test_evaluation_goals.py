"""What the operating point is chosen for: F1, a precision, a recall, or the least cost."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings

from detect.data import Box, Dataset, Image, Predictions
from detect.errors import ConfigError
from detect.evaluation import evaluate, match
from detect.evaluation.goals import Goal, parse_goal
from detect.evaluation.operating import MIN_TRUTHS, Cut, Sweep, best_confidence, choose, sweep
from detect.evaluation.outcomes import judge
from tests.evaluation.random_sets import knobs, random_set

CLASSES = ("dent", "scratch")
DENT = Box("dent", 10, 10, 50, 50)
COST = "miss: 10\nfalse_alarm: {dent: 1, default: 2}\nconfusion: {dent: {scratch: 5}}\n"


def curve(scores: list[float], hits: list[int], truths: int) -> Sweep:
    return Sweep(np.array(scores), np.array(hits, dtype=np.int64), np.arange(1, len(scores) + 1), truths)


FALLING = curve([0.9, 0.8, 0.7, 0.6, 0.5], [1, 2, 2, 3, 3], 4)  # precision 1, 1, 2/3, 3/4, 3/5; recall 1/4 .. 3/4


@pytest.mark.parametrize(
    ("scores", "hits", "truths", "expected"),
    [
        pytest.param([0.9, 0.6], [1, 1], 1, 0.9, id="the score itself where it is short; the alarm at 0.6 is cut off"),
        pytest.param([0.4137205, 0.2], [2, 2], 2, 0.4, id="the shortest decimal above the next score"),
        pytest.param([0.4137205, 0.4136], [2, 2], 2, 0.4137, id="more digits where scores are close"),
        pytest.param([0.03], [1], 1, 0.03, id="never 0, which would print as no threshold"),
        pytest.param([0.9, 0.5], [1, 2], 2, 0.5, id="lower where that finds more"),
        pytest.param([0.9, 0.5], [0, 0], 2, None, id="nothing is right at any confidence"),
        pytest.param([], [], 2, None, id="no detections"),
        pytest.param([0.0], [1], 1, 0.0, id="a score of 0 is a score"),
    ],
)
def test_best_confidence(scores: list[float], hits: list[int], truths: int, expected: float | None) -> None:
    assert best_confidence(curve(scores, hits, truths)).confidence == expected


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("precision=1", Cut(0.8, True)),
        ("precision=0.7", Cut(0.6, True)),  # the lowest that has it, though 0.7 between them has not
        ("recall=0.5", Cut(0.8, True)),
        ("recall=0.75", Cut(0.6, True)),
        ("recall=0.8", Cut(0.6, False)),  # out of reach: where most is found, no lower
        ("f1", Cut(0.6, True)),  # 2/5, 4/6, 4/7, 6/8, 6/9
    ],
)
def test_goals(goal: str, expected: Cut) -> None:
    assert best_confidence(FALLING, parse_goal(goal, CLASSES)) == expected


def test_a_precision_out_of_reach_is_taken_where_it_comes_closest() -> None:
    found = curve([0.9, 0.8, 0.7], [0, 1, 1], 2)
    assert best_confidence(found, parse_goal("precision=0.9", CLASSES)) == Cut(0.8, False)


@settings(max_examples=60, deadline=None)
@given(knobs)
def test_no_confidence_beats_the_chosen_one(setting: dict[str, Any]) -> None:
    dataset, predictions = random_set(**setting)
    result = evaluate(dataset, predictions, replicates=0)
    table, chosen = result.table, result.outcomes.classes
    scores = sorted({b.score for boxes in predictions.images.values() for b in boxes if b.score is not None})
    others = [judge(table, 0.5, s).classes for s in scores]
    for k, made in enumerate(chosen):
        if made.true_positives + made.misses >= MIN_TRUTHS and any(other[k].true_positives for other in others):
            assert made.f1 == max(other[k].f1 for other in others if not math.isnan(other[k].f1))
    assert result.chosen == any(c.true_positives for other in others for c in other)


def test_each_class_has_its_own_confidence_and_a_rare_one_the_common() -> None:
    images = tuple(Image(f"{n}.jpg", 100, 100, (DENT,)) for n in range(12))
    rare = Image("rare.jpg", 100, 100, (Box("scratch", 0, 0, 9, 9),))
    found = {i.name: (DENT._replace(score=0.4),) for i in images} | {"rare.jpg": (Box("scratch", 0, 0, 9, 9, 0.9),)}
    result = evaluate(Dataset(CLASSES, (*images, rare)), Predictions(CLASSES, found), replicates=0)
    assert dict(result.operating_point.confidence) == {"dent": 0.4, "scratch": 0.4}
    assert any(note.startswith("scratch: fewer than 10") for note in result.notes)


def test_two_common_classes_are_cut_apart() -> None:
    scratch = Box("scratch", 60, 60, 90, 90)
    images = tuple(Image(f"{n}.jpg", 100, 100, (DENT, scratch)) for n in range(12))
    wrong = Box("scratch", 0, 0, 9, 9, 0.5)
    found = {i.name: (DENT._replace(score=0.4), scratch._replace(score=0.8), wrong) for i in images}
    result = evaluate(Dataset(CLASSES, images), Predictions(CLASSES, found), replicates=0)
    assert dict(result.operating_point.confidence) == {"dent": 0.4, "scratch": 0.8}
    assert result.outcomes.overall.f1 == 1.0


def test_a_cost_table_becomes_a_matrix(tmp_path: Path) -> None:
    (tmp_path / "cost.yaml").write_text(COST, encoding="utf-8")
    goal = parse_goal(f"cost={tmp_path / 'cost.yaml'}", CLASSES)
    assert goal.cost is not None
    assert goal.cost.tolist() == [[0, 5, 10], [11, 0, 10], [1, 2, 0]]
    assert str(goal) == "cost=cost.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("miss: 1", "false_alarm: is missing"),
        ("miss: 1\nfalse_alarm: -2", "a cost is a number from 0, got -2"),
        ("miss: {dent: 1}\nfalse_alarm: 1", "miss: nothing for scratch"),
        ("miss: 1\nfalse_alarm: 1\nconfusion: {crack: 3}", "'crack' is not a class"),
        ("miss: 1\nfalse_alarm: 1\nmistake: 3", "'mistake' is not one of"),
        ("[1, 2]", "expected `miss:`"),
        ("{", "is no YAML"),
    ],
)
def test_a_broken_cost_table_is_explained(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "cost.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        parse_goal(f"cost={tmp_path / 'cost.yaml'}", CLASSES)


@pytest.mark.parametrize("goal", ["f2", "precision", "precision=2", "recall=0", "recall=x", "cost="])
def test_unknown_goals_are_refused(goal: str) -> None:
    with pytest.raises(ConfigError, match="cannot choose by"):
        parse_goal(goal, CLASSES)


@settings(max_examples=25, deadline=None)
@given(knobs)
@example(
    {"seed": 0, "images": 2, "classes": 1, "truths": 5, "found": 0, "noise": 4, "levels": 3, "flags": 0, "digits": 0}
)
def test_no_other_cut_of_a_class_costs_less(setting: dict[str, Any]) -> None:
    """Without confusions of their own price, each class is cut where its misses and false alarms cost least.

    A class of which nothing is found at any confidence has no cut of its own.
    """
    dataset, predictions = random_set(**setting)
    table, price = match(dataset, predictions), np.full((len(dataset.classes) + 1,) * 2, 8.0)
    price[-1], price[:-1, -1] = 3.0, 5.0  # a confusion is a miss and a false alarm: 5 + 3
    np.fill_diagonal(price, 0)
    choice = choose(table, 0.5, Goal("cost", cost=price))
    counted = np.bincount(table.truths.label[~table.truth_ignored[0]], minlength=len(dataset.classes))
    cost = (judge(table, 0.5, choice.confidence).confusion * price).sum()
    for k in np.flatnonzero(counted >= MIN_TRUTHS).tolist():
        if not sweep(table, 0.5, k).hits.any():
            continue
        for score in np.unique(table.detections.score[table.detections.label == k]):
            other = choice.confidence.copy()
            other[k] = score
            assert cost <= (judge(table, 0.5, other).confusion * price).sum()


def test_with_cheap_confusions_more_is_claimed(tmp_path: Path) -> None:
    """A scratch taken for a dent still sends the car to the workshop: worth claiming where a miss is dear."""
    taken = tuple(Image(f"{n}.jpg", 100, 100, (DENT._replace(label="scratch"),)) for n in range(12))
    sure = tuple(Image(f"s{n}.jpg", 100, 100, (DENT,)) for n in range(12))
    found = {i.name: (DENT._replace(score=0.3),) for i in taken} | {i.name: (DENT._replace(score=0.9),) for i in sure}
    data, predictions = Dataset(CLASSES, (*taken, *sure)), Predictions(CLASSES, found)
    results = []
    for number, text in enumerate(("miss: 10\nfalse_alarm: 3\n", "miss: 10\nfalse_alarm: 3\nconfusion: 1\n")):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
        results.append(evaluate(data, predictions, choose=f"cost={tmp_path / f'{number}.yaml'}", replicates=0))
    dear, cheap = results
    assert (dear.operating_point.confidence["dent"], cheap.operating_point.confidence["dent"]) == (0.9, 0.3)
    assert (dear.values["cost_per_image"], cheap.values["cost_per_image"]) == (5.0, 0.5)
