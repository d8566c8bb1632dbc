"""What could get lost or mixed up: names, attributes that look like findings, two models, two places, two commands."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detect.data import Attributes, Box, Dataset
from detect.errors import DataError, DetectError
from detect.review import Reviews
from tests.review.reviewed import found, full, nothing_found, stored


def tagged(name: str, field: str, tag: str) -> None:
    """Tag the first box of this field in the first photo."""
    photo = stored(name).first()
    photo[field].detections[0].tags.append(tag)
    photo.save()


def test_classes_that_an_address_cannot_tell_apart_have_views_of_their_own(reviews: Reviews, squares: Dataset) -> None:
    names = ("tire flat", "tire_flat", "царапина", "вмятина")
    dataset = replace(full(squares), classes=("red", "blue", *names))
    for _ in range(2):
        views = reviews.load("names", dataset, {"model": nothing_found(dataset)})
        assert [view for view in views if view.startswith("class: ")][2:] == [
            "class: tire flat", "class: tire_flat (2)", "class: царапина", "class: вмятина (2)",
        ]  # fmt: skip


def test_a_view_of_the_reviewer_s_keeps_its_address(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    reviews.load("address", dataset, {"model": nothing_found(dataset)})
    there = stored("address")
    there.delete_saved_view("missed damage")
    there.save_view("Missed-Damage", there.limit(1))
    views = reviews.load("address", dataset, {"model": nothing_found(dataset)})
    assert "missed damage (2)" in views and "Missed-Damage" in there.list_saved_views()


@pytest.mark.parametrize(
    ("name", "said"), [("царапины", "cannot be called 'царапины'.*--name"), ("my-cars", "the address of 'my cars'")]
)
def test_a_name_that_cannot_be_one_is_refused_before_anything_is_loaded(
    reviews: Reviews, squares: Dataset, name: str, said: str
) -> None:
    import fiftyone

    dataset = full(squares)
    reviews.load("my cars", dataset, {"model": nothing_found(dataset)})
    before = fiftyone.list_datasets()
    with pytest.raises(DetectError, match=said):
        reviews.load(name, dataset, {"model": nothing_found(dataset)})
    assert fiftyone.list_datasets() == before


def test_attributes_of_any_name_and_size_come_back(reviews: Reviews, squares: Dataset) -> None:
    some = Attributes({
        "тяжесть": 2, "1st": True, "has_mask": "x", "vin": 12345678901234567890,
        "repair_status": "open", "repair_cost": 250.5, "repair_unsure": "y",
    })  # fmt: skip
    dataset = full(squares)
    first = replace(dataset.images[0], boxes=(Box("red", 1, 2, 30, 40, attributes=some),), attributes=some)
    dataset = replace(dataset, images=(first, *dataset.images[1:]))
    reviews.load("repair", dataset, {"repair": found(dataset, Box("red", 1, 2, 30, 40, 0.9))})
    there = stored("repair")
    assert list(there.info["detect"]["models"]) == ["repair_2"]
    box = there.first().ground_truth.detections[0]
    assert (box.attribute, box.attribute_1st, box.vin) == (2, True, "12345678901234567890")
    assert (box.repair_status, box.repair_2_status) == ("open", "found")
    result = reviews.collect("repair")
    assert result.dataset == dataset and result.changes == ()


def test_a_prediction_that_did_not_count_can_be_added_and_disputed(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    unsure = Box("red", 40, 2, 60, 20, 0.1)
    reviews.load("unsure", dataset, {"m": found(dataset, unsure)})
    tagged("unsure", "m_unsure", "disputed")
    assert reviews.collect("unsure").disputed == {"b/x.png"}
    tagged("unsure", "m_unsure", "fix:add")
    result = reviews.collect("unsure")
    assert [change.by for change in result.changes] == ["fix:add"]
    assert result.dataset.images[0].boxes[-1] == unsure._replace(score=None)


def test_what_two_models_say_alike_is_added_once_and_answers_the_issue_of_both(
    reviews: Reviews, squares: Dataset
) -> None:
    dataset = full(squares)
    box = Box("red", 40, 2, 60, 20, 0.99)
    reviews.load("both", dataset, {"a": found(dataset, box)})
    there = stored("both")
    photo = there.first()
    photo.a.detections[0]["label_issue"] = "missing"
    photo.save()
    assert reviews.collect("both").disputed == {"b/x.png"}
    tagged("both", "a", "fix:add")
    assert reviews.collect("both").disputed == frozenset()
    reviews.load("both", dataset, {"b": found(dataset, box._replace(x2=60.5))})
    photo = stored("both").first()
    photo.b.detections[0]["label_issue"] = "missing"
    photo.save()
    assert reviews.collect("both").disputed == frozenset()  # the box is added already
    tagged("both", "b", "fix:add")
    result = reviews.collect("both")
    assert [change.by for change in result.changes] == ["fix:add"]
    assert [b.x2 for b in result.dataset.images[0].boxes] == [17.3, 7, 60]


def test_photos_and_boxes_that_somebody_deleted_in_the_database(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    reviews.load("deleted", dataset, {"m": found(dataset)})
    there = stored("deleted")
    there.delete_samples([there.match({"name": "c ü.png"}).first().id])
    photo = there.first()
    photo.ground_truth = None
    photo.save()
    changes = reviews.collect("deleted").changes
    assert [(one.image, one.change) for one in changes] == [
        ("b/x.png", "drop"), ("b/x.png", "drop"), ("", "drop image"),
    ]  # fmt: skip
    assert changes[-1].before == "1 photos"
    reviews.load("deleted", dataset, {"n": found(dataset, Box("red", 40, 2, 60, 20, 0.9))})
    assert stored("deleted").first().n_mistakes == 1 + 2  # the boxes of the data count, whatever became of the field


def test_other_data_of_the_same_name_is_told_by_its_place(reviews: Reviews, squares: Dataset, tmp_path: Path) -> None:
    dataset = full(squares)
    other = replace(dataset, images=(replace(dataset.images[2], name="other.png"),))
    reviews.load("data", dataset, {"m": nothing_found(dataset)}, source=tmp_path / "a" / "data")
    reviews.load("data", dataset, {"m": nothing_found(dataset)}, source=tmp_path / "a" / "data")
    for one in (other, dataset):  # other photos; the same, while those of before are where they were
        with pytest.raises(DataError, match=f"is of {tmp_path}/a/data, not of {tmp_path}/b/data; give another --name"):
            reviews.load("data", one, {"m": nothing_found(one)}, source=tmp_path / "b" / "data")
    assert len(stored("data")) == 3


def test_an_undamaged_photo_that_is_flagged(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    dataset = replace(dataset, images=(dataset.images[2], *dataset.images[:2]))
    views = reviews.load("flagged", dataset, {"m": found(dataset, Box("red", 40, 2, 60, 20, 0.9))})
    assert (views["undamaged, flagged"], views["damaged, not flagged"]) == (1, 2)
    assert stored("flagged").load_saved_view("undamaged, flagged").values("name") == ["c ü.png"]


def test_pages_of_one_split_of_a_review_of_two(reviews: Reviews, squares: Dataset, tmp_path: Path) -> None:
    dataset = full(squares)
    parts = [replace(dataset, images=(image,)) for image in dataset.images[:2]]
    for part in parts:
        views = reviews.load("splits", part, {"m": found(part)})
    assert views["missed damage"] == 1 and views["class: red"] == 0  # of what this model saw
    reviews.export("splits", tmp_path / "pages", parts[1], "m", found(parts[1]))
    assert "a/x.png" in (tmp_path / "pages" / "missed-damage.html").read_text()


def test_claims_and_problems_come_with_a_later_reading(reviews: Reviews, sample: tuple[Path, Dataset]) -> None:
    from detect.data import Predictions
    from detect.evaluation import evaluate

    dataset = sample[1]
    said = Predictions(dataset.classes, {image.name: () for image in dataset.images})
    reviews.load("claims", dataset, {"m": evaluate(dataset, said, replicates=0)})
    assert not stored("claims").has_field("claim")
    reviews.load("claims", dataset, {"m": evaluate(dataset, said, replicates=0, group=r"(claim-\d+)")})
    there = stored("claims")
    assert there.values("claim") == [name[:10] for name in there.values("name")]


def test_two_at_once_under_a_new_name(reviews: Reviews, squares: Dataset) -> None:
    dataset = full(squares)
    models = {"a": found(dataset), "b": found(dataset, Box("red", 40, 2, 60, 20, 0.9))}
    errors: list[BaseException] = []

    def load(model: str) -> None:
        try:
            reviews.load("twice", dataset, {model: models[model]})
        except BaseException as error:  # noqa: BLE001  whatever it is, the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=load, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    there = stored("twice")
    assert sorted(there.info["detect"]["models"]) == ["a", "b"] and len(there) == 3


def test_a_map_needs_some_photos(reviews: Reviews, squares: Dataset) -> None:
    from detect.review.fiftyone.maps import add_map

    dataset = full(squares)
    reviews.load("few", dataset, {"m": nothing_found(dataset)})
    with pytest.raises(DataError, match="2 photos are too few for a map"):
        add_map(stored("few"), ["b/x.png", "a/x.png"], np.zeros((2, 4), np.float32))


def test_a_review_whose_first_load_was_interrupted_can_be_collected(
    reviews: Reviews, squares: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detect.review.fiftyone import store

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    dataset = full(squares)
    with monkeypatch.context() as patch:
        patch.setattr(store, "field_of", dies)
        with pytest.raises(KeyboardInterrupt):
            reviews.load("early", dataset, {"m": nothing_found(dataset)})
    assert reviews.collect("early").dataset == dataset
