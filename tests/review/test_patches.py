"""Views of single boxes: what people do there is collected or listed, whichever server they used."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from detect import conversion
from detect.data import Box, Dataset
from detect.errors import DataError
from detect.review import Reviews
from tests.review.reviewed import found, full, stored
from tests.review.user import Detect

FALSE = Box("red", 40, 2, 60, 20, 0.9)


def loaded(reviews: Reviews, name: str, squares: Dataset) -> tuple[Dataset, Any]:
    """A review of three photos; both boxes of the first are missed, and one prediction of it is false."""
    dataset = full(squares)
    reviews.load(name, dataset, {"m": found(dataset, FALSE)})
    return dataset, stored(name)


def shown(there: Any, view: str) -> Any:
    """The first patch of a view of boxes, as FiftyOne makes it; the boxes missed are in the order of their cost."""
    return there.load_saved_view(f"boxes: {view}").first()


def tag(there: Any, view: str, *tags: str) -> Any:
    """Tag the first patch of a view, which FiftyOne keeps in the copy that it shows; the patch."""
    patch = there.load_saved_view(f"boxes: {view}")
    patch.limit(1).tag_samples(list(tags))
    return patch.first()


def test_tags_of_patches_are_those_of_their_boxes(reviews: Reviews, squares: Dataset) -> None:
    dataset, there = loaded(reviews, "patches", squares)
    patch = tag(there, "missed", "fix:drop")
    tag(there, "false", "fix:add")
    changes = {(one.image, one.change, one.by) for one in reviews.collect("patches").changes}
    assert changes == {(patch.name, "drop", "fix:drop"), ("b/x.png", "add", "fix:add")}
    there.load_saved_view("boxes: missed").limit(1).untag_samples("fix:drop")
    tag(there, "missed", "Drop")
    with pytest.raises(DataError, match=r"'Drop' means nothing here \(did you mean 'fix:drop'\?\)"):
        reviews.collect("patches")
    assert dataset.boxes == 3


def test_tags_of_patches_outlive_their_view(reviews: Reviews, squares: Dataset) -> None:
    dataset, there = loaded(reviews, "kept", squares)
    there.save_view("mine", there.to_patches("ground_truth", other_fields=["name"]))
    tag(there, "missed", "fix:drop")
    there.load_saved_view("mine").limit(1).tag_samples("disputed")
    for _ in range(2):  # the views are made anew, but for the reviewer's own
        reviews.load("kept", dataset, {"m": found(dataset, FALSE)})
    there = stored("kept")
    assert there.count_label_tags() == {"fix:drop": 1, "disputed": 1}
    assert [one.by for one in reviews.collect("kept").changes] == ["fix:drop"]
    there.untag_labels(["fix:drop", "disputed"])
    reviews.load("kept", dataset, {"m": found(dataset, FALSE)})
    assert stored("kept").count_label_tags() == {} and reviews.collect("kept").changes == ()


def test_tags_that_a_patch_has_of_its_photo_are_none_of_the_box(reviews: Reviews, squares: Dataset) -> None:
    dataset, there = loaded(reviews, "inherited", squares)
    there.tag_samples("fix:drop")
    reviews.load("inherited", dataset, {"m": found(dataset, FALSE)})
    there = stored("inherited")
    assert shown(there, "missed").tags == ["fix:drop"]
    there.untag_samples("fix:drop")
    tag(there, "missed", "ok")
    result = reviews.collect("inherited")
    assert result.changes == () and result.dataset == dataset


def test_what_was_changed_in_a_copy_alone_is_listed(reviews: Reviews, squares: Dataset) -> None:
    from datetime import UTC, datetime

    _, there = loaded(reviews, "copied", squares)
    patch = shown(there, "missed")
    copy = there.load_saved_view("boxes: missed")._dataset._sample_collection
    now = datetime.now(UTC)
    change = {"last_modified_at": now, "ground_truth.label": "never"}
    copy.update_one({"_id": patch._id}, {"$set": change})
    drawn = {**copy.find_one({"_id": patch._id}), "_id": patch._dataset._doc.id}
    copy.insert_one({**drawn, "ground_truth": {**drawn["ground_truth"], "_id": drawn["_id"], "number": None}})
    with pytest.raises(DataError) as error:
        reviews.collect("copied")
    line = f"{patch.name}: a box of ground_truth: a never was drawn or changed in a view of single boxes alone"
    assert str(error.value).splitlines() == [f"{line} (do it in a view of photos)"] * 2
    result = reviews.collect("copied", partial=True)
    assert result.changes == () and len(result.unused) == 2


def test_what_is_not_used_is_refused_or_listed(
    reviews: Reviews, detect: Detect, squares: Dataset, tmp_path: Path
) -> None:
    dataset, there = loaded(reviews, "partial", squares)
    tag(there, "missed", "todo")
    photo = there.match({"name": "b/x.png"}).first()
    photo.tags.append("drop")
    photo.m.detections[0].tags.append("fix:add")
    photo.save()
    arguments = ["review", "--collect", "partial", tmp_path / "fixed.json", "--to", "coco"]
    refused = detect(*arguments, "--json", check=False)
    assert refused.returncode == 1 and not (tmp_path / "fixed.json").exists()
    assert "b/x.png: 'drop' means nothing here (did you mean 'fix:drop'?)" in refused.stderr
    problems = json.loads(refused.stdout)["problems"]
    assert sorted((one["what"], one["kind"]) for one in problems) == [
        ("'drop' means nothing here", "tag"), ("'todo' means nothing here", "tag"),
    ]  # fmt: skip
    done = detect(*arguments, "--partial", "--json")
    unused = json.loads(done.stdout)["unused"]
    assert [(one["file"], one["what"]) for one in unused] == [(one["file"], one["what"]) for one in problems]
    assert conversion.read(tmp_path / "fixed.json").boxes == dataset.boxes + 1
    with (tmp_path / "fixed.json.unused.csv").open(newline="") as file:
        assert sorted(row["what"] for row in csv.DictReader(file)) == sorted(one["what"] for one in problems)
    told = detect("review", "--collect", "partial", tmp_path / "again.json", "--to", "coco", "--partial")
    assert "2 things done in the App are not used, listed in" in told.stdout and "'todo' means nothing" in told.stdout


def test_a_box_that_is_drawn_over_a_patch_is_one_of_the_photo(reviews: Reviews, squares: Dataset) -> None:
    from detect.review.fiftyone.server import draw_box

    dataset, there = loaded(reviews, "drawn", squares)
    patch, name = shown(there, "missed"), "6b0c4958eaa7941adb57fbd8"
    photo = there[str(patch.sample_id)]
    before = {image.name: image.boxes for image in dataset.images}[photo.name]
    edges = [{"op": "replace", "path": f"/bounding_box/{i}", "value": value} for i, value in enumerate([0.5] * 4)]
    stale = [{"op": "add", "path": path, "value": 1} for path in ("/number", "/m_cost", "/tags")]
    draw_box(photo, patch.ground_truth, name, [*edges, {"op": "replace", "path": "/_id", "value": name}, *stale])
    photo.save()
    with pytest.raises(DataError, match=f"{photo.name}: .* 32,32 64,64 was drawn, and its class not chosen"):
        reviews.collect("drawn")
    draw_box(photo, patch.ground_truth, name, [{"op": "replace", "path": "/label", "value": "never"}])
    photo.save()
    result = reviews.collect("drawn")
    assert {image.name: image.boxes for image in result.dataset.images}[photo.name] == (
        *before, Box("never", 32, 32, 64, 64),
    )  # fmt: skip
    draw_box(photo, patch.ground_truth, name, [{"op": "remove", "path": ""}])
    photo.save()
    assert reviews.collect("drawn").dataset == dataset


@pytest.mark.parametrize(
    ("operation", "proposed"),
    [
        ({"op": "add", "path": "/ground_truth/detections/-", "value": {"bounding_box": [0], "label": "red"}}, ["red"]),
        ({"op": "add", "path": "/ground_truth", "value": {"detections": [{"bounding_box": [0], "label": "x"}]}}, ["x"]),
        # a box of the data that comes back, another field, and what is no box
        ({"op": "add", "path": "/ground_truth/detections/1", "value": {"bounding_box": [0], "number": 2}}, []),
        ({"op": "add", "path": "/other/detections/-", "value": {"bounding_box": [0], "label": "red"}}, []),
        ({"op": "replace", "path": "/ground_truth/detections/1/label", "value": "red"}, []),
        ({"op": "remove", "path": "/ground_truth/detections/1"}, []),
    ],
)
def test_the_class_of_a_new_box_is_noted_as_the_app_s(operation: dict[str, Any], proposed: list[str]) -> None:
    from detect.review.fiftyone.server import note_proposals

    note_proposals([operation])
    value = operation.get("value")
    boxes = value.get("detections", [value]) if isinstance(value, dict) else []
    assert [box["proposed"] for box in boxes if "proposed" in box] == proposed
