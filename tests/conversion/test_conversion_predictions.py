"""predictions.json and bare COCO results."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read, read_predictions, write_predictions
from detect.data import Box, Dataset, Image, Predictions
from detect.errors import DataError, Problems
from detect.questions import Answer, Question

FOUND = Predictions(
    ("dent", "scratch"),
    {
        "a/1.jpg": (Box("scratch", 1.5, 2.0, 30.25, 40.0, 0.75), Box("dent", 0.0, 0.0, 5.0, 5.0, 0.0)),
        "2.jpg": (),  # looked at, nothing found
    },
)


def test_written_and_read_again(tmp_path: Path) -> None:
    assert read_predictions(write_predictions(FOUND, tmp_path / "p.json")) == FOUND


def test_nothing_at_all(tmp_path: Path) -> None:
    nothing = Predictions((), {})
    assert read_predictions(write_predictions(nothing, tmp_path / "p.json")) == nothing


def test_the_document(tmp_path: Path) -> None:
    dataset = Dataset((), (Image("a/1.jpg", 100, 50),))
    document = json.loads(write_predictions(FOUND, tmp_path / "p.json", dataset=dataset).read_text())
    assert document["images"] == [
        {"id": 1, "file_name": "a/1.jpg", "width": 100, "height": 50},
        {"id": 2, "file_name": "2.jpg"},
    ]
    assert document["categories"] == [{"id": 1, "name": "dent"}, {"id": 2, "name": "scratch"}]
    first = document["annotations"][0]
    assert (first["image_id"], first["category_id"], first["bbox"]) == (1, 2, [1.5, 2.0, 28.75, 38.0])
    assert first["score"] == 0.75


def row(**more: Any) -> dict[str, Any]:
    return {"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5, **more}


TRUTH = {
    "images": [{"id": 7, "file_name": "images/x.jpg"}, {"id": 9, "file_name": "images/y.jpg"}],
    "categories": [{"id": 3, "name": "b"}, {"id": 1, "name": "a"}],
    "annotations": [],
}


def test_a_prediction_without_area_is_kept(tmp_path: Path) -> None:
    found = Predictions(("a",), {"x.jpg": (Box("a", 3.0, 2.0, 3.0, 6.0, 0.5), Box("a", 3.0, 2.0, 3.0, 2.0, 0.25))})
    assert read_predictions(write_predictions(found, tmp_path / "p.json")) == found


QUESTIONS = {"damaged": Question(("no", "yes")), "severity": Question(("none", "light"), ordered=True)}


def test_answers_are_kept(tmp_path: Path) -> None:
    answers = {
        "both.jpg": {"damaged": Answer({"no": 0.125, "yes": 0.875}), "severity": Answer(abstained=True)},
        "gate.jpg": {"damaged": Answer({"no": 0.4, "yes": 0.6}, abstained=True)},
    }
    boxes = {"both.jpg": (Box("a", 1.0, 2.0, 3.0, 4.0, 0.5),), "boxes.jpg": ()}
    found = Predictions(("a",), boxes, QUESTIONS, answers)
    path = write_predictions(found, tmp_path / "p.json")
    assert read_predictions(path) == found
    assert list(read_predictions(path).questions["severity"].labels) == ["none", "light"]
    document = json.loads(path.read_text())
    assert document["questions"] == {
        "damaged": {"labels": ["no", "yes"]},
        "severity": {"labels": ["none", "light"], "ordered": True},
    }
    assert document["images"][2] == {
        "id": 3,
        "file_name": "gate.jpg",
        "detected": False,
        "answers": {"damaged": {"probabilities": {"no": 0.4, "yes": 0.6}, "abstained": True}},
    }
    nothing = Predictions((), {}, {}, {})
    assert read_predictions(write_predictions(nothing, tmp_path / "q.json")) == nothing


def test_answers_are_no_annotation(tmp_path: Path) -> None:
    found = Predictions((), {"x.jpg": ()}, QUESTIONS, {"x.jpg": {"damaged": Answer({"no": 0.0, "yes": 1.0})}})
    image = Image("x.jpg", 9, 9)
    problems = Problems()
    path = write_predictions(found, tmp_path / "p.json", dataset=Dataset((), (image,)))
    assert read(path, problems=problems) == Dataset((), (image,), QUESTIONS)
    assert [problem.what for problem in problems if problem.level == "lost"] == [
        "the answers of 1 images are no annotation"
    ]


BAD_ANSWERS: list[tuple[dict[str, Any], str]] = [
    ({"answers": 3}, '"answers" must be pairs'),
    ({"answers": {"damaged": 0.5}}, '"answers" must be pairs'),
    ({"answers": {"damaged": {}}}, "damaged: an answer has a probability for each label, or abstains"),
    ({"answers": {"damaged": {"probabilities": {"no": "1"}}}}, 'damaged: "probabilities" must be pairs'),
    ({"answers": {"damaged": {"probabilities": {"no": 0.2, "yes": 0.2}}}}, "sum to 1, got 0.4"),
    ({"answers": {"damaged": {"abstained": "yes"}}}, '"abstained" must be true or false'),
    ({"detected": False}, "has boxes, and says that no detector looked"),
]


@pytest.mark.parametrize(("more", "words"), BAD_ANSWERS)
def test_bad_answers_are_named(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    path = tmp_path / "p.json"
    images = [{**TRUTH["images"][0], **more}, *TRUTH["images"][1:]]
    questions = {"damaged": {"labels": ["no", "yes"]}}
    path.write_text(json.dumps({**TRUTH, "images": images, "annotations": [row()], "questions": questions}))
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    assert str(caught.value).startswith(f"{path}: images: row 1: ")
    assert words in str(caught.value)


def test_answers_to_questions_that_nobody_asked(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    images = [{"id": 1, "file_name": "x.jpg", "answers": {"view": {"abstained": True}}}]
    path.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    with pytest.raises(DataError, match=r"p\.json: x\.jpg: question 'view' is not among the questions"):
        read_predictions(path)


def test_bare_results_need_the_file_their_ids_refer_to(tmp_path: Path) -> None:
    path, ids = tmp_path / "results.json", tmp_path / "truth.json"
    path.write_text(json.dumps([row()]))
    ids.write_text(json.dumps(TRUTH))
    with pytest.raises(DataError, match="name the ground truth JSON that they refer to with --ids"):
        read_predictions(path)
    found = read_predictions(path, ids=ids)
    assert found == Predictions(("a", "b"), {"x.jpg": (Box("b", 1.0, 2.0, 4.0, 6.0, 0.5),), "y.jpg": ()})


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (row(score=float("nan")), "the score must be a number from 0 to 1, got nan"),
        (row(score=1.5), "the score must be a number from 0 to 1, got 1.5"),
        (row(score=None), "the score must be a number from 0 to 1, got None"),
        (row(score="0.5"), "the score must be a number from 0 to 1, got 0.5"),
        (row(image_id=8), "image_id 8 is unknown"),
        (row(image_id=[7]), "image_id [7] is unknown"),
        (row(category_id=2), "category_id 2 is unknown"),
        (row(bbox=[1, 2, 3]), "bbox must be four numbers"),
        (row(bbox=[1, 2, float("inf"), 4]), "bbox must be four numbers"),
        (row(bbox=[1, 2, -3, 4]), "bbox has a negative width or height"),
        (row(bbox=[1e308, 2, 1e308, 4]), "x2 is inf"),
        ("x", "must be an object"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, bad: Any, words: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({**TRUTH, "annotations": [row(), bad, bad, row(image_id="no")]}))
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    first, *second = str(caught.value).splitlines()  # each kind once, and all at once
    if "image_id" in words:
        assert first.startswith(f"{path}: prediction 2 and 2 more: ") and words in first and not second
    else:
        assert first.startswith(f"{path}: prediction 2 and 1 more: ") and words in first
        assert second == [f"{path}: prediction 4: image_id no is unknown"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not good JSON"),
        ('"x"', "must be an object"),
        ('{"images": []}', 'must be an object with "images" and "categories"'),
        ('{"images": {}, "categories": []}', '"images" must be a list'),
        ('{"images": [{"id": 1}], "categories": []}', "images: row 1: needs an id and a file_name"),
        (json.dumps({**TRUTH, "images": TRUTH["images"] * 2}), "the id 7 appears twice"),
        (
            '{"images": [{"id": 1, "file_name": ".."}], "categories": []}',
            "row 1: the file_name '..' names nothing",
        ),
    ],
)
def test_bad_documents(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    assert words in str(caught.value)


def test_fake_results_of_the_coco_api(shared_data: Path) -> None:
    folder = shared_data / "exports/faster-coco-eval/tests/dataset/cocoapi"
    found = read_predictions(
        folder / "instances_val2014_fakebbox100_results.json", ids=folder / "instances_val2014_100.json"
    )
    assert (len(found), len(found.classes)) == (100, 80)
    assert sum(map(len, found.images.values())) == len(
        json.loads((folder / "instances_val2014_fakebbox100_results.json").read_bytes())
    )


def test_who_reads_annotations_loads_nothing_that_reads_predictions() -> None:
    """A conversion starts in half a second, of which that would be a tenth."""
    code = "import sys, detect.conversion; print([m for m in sys.modules if '.predictions.' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['detect.conversion.predictions.writer']"
