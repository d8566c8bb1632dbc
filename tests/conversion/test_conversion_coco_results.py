"""COCO results, and predictions read as annotations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from detect.conversion import read, write
from detect.data import Attributes, Box, Dataset, Image
from detect.errors import ConfigError, DataError, Problems

Tree = Callable[..., Path]

TRUTH = {
    "images": [{"id": 7, "file_name": "1.jpg", "width": 100, "height": 50}],
    "categories": [{"id": 3, "name": "dent"}],
    "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 0, 9, 9]}],
}
ROW = {"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}


def scored(score: float) -> Attributes:
    return Attributes(score=score)


def test_results_become_boxes_with_scores(tree: Tree) -> None:
    root = tree({"truth.json": json.dumps(TRUTH), "found.json": json.dumps([ROW, {**ROW, "score": 1}])})
    dataset = read(root / "found.json", ids=root / "truth.json")
    assert dataset.images[0].boxes == tuple(Box("dent", 1.0, 2.0, 4.0, 6.0, None, scored(s)) for s in (0.5, 1))
    assert dataset.images[0].name == "1.jpg"  # the boxes of the ground truth are not among them


def test_without_the_ground_truth_they_mean_nothing(tree: Tree) -> None:
    with pytest.raises(ConfigError, match="name the ground truth JSON that they refer to with --ids"):
        read(tree({"found.json": json.dumps([ROW])}) / "found.json")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({**ROW, "image_id": 8}, 'image_id 8 is not in "images"'),
        ({**ROW, "category_id": 8}, 'category_id 8 is not in "categories"'),
        ({**ROW, "bbox": [1, 2, 3]}, "bbox must be four numbers"),
        (3, "must be an object"),
    ],
)
def test_errors(tree: Tree, row: object, words: str) -> None:
    root = tree({"truth.json": json.dumps(TRUTH), "found.json": json.dumps([ROW, row])})
    with pytest.raises(DataError) as caught:
        read(root / "found.json", ids=root / "truth.json")
    assert words in str(caught.value)


def test_written_results_load_beside_the_written_truth(tmp_path: Path) -> None:
    boxes = (Box("dent", 1.0, 2.0, 4.5, 6.0, None, scored(0.25)), Box("rust", 0.0, 0.0, 1.0, 1.0, None, scored(1.0)))
    dataset = Dataset(("rust", "dent"), (Image("1.jpg", 9, 9), Image("2.jpg", 9, 9, boxes)))
    truth = write(dataset, tmp_path / "truth.json", "coco")
    found = write(dataset, tmp_path / "found.json", "coco-results")
    assert json.loads(found.read_text())[0] == {
        "image_id": 2, "category_id": 2, "bbox": [1.0, 2.0, 3.5, 4.0], "score": 0.25,
    }  # fmt: skip
    assert read(found, ids=truth) == dataset
    assert len(COCO(str(truth)).loadRes(str(found)).anns) == 2


def test_what_was_drawn_has_no_score(tmp_path: Path) -> None:
    dataset = Dataset(("dent",), (Image("1.jpg", 9, 9, (Box("dent", 1.0, 2.0, 4.0, 6.0),)),))
    with pytest.raises(ConfigError, match="has no score"):
        write(dataset, tmp_path / "found.json", "coco-results")
    with pytest.raises(ConfigError, match="is one file"):
        write(dataset, tmp_path / "found", "coco-results")
    assert list(tmp_path.iterdir()) == []


def test_other_attributes_are_lost_and_counted(tmp_path: Path) -> None:
    attributes = Attributes(score=0.5, severity=3)
    dataset = Dataset(("dent",), (Image("1.jpg", 9, 9, (Box("dent", 1.0, 2.0, 4.0, 6.0, None, attributes),)),))
    problems = Problems()
    write(dataset, tmp_path / "found.json", "coco-results", problems=problems)
    assert problems.counts() == {("lost", "box attributes"): 1}


def test_predictions_with_names_are_read_as_annotations(tree: Tree, tmp_path: Path) -> None:
    document = {**TRUTH, "annotations": [{"id": 1, **ROW}]}
    root = tree({"predictions.json": json.dumps(document)})
    problems = Problems()
    dataset = read(root / "predictions.json", problems=problems)
    assert dataset.images[0].boxes == (Box("dent", 1.0, 2.0, 4.0, 6.0, None, scored(0.5)),)
    assert ("note", "predictions") in problems.counts()
    again = read(write(dataset, tmp_path / "again.json", "coco"))
    assert again.images == dataset.images  # the score survives
