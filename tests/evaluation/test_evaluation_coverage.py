"""Predictions that do not fit the data: stated, never passed over."""

from __future__ import annotations

import math
from typing import Any

import pytest

from detect.data import Box, Dataset, Image, Predictions
from detect.errors import ConfigError, DataError
from detect.evaluation import evaluate, metrics_document, only_split
from detect.operating_point import OperatingPoint, Temperature

DENT = Box("dent", 10, 10, 50, 50)
SURE = DENT._replace(score=0.9)
DATA = Dataset(
    ("dent", "crack"),
    (
        Image("train/1.jpg", 100, 100, (DENT,), split="train"),
        Image("test/1.jpg", 100, 100, (DENT,), split="test"),
        Image("test/2.jpg", 100, 100, (), split="test"),
    ),
)


def found(*names: str, classes: tuple[str, ...] = ("dent", "crack"), box: Box = SURE) -> Predictions:
    return Predictions(classes, dict.fromkeys(names, (box,)))


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        pytest.param(found("train/1.jpg"), r"2 of the data's 3 images are not in them", id="missing images"),
        pytest.param(found("train/1.jpg", "other.jpg"), r"1 image is not in the data: 'other.jpg'", id="unknown image"),
        pytest.param(found("2.jpg"), r"the data has 'test/2.jpg'", id="unknown image, with the name it may be"),
        pytest.param(
            found("train/1.jpg", classes=("Beule",), box=SURE._replace(label="Beule")),
            r"no class in common: the data has 'dent', 'crack', the predictions 'Beule'",
            id="a model of other classes",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(predictions: Predictions, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(DATA, predictions)


def test_missing_images_name_the_count_and_every_remedy() -> None:
    with pytest.raises(DataError) as error:
        evaluate(DATA, found("train/1.jpg"))
    for word in ("'test/1.jpg', 'test/2.jpg'", "--split", "--missing ignore|empty"):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("missing", "images", "recall", "note"),
    [
        ("ignore", 1, 1.0, "2 images are not in the predictions: left out"),
        ("empty", 3, 0.5, "2 images are not in the predictions: counted as looked at"),
    ],
)
def test_what_missing_images_mean_is_the_users_choice(missing: Any, images: int, recall: float, note: str) -> None:
    result = evaluate(DATA, found("train/1.jpg"), missing=missing)
    assert len(result.table.images) == images
    assert result.outcomes.overall.recall == recall
    assert any(n.startswith(note) for n in result.notes)


def test_classes_that_the_data_lacks_count_nowhere_and_are_reported() -> None:
    names = [i.name for i in DATA.images]
    plain = evaluate(DATA, found(*names))
    boxes = (SURE, SURE._replace(label="rust"))
    more = evaluate(DATA, Predictions(("rust", "dent"), dict.fromkeys(names, boxes)))
    assert more.outcomes.overall == plain.outcomes.overall
    assert more.metrics == pytest.approx(plain.metrics, nan_ok=True)
    assert any("1 class that the data does not have: 'rust'; 3 detections left out" in n for n in more.notes)


def test_a_class_without_truth_is_undefined_and_named() -> None:
    result = evaluate(DATA, found(*(i.name for i in DATA.images)))
    assert math.isnan(result.averages.of_class(1)["ap"])
    assert metrics_document(result)["classes"][1]["ap"] is None
    assert result.metrics["map50"] == result.averages.of_class(0)["ap50"]
    assert any("No true boxes of crack" in n for n in result.notes)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (Dataset(("dent",), ()), "There are no images"),
        (Dataset(("dent",), (Image("a.jpg", 9, 9),)), "There are no true boxes"),
        (Dataset((), (Image("a.jpg", 9, 9),)), "There are no true boxes"),  # no classes either
    ],
)
def test_empty_is_stated(data: Dataset, note: str) -> None:
    result = evaluate(data, Predictions(data.classes, {i.name: () for i in data.images}))
    assert result.notes[0].startswith(note)
    assert metrics_document(result)["metrics"]["map"] is None


def test_detections_beyond_a_hundred_are_counted() -> None:
    data = Dataset(("dent",), (Image("a.jpg", 100, 100, (DENT,)),))
    result = evaluate(data, Predictions(("dent",), {"a.jpg": (SURE,) * 103}))
    assert any(n.startswith("3 detections beyond the best 100") for n in result.notes)


def test_one_split_takes_its_part_of_both() -> None:
    data, predictions = only_split(DATA, found("train/1.jpg", "test/1.jpg", "test/2.jpg"), "test")
    assert [i.name for i in data.images] == ["test/1.jpg", "test/2.jpg"] == list(predictions.images)
    with pytest.raises(DataError, match=r"'x\.jpg'"):
        only_split(DATA, found("x.jpg"), "test")
    with pytest.raises(DataError, match="no images in split 'val'"):
        only_split(DATA, found("test/1.jpg"), "val")


def test_copies_and_boxes_outside_are_counted_as_they_are_and_named() -> None:
    """103 equal detections are one found and 102 duplicates, as in COCO; but somebody should look at the file."""
    data = Dataset(("dent",), (Image("a.jpg", 100, 100, (DENT,)), Image("b.jpg", 100, 100)))
    outside = Box("dent", 90, 90, 140, 99, 0.4)
    boxes = {"a.jpg": (SURE, SURE, SURE._replace(score=0.8)), "b.jpg": (outside, Box("dent", -0.5, 0, 100.5, 9, 0.3))}
    result = evaluate(data, Predictions(("dent",), boxes), confidence=0.1)
    assert result.outcomes.overall == (1, 4, 0)
    assert "1 detection is the exact copy of another; counted as a duplicate." in result.notes
    assert any(n.startswith("1 detection reaches outside the photo, first in 'b.jpg'") for n in result.notes)
    clean = evaluate(DATA, found(*(i.name for i in DATA.images)))
    assert not any("copy" in n or "outside" in n for n in clean.notes)


def test_a_predicted_class_that_the_data_lacks_needs_no_calibration() -> None:
    """It counts nowhere, so the operating point need not know it."""
    point = OperatingPoint(
        {"dent": 0.5, "crack": 0.5}, 0.5, {c: Temperature(2.0) for c in DATA.classes}, "f1", frozenset()
    )
    boxes = (SURE, SURE._replace(label="rust"))
    more = Predictions(("rust", "dent", "crack"), {i.name: boxes for i in DATA.images})
    result = evaluate(DATA, more, point=point)
    assert (
        result.outcomes.overall == evaluate(DATA, found(*(i.name for i in DATA.images)), point=point).outcomes.overall
    )
    assert any("'rust'" in note for note in result.notes)


def test_an_operating_point_of_other_classes_is_refused() -> None:
    point = OperatingPoint({"dent": 0.5}, 0.5, {}, "f1", frozenset())
    with pytest.raises(ConfigError, match="no confidence for crack; it has dent"):
        evaluate(DATA, found(*(i.name for i in DATA.images)), point=point)
    with pytest.raises(ConfigError, match="not both"):
        evaluate(DATA, found(*(i.name for i in DATA.images)), point=point, confidence=0.5)
