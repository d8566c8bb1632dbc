"""Ids of COCO: whole numbers or text, and what is meant where one list writes them otherwise than another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read
from detect.errors import DataError, Problems
from tests.conversion.coco_rows import annotation, coco, image

Tree = Callable[..., Path]


@pytest.mark.parametrize(
    ("listed", "meant", "repaired"),
    [
        (7, 7, False),
        (0, 0, False),
        (-3, -3, False),
        (2**63, 2**63, False),
        ("a-7", "a-7", False),
        ("007", "007", False),
        (7.0, 7.0, True),  # pandas, where a column had a gap
        (7, 7.0, True),
        (7.0, 7, False),
        ("7", 7, True),
        (7, "7", True),
        (-3, "-3", True),
        (7, "7.0", True),
        ("7", 7.0, True),
        (7, " 7 ", True),
    ],
)
def test_one_id_however_it_is_written(tree: Tree, listed: Any, meant: Any, repaired: bool) -> None:
    for of_image in (True, False):
        images = [image(listed if of_image else 1), image(99, "2.jpg")]
        categories = [{"id": 1 if of_image else listed, "name": "dent"}, {"id": 99, "name": "rust"}]
        row = annotation(image_id=meant if of_image else 1, category_id=1 if of_image else meant)
        root = tree({"a.json": coco((row,), images, categories), "1.jpg": (100, 50), "2.jpg": (100, 50)})
        problems = Problems()
        assert [len(found.boxes) for found in read(root, problems=problems).images] == [1, 0]
        assert problems.counts() == ({("repaired", "id of another type"): 1} if repaired else {})


@pytest.mark.parametrize(
    ("listed", "meant"),
    [
        ([7, "7"], 7.5),
        ([7], "07"),  # a name of its own, as frames have
        ([1], True),
        ([7], None),
        ([7], [7]),
        ([7], {"id": 7}),
        ([2**53], 2.0**54),
        (["7", "7.0"], 7),  # either of two
        (["a"], "A"),
    ],
)
def test_what_means_no_row_or_more_than_one_is_an_error(tree: Tree, listed: list[Any], meant: Any) -> None:
    images = [image(key, f"{n}.jpg") for n, key in enumerate(listed)]
    with pytest.raises(DataError, match=r'image_id .* is not in "images"'):
        read(tree({"a.json": coco((annotation(image_id=meant),), images)}))


def test_a_number_and_the_same_as_text_stay_two(tree: Tree) -> None:
    images = [image(7, "a.jpg"), image("7", "b.jpg")]
    rows = (annotation(1, (1, 1, 2, 2), image_id="7"), annotation(2, (3, 3, 2, 2), image_id=7.0))
    dataset = read(tree({"a.json": coco(rows, images)}))
    assert {found.name: found.boxes[0].x1 for found in dataset.images} == {"a.jpg": 3, "b.jpg": 1}


@pytest.mark.parametrize("bad", [None, True, 1.5, {}, [1], float("nan")])
def test_what_is_no_id_is_refused(tree: Tree, bad: Any) -> None:
    texts = {
        "annotation": coco((annotation(bad),)),
        "image 1: needs an id": coco(images=[image(bad)]),
        "category 1: needs an id": coco(categories=[{"id": bad, "name": "dent"}]),
    }
    for words, text in texts.items():
        with pytest.raises(DataError, match=words):
            read(tree({"a.json": text}))


def test_annotations_without_ids(tree: Tree) -> None:
    rows = [annotation(n, (n, 1, 2, 2)) for n in range(3)]
    for row in rows:
        del row["id"]
    assert read(tree({"a.json": coco(tuple(rows))})).boxes == 3


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"image_id": "1.jpg"}, 'image_id 1.jpg is not in "images": it is the file_name of image 1, not its id'),
        ({"category_id": "dent"}, 'category_id dent is not in "categories": it is the name of category 1, not its id'),
    ],
)
def test_a_name_in_place_of_an_id_is_refused_with_the_reason(tree: Tree, row: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree({"a.json": coco((annotation(**row),))}))
    assert words in str(caught.value)


def test_two_categories_of_one_name_are_one_class(tree: Tree) -> None:
    categories = [{"id": n, "name": name} for n, name in enumerate(("dent", " dent", "Dent", "rust"))]
    rows = tuple(annotation(n, (n, 1, 2, 2), category_id=n) for n in range(4))
    problems = Problems()
    dataset = read(tree({"a.json": coco(rows, categories=categories)}), problems=problems)
    assert dataset.classes == ("dent", "Dent", "rust")
    assert [box.label for box in dataset.images[0].boxes] == ["dent", "dent", "Dent", "rust"]
    repaired = [str(problem) for problem in problems if problem.kind == "class listed twice"]
    assert [text.partition("a.json: ")[2] for text in repaired] == [
        "category 1: 'dent' is listed twice; both ids mean the same class"
    ]


def test_an_id_with_two_names_is_no_class(tree: Tree) -> None:
    categories = [{"id": 1, "name": "dent"}, {"id": 1, "name": "rust"}]
    with pytest.raises(DataError) as caught:
        read(tree({"a.json": coco((annotation(),), categories=categories)}))
    assert {problem.kind for problem in caught.value.problems} == {"duplicate id", "unknown category_id"}
