"""What is wrong with the data is said before a training, and kept with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detect.data import Dataset, Predictions
from detect.errors import DataError
from detect.evaluation import evaluate
from detect.recipes import Recipe
from detect.training import train
from tests.training.pretended import RECIPE, pretend, train_with
from tests.training.test_hazards import MODELS, small

Change = Callable[[Dataset], Dataset]


def without_boxes(*splits: str) -> Change:
    """The data, these splits without a box."""
    return lambda data: replace(
        data, images=tuple(replace(i, boxes=()) if i.split in splits else i for i in data.images)
    )


def only(*splits: str) -> Change:
    return lambda data: replace(data, images=tuple(i for i in data.images if i.split in splits))


IMPOSSIBLE = [
    # what was done to the data, and what is said in one error for all detectors
    (without_boxes("train"), ["split 'train' has no boxes, so there is nothing to learn"]),
    (without_boxes("val"), ["split 'val' has no boxes, so no epoch could be compared"]),
    (without_boxes("train", "val"), ["split 'train' has no boxes", "split 'val' has no boxes"]),
    (only("train"), ["there are no images in split 'val'; the data has: train"]),
    (only("val"), ["there are no images in split 'train'; the data has: val"]),
    (only(), ["there are no images in split 'train'", "there are no images in split 'val'"]),
]


@pytest.mark.parametrize("model", [*MODELS, "ssdlite320_mobilenet_v3_large", "retinanet_resnet50_fpn", "yolo26n"])
@pytest.mark.parametrize(("change", "said"), IMPOSSIBLE)
def test_what_cannot_be_trained_on_is_one_error_for_all(
    model: str, change: Change, said: list[str], squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = list[Any]()
    monkeypatch.setattr("detect.training.attempts.run_attempt", lambda *given, **_: begun.append(given))
    with pytest.raises(DataError) as raised:
        train(Recipe(model=model), change(squares), tmp_path / "run")
    assert all(text in problem.what for text, problem in zip(said, raised.value.problems, strict=True))
    assert not begun and not (tmp_path / "run").exists()


def test_findings_are_said_and_kept(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [replace(image, split="test") if image.name == "50.png" else image for image in squares.images]
    images += [replace(squares.images[0], name="again.png", split="val")]
    train_with(monkeypatch, pretend)
    run = train(RECIPE, Dataset((*squares.classes, "green"), tuple(images)), tmp_path / "run")
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == [
        "note: 1 class has no box in train or val: green",
        "note: 1 photo stands in more than one split, equal byte for byte, first 00.png (train) = again.png (val): "
        "metrics come out too high (`detect split` divides none)",
    ]
    kept = json.loads((run.folder / "summary.json").read_text())["findings"]
    assert [(one["level"], one["kind"], one["count"], one["examples"]) for one in kept] == [
        ("note", "class missing in both", 1, ["green"]),
        ("note", "photo in several splits", 1, ["00.png = again.png"]),
    ]
    assert "no box in train or val: green" in kept[0]["text"]


def test_nothing_is_said_of_good_data(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train_with(monkeypatch, pretend)
    run = train(RECIPE, squares, tmp_path / "run")
    assert "note:" not in capsys.readouterr().err
    assert json.loads((run.folder / "summary.json").read_text())["findings"] == []


@pytest.mark.parametrize("model", MODELS)
def test_a_class_that_val_lacks_is_no_zero_in_its_map(
    model: str, squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector that finds all there is in val has a mAP of 1, whatever other classes there are to learn."""
    measured = list[Dataset]()

    def perfect(truth: Dataset, found: Predictions, **more: Any) -> Any:
        measured.append(truth)
        boxes = {i.name: tuple(box._replace(score=0.9) for box in i.boxes) for i in truth.images}
        assert found.images.keys() == boxes.keys()
        return evaluate(truth, Predictions(found.classes, boxes), **more)

    monkeypatch.setattr("detect.training.measures.evaluate", perfect)
    val = tuple(i for i in squares.only("val").images if i.boxes and i.boxes[0].label == "red")[:2]
    some = Dataset(("blue", "green", "red"), (*squares.only("train").images[:8], *val))
    run = train(small(model), some, tmp_path / "run")
    assert [one.classes for one in measured] == [("blue", "green", "red")]
    assert run.best["val"]["map"] == run.best["val"]["map50"] == run.best["val"]["recall"] == 1.0
