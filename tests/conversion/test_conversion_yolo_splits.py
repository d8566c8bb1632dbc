"""What the splits of data.yaml name: folders, lists of images, images; as this machine or another calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detect.conversion import read
from detect.errors import Problems

Tree = Callable[..., Path]

ROW = "0 0.5 0.5 0.2 0.4\n"
IMAGES = {f"images/{name}": (100, 50) for name in ("train/1.jpg", "train/2.jpg", "val/1.jpg")}
LISTS = {"w.txt": ".\\images\\train\\1.jpg \r\nD:\\x\\images\\train\\2.jpg \r\n"}
LISTS |= {"a.txt": "./images/val/1.jpg\n", "b.txt": "images/train/1.jpg\n/x/images/train/2.jpg\n"}


@pytest.mark.parametrize(
    ("header", "splits"),
    [
        ("train: images/train\nval: images/val\n", ("train", "train", "val")),  # folders
        ("train: images/train\nvalidation: images/val\n", ("train", "train", "val")),  # another word for it
        ("train: images\nval: images\n", ("train", "train", "val")),  # one folder for both, whose folders tell
        # a path of another machine
        ("Path: /me/x\ntrain: /me/x/images/train\nval: /me/x/images/val\n", ("train", "train", "val")),
        # Roboflow's step upwards, and its valid for val
        ("train: ../images/train\nval: ../images/valid\n", ("train", "train", "val")),
        # lists decide, not folders; their paths are as Ultralytics, this folder and another machine write them
        ("train: a.txt\nval: b.txt\n", ("val", "val", "train")),
        # a list of folders; what is also measured with is not trained on
        ("train: [images/train, images/val]\nval: images/val\n", ("train", "train", "val")),
        ("train: images\nval: images/val\n", ("train", "train", "val")),
        # no path at all, as YAML and Python write it
        ("train: images/train\nval: images/val\ntest: ~\n", ("train", "train", "val")),
        ("train: images/train\nval: images/val\ntest: null\n", ("train", "train", "val")),
        ("path: Null\ntrain: images/train\nval: images/val\ntest: None\n", ("train", "train", "val")),
        ("train: images/train\nval: images/val\ntest:\n", ("train", "train", "val")),
        # of Windows; each reported once, below
        ("path: D:\\x\ntrain: D:\\x\\images\\train\nval: D:\\x\\images\\val\n", ("train", "train", "val")),
        # images by name, some as another machine calls them; beside folders and lists
        ("train: [images/train/1.jpg, /x/images/train/2.jpg]\nval: [./images/val/1.jpg]\n", ("train", "train", "val")),
        ("train: [b.txt]\nval: [images\\val\\1.jpg]\n", ("train", "train", "val")),
        ("train: images/train/1.jpg\nval: [images/val, images/train/2.jpg]\n", ("train", "val", "val")),
        # lists of Windows, with blanks at the ends of their lines
        ("train: w.txt\nval: a.txt\n", ("train", "train", "val")),
    ],
)
def test_splits(tree: Tree, header: str, splits: tuple[str, ...]) -> None:
    root = tree({"data.yaml": f"names: [dent]\n{header}", **IMAGES, **LISTS})
    for source in (root, root / "data.yaml"):
        found = {image.name: image.split for image in read(source).images}
        assert found == dict(zip(("train/1.jpg", "train/2.jpg", "val/1.jpg"), splits, strict=True))


def test_paths_whose_accents_are_stored_otherwise(tree: Tree) -> None:
    together, apart = "d\u00e9", "de\u0301"
    files = {f"images/{together}.jpg": (100, 50), f"images/{apart}2.jpg": (100, 50), "images/1.jpg": (100, 50)}
    header = f"names: [dent]\ntrain: train.txt\nval: [images/{together}2.jpg]\ntest: [images/1.jpg]\n"
    dataset = read(tree({**files, "train.txt": f"images/{apart}.jpg\n", "data.yaml": header, "labels/1.txt": ROW}))
    assert {image.name: image.split for image in dataset.images} == {
        "1.jpg": "test", f"{together}.jpg": "train", f"{apart}2.jpg": "val",
    }  # fmt: skip


def test_names_may_be_a_file_of_names(tree: Tree) -> None:
    files = {"1.jpg": (100, 50), "1.txt": ROW, "names.txt": "dent\nrust\n", "data.yaml": "train: .\nnames: names.txt\n"}
    assert read(tree(files)).classes == ("dent", "rust")


def test_a_forgotten_test_folder_is_read_and_reported(tree: Tree) -> None:
    files = {f"{split}/images/1.jpg": (100, 50) for split in ("train", "valid", "test")}
    files |= {f"{split}/labels/1.txt": ROW for split in ("train", "valid", "test")}  # type: ignore[misc]
    header = "names: [dent]\ntrain: ../train/images\nval: ../valid/images\n"
    problems = Problems()
    dataset = read(tree({**files, "data.yaml": header}), problems=problems)
    assert {i.name: (i.split, len(i.boxes)) for i in dataset.images} == {
        "test/1.jpg": ("test", 1), "train/1.jpg": ("train", 1), "valid/1.jpg": ("val", 1),
    }  # fmt: skip
    assert problems.counts() == {("note", "image in no split"): 1}
