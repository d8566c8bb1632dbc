"""Create ML JSON, as LabelImg, Roboflow and Apple's documentation have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read, write
from detect.data import Attributes, Box, Dataset, Image
from detect.errors import DataError, Problems
from tests.conversion.left_out import corners_and_reports, remains, reports

Tree = Callable[..., Path]
Row = dict[str, Any]

FILE = "_annotations.createml.json"


def annotation(label: Any = "dent", x: Any = 25, y: Any = 25, width: Any = 30, height: Any = 10) -> Row:
    return {"label": label, "coordinates": {"x": x, "y": y, "width": width, "height": height}}


def row(*annotations: Any, image: Any = "1.jpg", **more: Any) -> Row:
    return {"image": image, "annotations": list(annotations), **more}


def createml(*rows: Any) -> str:
    return json.dumps(list(rows) or [row(annotation())])


@pytest.mark.parametrize(
    ("files", "split"),
    [
        ({"1.json": createml(row(annotation(), verified=False)), "1.jpg": (100, 50)}, None),  # LabelImg, a file each
        ({"labels/all.json": createml(), "images/1.jpg": (100, 50)}, None),
        ({f"train/{FILE}": createml(), "train/1.jpg": (100, 50)}, "train"),  # Roboflow
        ({f"valid/{FILE}": createml(), "valid/1.jpg": (100, 50)}, "val"),
        ({FILE: createml(), "1.jpg": (100, 50)}, None),
        ({"a.json": "\ufeff" + createml(), "1.jpg": (100, 50)}, None),  # byte order mark
        ({"a.json": createml().encode("utf-16"), "1.jpg": (100, 50)}, None),
        ({"a.json": json.dumps([row(annotation())], indent=2), "1.jpg": (100, 50)}, None),
        # Turi Create, from which Create ML has its format
        ({"a.json": json.dumps([{"imagefilename": "1.jpg", "annotation": [annotation()]}]), "1.jpg": (100, 50)}, None),
    ],
)  # fmt: skip
def test_layouts(tree: Tree, files: dict[str, object], split: str | None) -> None:
    root = tree(files)
    for source in (root, root / next(iter(files))):
        dataset = read(source)
        assert dataset.classes == ("dent",)
        (found,) = dataset.images
        assert (found.name, found.width, found.height, found.split) == ("1.jpg", 100, 50, split)
        assert found.path == root / list(files)[1]
        assert found.boxes == (Box("dent", 10.0, 20.0, 40.0, 30.0),)


def test_genuine_roboflow_files(shared_data: Path) -> None:
    problems = Problems()
    dataset = read(shared_data / "exports/datumaro/roboflow_dataset/createml", problems=problems)
    assert dataset.classes == ("label_0", "label_1")
    assert [(i.name, i.width, i.height, i.split, i.boxes) for i in dataset.images] == [
        ("train_001.jpg", 10, 5, "train", (Box("label_0", 0.5, 0.5, 3.5, 1.5),)),
        ("train_002.jpg", 10, 5, "train", (Box("label_1", 0.0, 0.0, 1.0, 2.0),)),
        ("val_001.jpg", 10, 5, "val", (Box("label_0", 0.0, 0.0, 0.5, 1.0), Box("label_1", 0.0, 0.0, 4.5, 0.5))),
    ]
    assert problems.counts() == {("repaired", "box clipped"): 3}  # centres in a corner of the image


@pytest.mark.parametrize(
    ("item", "box", "report"),
    [
        (annotation(), (10, 20, 40, 30), None),
        (annotation(x=25.5, y=25.25, width=0.5, height=0.1), (25.25, 25.2, 25.75, 25.3), None),
        (annotation(x=0.15, width=0.1), (0.1, 20, 0.2, 30), None),  # and not 0.09999999999999999
        (annotation(x=100, width=30), (85, 20, 100, 30), ("repaired", "box clipped")),
        (annotation(x=500), None, ("dropped", "box outside the image")),
        (annotation(width=-30), (10, 20, 40, 30), ("repaired", "corners swapped")),
        (annotation(width=0), None, ("dropped", "box without area")),
        (annotation(x=2, y=2, width=2, height=2), None, ("dropped", "duplicate box")),  # of the first one
        (annotation("rust", x=2, y=2, width=2, height=2), (1, 1, 3, 3), None),  # another label is no duplicate
        (annotation(" dent "), (10, 20, 40, 30), ("repaired", "label white space")),
        (annotation(""), None, ("dropped", "no label")),
        (annotation(None), None, ("dropped", "no label")),
        (annotation(["dent"]), None, ("dropped", "no label")),
        ({"coordinates": annotation()["coordinates"]}, None, ("dropped", "no label")),
        (annotation(x="25"), None, ("error", "not a number")),
        (annotation(x=None), None, ("error", "not a number")),
        (annotation(x=True), None, ("error", "not a number")),
        (annotation(x=float("nan")), None, ("error", "not a number")),
        (annotation(width=float("inf")), None, ("error", "not a number")),
        ({"label": "dent", "coordinates": {"x": 1, "y": 2}}, None, ("error", "not a number")),
        ({"label": "dent", "coordinates": [1, 2, 3, 4]}, None, ("error", "not a number")),
        ({"label": "dent"}, None, ("error", "not a number")),
        ("dent", None, ("error", "no object")),
    ],
)
def test_annotations(tree: Tree, item: Any, box: tuple[float, ...] | None, report: tuple[str, str] | None) -> None:
    text = createml(row(annotation(x=2, y=2, width=2, height=2), item), row(image="good.jpg"))
    found, kinds = corners_and_reports(tree({"a.json": text, "1.jpg": (100, 50), "good.jpg": (100, 50)}))
    assert (found.get("1.jpg"), found["good.jpg"]) == (remains((1, 1, 3, 3), box, report), [])
    assert kinds == reports(report)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (createml()[:-5], "a.json: line 1, column"),  # breaks off
        ("{}", "a.json: image: expected a list, got dict"),
        ('"a"', "a.json: image: expected a list, got str"),
        ("[]", "holds no images"),
        (createml("x", row()), "a.json: image 1: must be an object, not str"),
        (createml({"annotations": []}), 'a.json: image 1: needs "image", the name of its file'),
        (createml(row(image=3)), 'a.json: image 1: needs "image"'),
        (createml(row(image="")), 'a.json: image 1: needs "image"'),
        (createml({"image": "1.jpg", "annotations": {"a": 1}}), "image 1.jpg: annotation: expected a list, got dict"),
        (createml(row(), row()), "1.jpg: this image is annotated twice"),
        (createml(row(image="2.jpg")), "the image is missing and the file gives no size"),
        (createml(row("x", annotation(x="a"))), "image 1.jpg: annotation 1: must be an object, not str"),
        (createml(row("x", annotation(x="a"))), 'image 1.jpg: annotation 2: "coordinates" needs x, y'),  # all errors
        ("[" * 5000 + "]" * 5000, "is not good JSON"),
        ("NaN" + "[" * 200_000, "is not good JSON"),  # the parser that lets NaN through is not the one to overflow
        (f"[NaN, {'9' * 5000}]", "is not good JSON"),  # more digits than Python reads
        (f"[{10**400}]", "is not good JSON"),
        (f'[{{"image": "1.jpg", "annotations": [{{"coordinates": {{"x": NaN, "y": {10**400}}}}}]}}]', "as numbers"),
    ],
)
def test_errors(tree: Tree, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree({"a.json": text, "1.jpg": (100, 50)}) / "a.json", format="createml")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '[{"image": "1.jpg"}]',  # no annotations
        '[{"data": {"image": "1.jpg"}, "annotations": []}]',  # a task of Label Studio that nobody annotated
        '[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]',  # COCO results
    ],
)
def test_other_lists_are_not_taken_for_it(tree: Tree, text: str) -> None:
    with pytest.raises(DataError, match="there is no Create ML JSON in it"):
        read(tree({"a.json": text, "1.jpg": (100, 50)}), format="createml")


def test_an_image_without_annotations_is_kept(tree: Tree) -> None:
    problems = Problems()
    root = tree({"a.json": createml(row(), row(annotation(), image="2.jpg")), "1.jpg": (100, 50), "2.jpg": (100, 50)})
    assert [len(image.boxes) for image in read(root, problems=problems).images] == [0, 1]
    assert problems.counts() == {}


def test_images_of_one_name_in_two_folders_stay_two(tree: Tree) -> None:
    files = {f"{folder}/{file}": content for folder in ("a", "b")
             for file, content in (("1.json", createml()), ("1.jpg", (100, 50)))}  # fmt: skip
    root = tree(files)
    assert [(i.name, i.path) for i in read(root).images] == [
        ("a/1.jpg", root / "a/1.jpg"), ("b/1.jpg", root / "b/1.jpg"),
    ]  # fmt: skip


def test_names_are_seen_from_the_file_itself(tree: Tree) -> None:
    rows = createml(row(), row(image="train/1.jpg"), row(image=r"b\1.jpg"))
    photos = {"train/1.jpg": (100, 50), "train/train/1.jpg": (80, 50), "train/b/1.jpg": (60, 50)}
    problems = Problems()
    root = tree({f"train/{FILE}": rows, **photos})
    assert [(i.name, i.width, i.path) for i in read(root, problems=problems).images] == [
        ("1.jpg", 100, root / "train/1.jpg"), ("b/1.jpg", 60, root / "train/b/1.jpg"),
        ("train/1.jpg", 80, root / "train/train/1.jpg"),
    ]  # fmt: skip
    assert problems.counts() == {("repaired", "Windows path"): 1}


def test_classes_txt_declares_the_classes(tree: Tree) -> None:
    problems = Problems()
    files = {"a.json": createml(row(annotation("rust"), annotation("new", x=50))), "1.jpg": (100, 50)}
    dataset = read(tree({**files, "classes.txt": "rust\ndent\n"}), problems=problems)
    assert dataset.classes == ("rust", "dent", "new")
    assert problems.counts() == {("repaired", "undeclared class"): 1}
    assert read(tree(files, "without")).classes == ("new", "rust")  # alphabetical


BOXES = (Box("rust", 0.1, 0.2, 0.4, 0.7), Box("dent", 1.000001, 2.0, 99.999999, 49.333333), Box("rust", 0.0, 0.0, 1, 1))


@pytest.mark.parametrize(
    ("splits", "files"),
    [
        ((None, None), [FILE, "a/2.jpg", "classes.txt", "1.jpg"]),
        (("val", "train"), [f"val/{FILE}", "val/1.jpg", f"train/{FILE}", "train/a/2.jpg", "classes.txt"]),
        ((None, "holdout"), [f"default/{FILE}", "default/1.jpg", f"holdout/{FILE}", "holdout/a/2.jpg", "classes.txt"]),
    ],
)
def test_round_trip(tree: Tree, tmp_path: Path, splits: tuple[str | None, ...], files: list[str]) -> None:
    photos = tree({"1.jpg": (100, 50), "a/2.jpg": (100, 50)}, "photos")
    images = tuple(
        Image(name, 100, 50, boxes, split, path=photos / name)
        for name, boxes, split in zip(("1.jpg", "a/2.jpg"), (BOXES, ()), splits, strict=True)
    )
    dataset = Dataset(("rust", "none of it", "dent"), images)  # neither alphabetical nor all in use
    problems = Problems()
    out = write(dataset, tmp_path / "out", "createml", problems=problems)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == sorted(files)
    assert read(out, problems=problems) == dataset
    assert problems.counts() == {}
    again = write(read(out), tmp_path / "again", "createml")
    assert [(again / file).read_bytes() for file in files] == [(out / file).read_bytes() for file in files]


def test_what_is_written(tmp_path: Path) -> None:
    box, problems = Box("dent", 1.0, 2.0, 4.5, 4.0, None, Attributes(severity=2)), Problems()
    image = Image("1.jpg", 9, 8, (box,), None, Attributes(claim="c7"))
    out = write(Dataset(("dent",), (image,)), tmp_path / "out", "createml", media="none", problems=problems)
    assert json.loads((out / FILE).read_text()) == [
        {
            "image": "1.jpg",
            "annotations": [
                {"label": "dent", "coordinates": {"x": 2.75, "y": 3.0, "width": 3.5, "height": 2.0}},
            ],
        },
    ]
    assert problems.counts() == {("lost", "box attributes"): 1, ("lost", "image attributes"): 1}
