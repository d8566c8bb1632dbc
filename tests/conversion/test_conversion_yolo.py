"""YOLO text labels, with LabelImg's classes.txt and with Ultralytics' data.yaml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detect.conversion import read, write
from detect.data import Attributes, Box, Dataset, Image
from detect.errors import DataError, Problems

Tree = Callable[..., Path]

ROW = "0 0.5 0.5 0.2 0.4\n"  # in 100 x 50: (40, 15) to (60, 35)
BOX = (40.0, 15.0, 60.0, 35.0)


@pytest.mark.parametrize(
    "files",
    [
        {"1.jpg": (100, 50), "1.txt": ROW, "classes.txt": "dent\n"},  # LabelImg, all in one folder
        {"images/1.jpg": (100, 50), "labels/1.txt": ROW, "labels/classes.txt": "dent\n"},  # classes beside the labels
        {"images/1.jpg": (100, 50), "labels/1.txt": ROW, "classes.txt": "dent\n"},  # classes above them
        {"photos/1.jpg": (100, 50), "boxes/1.txt": ROW, "boxes/classes.txt": "dent\n"},  # a folder of any name
        {"1.JPG": (100, 50), "1.TXT": ROW, "classes.txt": "\ufeffdent\r\n\r\n"},  # Windows
        {"1.jpg": (100, 50), "1.txt": "\ufeff" + ROW.replace("\n", "\r\n"), "classes.txt": "dent"},
        {"images/1.jpg": (100, 50), "labels/1.txt": ROW, "data.yaml": "train: images\nval: images\nnames: [dent]\n"},
        {"images/1.jpg": (100, 50), "labels/1.txt": ROW, "x.yml": "train: images\nval: images\nnames: {0: dent}\n"},
        {"images/1.jpg": (50, 100, 6), "labels/1.txt": ROW, "classes.txt": "dent\n"},  # EXIF: upright 100 x 50
    ],
)
def test_layouts(tree: Tree, files: dict[str, object]) -> None:
    dataset = read(tree(files))
    assert dataset.classes == ("dent",)
    (image,) = dataset.images
    assert (image.name.lower(), image.width, image.height, image.split) == ("1.jpg", 100, 50, None)
    assert image.boxes == (Box("dent", *BOX),)


@pytest.mark.parametrize(
    ("row", "corners", "report"),
    [
        ("0 0.5 0.5 0.2 0.4", BOX, None),
        ("0\t0.5  0.5 0.2 0.4 ", BOX, None),  # any white space
        ("0 .5 5e-1 0.2 0.4", BOX, None),
        ("0.0 0.5 0.5 0.2 0.4", BOX, ("repaired", "class index")),
        ("0 0.5 0.5 0.2 0.4 0.87", BOX, ("repaired", "trailing confidence")),
        ("0 0.4 0.3 0.6 0.3 0.6 0.7", BOX, ("lost", "polygon")),  # a triangle
        ("0 0.4 0.3 0.6 0.3 0.6 0.7 0.4 0.7", BOX, ("lost", "rotated box")),  # four corners of a rectangle
        ("0 1 0.5 0.2 0.4", (90, 15, 100, 35), ("repaired", "box clipped")),
        ("0 0.5 0.5 -0.2 0.4", BOX, ("repaired", "corners swapped")),
        ("0 1.3 0.5 0.2 0.4", None, ("dropped", "box outside the image")),
        ("0 0.5 0.5 0 0.4", None, ("dropped", "box without area")),
    ],
)
def test_rows(tree: Tree, row: str, corners: tuple[float, ...] | None, report: tuple[str, str] | None) -> None:
    problems = Problems()
    root = tree({"1.jpg": (100, 50), "1.txt": f"\n{row}\n0 0.1 0.1 0.1 0.1\n", "classes.txt": "dent\n"})
    (image,) = read(root, format="yolo", problems=problems).images
    assert [box.xyxy for box in image.boxes][:-1] == ([] if corners is None else [corners])
    assert list(problems.counts()) == ([] if report is None else [report])
    assert all(problem.where == "line 2" for problem in problems)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1 0.5 0.5 0.2 0.4", "class index 1 is out of range; the classes go from 0 to 0"),
        ("-1 0.5 0.5 0.2 0.4", "class index -1 is out of range"),
        ("0.5 0.5 0.5 0.2 0.4", "class index '0.5' is no whole number"),
        ("nan 0.5 0.5 0.2 0.4", "class index 'nan' is no whole number"),
        ("0 nan 0.5 0.2 0.4", "NaN or infinite"),
        ("0 inf 0.5 0.2 0.4", "NaN or infinite"),
        ("0 a 0.5 0.2 0.4", "holds something that is no number"),
        ("0 0.5 0.5 0.2", "has 3 numbers after the class"),  # one number short
        ("0 0.4 0.3 0.6 0.3 0.6 0.7 0.4", "has 7 numbers after the class"),  # half a corner
        ("0 50 25 20 20", "look like pixels"),
        ("0", "has 0 numbers after the class"),
        (",;,", "holds no numbers"),
    ],
)
def test_a_bad_row_leaves_its_photo_out(tree: Tree, row: str, words: str) -> None:
    problems = Problems()
    files = {"1.jpg": (100, 50), "1.txt": f"\n{row}\n0 0.1 0.1 0.1 0.1\n", "2.jpg": (9, 9), "2.txt": ROW}
    dataset = read(tree({**files, "classes.txt": "dent\n"}), format="yolo", on_error="skip", problems=problems)
    assert [image.name for image in dataset.images] == ["2.jpg"]
    error, left_out = problems
    assert (error.level, error.kind, error.where) == ("error", "bad row", "line 2")
    assert words in error.what
    assert (left_out.level, left_out.kind, Path(left_out.file).name) == ("dropped", "image left out", "1.jpg")


def test_errors_are_raised_together(tree: Tree) -> None:
    root = tree({"1.jpg": (100, 50), "1.txt": "7 0.5 0.5 0.2 0.4\n0 x 0.5 0.2 0.4\n" + ROW, "classes.txt": "dent\n"})
    with pytest.raises(DataError) as caught:
        read(root, format="yolo")
    assert str(caught.value).splitlines() == [
        f"{root}/1.txt: line 1: class index 7 is out of range; the classes go from 0 to 0",
        f"{root}/1.txt: line 2: '0 x 0.5 0.2 0.4' holds something that is no number",
    ]


def test_empty_and_missing_label_files_are_images_without_boxes(tree: Tree) -> None:
    problems = Problems()
    files = {"1.jpg": (9, 9), "1.txt": "", "2.jpg": (9, 9), "3.jpg": (9, 9), "3.txt": ROW, "classes.txt": "dent\n"}
    dataset = read(tree(files), problems=problems)
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [("1.jpg", 0), ("2.jpg", 0), ("3.jpg", 1)]
    assert problems.counts() == {("note", "image without annotations"): 1}  # 2.jpg, not 1.jpg


def test_labels_without_image_are_an_error_but_other_text_is_not(tree: Tree) -> None:
    files = {"1.jpg": (9, 9), "1.txt": ROW, "2.txt": ROW, "README.txt": "Exported in 2024", "classes.txt": "dent\n"}
    root = tree(files)
    with pytest.raises(DataError, match=r"2\.txt: there is no image of this name"):
        read(root)
    assert len(read(root, on_error="skip")) == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"1.jpg": (9, 9), "1.txt": ROW}, "there is no classes.txt beside or above the labels"),
        ({"1.txt": ROW, "classes.txt": "dent\n"}, "there are no images"),
        ({"1.jpg": "no image", "1.txt": ROW, "classes.txt": "dent\n"}, "1.jpg: cannot be read as an image"),
        ({"1.jpg": (9, 9), "1.txt": b"0 0.5 \xff", "classes.txt": "dent\n"}, "1.txt: byte 6: the text is not UTF-8"),
        ({"1.jpg": (9, 9), "data.yaml": "names: dent\ntrain: .\n"}, "names: must be a list"),
        ({"1.jpg": (9, 9), "data.yaml": "names: dent, rust\ntrain: .\n"}, "(write names: [dent, rust])"),
        ({"1.jpg": (9, 9), "data.yaml": "names: [a]\ntrain: .\nkpt_shape: [17, 4]\n"}, "kpt_shape: must be how many"),
        ({"1.jpg": (9, 9), "data.yaml": "names: [a]\ntrain: .\nkpt_shape: 17\n"}, "kpt_shape: must be how many"),
        ({"1.jpg": (9, 9), "data.yaml": "names: [a]\ntrain: [2.jpg]"}, "data.yaml: train: '2.jpg' is not there"),
        ({"1.jpg": (9, 9), "data.yaml": "names: {a: dent}\ntrain: .\n"}, "names: the keys must be whole numbers"),
        ({"1.jpg": (9, 9), "data.yaml": "names: [a]\ntrain: no\n"}, "train: 'no' is neither a folder nor a list"),
        ({"1.jpg": (9, 9), "data.yaml": "names: [a\ntrain: ."}, "data.yaml: is not good YAML"),
        ({"1.jpg": (9, 9), "a.yaml": "names: [a]", "b.yaml": "names: [a]"}, "holds several headers: a.yaml, b.yaml"),
        (
            {"t.txt": "2.jpg\n", "1.jpg": (9, 9), "data.yaml": "names: [a]\ntrain: t.txt"},
            "line 1: '2.jpg' is not there",
        ),
    ],
)
def test_broken_datasets(tree: Tree, files: dict[str, object], words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree(files), format="yolo")
    assert words in str(caught.value)


def test_class_files_of_two_folders_may_differ(tree: Tree) -> None:
    files = {
        "a/1.jpg": (100, 50), "a/1.txt": ROW, "a/classes.txt": "dent\nscratch\n",
        "b/1.jpg": (100, 50), "b/1.txt": ROW, "b/classes.txt": "scratch\ndent\n",
    }  # fmt: skip
    dataset = read(tree(files))
    assert dataset.classes == ("dent", "scratch")
    assert [(image.name, image.boxes[0].label) for image in dataset.images] == [
        ("a/1.jpg", "dent"),
        ("b/1.jpg", "scratch"),
    ]


def test_a_class_file_with_white_space_and_a_repeated_name(tree: Tree) -> None:
    problems = Problems()
    files = {
        "1.jpg": (100, 50),
        "1.txt": "1 0.1 0.1 0.1 0.1\n2 0.5 0.5 0.2 0.4\n",
        "data.yaml": "names: [a, ' b', b]\ntrain: .\n",
    }
    dataset = read(tree(files), problems=problems)
    assert dataset.classes == ("a", "b")
    assert [box.label for box in dataset.images[0].boxes] == ["b", "b"]
    assert [problem.kind for problem in problems] == ["label white space", "class listed twice"]


def test_sparse_names_and_names_that_look_like_other_types(tree: Tree) -> None:
    files = {"1.jpg": (100, 50), "1.txt": "7 0.5 0.5 0.2 0.4\n", "data.yaml": "train: .\nnames: {7: no, 3: 1}\n"}
    dataset = read(tree(files))
    assert dataset.classes == ("1", "no")
    assert dataset.images[0].boxes[0].label == "no"


def test_images_elsewhere(tree: Tree) -> None:
    photos = tree({"1.jpg": (100, 50)}, "photos")
    root = tree({"labels/1.txt": ROW, "classes.txt": "dent\n"})
    assert read(root, images=photos).images[0].boxes[0].xyxy == BOX
    assert read(root / "classes.txt", images=photos).images[0].boxes[0].xyxy == BOX


def test_a_folder_of_labels_finds_classes_and_images_beside_it(tree: Tree) -> None:
    root = tree({"images/a/1.jpg": (100, 50), "labels/a/1.txt": ROW, "classes.txt": "dent\n"})
    (image,) = read(root / "labels").images
    assert (image.name, image.boxes[0].xyxy) == ("a/1.jpg", BOX)


def test_an_image_called_as_a_list_is(tree: Tree) -> None:
    # labels/train.txt holds boxes, train.txt a list
    files = {"images/train.jpg": (100, 50), "labels/train.txt": ROW, "train.txt": "./images/train.jpg\n"}
    dataset = read(tree({**files, "data.yaml": "names: [dent]\ntrain: train.txt\nval: train.txt\n"}))
    assert [(image.split, len(image.boxes)) for image in dataset.images] == [("train", 1)]


def dataset_with_splits() -> Dataset:
    images = [Image(f"{split}.jpg", 100, 50, (Box("dent", *BOX),), split) for split in ("test", "train", "val")]
    return Dataset(("dent", "no"), tuple(images))


def test_what_is_written(tree: Tree, tmp_path: Path) -> None:
    photos = tree({f"{split}.jpg": (100, 50) for split in ("test", "train", "val")}, "photos")
    dataset = dataset_with_splits()
    images = tuple(Image(i.name, 100, 50, i.boxes, i.split, path=photos / i.name) for i in dataset.images)
    root = write(Dataset(dataset.classes, images), tmp_path / "out", "yolo")
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == [
        "classes.txt", "data.yaml", "images/test.jpg", "images/train.jpg", "images/val.jpg",
        "labels/test.txt", "labels/train.txt", "labels/val.txt", "test.txt", "train.txt", "val.txt",
    ]  # fmt: skip
    assert (root / "data.yaml").read_text() == (
        "train: train.txt\nval: val.txt\ntest: test.txt\nnames:\n  0: dent\n  1: 'no'\n"
    )
    assert (root / "val.txt").read_text() == "./images/val.jpg\n"
    assert (root / "labels/val.txt").read_text() == "0 0.500000000000 0.500000000000 0.200000000000 0.400000000000\n"
    assert (root / "images/val.jpg").samefile(photos / "val.jpg")  # a hard link
    assert read(root) == dataset


@pytest.mark.parametrize("splits", [("val",), ("test",), ("train", "test"), ("a", "b"), (None, "train"), (None,)])
def test_any_set_of_splits_survives_and_names_train_and_val(
    tree: Tree, tmp_path: Path, splits: tuple[str | None, ...]
) -> None:
    photos = tree({f"{number}.jpg": (9, 9) for number in range(len(splits))}, "photos")
    images = tuple(Image(f"{n}.jpg", 9, 9, (), split, path=photos / f"{n}.jpg") for n, split in enumerate(splits))
    dataset = Dataset(("dent",), images)
    root = write(dataset, tmp_path / "out", "yolo")
    keys = {line.partition(":")[0] for line in (root / "data.yaml").read_text().splitlines()}
    assert {"train", "val", "names"} <= keys  # Ultralytics refuses a file without them
    assert [(image.name, image.split) for image in read(root).images] == [(i.name, i.split) for i in images]


def test_losses_are_declared(tmp_path: Path) -> None:
    box = Box("a", 1.0, 1.0, 2.0, 2.0, None, Attributes(severity=2, place="left"))
    images = (Image("1.jpg", 9, 9, (box,), None, Attributes(claim="7")), Image("1.png", 9, 9, (box._replace(x2=5.0),)))
    problems = Problems()
    root = write(Dataset(("a",), images), tmp_path / "out", "yolo", media="none", problems=problems)
    assert [problem.kind for problem in problems] == ["box attributes", "image attributes", "image renamed"]
    assert "4 box attributes dropped, YOLO holds none: 2 x severity, 2 x place" in problems.items[0].what
    assert sorted(path.name for path in (root / "labels").iterdir()) == ["1.txt", "1_png.txt"]
