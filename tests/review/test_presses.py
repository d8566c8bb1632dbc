"""What a press does to the tags of a box or a photo, without the App."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from detect.review.presses import (
    NEXT,
    PRESSES,
    UNDO,
    Ask,
    Meaning,
    Refusal,
    Tag,
    looked_at,
    meaning,
    summary,
    tagged,
    together,
)  # fmt: skip

CLASSES = ("dent", "scratch", "crack")
DENT: dict[str, Any] = {"label": "dent", "number": 3, "tags": []}
SEEN: dict[str, Any] = {"label": "scratch", "confidence": 0.8, "status": "false"}


def on_dent(iou: float, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A prediction of a scratch that means box 3, and that box."""
    return {**SEEN, "truth": 3, "iou": iou}, {**DENT, **more}


@pytest.mark.parametrize(
    ("press", "field", "document", "tag"),
    [
        ("right", "ground_truth", DENT, "ok"),
        ("right", "yolo", SEEN, "ok"),
        ("right", "", {"name": "a.jpg"}, "ok"),  # of the photo, not of the boxes in it
        ("disputed", "yolo_unsure", SEEN, "disputed"),
        ("disputed", "", {"name": "a.jpg"}, "disputed"),
        ("drop", "ground_truth", DENT, "fix:drop"),
        ("add", "yolo", SEEN, "fix:add"),  # nothing lies there
        ("add", "yolo_unsure", SEEN, "fix:add"),
        ("add", "yolo", {**SEEN, "truth": 3, "iou": 0.9}, "fix:add"),  # somebody deleted the box that it meant
    ],
)
def test_a_press_that_is_plain(press: str, field: str, document: dict[str, Any], tag: str) -> None:
    assert meaning(press, field, document, CLASSES) == Tag(tag)


@pytest.mark.parametrize(
    ("press", "field", "document", "why"),
    [
        ("drop", "yolo", SEEN, "no box of the data"),
        ("add", "ground_truth", DENT, "there already"),
        ("add", "", {}, "no box is selected"),
        ("wrong_class", "", {}, "no box is selected"),
    ],
)
def test_a_press_that_means_nothing_says_why(press: str, field: str, document: dict[str, Any], why: str) -> None:
    said = meaning(press, field, document, CLASSES)
    assert isinstance(said, Refusal) and why in said.why


def test_a_whole_photo_is_left_out_only_after_asking() -> None:
    asked = meaning("drop", "", {"name": "a.jpg"}, CLASSES)
    assert isinstance(asked, Ask) and "a.jpg" in asked.question and list(asked.choices) == ["fix:drop"]


@pytest.mark.parametrize(
    ("field", "document", "choices", "likely"),
    [
        ("ground_truth", DENT, ["fix:class=scratch", "fix:class=crack"], ""),
        # What the detector would rather see stands first in the form.
        ("ground_truth", {**DENT, "yolo_label_issue_class": "crack"}, ["fix:class=scratch", "fix:class=crack"],
         "fix:class=crack"),
        ("ground_truth", {**DENT, "yolo_label_issue_class": None}, ["fix:class=scratch", "fix:class=crack"], ""),
        ("yolo", SEEN, ["fix:add=dent", "fix:add=crack"], ""),
        ("ground_truth", {"label": None}, ["fix:class=dent", "fix:class=scratch", "fix:class=crack"], ""),  # drawn
    ],
)  # fmt: skip
def test_the_class_is_asked_for(field: str, document: dict[str, Any], choices: list[str], likely: str) -> None:
    asked = meaning("wrong_class", field, document, CLASSES)
    assert isinstance(asked, Ask) and list(asked.choices) == choices and asked.likely == likely


def test_where_there_is_one_class_none_is_wrong() -> None:
    assert isinstance(meaning("wrong_class", "ground_truth", DENT, ("dent",)), Refusal)


