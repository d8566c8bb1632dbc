"""What images are called, and which split a folder means."""

from __future__ import annotations

import pytest

from detect.conversion.names import folder_splits, image_names, posix, split_name, split_word, stem, suffix


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["images/1.jpg", "images/2.jpg"], ["1.jpg", "2.jpg"]),  # the container is no part of the name
        (["images/train/1.jpg", "images/val/1.jpg"], ["train/1.jpg", "val/1.jpg"]),  # what it holds is
        (["train/images/1.jpg", "valid/images/1.jpg"], ["train/1.jpg", "valid/1.jpg"]),  # as Roboflow lays it out
        (["JPEGImages/a/1.jpg"], ["a/1.jpg"]),  # the VOC devkit
        (["IMAGES/1.jpg", "Validation_Images/2.jpg"], ["1.jpg", "2.jpg"]),  # two containers, no clash
        (["IMAGES/1.jpg", "Validation_Images/1.jpg"], ["IMAGES/1.jpg", "Validation_Images/1.jpg"]),  # a clash
        (["images/a/images/1.jpg", "images/a/1.jpg"], ["a/images/1.jpg", "a/1.jpg"]),  # clash below a shared container
        (["1.jpg", "sub/1.jpg"], ["1.jpg", "sub/1.jpg"]),  # nothing to leave out
        (["images.jpg"], ["images.jpg"]),  # a file is no container
        ([], []),
    ],
)
def test_image_names(paths: list[str], names: list[str]) -> None:
    assert image_names(paths) == names


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("1.jpg", "1.jpg"),
        (r"C:\photos\day 1\1.jpg", "photos/day 1/1.jpg"),  # Windows, absolute
        (r"sub\1.jpg", "sub/1.jpg"),  # Windows, relative
        ("./a//b/1.jpg", "a/b/1.jpg"),
        ("/home/me/1.jpg", "home/me/1.jpg"),
        ("../../etc/passwd", "etc/passwd"),  # never above the folder
        (r"..\..\secret.jpg", "secret.jpg"),
    ],
)
def test_posix(written: str, name: str) -> None:
    assert posix(written) == name


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("train", "train"),
        ("Valid", "val"),
        ("validation", "val"),
        ("train2017", "train"),  # COCO's years
        ("val2014_100", "val"),  # an excerpt of one
        ("testing", "test"),
        ("trainval", None),
        ("cars", None),
    ],
)
def test_split_word(word: str, split: str | None) -> None:
    assert split_word(word) == split


def test_split_name_keeps_unknown_words_and_reads_default_as_none() -> None:
    assert [split_name(word) for word in ("holdout", "Default", "valid", "")] == ["holdout", None, "val", None]


def test_folder_splits_need_every_image_in_such_a_folder() -> None:
    assert folder_splits(["train/1.jpg", "valid/2.jpg"]) == ["train", "val"]
    assert folder_splits(["train/1.jpg", "other/2.jpg"]) is None
    assert folder_splits(["train.jpg"]) is None
    assert folder_splits([]) is None


def test_endings() -> None:
    assert [suffix(name) for name in ("a/1.JPG", "a.b/c", ".hidden", "1.tar.gz")] == [".jpg", "", "", ".gz"]
    assert [stem(name) for name in ("a/1.JPG", "v1.2", "1.jpg.xml")] == ["a/1", "v1.2", "1.jpg"]
