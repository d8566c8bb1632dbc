"""The box of a COCO annotation without a usual bbox: outlines, masks, turned rectangles, numbers as text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detect.conversion import read
from detect.conversion.coco.outlines import extent
from detect.errors import DataError, Problems
from tests.conversion.coco_rows import Row, annotation, coco, image

Tree = Callable[..., Path]


@pytest.mark.parametrize(
    ("outline", "expected"),
    [
        ([[10, 20, 110, 20, 110, 220]], (10, 20, 110, 220)),
        ([10, 20, 110, 20, 110, 220, 10, 220], (10, 20, 110, 220)),  # one list without the list around it
        ([[10, 20, 30, 20, 30, 40], [5, 25, 8, 25, 8, 60]], (5, 20, 30, 60)),  # of two parts
        ([[10, 20], [110, 20], [110, 220]], (10, 20, 110, 220)),  # pairs
        ([[[10, 20], [110, 20], [110, 220]]], (10, 20, 110, 220)),  # pairs of each part
        ([["10", "20.5", "110", "20.5", "1.1e2", " 220 "]], (10, 20.5, 110, 220)),  # text
        ({"size": [4, 3], "counts": [5, 2, 5]}, (1, 1, 2, 3)),  # rows 1 and 2 of column 1
        ({"size": [4, 3], "counts": [5, 4, 3]}, (1, 0, 3, 4)),  # three of column 1 and one of column 2
        ({"size": [4, 3], "counts": [0, 12]}, (0, 0, 3, 4)),  # all of it
        ({"size": [4.0, "3"], "counts": [11, 1]}, (2, 3, 3, 4)),
        ([], None),
        ({}, None),
        (None, None),
        ([[]], None),
    ],
)
def test_extents(outline: Any, expected: tuple[float, ...] | None) -> None:
    assert extent(outline, None) == expected


@pytest.mark.parametrize(
    ("outline", "words"),
    [
        ([[10, 20, 110, 20, 110]], "no outline"),  # y is missing
        ([[10, 20, 110, 20]], "three points"),
        ([["a", 20, 110, 20, 110, 220]], "no outline"),
        ([[10, 20, None, 20, 110, 220]], "no outline"),
        ([[10, 20, True, 20, 110, 220]], "no outline"),
        ([[[[[[10, 20]]]]]], "no outline"),  # lists without end
        ([10, [20, 30], 40, 50, 60, 70], "no outline"),
        ("10,20,110,20,110,220", "no outline"),
        (7, "no outline"),
        ({"counts": [12]}, "size"),
        ({"size": [4, 3]}, "counts"),
        ({"size": [4], "counts": [12]}, "size"),
        ({"size": [4, 3.5], "counts": [14]}, "size"),
        ({"size": [0, 3], "counts": []}, "size"),
        ({"size": [4, 3], "counts": [13]}, "add up to 3 x 4"),
        ({"size": [4, 3], "counts": [-1, 13]}, "counts"),
        ({"size": [4, 3], "counts": [True, 11]}, "counts"),
        ({"size": [4, 3], "counts": [2**62, 2**62, 2**62, 2**62 + 12]}, "add up"),  # 12, where sums run over
        ({"size": [999_999_999, 999_999_999], "counts": [2**63]}, "add up"),
        ({"size": [1e300, 1], "counts": [5]}, "size"),
        ({"size": [4, 3], "counts": "5"}, "add up"),  # one count of 5
        ({"size": [4, 3], "counts": "bad\x00"}, "run lengths"),
        ({"size": [4, 3], "counts": "!"}, "run lengths"),
        ({"size": [4, 3], "counts": "é"}, "run lengths"),
        ({"size": [4, 3], "counts": "o"}, "breaks off"),  # says that more bits follow
        ({"size": [4, 3], "counts": "o" * 10**6}, "run lengths"),  # a number of five million bits
        ({"size": [4, 3], "counts": "@"}, "counts"),  # -16
    ],
)
def test_what_is_no_outline_is_named(outline: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        extent(outline, None)


@pytest.mark.parametrize("seed", range(4))
def test_masks_as_pycocotools_has_them(seed: int) -> None:
    from pycocotools import mask

    rng = np.random.default_rng(seed)
    for _ in range(50):
        high, wide = (int(side) for side in rng.integers(1, 400, 2))
        pixels = np.zeros((high, wide), np.uint8)
        y, x = int(rng.integers(high)), int(rng.integers(wide))
        pixels[y : y + int(rng.integers(1, high + 1)), x : x + int(rng.integers(1, wide + 1))] = 1
        pixels &= rng.random((high, wide)) < rng.choice([0.02, 0.5, 1.0])
        packed = mask.encode(np.asfortranarray(pixels))
        counts = packed["counts"].decode()
        left, top, w, h = mask.toBbox(packed)
        if not pixels.any():
            continue
        assert extent({"size": [high, wide], "counts": counts}, (wide, high)) == (left, top, left + w, top + h)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], pixels.ravel(order="F")])))
        plain = np.diff(np.concatenate([[0], edges, [pixels.size]])).tolist()
        assert extent({"size": [high, wide], "counts": plain}, None) == (left, top, left + w, top + h)


ROWS: list[tuple[Row, tuple[float, ...] | None, set[tuple[str, str]]]] = [
    # changes to a row, the box, what is reported
    ({"bbox": []}, (10, 20, 30, 40), {("lost", "outlines")}),
    ({"bbox": [0, 0, 0, 0]}, (10, 20, 30, 40), {("lost", "outlines")}),  # not worked out by the tool
    ({"bbox": [10, 20, 0, 20]}, (10, 20, 30, 40), {("lost", "outlines")}),
    ({"bbox": [1, 2, 3, 4]}, (1, 2, 4, 6), {("lost", "outlines")}),  # the bbox counts
    ({"bbox": None, "segmentation": [["10", "20", "30", "20", "30", "40"]]}, (10, 20, 30, 40),
     {("lost", "outlines"), ("repaired", "numbers as text")}),
    ({"bbox": None, "segmentation": {"size": [50, 100], "counts": [120, 3, 4877]}}, (2, 20, 3, 23),
     {("lost", "outlines")}),
    ({"bbox": None, "segmentation": {"size": [100, 50], "counts": [120, 3, 4877]}}, None, {("error", "not a number")}),
    ({"bbox": None, "segmentation": [[1, 2, 3]]}, None, {("error", "not a number")}),
    ({"bbox": None, "segmentation": [[float("nan"), 20, 30, 20, 30, 40]]}, None,
     {("error", "not a number"), ("lost", "outlines")}),
    ({"bbox": ["1", 2, 3, " 4.5 "], "segmentation": []}, (1, 2, 4, 6.5), {("repaired", "numbers as text")}),
    ({"bbox": [1, 2, 3, "nan"]}, None, {("error", "not a number")}),
]  # fmt: skip


@pytest.mark.parametrize(("row", "box", "reports"), ROWS)
def test_boxes(tree: Tree, row: Row, box: tuple[float, ...] | None, reports: set[tuple[str, str]]) -> None:
    problems = Problems()
    good = {"image_id": 2, "id": 9}
    other = annotation(7, segmentation=[[10, 20, 30, 20, 30, 40]]) | row
    root = tree({"a.json": coco((annotation() | good, other), [image(), image(2, "2.jpg")]),
                 "1.jpg": (100, 50), "2.jpg": (100, 50)})  # fmt: skip
    images = read(root, on_error="skip", problems=problems).images
    assert {key for key in problems.counts() if key[1] != "image left out"} == reports
    found = [found.xyxy for image in images if image.name == "1.jpg" for found in image.boxes]
    assert found == ([box] if box else [])


def test_text_is_reported_once_and_sizes_count(tree: Tree) -> None:
    problems = Problems()
    rows = tuple(annotation(n, ("1", 2, 3, 4 + n)) for n in range(5))
    (found,) = read(tree({"a.json": coco(rows, [image(width="100", height="50")])}), problems=problems).images
    assert (found.width, found.height, len(found.boxes)) == (100, 50, 5)
    repaired = [problem.what[:7] for problem in problems if problem.level == "repaired"]
    assert repaired == ["6 boxes"]


TURNED = [
    # attributes, the corners of the box 10, 20, 30, 10 (a rectangle of 30 x 10 about 25, 25), the attributes that stay
    ({"rotation": 90.0}, (20, 10, 30, 40), {}),
    ({"rotation": "90"}, (20, 10, 30, 40), {}),  # as numbers of some scripts
    ({"rotation": 360, "occluded": True}, (10, 20, 40, 30), {"occluded": True}),
    ({"rotation": 0.0, "occluded": False}, (10, 20, 40, 30), {}),  # as CVAT writes it for every box
    ({"rotation": "left"}, (10, 20, 40, 30), {"rotation": "left"}),  # somebody's own attribute
    ({"occluded": 0, "sure": False}, (10, 20, 40, 30), {"sure": False}),
]


@pytest.mark.parametrize(("stated", "corners", "kept"), TURNED)
def test_a_turned_rectangle_of_cvat(tree: Tree, stated: Row, corners: tuple[float, ...], kept: Row) -> None:
    problems = Problems()
    root = tree({"a.json": coco((annotation(attributes=stated, area=300),)), "1.jpg": (100, 50)})
    ((box,),) = (image.boxes for image in read(root, problems=problems).images)
    assert (box.xyxy, dict(box.attributes)) == (corners, kept)
    assert problems.counts() == ({("lost", "rotation"): 1} if corners[0] == 20 else {})


def test_a_turned_rectangle_is_that_of_the_same_task_as_xml(tree: Tree) -> None:
    shape = '<box label="dent" source="manual" occluded="0" xtl="10" ytl="20" xbr="40" ybr="30" rotation="33.3" />'
    head = "<annotations><meta><task><labels><label><name>dent</name></label></labels></task></meta>"
    xml = f'{head}<image id="0" name="1.jpg" width="100" height="50">{shape}</image></annotations>'
    row = annotation(attributes={"occluded": False, "rotation": 33.3}, area=300.0)
    document = coco((row,), categories=[{"id": 1, "name": "dent"}])
    assert read(tree({"a.json": document}, "json")) == read(tree({"a.xml": xml}, "xml"))


def test_a_rotation_that_is_no_number_is_an_error(tree: Tree) -> None:
    text = coco((annotation(attributes={"rotation": float("inf")}),))
    with pytest.raises(DataError, match="rotation must be a finite number"):
        read(tree({"a.json": text, "1.jpg": (100, 50)}))


def test_a_rotation_in_a_file_of_ours_is_an_attribute(tree: Tree, tmp_path: Path) -> None:
    from detect.conversion import write
    from detect.data import Attributes, Box, Dataset, Image

    boxes = (Box("dent", 1.0, 2.0, 31.0, 12.0, None, Attributes(rotation=45)),)
    dataset = Dataset(("dent",), (Image("1.jpg", 100, 50, boxes),))
    assert read(write(dataset, tmp_path / "out.json", "coco")) == dataset


def test_panoptic_segments_are_read_as_boxes(tree: Tree) -> None:
    segments = [{"id": 7, "category_id": 1, "bbox": [10, 20, 30, 10], "area": 300, "iscrowd": 0},
                {"id": 8, "category_id": 4, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 1}]  # fmt: skip
    rows = ({"image_id": 1, "file_name": "1.png", "segments_info": segments},
            {"image_id": 2, "file_name": "2.png", "segments_info": segments[:1]})  # fmt: skip
    root = tree({"panoptic.json": coco(rows, [image(), image(2, "2.jpg")])})
    one, two = read(root).images
    assert [(box.label, box.xyxy) for box in one.boxes] == [("dent", (10, 20, 40, 30)), ("scratch", (1, 2, 4, 6))]
    assert len(two.boxes) == 1


def test_a_bad_panoptic_segment_is_an_error(tree: Tree) -> None:
    rows = ({"image_id": 1, "segments_info": [{"category_id": 1, "bbox": [1, 2, 3]}]},)
    with pytest.raises(DataError, match="annotation number 1: segment 1: bbox must be four numbers"):
        read(tree({"a.json": json.dumps(json.loads(coco(rows)))}))
