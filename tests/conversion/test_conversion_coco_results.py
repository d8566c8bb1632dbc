"""COCO results, and predictions read as annotations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detect.conversion import read, write, write_predictions
from detect.data import Attributes, Box, Dataset, Image, Predictions
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


TRUE = Dataset(
    ("dent", "rust"),
    tuple(
        Image(f"{n}.jpg", 90, 90, (Box(("dent", "rust")[n % 2], 10.0 * n, 5.0, 10.0 * n + 20, 40.0),)) for n in range(4)
    ),
)
OTHER_IDS: list[tuple[str, dict[int, int], dict[str, int], str]] = [
    # (why, image ids, category ids, the name of image n in the ground truth)
    ("as --to coco", {0: 1, 1: 2, 2: 3, 3: 4}, {"dent": 1, "rust": 2}, "{}.jpg"),
    ("images in another order", {0: 9, 1: 7, 2: 8, 3: 6}, {"dent": 1, "rust": 2}, "{}.jpg"),
    ("classes in another order", {0: 1, 1: 2, 2: 3, 3: 4}, {"dent": 5, "rust": 3}, "{}.jpg"),
    ("classes in other case", {0: 1, 1: 2, 2: 3, 3: 4}, {"Dent": 1, "RUST": 2}, "{}.jpg"),
    ("images in another folder", {0: 40, 1: 30, 2: 20, 3: 10}, {"rust": 1, "dent": 2}, "/data/neu/{}.jpg"),
    ("with another ending", {0: 40, 1: 30, 2: 20, 3: 10}, {"rust": 1, "dent": 2}, "{}.png"),
]


@pytest.mark.parametrize(("why", "images", "categories", "name"), OTHER_IDS, ids=[row[0] for row in OTHER_IDS])
def test_results_for_a_ground_truth_have_its_ids(
    tmp_path: Path, why: str, images: dict[int, int], categories: dict[str, int], name: str
) -> None:
    del why
    category_ids = {label.lower(): key for label, key in categories.items()}
    truth = {
        "images": [{"id": key, "file_name": name.format(n), "width": 90, "height": 90} for n, key in images.items()],
        "categories": [{"id": key, "name": label} for label, key in categories.items()],
        "annotations": [
            {"id": n + 1, "image_id": images[n], "category_id": category_ids[box.label], "iscrowd": 0,
             "bbox": [box.x1, box.y1, box.width, box.height], "area": box.area}
            for n, image in enumerate(TRUE) for box in image.boxes
        ],
    }  # fmt: skip
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth))
    found = Predictions(TRUE.classes, {i.name: tuple(box._replace(score=0.9) for box in i.boxes) for i in TRUE})
    predictions = write_predictions(found, tmp_path / "predictions.json", dataset=TRUE)
    problems = Problems()
    results = write(read(predictions), tmp_path / "results.json", "coco-results", ids=path, problems=problems)
    assert not problems.errors
    api = COCO(str(path))
    evaluation = COCOeval(api, api.loadRes(str(results)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_boxes_that_the_ground_truth_cannot_have(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(TRUTH))  # one image, one class
    boxes = tuple(Box(label, 1.0, 2.0, 4.0, 6.0, None, scored(0.5)) for label in ("dent", "rust"))
    dataset = Dataset(("dent", "rust", "unused"), (Image("1.jpg", 9, 9, boxes), Image("2.jpg", 9, 9, boxes)))
    with pytest.raises(DataError) as caught:
        write(dataset, tmp_path / "results.json", "coco-results", ids=path)
    assert str(caught.value).splitlines() == [
        f"{path}: has no image '2.jpg', of which there are boxes",
        f"{path}: has no class 'rust', of which there are boxes",
    ]
    assert not (tmp_path / "results.json").exists()


KNOWN: list[dict[str, object]] = [
    # results are known by what they hold, whatever stands first, and whatever they call images and classes
    {"segmentation": {"size": [50, 100], "counts": "abc"}, **ROW},
    {**ROW, "image_id": "7", "category_id": "3"},
    {**ROW, "image_id": 7.0, "category_id": 3.0},
    {**ROW, "image_id": "1"},  # ultralytics calls images by their names without the ending
    {**ROW, "image_id": "one", "file_name": "1.jpg"},
]


@pytest.mark.parametrize("row", KNOWN)
def test_results_of_other_tools_become_annotations(tree: Tree, row: dict[str, object]) -> None:
    root = tree({"truth.json": json.dumps(TRUTH), "found.json": json.dumps([row])})
    dataset = read(root / "found.json", ids=root / "truth.json", problems=Problems())
    assert dataset.images[0].boxes == (Box("dent", 1.0, 2.0, 4.0, 6.0, None, scored(0.5)),)
