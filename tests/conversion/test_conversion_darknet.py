"""darknet's header obj.data, as CVAT's "YOLO 1.1" has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detect.conversion import read, write
from detect.data import Box, Dataset, Image
from detect.errors import DataError, Problems

Tree = Callable[..., Path]

HEADER = "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\nbackup = backup/\n"
ROW = "1 0.5 0.5 0.2 0.4\n"
EXPORT: dict[str, object] = {
    "obj.data": HEADER,
    "obj.names": "dent\nrust\n",
    "train.txt": "data/obj_train_data/1.jpg\ndata/obj_train_data/sub/2.jpg\n",
    "valid.txt": "data/obj_valid_data/3.jpg\n",
    "obj_train_data/1.jpg": (100, 50),
    "obj_train_data/1.txt": ROW,
    "obj_train_data/sub/2.jpg": (100, 50),
    "obj_train_data/sub/2.txt": "",
    "obj_valid_data/3.jpg": (100, 50),
    "obj_valid_data/3.txt": ROW,
}


def test_an_export_of_cvat(tree: Tree) -> None:
    root = tree(EXPORT)
    for source in (root, root / "obj.data"):
        problems = Problems()
        dataset = read(source, problems=problems)
        assert dataset.classes == ("dent", "rust")
        assert [(i.name, i.split, len(i.boxes)) for i in dataset.images] == [
            ("1.jpg", "train", 1),
            ("3.jpg", "val", 1),
            ("sub/2.jpg", "train", 0),
        ]
        assert dataset.images[0].boxes == (Box("rust", 40.0, 15.0, 60.0, 35.0),)
        assert len(problems) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"obj.names": None}, "names = data/obj.names is not there"),
        ({"valid.txt": None}, "'data/valid.txt' is neither a folder nor a list of images"),
        ({"obj_train_data/1.txt": "2 0.5 0.5 0.2 0.4\n"}, "class index 2 is out of range"),
    ],
)
def test_mistakes(tree: Tree, change: dict[str, object], words: str) -> None:
    files = {name: content for name, content in {**EXPORT, **change}.items() if content is not None}
    with pytest.raises(DataError) as caught:
        read(tree(files), format="darknet")
    assert words in str(caught.value)


def test_what_is_written_for_cvat(tree: Tree, tmp_path: Path) -> None:
    dataset = read(tree(EXPORT))
    out = write(dataset, tmp_path / "out", "darknet")
    assert (out / "obj.data").read_text() == HEADER
    assert (out / "obj.names").read_text() == "dent\nrust\n"
    assert (out / "train.txt").read_text() == "data/obj_train_data/1.jpg\ndata/obj_train_data/sub/2.jpg\n"
    assert (out / "obj_valid_data/3.txt").read_text().split() == ["1", "0.500000000000", "0.500000000000",
                                                                   "0.200000000000", "0.400000000000"]  # fmt: skip
    assert read(out) == dataset


def test_without_splits_both_lists_are_the_same(tmp_path: Path, tree: Tree) -> None:
    root = tree({"1.jpg": (9, 9)})
    dataset = Dataset(("dent",), (Image("1.jpg", 9, 9, (), path=root / "1.jpg"),))
    out = write(dataset, tmp_path / "out", "darknet")
    assert "train = data/default.txt\nvalid = data/default.txt\n" in (out / "obj.data").read_text()
    assert read(out) == dataset
