"""Images and classes of predictions, called in other ways than in the data; scores that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read_predictions
from detect.data import Box, Dataset, Image, Predictions
from detect.errors import ConfigError, DataError, Problems
from tests.conversion.other_tools import CLASSES, DATA, FOUND, TRUTH, columns, result, rows

BOX = Box("dent", 1.0, 2.0, 3.0, 4.0, 0.5)


def photos(names: list[str]) -> Any:
    return [{"image": name, **columns((BOX,))} for name in names]


def data(*names: str) -> Dataset:
    return Dataset(CLASSES, tuple(Image(name, 200, 100) for name in names))


def predicted(path: Path, document: Any, dataset: Dataset, **more: Any) -> tuple[Predictions, list[str]]:
    """The predictions, and what was said without the name of the file."""
    path.write_text(json.dumps(document))
    problems = Problems()
    found = read_predictions(path, dataset=dataset, problems=problems, **more)
    return found, [str(problem).removeprefix(f"{path}: ") for problem in problems]


BY_PATH = "matched by the end of their path, first"
MATCHED: list[tuple[str, list[str], list[str], list[str], list[str]]] = [
    # (why, in the predictions, in the data, as which of the data, what is said)
    ("the same", ["a/1.jpg"], ["a/1.jpg", "b/1.jpg"], ["a/1.jpg"], []),
    ("a prefix", ["val/1.jpg", "val/2.jpg"], ["1.jpg", "2.jpg"], ["1.jpg", "2.jpg"],
     [f"2 image names {BY_PATH} 'val/1.jpg' as '1.jpg'"]),
    ("absolute", ["/home/me/a/1.jpg"], ["a/1.jpg", "b/1.jpg"], ["a/1.jpg"],
     [f"1 image name {BY_PATH} '/home/me/a/1.jpg' as 'a/1.jpg'"]),
    ("Windows", ["C:\\me\\b\\1.jpg"], ["a/1.jpg", "b/1.jpg"], ["b/1.jpg"],
     [f"1 image name {BY_PATH} 'C:\\\\me\\\\b\\\\1.jpg' as 'b/1.jpg'"]),
    ("fewer folders than the data", ["1.jpg"], ["claim/1.jpg", "claim/11.jpg"], ["claim/1.jpg"],
     [f"1 image name {BY_PATH} '1.jpg' as 'claim/1.jpg'"]),
    ("another root", ["val2017/1.jpg", "val2017/2.jpg"], ["x/1.jpg", "x/2.jpg"], ["x/1.jpg", "x/2.jpg"],
     [f"2 image names {BY_PATH} 'val2017/1.jpg' as 'x/1.jpg'"]),
    ("stems", ["1", "a.b"], ["1.jpg", "a.b.png"], ["1.jpg", "a.b.png"], []),
    ("another extension", ["1.png", "2.png"], ["1.jpg", "2.jpg"], ["1.jpg", "2.jpg"],
     ["2 image names matched without their extension: .png in the predictions, .jpg in the data"]),
    ("the extension decides", ["1.png", "1.jpg"], ["1.jpg", "1.png"], ["1.png", "1.jpg"], []),
    ("another case", ["IMG.JPG"], ["img.jpg"], ["img.jpg"], []),
    ("composed and decomposed", ["K\u00fcche.jpg"], ["Ku\u0308che.jpg"], ["Ku\u0308che.jpg"], []),
    ("the longest end", ["/x/a/b/1.jpg"], ["b/1.jpg", "a/b/1.jpg", "1.jpg"], ["a/b/1.jpg"],
     [f"1 image name {BY_PATH} '/x/a/b/1.jpg' as 'a/b/1.jpg'"]),
    ("an address", ["https://host/a/1.jpg?w=100"], ["a/1.jpg"], ["a/1.jpg"], []),
    ("exported by Roboflow", ["1_jpg.rf.0a1b2c.jpg"], ["1.jpg"], ["1.jpg"], []),
]  # fmt: skip


@pytest.mark.parametrize(("why", "theirs", "ours", "means", "said"), MATCHED, ids=[row[0] for row in MATCHED])
def test_images_are_matched_by_the_end_of_their_path(
    tmp_path: Path, why: str, theirs: list[str], ours: list[str], means: list[str], said: list[str]
) -> None:
    found, told = predicted(tmp_path / "p.json", photos(theirs), data(*ours))
    assert list(found.images) == means
    assert told == said, why


REFUSED: list[tuple[str, list[str], list[str], str]] = [
    # (why, in the predictions, in the data, what is said)
    ("two of the data", ["1.jpg"], ["a/1.jpg", "b/1.jpg"],
     "the image '1.jpg' can be 'a/1.jpg' or 'b/1.jpg' of the data"),
    ("two endings", ["1.bmp"], ["1.jpg", "1.png"], "the image '1.bmp' can be '1.jpg' or '1.png' of the data"),
    ("two of the predictions", ["x/1.jpg", "y/1.jpg"], ["1.jpg", "2.jpg"],
     "the images 'x/1.jpg' and 'y/1.jpg' are both '1.jpg' of the data"),
    ("a stem and a name", ["1", "1.jpg"], ["1.jpg"], "the images '1.jpg' and '1' are both '1.jpg'"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "theirs", "ours", "said"), REFUSED, ids=[row[0] for row in REFUSED])
def test_images_that_can_be_several_are_refused(
    tmp_path: Path, why: str, theirs: list[str], ours: list[str], said: str
) -> None:
    with pytest.raises(DataError) as caught:
        predicted(tmp_path / "p.json", photos(theirs), data(*ours))
    assert said in str(caught.value), why


def test_other_photos_of_the_same_name_stay_others(tmp_path: Path) -> None:
    # two folders of the predictions are no other root of one folder of the data
    found, told = predicted(tmp_path / "p.json", photos(["x/1.jpg", "y/2.jpg"]), data("a/1.jpg", "a/2.jpg"))
    assert list(found.images) == ["x/1.jpg", "y/2.jpg"] and told == []
    # a name that is taken by itself is not taken twice
    found, _ = predicted(tmp_path / "p.json", photos(["a/1.jpg", "b/1.jpg"]), data("a/1.jpg"))
    assert list(found.images) == ["a/1.jpg", "b/1.jpg"]


def named(*names: str) -> Any:
    """A detection of each class, in a document of its own."""
    return {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names)],
        "annotations": [
            {"image_id": 1, "category_id": n, "bbox": [1, 2, 3, 4], "score": 0.5} for n in range(len(names))
        ],
    }


ALIKE = "class names that differ in case or in what parts words are the same: "
CALLED: list[tuple[str, tuple[str, ...], tuple[str, ...], list[str], list[str], list[str]]] = [
    # (why, classes of the data, of the predictions, --map, as which they are read, what is said)
    ("the same", ("a", "b"), ("b", "a"), [], ["b", "a"], []),
    ("case", ("dent", "Rust"), ("Dent", "rust"), [], ["dent", "Rust"], [f"{ALIKE}'Dent' is 'dent', 'rust' is 'Rust'"]),
    ("blanks", ("rolled-in_scale",), ("Rolled in  scale",), [], ["rolled-in_scale"],
     [f"{ALIKE}'Rolled in  scale' is 'rolled-in_scale'"]),
    ("a map", ("dent", "rust"), ("0", "1"), ["0=dent", "1=rust"], ["dent", "rust"], []),
    ("a map to another case", ("dent", "rust"), ("x", "rust"), ["x=Dent"], ["dent", "rust"],
     [f"{ALIKE}'Dent' is 'dent'"]),
    ("two that are alike stay", ("dent", "rust"), ("Dent", "dent"), [], ["Dent", "dent"], []),
    ("a letter more", ("patches", "rust"), ("patch", "rust"), [], ["patch", "rust"], [
        "class 'patch' (1 detections) is not in the data, whose class 'patches' (0 true boxes) is never predicted "
        "(did you mean --map patch=patches?)"]),
    ("a map of nothing", ("dent", "rust"), ("dent", "rust"), ["dend=x"], ["dent", "rust"],
     ["--map dend=x: the predictions have no class 'dend' (did you mean 'dent'?)"]),
    ("another class", ("dent",), ("dent", "person"), [], ["dent", "person"], []),
]  # fmt: skip


@pytest.mark.parametrize(("why", "ours", "theirs", "mapping", "means", "said"), CALLED, ids=[row[0] for row in CALLED])
def test_classes_are_matched(
    tmp_path: Path,
    why: str,
    ours: tuple[str, ...],
    theirs: tuple[str, ...],
    mapping: list[str],
    means: list[str],
    said: list[str],
) -> None:
    dataset = Dataset(ours, (Image("1.jpg", 200, 100),))
    found, told = predicted(tmp_path / "p.json", named(*theirs), dataset, mapping=mapping)
    assert [box.label for box in found.images["1.jpg"]] == means, why
    assert told == said


def test_a_file_maps_classes(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("map: {class_0: dent, class_1: rust, other: x}\n")
    dataset = Dataset(("dent", "rust"), (Image("1.jpg", 200, 100),))
    found, told = predicted(
        tmp_path / "p.json", named("class_0", "class_1"), dataset, mapping=[str(tmp_path / "map.yaml")]
    )
    assert found.classes == ("dent", "rust") and told == []
    with pytest.raises(ConfigError, match="expected old=new"):
        predicted(tmp_path / "p.json", named("a"), dataset, mapping=["a"])


def test_classes_of_which_the_data_has_none(tmp_path: Path) -> None:
    dataset = Dataset(("dent", "paint damage"), (Image("1.jpg", 200, 100),))
    with pytest.raises(DataError) as caught:
        predicted(tmp_path / "p.json", named("class_0", "class_1"), dataset)
    assert str(caught.value).endswith(
        "no class in common: the data has 'dent', 'paint damage', the predictions 'class_0', 'class_1' "
        "(say which is which, such as --map class_0=dent; or were they made by a model of other classes?)"
    )


NUMBERS: list[tuple[str, list[Any], list[str]]] = [
    # (why, labels of torchvision-like photos, as which of the three classes they are read)
    ("from 0", [0, 1], ["dent", "scratch"]),
    ("from 1", [1, 3], ["dent", "rust"]),
    ("as text", ["0", "2"], ["dent", "rust"]),
    ("as floats", [0.0, 2.0], ["dent", "rust"]),
]  # fmt: skip


@pytest.mark.parametrize(("why", "labels", "means"), NUMBERS, ids=[row[0] for row in NUMBERS])
def test_class_numbers_in_the_order_of_the_data(tmp_path: Path, why: str, labels: list[Any], means: list[str]) -> None:
    document = [{"image": "1.jpg", "boxes": [[1, 2, 3, 4]] * 2, "labels": labels, "scores": [0.5, 0.5]}]
    found, told = predicted(tmp_path / "p.json", document, data("1.jpg"))
    assert [box.label for box in found.images["1.jpg"]] == means, why
    assert len(told) == 1 and told[0].startswith("class numbers count from ")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, 2], "class numbers go from 1 to 2 of 3 classes: they may count from 0 or from 1 (say what each means"),
        ([0, 3], "class numbers go from 0 to 3, and the data has 3 classes"),
        ([7], "class numbers go from 7 to 7, and the data has 3 classes"),
    ],
)  # fmt: skip
def test_class_numbers_that_are_not_clear(tmp_path: Path, labels: list[int], said: str) -> None:
    document = [
        {"image": "1.jpg", "boxes": [[1, 2, 3, 4]] * len(labels), "labels": labels, "scores": [0.5] * len(labels)}
    ]
    with pytest.raises(DataError) as caught:
        predicted(tmp_path / "p.json", document, data("1.jpg"))
    assert said in str(caught.value) and len(str(caught.value).splitlines()) == 1
    mapping = [f"{label}={name}" for label, name in zip(labels, CLASSES, strict=False)]
    found, _ = predicted(tmp_path / "p.json", document, data("1.jpg"), mapping=mapping)
    assert [box.label for box in found.images["1.jpg"]] == list(CLASSES[: len(labels)])


def changed(**more: Any) -> Any:
    """COCO results for TRUTH, each changed alike; a callable makes the value from the old one."""
    return [
        {**row, **{key: change(row[key]) if callable(change) else change for key, change in more.items()}}
        for row in rows(result)
    ]


WRONG: list[tuple[str, Any, str]] = [
    # (why, results for TRUTH, what is said of all three)
    ("percent", changed(score=lambda s: s * 100), "all predictions: the scores go up to 75: they look like percent"),
    ("a little over 1", changed(score=1.0000001), "ALL: the score must be a number from 0 to 1, got 1.0"),
    ("NaN", changed(score=float("nan")), "ALL: the score must be a number from 0 to 1, got nan"),
    ("no score", changed(score=None), "ALL: the score must be a number from 0 to 1, got None (without"),
    ("a truth value", changed(score=True), "ALL: the score must be a number from 0 to 1, got True"),
    ("text", changed(score="0.5"), "ALL: the score must be a number from 0 to 1, got 0.5"),
    ("box NaN", changed(bbox=[1, 2, float("nan"), 4]), "ALL: bbox must be four numbers x, y, width"),
    ("negative", changed(bbox=lambda b: [b[0], b[1], -b[2], b[3]]), "ALL: bbox has a negative width"),
    ("too long a number", changed(bbox=[1, float("nan"), 10**400, 4]), "ALL: bbox must be four numbers x, y, width"),
    ("an id that is no number", changed(image_id=float("nan")), "ALL: image_id nan is unknown"),
    ("a class that is no number", changed(category_id=float("inf")), "ALL: category_id inf is unknown"),
    ("no box", changed(bbox=None), "ALL: has no bbox"),
    ("a class that is a truth value", changed(category_id=True), "ALL: category_id True is unknown"),
    ("an image that is a truth value", changed(image_id=True), "ALL: image_id True is unknown"),
    ("unknown images", changed(image_id=lambda i: i + 100), "ALL: image_id 111 is unknown"),
    ("unknown class", changed(category_id=44), "ALL: category_id 44 is unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "document", "said"), WRONG, ids=[row[0] for row in WRONG])
def test_the_same_fault_of_all_rows_is_told_once(tmp_path: Path, why: str, document: Any, said: str) -> None:
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(TRUTH))
    with pytest.raises(DataError) as caught:
        predicted(tmp_path / "p.json", document, DATA, ids=truth)
    message = str(caught.value).removeprefix(f"{tmp_path / 'p.json'}: ")
    assert message.startswith(said.replace("ALL", "prediction 1 and 2 more")), why
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (-1, "category ids go from 0 to 2, those of the ground truth from 1 to 3: they look shifted, counted from 0"),
        (1, "category ids go from 2 to 4, those of the ground truth from 1 to 3: they look shifted, one higher"),
    ],
)
def test_shifted_category_ids_are_told_once(tmp_path: Path, step: int, said: str) -> None:
    truth, path = tmp_path / "truth.json", tmp_path / "p.json"
    truth.write_text(json.dumps({**TRUTH, "categories": [{"id": n, "name": c} for n, c in enumerate(CLASSES, 1)]}))
    numbers = {4: 1, 5: 2, 9: 3}
    document = changed(category_id=lambda old: numbers[old] + step)
    with pytest.raises(DataError) as caught:
        predicted(path, document, DATA, ids=truth)
    first = min(numbers.values()) + step
    assert str(caught.value).startswith(f"{path}: {said}") and len(str(caught.value).splitlines()) == 1
    assert f"--map {first}=dent" in str(caught.value)
    mapping = [f"{n}={label}" for n, label in enumerate(CLASSES, 1 + step)]
    assert predicted(path, document, DATA, ids=truth, mapping=mapping)[0] == FOUND


def test_photos_without_a_row_are_counted_in_splits_that_have_some(tmp_path: Path) -> None:
    dataset = Dataset(
        CLASSES, tuple(Image(f"{n}.jpg", 200, 100, split=split) for n, split in enumerate(["train", "val", "val"]))
    )
    document = [{"image": "1.jpg", "label": "dent", "score": 0.5, "x1": 1, "y1": 2, "x2": 3, "y2": 4}]
    found, told = predicted(tmp_path / "p.json", document, dataset)
    assert found.images == {"1.jpg": (BOX,), "2.jpg": ()}
    assert told == ["1 photo has no detection, first '2.jpg': counted as looked at with nothing found"]


def test_numbers_as_ids_without_a_ground_truth(tmp_path: Path) -> None:
    document = [{"image_id": 7, "category_id": 3, "bbox": [1, 2, 2, 2], "score": 0.5}]
    found, _ = predicted(tmp_path / "p.json", document, data("000007.jpg"))  # ultralytics: the stem is a number
    assert [box.label for box in found.images["000007.jpg"]] == ["rust"]
    with pytest.raises(DataError, match="bare list of COCO results"):
        predicted(tmp_path / "p.json", document, data("000008.jpg"))
