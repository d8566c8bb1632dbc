"""Tags and edits as a corrected dataset, without a database: the documents are made as they are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bson", reason="needs pymongo (the extra review)")

from detect.data import Attributes, Box, Dataset, Image
from detect.errors import DataError
from detect.questions import Question
from detect.review.corrections import Change, Corrections, collect
from detect.review.documents import image_document, truth_documents
from detect.review.original import Attribute, to_text

CLASSES = ("dent", "scratch")
BOXES = (
    Box("dent", 10.1, 20.2, 30.3, 40.4, attributes=Attributes({"severity": 3, "sure": True})),
    Box("scratch", 1 / 3, 0.0, 99.9, 7.7),
)
IMAGE = Image("claim/a.jpg", 100, 80, BOXES, "val", Attributes({"weather": "wet"}), Path("claim/a.jpg"))
SEVERITY = Attribute("severity", "severity", int)


def document(image: Image = IMAGE) -> dict[str, Any]:
    """A sample as the database holds it, with two predictions."""
    found = [
        {"label": "dent", "bounding_box": [0.5, 0.5, 0.1, 0.2], "tags": [], "confidence": 0.9},
        {"label": "scratch", "bounding_box": [0.0, 0.0, 0.2, 0.1], "tags": [], "confidence": 0.8},
    ]
    truths = {"detections": truth_documents(image, [SEVERITY])}
    return {**image_document(image), "original": to_text(image), "ground_truth": truths, "model": {"detections": found}}


def collected(*samples: dict[str, Any]) -> Corrections:
    return collect(samples, CLASSES, ["model"], "model", [SEVERITY])


def test_what_nobody_touched_is_the_very_same() -> None:
    result = collected(document(), document(Image("b.jpg", 7, 9, path=Path("b.jpg"))))
    assert result.dataset.images == (IMAGE, Image("b.jpg", 7, 9))
    assert result.dataset.images[0].path == IMAGE.path.resolve() if IMAGE.path else None
    assert result.changes == () and result.disputed == frozenset()


def test_labels_of_photos_stay() -> None:
    image = Image("b.jpg", 7, 9, path=Path("b.jpg"), labels={"view": "rear"})
    questions = {"view": Question(("front", "rear"))}
    result = collect([document(image)], CLASSES, ["model"], "model", [SEVERITY], questions)
    assert result.dataset == Dataset(CLASSES, (image,), questions)


def test_a_class_is_changed_by_its_tag() -> None:
    sample = document()
    sample["ground_truth"]["detections"][0]["tags"] = ["fix:class=scratch", "ok"]
    result = collected(sample)
    assert result.dataset.images[0].boxes == (BOXES[0]._replace(label="scratch"), BOXES[1])
    assert result.changes == (Change("claim/a.jpg", 1, "class", "dent", "scratch", "fix:class=scratch"),)


def test_a_box_is_dropped_by_its_tag_or_by_hand() -> None:
    sample = document()
    sample["ground_truth"]["detections"][0]["tags"] = ["fix:drop"]
    assert collected(sample).dataset.images[0].boxes == (BOXES[1],)
    sample = document()
    del sample["ground_truth"]["detections"][1]
    result = collected(sample)
    assert result.dataset.images[0].boxes == (BOXES[0],)
    assert [(c.box, c.change, c.by) for c in result.changes] == [(2, "drop", "edit")]


@pytest.mark.parametrize(("tag", "label"), [("fix:add", "dent"), ("fix:add=scratch", "scratch")])
def test_a_prediction_is_added_by_its_tag(tag: str, label: str) -> None:
    sample = document()
    sample["model"]["detections"][0]["tags"] = [tag]
    result = collected(sample)
    assert result.dataset.images[0].boxes == (*BOXES, Box(label, 50.0, 40.0, 60.0, 56.0))
    assert [(c.box, c.change, c.before, c.by) for c in result.changes] == [(0, "add", "", tag)]


def added(width: float, tags: list[str], **more: Any) -> dict[str, Any]:
    """A prediction from the upper left corner, 10 pixels high; beside one of width 1 its IoU is its width."""
    return {"label": "dent", "bounding_box": [0.0, 0.0, width, 0.125], "tags": tags, **more}


@pytest.mark.parametrize(
    ("width", "label", "widths"),
    [
        (0.91, "dent", [100]),  # the same damage, which two models found
        (0.89, "dent", [100, 89]),  # another one beside it
        (1.0, "scratch", [100, 100]),  # two kinds of damage in one place
    ],
)
def test_what_two_models_found_is_added_once(width: float, label: str, widths: list[float]) -> None:
    sample = document()
    sample["model"] = {"detections": [added(1.0, ["fix:add"])]}
    sample["other"] = {"detections": [added(width, ["fix:add"], label=label)]}
    result = collect([sample], CLASSES, ["model", "other"], "model", [SEVERITY])
    boxes = result.dataset.images[0].boxes[len(BOXES) :]
    assert [box.x2 - box.x1 for box in boxes] == pytest.approx(widths)
    assert len(result.changes) == len(widths)


@pytest.mark.parametrize(("width", "disputed"), [(0.51, False), (0.49, True)])
def test_a_box_that_another_model_found_answers_that_one_is_missing(width: float, disputed: bool) -> None:
    sample = document()
    sample["model"] = {"detections": [added(1.0, [], label_issue="missing")]}
    sample["other"] = {"detections": [added(width, ["fix:add"])]}
    result = collect([sample], CLASSES, ["model", "other"], "model", [SEVERITY])
    assert bool(result.disputed) == disputed


def test_a_box_is_moved_and_relabelled_by_hand() -> None:
    sample = document()
    sample["ground_truth"]["detections"][0] |= {"bounding_box": [0.1, 0.1, 0.5, 0.95], "label": "scratch"}
    box = collected(sample).dataset.images[0].boxes[0]
    assert box == BOXES[0]._replace(label="scratch", x1=10.0, y1=8.0, x2=60.0, y2=80.0)  # cut at the edge
    assert [c.change for c in collected(sample).changes] == ["move", "class"]


def test_an_attribute_is_changed_by_hand_and_the_others_stay() -> None:
    sample = document()
    sample["ground_truth"]["detections"][0]["severity"] = 5
    result = collected(sample)
    assert result.dataset.images[0].boxes[0].attributes == {"severity": 5, "sure": True}
    assert [c.change for c in result.changes] == ["attributes"]


def test_a_box_that_was_drawn_by_hand_is_new() -> None:
    sample = document()
    drawn = {"label": "dent", "bounding_box": [0.2, 0.25, 0.1, 0.25], "tags": [], "severity": 1}
    sample["ground_truth"]["detections"].append(drawn)
    box = collected(sample).dataset.images[0].boxes[2]
    assert box == Box("dent", 20.0, 20.0, 30.0, 40.0, attributes=Attributes({"severity": 1}))


def test_a_photo_is_dropped_by_its_tag() -> None:
    sample = document()
    sample["tags"] = ["fix:drop"]
    result = collected(sample, document(Image("b.jpg", 7, 9, path=Path("b.jpg"))))
    assert [image.name for image in result.dataset.images] == ["b.jpg"]
    assert result.changes == (Change("claim/a.jpg", 0, "drop image", "2 boxes", "", "fix:drop"),)


def test_disputed_photos() -> None:
    def disputed(**tags: list[str]) -> bool:
        sample = document()
        sample["ground_truth"]["detections"][0]["model_label_issue"] = "class" if "truth" in tags else ""
        sample["ground_truth"]["detections"][0]["other_label_issue"] = "class"  # of a model that is not in front
        sample["ground_truth"]["detections"][0]["tags"] = tags.get("box", [])
        sample["tags"] = tags.get("image", [])
        return bool(collected(sample).disputed)

    assert not disputed()
    assert disputed(image=["disputed"]) and disputed(box=["disputed"])
    assert disputed(truth=[])
    assert not disputed(truth=[], box=["ok"]) and not disputed(truth=[], image=["ok"])
    assert not disputed(truth=[], box=["fix:drop"])


def test_all_that_is_wrong_is_told_at_once() -> None:
    sample, other = document(), document(Image("b.jpg", 100, 80, (BOXES[0],), path=Path("b.jpg")))
    sample["ground_truth"]["detections"][0]["tags"] = ["fix:clas=dent"]
    sample["ground_truth"]["detections"][1]["tags"] = ["fix:class=scrath"]
    other["ground_truth"]["detections"][0]["tags"] = ["fix:drop", "fix:class=scratch"]
    other["ground_truth"]["detections"].append({"label": None, "bounding_box": [2.0, 0.1, 0.1, 0.1]})
    with pytest.raises(DataError) as error:
        collected(sample, other)
    assert str(error.value).splitlines() == [
        "claim/a.jpg: box 1: 'fix:clas=dent' means nothing here (it can be fix:class=LABEL or fix:drop)",
        "claim/a.jpg: 'scrath' is no class of the data (did you mean 'scratch'?)",
        "b.jpg: box 1: 'fix:class=scratch' contradicts another tag",
        "b.jpg: a box has no label (the classes are dent, scratch)",
        "b.jpg: a box lies outside the image or has no size",
    ]
