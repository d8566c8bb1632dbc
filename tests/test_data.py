"""Box, Image, Dataset, Predictions: frozen values with names inside."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Photo

from detect.data import Attributes, Box, Dataset, Image, Predictions
from detect.errors import DataError

DENT = Box("dent", 10, 20, 40, 25)
SCRATCH = Box("scratch", 0, 0, 5, 5)


def dataset(*images: Image) -> Dataset:
    return Dataset(("dent", "scratch"), images)


def test_a_box_has_exclusive_far_edges() -> None:
    assert (DENT.width, DENT.height, DENT.area, DENT.xyxy) == (30, 5, 150, (10, 20, 40, 25))


def test_attributes_make_another_box() -> None:
    worse = DENT.with_attributes(severity=2).with_attributes(severity=3, occluded=True)
    assert worse.attributes == {"severity": 3, "occluded": True}
    assert DENT.attributes == {}
    assert worse != DENT
    assert hash(worse) == hash(DENT.with_attributes(occluded=True, severity=3))  # the order does not count


CHANGES = [
    # every way in which a dict can be changed
    lambda a: a.__setitem__("k", 1),
    lambda a: a.__delitem__("severity"),
    lambda a: a.__ior__({"k": 1}),
    lambda a: a.update(k=1),
    lambda a: a.pop("severity"),
    lambda a: a.popitem(),
    lambda a: a.setdefault("k", 1),
    lambda a: a.clear(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_attributes_are_frozen(change: Any) -> None:
    attributes = Attributes(severity=3)
    with pytest.raises(TypeError, match="with_attributes"):
        change(attributes)
    assert attributes == {"severity": 3}


def test_values_survive_a_pickle() -> None:  # data loaders send them to worker processes
    image = Image("a.jpg", 100, 50, (DENT.with_attributes(severity=3),), "train", Attributes(place="rear"))
    copy = pickle.loads(pickle.dumps(image))  # noqa: S301
    assert copy == image
    assert isinstance(copy.boxes[0].attributes, Attributes)


def test_where_a_file_lies_is_not_what_it_is() -> None:
    assert Image("a.jpg", 9, 9, path=Path("here/a.jpg")) == Image("a.jpg", 9, 9)
    assert Image("a.jpg", 9, 9) != Image("a.jpg", 9, 9, split="val")


def test_an_image_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Image("a.jpg", 9, 9).width = 10  # type: ignore[misc]


WRONG_DATASETS = [
    # classes, images, what must be said
    (("dent", "dent"), (), "class 'dent' stands twice"),
    (("dent",), (Image("a.jpg", 9, 9), Image("a.jpg", 9, 9)), "image 'a.jpg' stands twice"),
    (("dent",), (Image("a.jpg", 9, 9, (SCRATCH,)),), "a.jpg: label 'scratch' is not among the classes"),
    (("dent",), (Image("a.jpg", 9, 9, (DENT._replace(score=0.5),)),), "a.jpg: ground truth has a score"),
]


@pytest.mark.parametrize(("classes", "images", "said"), WRONG_DATASETS)
def test_a_wrong_dataset_is_refused(classes: tuple[str, ...], images: tuple[Image, ...], said: str) -> None:
    with pytest.raises(DataError) as caught:
        Dataset(classes, images)
    assert said in str(caught.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(DataError) as caught:
        Dataset(("dent", "dent"), (Image("a.jpg", 9, 9, (SCRATCH,)), Image("a.jpg", 9, 9)))
    assert len(str(caught.value).splitlines()) == 3


def test_the_same_name_in_two_folders_is_two_images() -> None:
    assert len(dataset(Image("a/1.jpg", 9, 9), Image("b/1.jpg", 9, 9))) == 2


def test_an_undamaged_car_is_data() -> None:
    data = dataset(Image("clean.jpg", 9, 9), Image("b.jpg", 9, 9, (DENT, SCRATCH)))
    assert (len(data), data.boxes) == (2, 2)


def test_splits_come_in_the_usual_order() -> None:
    splits = ("zebra", "test", None, "train", "extra", "val")
    data = dataset(*(Image(f"{n}.jpg", 9, 9, split=s) for n, s in enumerate(splits)))
    assert data.splits == ("train", "val", "test", "extra", "zebra")
    assert [i.name for i in data.only("val").images] == ["5.jpg"]
    assert data.only("val").classes == data.classes


SPLITLESS = [
    # the splits there are, what the message names
    (("train", "val"), "the data has: train, val"),
    ((None, None), "no splits; make them with `detect split`"),
]


@pytest.mark.parametrize(("splits", "said"), SPLITLESS)
def test_an_absent_split_names_those_there_are(splits: tuple[str | None, ...], said: str) -> None:
    data = dataset(*(Image(f"{n}.jpg", 9, 9, split=s) for n, s in enumerate(splits)))
    with pytest.raises(DataError, match=said):
        data.only("test")


def test_columns_of_a_dataset() -> None:
    data = dataset(Image("a.jpg", 9, 9, (SCRATCH, DENT)), Image("clean.jpg", 9, 9), Image("c.jpg", 9, 9, (DENT,)))
    columns = data.columns()
    assert columns.xyxy.tolist() == [[0, 0, 5, 5], [10, 20, 40, 25], [10, 20, 40, 25]]
    assert [columns.classes[i] for i in columns.label] == ["scratch", "dent", "dent"]
    assert [columns.names[i] for i in columns.image] == ["a.jpg", "a.jpg", "c.jpg"]
    assert columns.names == ("a.jpg", "clean.jpg", "c.jpg")  # the image without boxes is not lost
    assert np.isnan(columns.score).all()


@pytest.mark.parametrize("nothing", [dataset(), dataset(Image("a.jpg", 9, 9)), Predictions((), {})])
def test_columns_of_no_boxes(nothing: Dataset | Predictions) -> None:
    columns = nothing.columns()
    assert columns.xyxy.shape == (0, 4)
    assert columns.label.shape == columns.image.shape == columns.score.shape == (0,)
    assert columns.xyxy.dtype == np.float64
    assert columns.label.dtype == np.int64


def test_columns_of_predictions_hold_the_scores() -> None:
    predictions = Predictions(("dent",), {"a.jpg": (), "b.jpg": (DENT._replace(score=0.25),)})
    columns = predictions.columns()
    assert columns.score.tolist() == [0.25]
    assert columns.names == ("a.jpg", "b.jpg")  # looked and found nothing is not the same as absent


SCORES = [
    # a score, is it one?
    (0.0, True),
    (1.0, True),
    (None, False),  # that is ground truth
    (1.01, False),
    (-0.01, False),
    (math.nan, False),
]


@pytest.mark.parametrize(("score", "good"), SCORES)
def test_a_prediction_needs_a_score_in_0_to_1(score: float | None, good: bool) -> None:
    if good:
        assert len(Predictions(("dent",), {"a.jpg": (DENT._replace(score=score),)})) == 1
    else:
        with pytest.raises(DataError, match=r"a score is a number in 0..1, got|a prediction needs a score in 0..1"):
            Predictions(("dent",), {"a.jpg": (DENT._replace(score=score),)})


def test_a_prediction_has_a_known_label() -> None:
    with pytest.raises(DataError, match=r"a.jpg: label 'dent' is not among the classes \(2 boxes"):
        Predictions(("scratch",), {"a.jpg": (DENT._replace(score=0.5),), "b.jpg": (DENT._replace(score=0.5),)})


ODD_NAMES = ["a..b.jpg", "...jpg", ".hidden/a.jpg", "claim 1/ü: front.jpg", "a.", "a\\b.jpg", "1:2.jpg"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_a_name(name: str) -> None:
    assert Image(name, 1, 1).name == name
    assert Predictions((), {name: ()}).images == {name: ()}


def test_predictions_have_names_of_images() -> None:
    with pytest.raises(DataError) as caught:
        Predictions(("dent", "dent"), {"/a.jpg": (), "../b.jpg": (DENT,)})
    assert len(caught.value.problems) == 4  # two names, a class that stands twice, no score


def test_equal_content_is_equal_and_cannot_change() -> None:
    images = [Image("a.jpg", 9, 9, [DENT])]  # type: ignore[arg-type]
    lists = Dataset(["dent"], images)  # type: ignore[arg-type]
    assert lists == Dataset(("dent",), (Image("a.jpg", 9, 9, (DENT,)),))
    assert hash(lists) == hash(Dataset(("dent",), (Image("a.jpg", 9, 9, (DENT,)),)))
    images.clear()
    assert len(lists) == 1
    sure = DENT._replace(score=0.5)
    found = Predictions(["dent"], {"a.jpg": [sure]})  # type: ignore[arg-type, dict-item]
    assert found == Predictions(("dent",), {"a.jpg": (sure,)})
    assert found.images["a.jpg"] == (sure,)


def test_many_equal_problems_are_said_once() -> None:
    images = [Image(f"{n}.jpg", 9, 9, (SCRATCH, SCRATCH)) for n in range(1000)]
    with pytest.raises(DataError) as caught:
        Dataset(("dent",), (*images, images[0], images[0]))
    said = ["image '0.jpg' stands 3 times", "0.jpg: label 'scratch' is not among the classes (2004 boxes"]
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith(what) for what, line in zip(said, lines, strict=True))


def test_an_image_opens_its_photo_upright(tmp_path: Path) -> None:
    exif = Photo.Exif()
    exif[0x0112] = 6
    Photo.new("L", (40, 20), 100).save(tmp_path / "a.png", exif=exif)
    image = Image("a.png", 20, 40, path=tmp_path / "a.png")
    assert (image.open().size, image.open().mode) == ((20, 40), "RGB")
    assert image.open(longest=10).size == (5, 10)
    with pytest.raises(DataError, match=r"^a.png: the photo is not there \(was it moved\?"):
        Image("a.png", 20, 40).open()


def test_photos_that_are_not_there_are_one_error_with_their_number(tmp_path: Path) -> None:
    Photo.new("L", (9, 9)).save(tmp_path / "here.png")
    here = Image("here.png", 9, 9, path=tmp_path / "here.png")
    assert dataset(here).require_photos() == dataset(here)
    assert dataset().require_photos() == dataset()
    lost = [Image("a.png", 9, 9), *(Image(f"{n}.png", 9, 9, path=tmp_path / f"{n}.png") for n in range(4))]
    with pytest.raises(DataError) as caught:
        dataset(here, *lost).require_photos("look in the attic")
    (problem,) = caught.value.problems
    assert str(problem) == "5 of 6 photos are not there, first a.png, 0.png, 1.png (look in the attic)"


def test_a_dataset_is_its_images() -> None:
    images = (Image("a.jpg", 9, 9), Image("b.jpg", 9, 9))
    assert (tuple(dataset(*images)), len(dataset(*images))) == (images, 2)


REPRS = [
    # a value, its line
    (dataset(), "Dataset(0 images, 0 boxes, 2 classes)"),
    (
        Dataset(("dent",), (Image("b.jpg", 9, 9), Image("x/a.jpg", 9, 9, (DENT,), path=Path("/data/x/a.jpg")))),
        "Dataset(2 images, 1 boxes, 1 classes, root='/data')",
    ),
    (dataset(Image("a.jpg", 9, 9, path=Path("/elsewhere/b.jpg"))), "Dataset(1 images, 0 boxes, 2 classes)"),
    (Predictions(("dent",), {"a.jpg": (DENT._replace(score=1),) * 2}), "Predictions(1 images, 2 boxes, 1 classes)"),
]


@pytest.mark.parametrize(("value", "line"), REPRS)
def test_the_repr_is_one_line(value: Dataset | Predictions, line: str) -> None:
    assert repr(value) == line