@pytest.mark.parametrize(
    ("iou", "more", "expected"),
    [
        (0.9, {}, ["fix:class=scratch", "fix:add=scratch"]),  # which is meant?
        (0.5, {}, ["fix:class=scratch", "fix:add=scratch"]),
        (0.49, {}, "fix:add"),  # another place
        (0.9, {"tags": ["fix:drop"]}, "fix:add"),  # the box goes, this one comes
        (0.9, {"tags": ["fix:class=scratch"]}, None),  # it is a scratch already
        (0.9, {"label": "scratch"}, None),
        (0.9, {"tags": ["ok"]}, ["fix:class=scratch", "fix:add=scratch"]),
        (0.9, {"tags": None}, ["fix:class=scratch", "fix:add=scratch"]),
    ],
)
def test_a_prediction_is_not_added_where_its_box_is(
    iou: float, more: dict[str, Any], expected: list[str] | str | None
) -> None:
    found, truth = on_dent(iou, **more)
    said = meaning("add", "yolo", found, CLASSES, truth)
    if isinstance(said, Ask):
        assert list(said.choices) == expected and "Box 3" in said.question
    else:
        assert said == Tag(str(expected)) if expected else isinstance(said, Refusal) and "box 3" in said.why


@pytest.mark.parametrize(
    ("before", "tag", "after"),
    [
        ([], "ok", ["ok"]),
        (None, "ok", ["ok"]),
        (["ok"], "ok", ["ok"]),  # twice is once
        (["ok"], "fix:drop", ["fix:drop"]),  # else they contradict each other
        (["fix:drop"], "fix:class=dent", ["fix:class=dent"]),
        (["fix:class=dent"], "fix:class=crack", ["fix:class=crack"]),
        (["fix:drop"], "disputed", ["fix:drop", "disputed"]),
        (["disputed"], "ok", ["disputed", "ok"]),
        (["mine", "fix:add"], "ok", ["mine", "ok"]),  # the reviewer's own tags stay
    ],
)
def test_the_tags_after_a_press(before: list[str] | None, tag: str, after: list[str]) -> None:
    assert tagged(before, tag) == after


ASK = Ask("Which?", {"fix:class=a": "a", "fix:class=b": "b"})


@pytest.mark.parametrize(
    ("meanings", "expected"),
    [
        ([], Refusal),
        ([Tag("ok")], Tag),
        ([Tag("ok"), Tag("ok")], Tag),
        ([Tag("fix:drop"), Refusal("no")], Refusal),  # all or nothing
        ([Tag("fix:add"), ASK], Refusal),  # one at a time
        ([ASK], Ask),
        ([ASK, Ask("Which?", {"fix:class=c": "c"})], Refusal),  # nothing in common
    ],
)
def test_what_is_selected_is_tagged_together_or_not_at_all(meanings: list[Meaning], expected: type) -> None:
    assert isinstance(together(meanings), expected)


def test_one_question_for_several_boxes_offers_what_is_right_for_all() -> None:
    other = Ask("Which?", {"fix:class=b": "b", "fix:class=c": "c"})
    asked = together([ASK, other])
    assert isinstance(asked, Ask) and list(asked.choices) == ["fix:class=b"] and "all 2" in asked.question


@pytest.mark.parametrize(
    ("tags", "seen", "said"),
    [
        ([], False, "nothing yet"),
        ([None, []], False, "nothing yet"),
        ([["mine"], ["validated"]], False, "nothing yet"),  # tags of their own say nothing to `--collect`
        ([["ok"]], True, "1 right"),
        ([["fix:drop"], ["fix:drop", "disputed"], ["fix:class=dent"], ["fix:add=dent"]], True,
         "2 left out, 1 disputed, 1 another class, 1 added"),
    ],
)  # fmt: skip
def test_progress(tags: list[Sequence[str] | None], seen: bool, said: str) -> None:
    assert looked_at(tags) is seen
    assert summary(tags) == said


def test_each_key_is_one_press() -> None:
    every = (*PRESSES, NEXT, UNDO)
    assert len({press.key for press in every}) == len({press.name for press in every}) == len(every)
