"""Box, Image, Dataset, Predictions: frozen values with names inside."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


NAN, INF = math.nan, math.inf
WRONG_CORNERS = [
    # corners, is it wrong for a prediction, too?, all that must be said
    ((NAN, 0, 5, 5), True, ["x1 is nan"]),
    ((0, NAN, 5, INF), True, ["y1 is nan, y2 is inf"]),
    ((-INF, 0, 5, 5), True, ["x1 is -inf"]),
    ((5, 0, 4, 5), True, ["x1, x2 are 5, 4: swapped"]),
    ((5, 9, 4, 7), True, ["x1, x2 are 5, 4: swapped", "y1, y2 are 9, 7: swapped"]),
    ((5, 0, 5, 5), False, ["x1, x2 are 5, 5: no area"]),
    ((0, 3, 5, 3), False, ["y1, y2 are 3, 3: no area"]),
]


@pytest.mark.parametrize(("corners", "always", "said"), WRONG_CORNERS)
def test_a_wrong_box_is_refused(corners: tuple[float, float, float, float], always: bool, said: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        Box("dent", *corners)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(said)
    assert all(what in line and "box 'dent'" in line for what, line in zip(said, lines, strict=True))
    if always:
        with pytest.raises(DataError):
            Box("dent", *corners, score=0.5)
    else:
        assert Box("dent", *corners, score=0.5).area == 0


def test_a_box_is_checked_however_it_is_made() -> None:
    with pytest.raises(DataError, match="swapped"):
        DENT._replace(x2=1)
    with pytest.raises(DataError, match="x1 is nan"):
        Box._make(("dent", NAN, 0, 1, 1))
    with pytest.raises(DataError, match="no area"):
        Box("dent", 5, 0, 5, 5, 0.5)._replace(score=None)  # a prediction taken for truth
    assert Box._make(DENT) == DENT
    assert pickle.loads(pickle.dumps(DENT)) == DENT  # noqa: S301


WRONG_IMAGES = [
    # name, width, height, what must be said
    ("", 9, 9, "the name '' is empty"),
    ("/photos/a.jpg", 9, 9, "'/photos/a.jpg' is absolute"),
    ("C:\\photos\\a.jpg", 9, 9, "is absolute"),
    ("c:a.jpg", 9, 9, "is absolute"),
    ("\\\\server\\a.jpg", 9, 9, "is absolute"),
    ("../a.jpg", 9, 9, "leaves the dataset"),
    ("a/../../b.jpg", 9, 9, "leaves the dataset"),
    ("a\\..\\..\\b.jpg", 9, 9, "leaves the dataset"),
    ("..", 9, 9, "leaves the dataset"),
    ("./a.jpg", 9, 9, "an empty part or a part `.`"),  # another name of a.jpg, which would be two images
    ("a//b.jpg", 9, 9, "an empty part"),
    ("a/", 9, 9, "an empty part"),
    ("a.jpg", 0, 9, "a.jpg: is 0 x 9; a photo is 1 pixel wide and high at least"),
    ("a.jpg", 9, -1, "is 9 x -1"),
    ("a.jpg", math.nan, 9, "is nan x 9"),
    ("a.jpg", math.inf, 9, "is inf x 9"),
]


@pytest.mark.parametrize(("name", "width", "height", "said"), WRONG_IMAGES)
def test_a_wrong_image_is_refused(name: str, width: int, height: int, said: str) -> None:
    with pytest.raises(DataError) as caught:
        Image(name, width, height)
    assert said in str(caught.value)


def test_all_that_is_wrong_with_an_image_is_said_at_once() -> None:
    with pytest.raises(DataError) as caught:
        Image("/a.jpg", 0, 0)
    assert len(caught.value.problems) == 2


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
