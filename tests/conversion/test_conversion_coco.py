"""COCO detection JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from detect.conversion import read, write
from detect.data import Attributes, Box, Dataset, Image
from detect.errors import DataError, Problems
from tests.conversion.coco_rows import CATEGORIES, Row, annotation, coco, image

Tree = Callable[..., Path]


@pytest.mark.parametrize(
    ("files", "split"),
    [
        ({"a.json": coco(), "1.jpg": (100, 50)}, None),
        ({"a.json": "\ufeff" + coco(), "images/1.jpg": (100, 50)}, None),  # byte order mark
        ({"annotations/instances_train2017.json": coco(), "train2017/1.jpg": (100, 50)}, "train"),  # COCO, CarDD
        ({"annotations/instances_val.json": coco(), "images/val/1.jpg": (100, 50)}, "val"),
        ({"annotations/instances_default.json": coco(), "images/1.jpg": (100, 50)}, None),  # CVAT
        ({"valid/_annotations.coco.json": coco(), "valid/1.jpg": (100, 50)}, "val"),  # Roboflow
        ({"test.json": coco(), "1.jpg": (100, 50)}, "test"),
        ({"annotations/instances_holdout.json": coco(), "images/1.jpg": (100, 50)}, "holdout"),
    ],
)
def test_layouts(tree: Tree, files: dict[str, object], split: str | None) -> None:
    root = tree(files)
    for source in (root, root / next(iter(files))):
        (found,) = read(source).images
        assert (found.name, found.width, found.split) == ("1.jpg", 100, split)
        assert found.path == root / list(files)[1]


def test_classes_are_in_the_order_of_their_ids(tree: Tree) -> None:
    root = tree(
        {"a.json": coco((annotation(category_id=9),), categories=[{"id": 9, "name": "b"}, {"id": 2, "name": "a"}])}
    )
    dataset = read(root / "a.json")
    assert dataset.classes == ("a", "b")
    assert dataset.images[0].boxes == (Box("b", 10.0, 20.0, 40.0, 30.0),)


@pytest.mark.parametrize(
    ("row", "box", "report"),
    [
        ({}, (10, 20, 40, 30), None),
        ({"bbox": [0.1, 0.1, 0.2, 0.2]}, (0.1, 0.1, 0.3, 0.3), None),  # 0.1 + 0.2 is not 0.30000000000000004
        ({"bbox": [90, 40, 20, 20]}, (90, 40, 100, 50), ("repaired", "box clipped")),
        ({"bbox": [40, 30, -30, -10]}, (10, 20, 40, 30), ("repaired", "corners swapped")),
        ({"bbox": [10, 20, 0, 10]}, None, ("dropped", "box without area")),
        ({"bbox": None}, None, ("dropped", "annotation without bbox")),  # a caption
        ({"bbox": None, "segmentation": [[1, 2, 5, 2, 5, 9]]}, (1, 2, 5, 9), None),
        ({"bbox": [1, 2, 3]}, None, ("error", "not a number")),
        ({"bbox": [1, 2, "3", 4]}, (1, 2, 4, 6), ("repaired", "numbers as text")),
        ({"bbox": [1, 2, "three", 4]}, None, ("error", "not a number")),
        ({"bbox": [1, 2, "3,5", 4]}, None, ("error", "not a number")),  # 3.5, or two numbers?
        ({"bbox": [1, 2, True, 4]}, None, ("error", "not a number")),
        ({"bbox": {"x": 1}}, None, ("error", "not a number")),
        ({"image_id": 2}, None, ("error", "unknown image_id")),
        ({"image_id": [1]}, None, ("error", "unknown image_id")),
        ({"category_id": 2}, None, ("error", "unknown category_id")),
        ({"category_id": None}, None, ("error", "unknown category_id")),
        ({"id": 8}, None, ("error", "duplicate id")),
    ],
)
def test_annotations(tree: Tree, row: Row, box: tuple[float, ...] | None, report: tuple[str, str] | None) -> None:
    problems = Problems()
    good = annotation(8, (1, 1, 2, 2))
    text = coco((good, {**annotation(7), **row}), [image(), image(5, "5.jpg")])
    dataset = read(tree({"a.json": text, "1.jpg": (100, 50), "5.jpg": (9, 9)}), on_error="skip", problems=problems)
    if report and report[0] == "error" and report[1] != "unknown image_id":  # the photo is left out with it
        assert [found.name for found in dataset.images] == ["5.jpg"]
    else:
        expected = [(1, 1, 3, 3)] if box is None else [(1, 1, 3, 3), box]
        assert [found.xyxy for found in dataset.images[0].boxes] == expected
    beside = ("outlines", "image left out", "wrong image size")
    assert [key for key in problems.counts() if key[1] not in beside] == ([] if report is None else [report])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (coco((annotation(7, (1, 2, 3, 4), image_id=2),)), 'a.json: annotation 7: image_id 2 is not in "images"'),
        (coco((annotation(7, (float("nan"), 2, 3, 4)),)), "a.json: annotation 7: dent: a corner is NaN or infinite"),
        (coco((annotation(7), "x")), "a.json: annotations: row 2: must be an object, not str"),
        (coco({"a": 1}), 'a.json: annotations: "annotations" must be a list'),
        (coco(images=[image(), image()]), "a.json: image 2: the id 1 is that of another image"),
        (coco(images=[image(), image(2)]), "1.jpg: this image is annotated twice"),  # one file, two ids
        (coco(images=[{"id": 1}]), "a.json: image 1: needs an id and a file_name"),
        (coco(categories=[*CATEGORIES, {"id": 1, "name": "x"}]), "a.json: category 3: the id 1 is that of another"),
        (coco(categories=[{"id": 1}]), "a.json: category 1: needs an id and a name"),
        (coco()[:-10], "is not good JSON"),
        (coco(images=[image(file="2.jpg", width=0)]), "the image is missing and the file gives no size"),
    ],
)
def test_errors(tree: Tree, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree({"a.json": text, "1.jpg": (100, 50)}), format="coco")
    assert words in str(caught.value)


def test_attributes_crowd_ignore_and_area(tree: Tree, tmp_path: Path) -> None:
    rows = (
        annotation(1, attributes={"severity": 3, "place": "door", "sure": False, "list": [1], "none": None}),
        annotation(2, (1, 1, 4, 4), iscrowd=1, ignore=1, area=7.5),
        annotation(3, (1, 1, 5, 5), iscrowd=0, area=25),  # nothing unusual
    )
    root = tree({"a.json": coco(rows, [image(attributes={"claim": "c7"})]), "1.jpg": (100, 50)})
    dataset = read(root)
    assert [dict(box.attributes) for box in dataset.images[0].boxes] == [
        {"severity": 3, "place": "door", "sure": False}, {"iscrowd": 1, "ignore": 1, "area": 7.5}, {},
    ]  # fmt: skip
    assert dataset.images[0].attributes == {"claim": "c7"}
    written = write(dataset, tmp_path / "out.json", "coco")
    second = json.loads(written.read_text())["annotations"][1]
    assert (second["iscrowd"], second["ignore"], second["area"]) == (1, 1, 7.5)
    assert read(written, images=root) == dataset


def test_outlines_are_a_counted_loss(tree: Tree) -> None:
    problems = Problems()
    rows = (annotation(1, segmentation=[[1, 1, 2, 2, 3, 1]]), annotation(2, (1, 1, 2, 2), keypoints=[1, 2, 2]))
    read(tree({"a.json": coco(rows), "1.jpg": (100, 50)}), problems=problems)
    assert [(p.level, p.kind, p.what[:2]) for p in problems] == [("lost", "outlines", "2 ")]


def test_an_unused_group_of_categories_is_no_class(tree: Tree) -> None:
    groups = [{"id": 0, "name": "cars", "supercategory": "none"}, {"id": 1, "name": "dent", "supercategory": "cars"}]
    problems = Problems()
    assert read(tree({"a.json": coco(categories=groups), "1.jpg": (100, 50)}), problems=problems).classes == ("dent",)
    assert problems.counts() == {("note", "super-category"): 1}
    used = coco((annotation(category_id=0),), categories=groups)
    assert read(tree({"a.json": used, "1.jpg": (100, 50)}, "used")).classes == ("cars", "dent")


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ("images/1.jpg", "1.jpg"),  # the container is no part of the name
        ("a/1.jpg", "a/1.jpg"),
        (r"a\1.jpg", "a/1.jpg"),
        (r"C:\work\images\a\1.jpg", "a/1.jpg"),  # found by its name, called by where it is
    ],
)
def test_names(tree: Tree, stated: str, name: str) -> None:
    root = tree({"a.json": coco(images=[image(file=stated)]), "images/a/1.jpg": (100, 50), "images/1.jpg": (100, 50)})
    if name == "a/1.jpg":
        (root / "images/1.jpg").unlink()
    (found,) = read(root).images
    assert (found.name, found.path) == (name, root / "images" / name)


def test_images_of_one_name_in_two_splits_stay_two(tree: Tree) -> None:
    files = {f"{split}/{file}": content for split in ("train", "valid")
             for file, content in (("_annotations.coco.json", coco()), ("1.jpg", (100, 50)))}  # fmt: skip
    root = tree(files)
    assert [(i.name, i.split, i.path) for i in read(root).images] == [
        ("train/1.jpg", "train", root / "train/1.jpg"), ("valid/1.jpg", "val", root / "valid/1.jpg"),
    ]  # fmt: skip


def test_one_image_in_two_files_is_an_error(tree: Tree) -> None:
    root = tree({f"annotations/instances_{s}.json": coco() for s in ("train", "val")} | {"images/1.jpg": (100, 50)})
    with pytest.raises(DataError, match="annotated twice"):
        read(root)


def test_missing_images_are_kept_and_reported(tree: Tree) -> None:
    problems = Problems()
    (found,) = read(tree({"a.json": coco()}), problems=problems).images
    assert (found.path, found.width) == (None, 100)
    assert problems.counts() == {("note", "image missing"): 1}


def test_exif_and_a_wrong_size(tree: Tree) -> None:
    problems = Problems()
    images = [image(1, "1.jpg"), image(2, "2.jpg")]
    root = tree({"a.json": coco(images=images), "1.jpg": (100, 50, 8), "2.jpg": (60, 50)})
    assert [(i.width, i.height) for i in read(root, problems=problems).images] == [(50, 100), (60, 50)]
    assert [problem.kind for problem in problems] == ["size before EXIF rotation", "wrong image size"]


def test_ids_written_start_at_one_in_the_order_of_the_classes(tmp_path: Path) -> None:
    images = tuple(Image(f"{n}.jpg", 9, 9, (Box("b", 1.0, 1.0, 2.0, 2.5),), "train" if n else "val") for n in range(3))
    root = write(Dataset(("b", "a"), images), tmp_path / "out", "coco", media="none")
    train = json.loads((root / "annotations/instances_train.json").read_text())
    assert [(row["id"], row["name"]) for row in train["categories"]] == [(1, "b"), (2, "a")]
    assert [(row["id"], row["file_name"]) for row in train["images"]] == [(2, "1.jpg"), (3, "2.jpg")]
    first = train["annotations"][0]
    assert (first["id"], first["image_id"], first["category_id"], first["bbox"]) == (1, 2, 1, [1, 1, 1, 1.5])
    assert (first["area"], first["iscrowd"]) == (1.5, 0)


def test_pycocotools_loads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pycocotools.coco import COCO

    box = Box("a", 1.0, 1.0, 2.0, 2.0, None, Attributes(iscrowd=1))
    path = write(Dataset(("a",), (Image("1.jpg", 9, 9, (box,)),)), tmp_path / "out.json", "coco")
    loaded = COCO(str(path))
    assert loaded.loadAnns(loaded.getAnnIds(iscrowd=True))[0]["bbox"] == [1, 1, 1, 1]
