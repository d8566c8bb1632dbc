"""What is done to the boxes of a photo: no second box of one class in one place, and nothing is lost in silence."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("bson", reason="needs pymongo (the extra review)")

from detect.data import Box
from detect.review.changes import Change
from tests.review.documents import BOXES, IMAGE, corrected, said, sample

DENT, SCRATCH = BOXES
RIGHT = {"status": "right", "truth": 2, "iou": 0.6}
WRONG = {"mistake": "wrong_class", "truth": 1, "iou": 0.6}


@pytest.mark.parametrize(
    ("prediction", "tags", "added", "changes"),
    [
        # IoU 0.98 with the dent: it is there
        (said("dent", 10, 20, 30, 40.4, "fix:add"), {}, False, 0),
        (said("dent", 10, 20, 30, 40.4, "fix:add=dent"), {}, False, 0),
        (said("scratch", 10, 20, 30, 40.4, "fix:add=dent"), {}, False, 0),
        # right by the evaluation, with an overlap of 0.6; asked for by name it is a second one
        (said("scratch", 50, 20, 90, 44, "fix:add", **RIGHT), {}, False, 0),
        (said("scratch", 50, 20, 90, 44, "fix:add=scratch", **RIGHT), {}, True, 1),
        (said("scratch", 50, 20, 90, 44, "fix:add", mistake="duplicate", truth=2, iou=0.6), {}, False, 0),
        (said("scratch", 50, 20, 90, 44, "fix:add", status="unsure", truth=2, iou=0.6), {}, False, 0),
        # of another class: which is meant?
        (said("scratch", 10, 20, 30, 40.4, "fix:add"), {}, False, 0),
        (said("scratch", 10, 20, 30, 32, "fix:add", **WRONG), {}, False, 0),
        # it is answered: both are right, or the other one is not there
        (said("scratch", 10, 20, 30, 32, "fix:add=scratch", **WRONG), {}, True, 1),
        (said("scratch", 10, 20, 30, 32, "fix:add", **WRONG), {"box1": ["ok"]}, True, 1),
        (said("scratch", 10, 20, 30, 32, "fix:add", **WRONG), {"box1": ["fix:drop"]}, True, 2),
        (said("dent", 10, 20, 30, 40.4, "fix:add"), {"box1": ["fix:drop"]}, True, 2),
        # nothing to do with the boxes that are there
        (said("dent", 50, 64, 60, 80, "fix:add"), {}, True, 1),
        (said("dent", 10, 20, 30, 60, "fix:add", mistake="poor_box", truth=1, iou=0.45), {}, True, 1),
    ],
)
def test_a_prediction_about_a_box_that_is_there(
    prediction: dict[str, Any], tags: dict[str, Any], added: bool, changes: int
) -> None:
    found, unused = corrected(sample(prediction, **tags))
    boxes = found.dataset.images[0].boxes
    kept = [box for number, box in enumerate(BOXES, 1) if "fix:drop" not in tags.get(f"box{number}", [])]
    assert list(boxes[: len(kept)]) == kept and len(boxes) == len(kept) + added
    assert len(found.changes) == changes and len(unused) == (not added)


@pytest.mark.parametrize("tag", ["fix:add", "fix:add=scratch"])
@pytest.mark.parametrize("y2", [40.4, 32])  # IoU 0.98 and 0.6
def test_a_prediction_whose_class_its_box_was_given_adds_nothing(tag: str, y2: float) -> None:
    found, unused = corrected(sample(said("scratch", 10, 20, 30, y2, tag, **WRONG), box1=["fix:class=scratch"]))
    assert found.dataset.images[0].boxes == (DENT._replace(label="scratch"), SCRATCH)
    assert [change.change for change in found.changes] == ["class"] and unused == []


def test_what_is_meant_is_asked_with_both_answers() -> None:
    _, unused = corrected(sample(said("scratch", 10, 20, 30, 32, "fix:add", **WRONG)))
    assert unused == [
        "claim/a.jpg: a box of model: fix:add of a scratch, where box 1 is a dent: which is meant? "
        "(fix:class=scratch or fix:drop on box 1; fix:add=scratch here if there are two)"
    ]


@pytest.mark.parametrize(
    ("shift", "moved"),
    [
        ((1e-9, 0, 0, 0), False),  # of the width of the photo
        ((0, -1e-9, 1e-9, 0), False),
        ((0, 0, 0, 9e-6), False),  # 0.0007 pixels
        ((1e-4, 0, -1e-4, 0), True),  # 0.01 pixels
    ],
)
def test_a_change_that_nobody_could_make_is_no_move(shift: tuple[float, ...], moved: bool) -> None:
    one = sample()
    box = one["ground_truth"]["detections"][0]
    box["bounding_box"] = [a + b for a, b in zip(box["bounding_box"], shift, strict=True)]
    found, unused = corrected(one)
    after = found.dataset.images[0].boxes[0]
    assert (after == DENT, [change.change for change in found.changes]) == (not moved, ["move"] * moved)
    assert unused == [] and after.xyxy[1:] == DENT.xyxy[1:]  # the edges that stay are the same to the last bit


@pytest.mark.parametrize(
    ("drawn", "why"),
    [
        (said("", 40, 60, 45, 70), "a box has no label"),
        ({"bounding_box": [0.4, 0.7, 0.1, 0.1]}, "a box has no label"),
        (said("rust", 40, 60, 45, 70), "'rust' is no class of the data"),
        (said("dent", 101, 60, 120, 70), "outside the image"),  # on each side
        (said("dent", -20, 60, -1, 70), "outside the image"),
        (said("dent", 40, -10, 45, 0), "outside the image"),
        (said("dent", 40, 80, 45, 90), "outside the image"),
        (said("dent", 40, 60, 40, 70), "has no size"),
        ({"label": "dent", "bounding_box": None}, "outside the image"),
        ({"label": "dent", "bounding_box": [0.1, float("nan"), 0.1, 0.1]}, "outside the image"),
        (said("dent", 10, 20, 30, 40.4), "was drawn where box 1 is"),
        (said("dent", 10, 20, 30, 40, number=1), "was drawn where box 1 is"),  # a copy
    ],
)
def test_a_box_that_was_drawn_badly_is_left_out_and_listed(drawn: dict[str, Any], why: str) -> None:
    one = sample()
    one["ground_truth"]["detections"].append(drawn)
    found, unused = corrected(one)
    assert found.dataset.images[0] == IMAGE and found.changes == ()
    assert len(unused) == 1 and unused[0].startswith("claim/a.jpg: ") and why in unused[0]


def test_a_box_without_a_class_gets_that_of_its_tag() -> None:
    one = sample()
    one["ground_truth"]["detections"].append({**said("", 40, 60, 45, 70, "fix:class=scratch"), "label": None})
    found, unused = corrected(one)
    assert found.dataset.images[0].boxes[2] == Box("scratch", 40, 60, 45, 70) and unused == []


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({}, None),  # the class is the App's, and nobody said a word
        ({"label": "scratch"}, "scratch"),
        ({"tags": ["ok"]}, "dent"),
        ({"tags": ["fix:class=dent"]}, "dent"),
        ({"tags": ["fix:class=scratch"]}, "scratch"),
        ({"tags": ["fix:clas=scratch"]}, None),
    ],
)
def test_a_box_that_was_drawn_has_the_class_that_somebody_chose(change: dict[str, Any], label: str | None) -> None:
    one = sample()
    one["ground_truth"]["detections"].append({**said("dent", 40, 60, 45, 70), "proposed": "dent", **change})
    found, unused = corrected(one)
    assert [box.label for box in found.dataset.images[0].boxes[2:]] == ([label] if label else [])
    assert any("its class not chosen (tag it ok if it is a dent, else" in line for line in unused) == (label is None)


def test_a_box_that_was_drawn_and_found_is_added_once() -> None:
    one = sample(said("dent", 40, 60, 45, 70.1, "fix:add"))
    one["ground_truth"]["detections"] += [said("dent", 40, 60, 45, 70)]
    found, unused = corrected(one)
    assert found.dataset.images[0].boxes[2:] == (Box("dent", 40, 60, 45, 70),) and unused == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"label": "rust"}, "'rust' is no class of the data"),
        ({"label": None}, "a box has no label"),
        ({"bounding_box": [1.2, 0.1, 0.1, 0.1]}, "box 1: the box was moved out of the image"),
        ({"tags": ["fix:class=dent"], "label": "scratch"}, "'fix:class=dent' contradicts its class 'scratch'"),
        ({"bounding_box": [0.5, 0.25, 0.4, 0.51], "label": "scratch"}, "box 1: it would be a second scratch"),
    ],
)
def test_a_change_that_cannot_be_is_left_out_and_listed(changed: dict[str, Any], why: str) -> None:
    one = sample()
    one["ground_truth"]["detections"][0] |= changed
    found, unused = corrected(one)
    assert found.dataset.images[0] == IMAGE and found.changes == ()
    assert len(unused) == 1 and why in unused[0]


def test_boxes_that_were_double_in_the_data_stay() -> None:
    from dataclasses import replace

    twice = replace(IMAGE, boxes=(DENT, DENT._replace(x2=30.5)))
    one = sample(image=twice)
    one["ground_truth"]["detections"][0]["bounding_box"][2] = 0.201
    found, unused = corrected(one)
    assert len(found.dataset.images[0].boxes) == 2 and len(found.changes) == 1 and unused == []


def test_what_was_done_to_a_photo_that_is_dropped_is_listed() -> None:
    one = sample(said("dent", 40, 60, 45, 70, "fix:add"), photo=["fix:drop"], box1=["fix:class=scratch"])
    one["ground_truth"]["detections"].pop()
    found, unused = corrected(one)
    assert found.dataset.images == ()
    assert found.changes == (Change("claim/a.jpg", 0, "drop image", "2 boxes", "", "fix:drop"),)
    assert [line.partition(" (")[0] for line in unused] == [
        "claim/a.jpg: box 1: class by fix:class=scratch is of no use: the photo is tagged fix:drop",
        "claim/a.jpg: a new box: add by fix:add is of no use: the photo is tagged fix:drop",
    ]


def test_photos_that_were_copied_or_added_in_the_app() -> None:
    copy = sample(box1=["fix:drop"])
    other = {"filepath": "/elsewhere/b.jpg", "tags": []}
    found, unused = corrected(sample(), copy, other)
    assert found.dataset.images == (IMAGE,) and found.changes == ()
    assert [line.partition(" (")[0] for line in unused] == [
        "claim/a.jpg: a copy of the photo was made in the App",
        "/elsewhere/b.jpg: the photo was added in the App, and is none of the data",
    ]
