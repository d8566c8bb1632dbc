"""Which label file is read for which image of a YOLO dataset, and what headers say that is not always so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest

from detect.conversion import read, write
from detect.data import Box
from detect.errors import DataError, Problems

Tree = Callable[..., Path]

ROW = "0 0.5 0.5 0.2 0.4\n"  # in 100 x 50: (40, 15) to (60, 35)
BOX = Box("dent", 40.0, 15.0, 60.0, 35.0)
CLASSES = {"classes.txt": "dent\n"}
E = "\u00e9"  # é as one character


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/image.webp.jpg", "labels/image.webp.txt"),  # two dots
        ("images/a.b.c.JPG", "labels/a.b.c.txt"),
        ("images/1.jpg", "labels/1.jpg.txt"),  # called after the whole name
        ("1.jpg", "1.jpg.txt"),
        (f"images/d{E}cran.png", "labels/d%C3%A9cran.txt"),  # percent-encoded, as Label Studio's
        ("images/my car.png", "labels/my%20car.txt"),
        ("images/my%20car.png", "labels/my car.txt"),
        (f"images/d{E}cran.png", f"labels/{normalize('NFD', f'd{E}cran')}.txt"),  # accents apart, as macOS has them
        (f"images/{normalize('NFD', f'd{E}cran')}.png", f"labels/d{E}cran.txt"),
        (f"images/{normalize('NFD', f'd{E}cran')}.png", "labels/d%C3%A9cran.txt"),
        ("images/IMG_1.JPG", "labels/img_1.txt"),
        ("obj_train_data/1.jpg", "obj_train_labels/1.txt"),  # CVAT
        ("images/1.jpg", "labels/1.TXT"),
    ],
)
def test_a_label_file_is_found(tree: Tree, image: str, label: str) -> None:
    problems = Problems()
    (found,) = read(tree({image: (100, 50), label: ROW, **CLASSES}), format="yolo", problems=problems).images
    assert found.boxes == (BOX,)
    assert len(problems) == 0


@pytest.mark.parametrize(
    ("images", "label"),
    [
        (["images/0000_7436.jpeg", "images/0000_6dd1.jpeg"], "labels/0000.txt"),  # whose?
        (["images/car.1.jpg", "images/car.2.jpg"], "labels/car.txt"),  # cut at the first dot
        (["images/A.jpg", "images/a.jpg"], "labels/%61.txt"),  # two that may be meant
        (["images/1.jpg", "images/1.jpg.png", "images/2.jpg"], "labels/3.txt"),
    ],
)
def test_a_label_file_of_nobody_knows_which_image_is_an_error(tree: Tree, images: list[str], label: str) -> None:
    root = tree({**dict.fromkeys(images, (100, 50)), label: ROW, **CLASSES})
    with pytest.raises(DataError) as caught:
        read(root, format="yolo")
    assert str(caught.value) == f"{root}/{label}: there is no image of this name"


def test_two_images_that_share_a_label_file_are_noted(tree: Tree) -> None:
    files = {"images/a.jpg": (100, 50), "images/a.png": (100, 50), "images/b.jpg": (100, 50)}
    problems = Problems()
    dataset = read(tree({**files, "labels/a.txt": ROW, "labels/b.txt": ROW, **CLASSES}), problems=problems)
    assert [image.boxes for image in dataset.images] == [(BOX,)] * 3
    (note,) = problems
    assert (note.level, note.what) == ("note", "is read for each of images/a.jpg and images/a.png")
    assert note.file.endswith("labels/a.txt")


def test_a_label_named_after_another_image_is_not_read_for_this_one(tree: Tree) -> None:
    files = {"a.jpg": (100, 50), "a.jpg.png": (100, 50), "a.jpg.txt": ROW}
    dataset = read(tree({**files, **CLASSES}))
    assert {image.name: len(image.boxes) for image in dataset.images} == {"a.jpg": 0, "a.jpg.png": 1}


def test_names_that_differ_in_case_alone_keep_their_own_labels(tree: Tree, tmp_path: Path) -> None:
    files = {"images/IMG_1.jpg": (100, 50), "images/img_1.JPG": (100, 50)}
    files |= {"labels/IMG_1.txt": ROW, "labels/img_1.txt": "0 0.5 0.5 0.1 0.1\n", **CLASSES}  # type: ignore[dict-item]
    dataset, problems = read(tree(files)), Problems()
    assert [image.boxes[0].width for image in dataset.images] == [20, 10]
    out = write(dataset, tmp_path / "out", "yolo", problems=problems)
    assert [problem.kind for problem in problems] == ["image renamed"]  # on a disk that ignores case, too
    assert len({path.name.lower() for path in (out / "labels").iterdir()}) == 2
    assert sorted(image.boxes[0].width for image in read(out).images) == [10, 20]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"0 0.5 \xff", "1.txt: byte 6: the text is not UTF-8"),
        (None, "1.txt: is a broken symbolic link"),
    ],
)
def test_a_label_file_that_cannot_be_read_leaves_its_photo_out(tree: Tree, content: bytes | None, words: str) -> None:
    root = tree({"1.jpg": (100, 50), "1.txt": content or "", "2.jpg": (100, 50), "2.txt": ROW, **CLASSES})
    if content is None:
        (root / "1.txt").unlink()
        (root / "1.txt").symlink_to("nowhere")
    problems = Problems()
    dataset = read(root, format="yolo", on_error="skip", problems=problems)
    assert [image.name for image in dataset.images] == ["2.jpg"]
    assert words in str(problems.errors[0])
    (left_out,) = (problem for problem in problems if problem.level == "dropped")
    assert left_out.file == f"{root}/1.jpg"  # rejects.jsonl names the photo


@pytest.mark.parametrize(
    ("name", "content", "kept"),
    [
        ("1.xml", "<annotation><object><name>dent</name></object></annotation>", False),
        ("annotations/1.json", '{"shapes": [{"label": "dent"}]}', False),
        ("1.json", "{", False),  # broken: may hold anything
        ("1.xml", "<annotation></annotation>", True),  # holds nothing
        ("notes.json", '{"categories": [{"id": 0}]}', True),  # of no photo's name
    ],
)
@pytest.mark.parametrize("header", ["classes.txt", "data.yaml"])
def test_a_photo_is_not_undamaged_beside_a_file_of_its_name_that_was_not_read(
    tree: Tree, name: str, content: str, kept: bool, header: str
) -> None:
    files = {"1.jpg": (100, 50), name: content, "2.jpg": (100, 50), "2.txt": ROW}
    root = tree({**files, header: "dent\n" if header == "classes.txt" else "train: .\nnames: [dent]\n"})
    problems = Problems()
    dataset = read(root, format="yolo", on_error="skip", problems=problems)
    assert [image.name for image in dataset.images] == (["1.jpg", "2.jpg"] if kept else ["2.jpg"])
    assert [problem.kind for problem in problems.errors] == ([] if kept else ["annotations not read"])


@pytest.mark.parametrize(
    "row",
    [
        "0 0.5 0.5 0.2 0.4",
        "0,0.5,0.5,0.2,0.4",
        "0;0,5;0,5;0,2;0,4",
        "0 nan 0.5 0.2 0.4",
        "-1 0.5 0.5 0.2 0.4",
        "0 100 50 20 40",
        "dent 0.5 0.5 0.2 0.4",
        "tire flat,0.5,0.5,0.2,0.4,",
        "Tire Flat 100 50 20 40",
        "\ufeff0 0.5 0.5 0.2 0.4",
        "\n\n0 0.5 0.5 0.2 0.4",
    ],
)
def test_labels_without_an_image_are_known_as_labels(tree: Tree, row: str) -> None:
    files = {"1.jpg": (100, 50), "1.txt": ROW, "2.txt": row, "3.txt": row.encode("utf-16")}
    root = tree({**files, "classes.txt": "dent\ntire flat\n"})
    with pytest.raises(DataError) as caught:
        read(root)
    assert [Path(problem.file).name for problem in caught.value.problems] == ["2.txt", "3.txt"]


def test_files_of_tools_are_no_labels(tree: Tree) -> None:
    files = {
        "README.roboflow.txt": "\ndamage - v1 2024-01-01 12:00am\n==========\n\n* resize to 640x640\n",
        "README.dataset.txt": "# damage > 2024-01-01\nhttps://universe.roboflow.com/x/y\n",
        "labels.cache": b"\x93NUMPY",
        "sizes.txt": "width height 640 480 3 1\n",
        "notes.txt": "scores 12 13 14 15\n",
        "mean.txt": "0.485 0.456 0.406 0.229 0.224 0.225\n",
        "log.txt": "loss 0.1 0.2 0.3 0.4\n",  # no class is called so
        "other/classes.txt": "scores\n",  # classes of no label file
        "other/log.txt": "loss 0.1 0.2 0.3 0.4\n",
    }
    problems = Problems()
    dataset = read(tree({"1.jpg": (100, 50), "1.txt": ROW, **files, **CLASSES}), problems=problems)
    assert (len(dataset), len(problems), dataset.classes) == (1, 0, ("dent",))


def test_labels_are_recognised_behind_any_number_of_empty_ones(tree: Tree) -> None:
    files: dict[str, object] = {f"{number}.jpg": (9, 9) for number in range(60)}
    files |= {f"{number}.txt": "" for number in range(59)}
    files |= {"59.txt": ROW.replace("0", "dent", 1)}
    assert sum(len(image.boxes) for image in read(tree({**files, **CLASSES})).images) == 1


def test_two_label_files_of_one_name_are_not_read_as_one(tree: Tree) -> None:
    root = tree({"1.jpg": (100, 50), "1.txt": ROW, "1.TXT": ROW, **CLASSES})
    with pytest.raises(DataError, match="there is no image of this name"):
        read(root)


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("nc: 3\nnames: [dent, rust]\n", "says 3 classes and names 2; the names count"),
        ("nc: 1\nnames: {0: dent, 4: rust}\n", "says 1 classes and names 2; the names count"),
        ("nc: 2\nnames: [dent, rust]\n", None),
        ("names: [dent, rust]\n", None),
        ("nc: ~\nnames: [dent, 'null']\n", None),
    ],
)
def test_a_count_of_classes_that_contradicts_their_names(tree: Tree, header: str, note: str | None) -> None:
    problems = Problems()
    dataset = read(tree({"1.jpg": (100, 50), "1.txt": ROW, "data.yaml": f"train: .\n{header}"}), problems=problems)
    assert dataset.classes[0] == "dent" and len(dataset.classes) == 2
    assert [problem.what for problem in problems] == ([note] if note else [])


def test_a_row_of_a_class_that_is_counted_but_not_named(tree: Tree) -> None:
    header = "train: images\nval: images\nnc: 3\nnames: [dent, rust]\n"
    root = tree({"images/1.jpg": (100, 50), "labels/1.txt": f"2{ROW[1:]}", "data.yaml": header})
    with pytest.raises(DataError, match=r"class index 2 is out of range; the classes go from 0 to 1"):
        read(root)


def test_a_foreign_path_is_reported_once(tree: Tree) -> None:
    header = (
        "path: D:\\sahi\\out\ntrain: D:\\sahi\\out\\images\\train\nval: D:\\sahi\\out\\images\\val\nnames: [dent]\n"
    )
    files = {f"images/{split}/1.jpg": (100, 50) for split in ("train", "val")}
    problems = Problems()
    dataset = read(tree({**files, "labels/train/1.txt": ROW, "labels/val/1.txt": "", "data.yaml": header}),
                   problems=problems)  # fmt: skip
    assert [(image.split, len(image.boxes)) for image in dataset.images] == [("train", 1), ("val", 0)]
    assert problems.counts() == {("repaired", "foreign path"): 1}


def test_cvats_darknet_of_windows_without_valid(tree: Tree) -> None:
    files = {
        "obj.data": "classes = 1\ntrain = train.txt\nnames = obj.names\nbackup = backup/\n",
        "obj.names": "dent\n",
        "train.txt": "obj_train_data\\8947_\uc11c\uc6b83720.jpg \r\n",
        "obj_train_data/8947_\uc11c\uc6b83720.jpg": (100, 50),
        "obj_train_data/8947_\uc11c\uc6b83720.txt": ROW,
    }
    (image,) = read(tree(files)).images
    assert (image.split, image.boxes) == ("train", (BOX,))
