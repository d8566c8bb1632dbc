"""Datasets in FiftyOne's database and back: nothing is lost, nothing starts over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detect import conversion
from detect.data import Attributes, Dataset, Predictions
from detect.errors import DataError, DetectError, Problem
from detect.evaluation import Evaluation, evaluate
from detect.review import Reviews
from tests.review.reviewed import full, nothing_found, stored
from tests.review.user import FOUND


@pytest.fixture(scope="module")
def first(sample: tuple[Path, Dataset]) -> Evaluation:
    return evaluate(sample[1], conversion.read_predictions(FOUND[0]), replicates=0, group=r"(claim-\d+)")


def test_a_dataset_comes_back_as_it_was(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    reviews.load("full", dataset, {"model": nothing_found(dataset)})
    result = reviews.collect("full")
    assert result.dataset == dataset
    assert [image.path for image in result.dataset.images] == [
        image.path.resolve() for image in dataset.images if image.path
    ]
    assert result.changes == ()


def test_what_the_reviewer_sees(reviews: Reviews, sample: tuple[Path, Dataset], first: Evaluation) -> None:
    problem = Problem("repaired", "box clipped", "x2 is 700", file="labels/claim-0001_2_front.txt", where="line 1")
    reviews.load("seen", sample[1], {"model": first}, problems=(problem,))
    there = stored("seen")
    point, table = first.outcomes, first.table
    status = there.values("ground_truth.detections.model_status", unwind=True)
    assert status == ["missed" if missed else "found" for missed in point.missed]
    found = there.values("model.detections.status", unwind=True)
    assert (found.count("right"), found.count("false")) == (int((point.kind == 0).sum()), int(point.wrong.sum()))
    assert len(there.values("model_unsure.detections", unwind=True)) == len(table.detections.score) - len(point.rows)
    assert sum(there.values("model_mistakes")) == int(point.wrong.sum() + point.missed.sum())
    assert sorted(set(there.values("claim"))) == sorted(first.groups)
    assert there.values("problems")[1] == ["box clipped: line 1: x2 is 700"]
    one = there.match({"model_mistakes": 0}).first()
    assert one.model_worst == 0 and one.model_f1 in (1.0, None)
    assert there.description.startswith("model: AP50 0.6")
    box = next(one for one in there.first().ground_truth.detections if one.model_status == "missed")
    assert box.model_reason in {"nothing", "unsure", "poor_box", "wrong_class", "both"} and box.model_cost > 0


def test_loading_again_adds_what_is_new_and_keeps_every_tag(
    reviews: Reviews, sample: tuple[Path, Dataset], first: Evaluation
) -> None:
    dataset = sample[1]
    half = replace(dataset, images=dataset.images[:20])
    found = conversion.read_predictions(FOUND[0])
    some = {image.name: found.images[image.name] for image in half.images}
    part = evaluate(half, Predictions(found.classes, some), replicates=0)
    reviews.load("again", half, {"model": part})
    there = stored("again")
    photo = there.first()
    photo.tags.append("ok")
    photo.ground_truth.detections[0].tags.append("fix:drop")
    photo.save()
    reviews.load("again", half, {"model": part})  # the same again
    assert list(there.info["detect"]["models"]) == ["model"]
    reviews.load("again", dataset, {"model": first})  # more photos: other results, another field
    there.reload()
    assert list(there.info["detect"]["models"]) == ["model", "model_2"]
    assert len(there) == 40
    assert there.first().tags == ["ok"] and there.first().ground_truth.detections[0].tags == ["fix:drop"]
    assert [change.by for change in reviews.collect("again").changes] == ["fix:drop"]
    assert there.values("ground_truth.detections.model_2_status", unwind=True).count(None) == 0


def test_photos_that_come_later_add_their_attributes(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    for image in (dataset.images[1], dataset.images[0]):  # the second has other attributes than the first
        part = replace(dataset, images=(image,))
        reviews.load("later", part, {"model": nothing_found(part)})
    assert reviews.collect("later").dataset.images == (dataset.images[1], dataset.images[0])
    box = stored("later").match({"name": "b/x.png"}).first().ground_truth.detections[0]
    assert (box.severity, box.hidden, box.note) == ("3", True, "a, b\nc")  # the first made severity a text


def test_a_number_that_becomes_a_word_becomes_text(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    other = replace(dataset.images[1], attributes=Attributes({"claim": "7b", "a b": 1}))
    again = replace(dataset.images[2], attributes=Attributes({"claim": 8, "a-b": 2}))
    later = [replace(dataset, images=(image,)) for image in (dataset.images[0], other, again)]
    reviews.load("words", later[0], {"model": nothing_found(later[0])})
    photo = stored("words").first()
    photo.ground_truth.detections[0].severity = 5
    photo.save()
    for part in later[1:]:  # "bad", where the field holds whole numbers; and two names for one field
        reviews.load("words", part, {"model": nothing_found(part)})
    there = stored("words")
    assert there.values("ground_truth.detections.severity_") == [["5", None], ["bad"], []]
    assert there.values("image_claim_") == ["7", "7b", "8"]
    assert (there.values("image_a_b"), there.values("image_a_b_")) == ([None, 1, None], [None, None, 2])
    assert not there.has_field("image_claim") and not there.has_field("ground_truth.detections.severity")
    result = reviews.collect("words")
    assert result.dataset.images[1:] == (other, again)
    assert [change.box for change in result.changes] == [1]
    assert result.dataset.images[0].boxes[0].attributes == {**dataset.images[0].boxes[0].attributes, "severity": "5"}


def test_problems_go_to_the_one_photo_that_they_can_mean(squares: Dataset) -> None:
    from detect.review.documents import image_fields

    dataset = full(squares)  # two photos are called x.png
    problems = [Problem("note", "kind", "what", file=f"labels/{name}.txt") for name in ("x", "c ü", "other")]
    assert image_fields(dataset, nothing_found(dataset), problems) == {"c ü.png": {"problems": ["kind: what"]}}


def test_other_annotations_under_the_same_name_are_refused(
    reviews: Reviews, sample: tuple[Path, Dataset], first: Evaluation
) -> None:
    dataset = sample[1]
    reviews.load("mine", dataset, {"model": first})
    image = dataset.images[0]
    moved = replace(image, boxes=(image.boxes[0]._replace(x1=0.5), *image.boxes[1:]))
    changed = replace(dataset, images=(moved, *dataset.images[1:]))
    with pytest.raises(DataError, match=f"other annotations of 1 images, first {image.name}; give another --name"):
        reviews.load("mine", changed, {"model": first})


def test_photos_that_moved_are_shown_from_where_they_are_now(
    reviews: Reviews, squares: Dataset, tmp_path: Path
) -> None:
    dataset = full(squares)
    reviews.load("moved", dataset, {"model": nothing_found(dataset)})
    images = []
    for number, image in enumerate(dataset.images):
        new = tmp_path / f"{number}.png"
        new.write_bytes(image.path.read_bytes() if image.path else b"")
        images.append(replace(image, path=new))
    reviews.load("moved", replace(dataset, images=tuple(images)), {"model": nothing_found(dataset)})
    assert stored("moved").values("filepath") == [str(image.path) for image in images]
    (tmp_path / "1.png").unlink()
    with pytest.raises(DataError, match=r"1 of 3 photos is not there, first a/x\.png"):
        reviews.load("moved", replace(dataset, images=tuple(images)), {"model": nothing_found(dataset)})


def test_an_unknown_review_names_those_that_there_are(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    reviews.load("a", dataset, {"model": nothing_found(dataset)})
    with pytest.raises(DetectError, match=r"there is no review called 'fool'; there are: a(, |$)"):
        reviews.collect("fool")


def test_a_dataset_of_somebody_else_is_left_alone(reviews: Reviews, squares: Dataset) -> None:
    import fiftyone

    fiftyone.Dataset("theirs", persistent=True)
    with pytest.raises(DetectError, match="a dataset of FiftyOne's that `detect review` did not make"):
        reviews.load("theirs", full(squares), {"model": nothing_found(full(squares))})


def test_views_of_the_reviewer_stay(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    reviews.load("views", dataset, {"model": nothing_found(dataset)})
    there = stored("views")
    there.save_view("mine", there.limit(1))
    views = reviews.load("views", dataset, {"model": nothing_found(dataset)})
    assert "mine" in there.list_saved_views() and "missed damage" in views


def test_a_load_that_was_killed_is_mended_by_the_next(
    reviews: Reviews, sample: tuple[Path, Dataset], first: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detect.review.fiftyone import store

    class Killed(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(store, "_insert", dies)
        with pytest.raises(Killed):
            reviews.load("killed", sample[1], {"model": first})
    with pytest.raises(DetectError, match="no review called 'killed'"):
        stored("killed")
    with monkeypatch.context() as patch:
        patch.setattr(store, "BATCH", 15)
        calls = iter([store._update] * 20)
        patch.setattr(store, "_update", lambda *given: next(calls, dies)(*given))
        with pytest.raises(Killed):
            reviews.load("killed", sample[1], {"model": first})
    there = stored("killed")
    photo = there.first()
    photo.tags.append("ok")
    photo.save()
    reviews.load("killed", sample[1], {"model": first})
    assert list(there.info["detect"]["models"]) == ["model"]
    status = there.values("ground_truth.detections.model_status", unwind=True)
    assert status == ["missed" if missed else "found" for missed in first.outcomes.missed]
    assert there.first().tags == ["ok"]


def test_a_map_of_photos_that_look_alike(
    reviews: Reviews, sample: tuple[Path, Dataset], first: Evaluation, tmp_path: Path
) -> None:
    torchvision = pytest.importorskip("torchvision")
    from detect.models.weights import save_tensors
    from detect.review.fiftyone.maps import MAP, SIMILAR

    save_tensors(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "resnet18.pth")
    dataset = sample[1]
    reviews.load("map", dataset, {"model": first})
    for _ in range(2):  # the second replaces the first
        reviews.embed("map", dataset.images, tmp_path / "resnet18.pth")
    there = stored("map")
    assert sorted(there.list_brain_runs()) == sorted([MAP, SIMILAR])
    places = there.load_brain_results(MAP).points
    assert places.shape == (40, 2) and len({tuple(place) for place in places.tolist()}) == 40
    near = there.sort_by_similarity(there.first().id, brain_key=SIMILAR, k=5)
    assert near.first().id == there.first().id and len(near) == 5
