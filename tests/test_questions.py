"""Labels of whole photos, the questions they answer, and answers with probabilities."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from detect.data import Box, Dataset, Image, Predictions
from detect.errors import DataError
from detect.operating_point import OperatingPoint
from detect.questions import Answer, Question, merged

QUESTIONS = {"damaged": Question(("no", "yes")), "severity": Question(("none", "light", "total"), ordered=True)}
SURE = Answer({"no": 0.25, "yes": 0.75})


def test_a_photo_has_a_label_for_each_question_that_was_asked() -> None:
    image = Image("a.jpg", 9, 9, labels={"damaged": "yes", "severity": "light"})
    data = Dataset((), (image, Image("b.jpg", 9, 9)), QUESTIONS)
    assert (dict(data.images[0].labels), dict(data.images[1].labels)) == ({"damaged": "yes", "severity": "light"}, {})
    assert image == Image("a.jpg", 9, 9, labels={"severity": "light", "damaged": "yes"})
    assert image != Image("a.jpg", 9, 9, labels={"damaged": "yes"})
    assert repr(data) == "Dataset(2 images, 0 boxes, 0 classes, questions damaged, severity)"


def test_the_order_of_labels_counts_and_so_does_being_ordered() -> None:
    assert Question(("a", "b")) != Question(("b", "a"))
    assert Question(("a", "b")) != Question(("a", "b"), ordered=True)
    assert Question(["a", "b"]) == Question(("a", "b"))  # type: ignore[arg-type]


def test_all_of_it_is_frozen_and_survives_a_pickle() -> None:
    data = Dataset((), (Image("a.jpg", 9, 9, labels={"damaged": "yes"}),), QUESTIONS)
    found = Predictions((), {}, QUESTIONS, {"a.jpg": {"damaged": SURE, "severity": Answer(abstained=True)}})
    for value in (data, found):
        copy = pickle.loads(pickle.dumps(value))  # noqa: S301
        assert copy == value
        assert hash(copy) == hash(value)
    changes: tuple[Mapping[str, Any], ...] = (
        data.questions,
        data.images[0].labels,
        found.answers,
        found.answers["a.jpg"],
    )
    for mapping in changes:
        with pytest.raises(TypeError, match="cannot be changed"):
            mapping["x"] = 1  # type: ignore[index]


def test_given_dicts_are_not_shared() -> None:
    labels, questions, answers = {"damaged": "yes"}, dict(QUESTIONS), {"a.jpg": {"damaged": SURE}}
    data = Dataset((), (Image("a.jpg", 9, 9, labels=labels),), questions)
    found = Predictions((), {}, questions, answers)
    labels.clear()
    questions.clear()
    answers["a.jpg"].clear()
    assert (len(data.images[0].labels), len(data.questions), len(found.answers["a.jpg"])) == (1, 2, 1)


WRONG_QUESTIONS = [((), "needs labels"), (("a", "a"), "label 'a' stands twice"), (("a", ""), "a label is empty")]


@pytest.mark.parametrize(("labels", "said"), WRONG_QUESTIONS)
def test_a_wrong_question_is_refused(labels: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Question(labels)


def test_labels_that_answer_no_question_are_refused_once_each() -> None:
    images = [Image(f"{n}.jpg", 9, 9, labels={"damaged": "perhaps", "view": "rear"}) for n in range(3)]
    with pytest.raises(DataError) as caught:
        Dataset((), images, QUESTIONS)  # type: ignore[arg-type]
    assert str(caught.value).splitlines() == [
        "0.jpg: damaged: 'perhaps' is not among its labels (3 images, this is the first)",
        "0.jpg: question 'view' is not among the questions (3 images, this is the first)",
    ]


def test_an_answer_says_the_likeliest_label_or_that_it_abstains() -> None:
    assert SURE.label == "yes"
    assert Answer({"a": 0.5, "b": 0.5}).label == "a"
    unsure = Answer({"no": 0.45, "yes": 0.55}, abstained=True)
    assert (unsure.label, unsure.probabilities["yes"]) == (None, 0.55)
    assert Answer(abstained=True).label is None


WRONG_ANSWERS: list[tuple[dict[str, float], str]] = [
    ({}, "an answer has a probability for each label, or abstains"),
    ({"a": 1.5, "b": -0.5}, "'a' is a number in 0..1, got 1.5\nthe probability of 'b'"),
    ({"a": math.nan}, "'a' is a number in 0..1, got nan"),
    ({"a": 0.5, "b": 0.4}, "sum to 1, got 0.9"),
]


@pytest.mark.parametrize(("probabilities", "said"), WRONG_ANSWERS)
def test_a_wrong_answer_is_refused(probabilities: dict[str, float], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Answer(probabilities)


def test_rounded_probabilities_are_an_answer() -> None:
    assert Answer(dict.fromkeys("abc", 0.333)).label == "a"


def test_predictions_hold_boxes_answers_or_both() -> None:
    box = Box("dent", 1, 1, 5, 5, 0.5)
    answers = {"both.jpg": {"damaged": SURE}, "gate.jpg": {"damaged": Answer(abstained=True)}}
    found = Predictions(("dent",), {"both.jpg": (box,), "boxes.jpg": ()}, QUESTIONS, answers)
    assert found.names == ("both.jpg", "boxes.jpg", "gate.jpg")
    assert len(found) == 3
    assert "gate.jpg" not in found.images  # no detector looked at it
    assert found.columns().names == ("both.jpg", "boxes.jpg")


def test_answers_fit_their_questions() -> None:
    answers = {"a.jpg": {"view": SURE}, "/b.jpg": {"damaged": Answer({"yes": 1.0}), "severity": Answer(abstained=True)}}
    with pytest.raises(DataError) as caught:
        Predictions((), {}, QUESTIONS, answers)
    assert str(caught.value).splitlines() == [
        "a.jpg: question 'view' is not among the questions",
        "/b.jpg: damaged: expected a probability for each of no, yes; got yes",
        "the name '/b.jpg' is absolute "
        "(the name of an image is its path below the dataset's root, such as claim1/rear.jpg)",
    ]


def test_an_operating_point_leaves_answers_as_they_are() -> None:
    point = OperatingPoint({"dent": 0.6}, 0.5, {}, "given", frozenset())
    found = Predictions(("dent",), {"a.jpg": (Box("dent", 1, 1, 5, 5, 0.5),)}, QUESTIONS, {"a.jpg": {"damaged": SURE}})
    kept = point.apply(found)
    assert (kept.images["a.jpg"], kept.answers, kept.questions) == ((), found.answers, found.questions)


def test_questions_of_several_datasets() -> None:
    other = {"severity": Question(("light", "heavy"), ordered=True), "damaged": Question(("no",), ordered=True)}
    assert merged([QUESTIONS, other]) == {
        "damaged": Question(("no", "yes")),
        "severity": Question(("none", "light", "total", "heavy"), ordered=True),
    }
    assert merged([]) == {}
