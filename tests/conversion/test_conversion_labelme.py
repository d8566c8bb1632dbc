"""LabelMe JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read
from detect.data import Box
from detect.errors import DataError, Problems
from tests.conversion.left_out import corners_and_reports, remains, reports

Tree = Callable[..., Path]
Row = dict[str, Any]

BOX = Box("dent", 10.0, 20.0, 40.0, 30.0)


def shape(kind: Any = "rectangle", points: Any = ((10, 20), (40, 30)), **more: Any) -> Row:
    row = {"label": "dent", "points": points, "group_id": None, "description": "", "shape_type": kind}
    return {**row, "flags": {}, "mask": None, **more}


def labelme(*shapes: Any, image: Any = "1.jpg", **more: Any) -> str:
    document = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": image, "imageData": None}
    return json.dumps({**document, "imageHeight": 50, "imageWidth": 100, **more}, indent=2)


FIRST = json.dumps(  # as version 2 wrote it: polygons alone, no size
    {
        "shapes": [{"label": "dent", "line_color": None, "points": [[10, 20], [40, 20], [40, 30]]}],
        "lineColor": [0, 255, 0, 128],
        "imagePath": "1.jpg",
        "imageData": "AAAA",
    }
)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"1.json": labelme(shape()), "1.jpg": (100, 50)}, "1.jpg"),
        ({"1.json": labelme(shape(), imageData="A" * 200_000), "1.jpg": (100, 50)}, "1.jpg"),  # the photo in the file
        ({"1.json": "\ufeff" + labelme(shape()), "1.jpg": (100, 50)}, "1.jpg"),  # byte order mark
        ({"1.json": FIRST, "1.jpg": (100, 50)}, "1.jpg"),
        ({"a/1.json": labelme(shape()), "a/1.jpg": (100, 50)}, "a/1.jpg"),
        ({"labels/1.json": labelme(shape()), "images/1.jpg": (100, 50)}, "1.jpg"),  # moved apart
        ({"labels/1.json": labelme(shape(), image="../images/1.jpg"), "images/1.jpg": (100, 50)}, "1.jpg"),
        ({"labels/1.json": labelme(shape(), image=r"..\photos\1.jpg"), "photos/1.jpg": (100, 50)}, "1.jpg"),  # Windows
        ({"labels/a/1.json": labelme(shape(), image=r"..\..\photos\a\1.jpg"), "photos/a/1.jpg": (100, 50)}, "a/1.jpg"),
        ({"a/1.json": labelme(shape(), image="b/1.jpg"), "a/b/1.jpg": (100, 50), "b/1.jpg": (9, 9)}, "a/b/1.jpg"),
        ({"1.json": labelme(shape(), image=r"D:\photos\a\1.jpg"), "images/a/1.jpg": (100, 50)}, "a/1.jpg"),  # absolute
        ({"1.json": labelme(shape(), image="/home/me/a/1.jpg"), "1.jpg": (100, 50)}, "1.jpg"),
        ({"1.json": labelme(shape(), image="1.JPG"), "1.jpg": (100, 50)}, "1.JPG"),  # another case: as the file says
    ],
)
def test_layouts(tree: Tree, files: dict[str, object], name: str) -> None:
    root = tree(files)
    dataset = read(root)
    assert dataset.classes == ("dent",)
    (found,) = (image for image in dataset.images if image.boxes)
    assert (found.name, found.width, found.height, found.split) == (name, 100, 50, None)
    assert found.path == root / list(files)[1]
    assert found.boxes == (BOX,)


def test_one_file_is_one_image(tree: Tree) -> None:
    root = tree({"1.json": labelme(shape()), "2.json": labelme(image="2.jpg"), "1.jpg": (100, 50), "2.jpg": (100, 50)})
    assert [(image.name, len(image.boxes)) for image in read(root).images] == [("1.jpg", 1), ("2.jpg", 0)]
    assert [image.boxes for image in read(root / "1.json").images] == [(BOX,)]


@pytest.mark.parametrize(
    ("row", "box", "report"),
    [
        (shape(), BOX.xyxy, None),
        (shape(points=[[40, 20], [10, 30]]), BOX.xyxy, None),  # any two opposite corners: nothing is repaired
        (shape(points=[[10.123456, 20], [40.5, 30.25]]), (10.123456, 20, 40.5, 30.25), None),
        (shape(points=[[10, 20], [40, 20], [40, 30], [10, 30]]), BOX.xyxy, None),  # all four, as X-AnyLabeling
        (shape("polygon", [[10, 20], [40, 20], [25, 30]]), BOX.xyxy, ("lost", "outline")),
        (shape("circle", [[20, 20], [23, 24]]), (15, 15, 25, 25), ("lost", "outline")),  # centre, point on the rim
        (shape("circle", [[20, 20], [21, 21]]), (20 - sqrt(2), 20 - sqrt(2), 20 + sqrt(2), 20 + sqrt(2)),
         ("lost", "outline")),
        (shape("oriented_rectangle", [[20, 10], [30, 20], [20, 30], [10, 20]]), (10, 10, 30, 30), ("lost", "rotation")),
        (shape("mask", [[10, 20], [39, 29]], mask="iVBO"), BOX.xyxy, ("lost", "outline")),  # its first and last pixel
        (shape("linestrip", [[10, 20], [40, 20], [25, 30], [10, 20]]), BOX.xyxy, ("lost", "outline")),  # closed
        (shape("linestrip", [[10, 20], [40, 20], [25, 30]]), None, ("dropped", "linestrip not converted")),
        (shape("linestrip", [[10, 20], [40, 20], [10, 20]]), None, ("dropped", "linestrip not converted")),  # no area
        (shape("line"), None, ("dropped", "line not converted")),
        (shape("point", [[10, 20]]), None, ("dropped", "point not converted")),
        (shape("points"), None, ("dropped", "points not converted")),  # what an AI prompt leaves
        (shape("rectangle", [[10, 20]]), None, ("dropped", "box without area")),
        (shape(points=[[90, 20], [140, 30]]), (90, 20, 100, 30), ("repaired", "box clipped")),
        (shape(points=[[110, 20], [140, 30]]), None, ("dropped", "box outside the image")),
        (shape(points=[[1, 1], [2, 2]]), None, ("dropped", "duplicate box")),  # of the first one
        (shape(points=[[1, 1], [2, 2]], group_id=3), (1, 1, 2, 2), None),  # other attributes: no duplicate
        (shape(label=""), None, ("dropped", "no label")),
        (shape(label=None), None, ("dropped", "no label")),
        (shape(label=5), None, ("dropped", "no label")),
        (shape(label="dent\n"), BOX.xyxy, ("repaired", "label white space")),
        (shape(points=[["10", 20], [40, 30]]), None, ("error", "not a number")),
        (shape(points=[[float("nan"), 20], [40, 30]]), None, ("error", "not a number")),
        (shape(points=[[10, 20, 1], [40, 30, 1]]), None, ("error", "not a number")),
        (shape(points=[10, 20, 40, 30]), None, ("error", "not a number")),
        (shape(points=[]), None, ("error", "not a number")),
        (shape(points=None), None, ("error", "not a number")),
        (shape(points={"x": 1}), None, ("error", "not a number")),
        (shape(None), None, ("error", "no shape")),
        (shape(["rectangle"]), None, ("error", "no shape")),
        ("rectangle", None, ("error", "no object")),
    ],
)  # fmt: skip
def test_each_shape_is_converted_or_counted(
    tree: Tree, row: Any, box: tuple[float, ...] | None, report: tuple[str, str] | None
) -> None:
    text = labelme(shape(points=[[1, 1], [2, 2]]), row)
    good = {"good.json": labelme(image="good.jpg"), "good.jpg": (100, 50)}
    found, kinds = corners_and_reports(tree({"1.json": text, "1.jpg": (100, 50), **good}))
    assert (found.get("1.jpg"), found["good.jpg"]) == (remains((1, 1, 2, 2), box, report), [])
    assert kinds == reports(report)


def test_flags_groups_and_descriptions_are_attributes(tree: Tree) -> None:
    more = {"flags": {"old": True, "deep": False, "place": "door"}, "group_id": 4, "description": "by the door"}
    text = labelme(shape(**more), shape(points=[[1, 1], [2, 2]]), flags={"blurred": True, "night": False})
    (found,) = read(tree({"1.json": text, "1.jpg": (100, 50)})).images
    assert found.boxes[0].attributes == {"old": True, "place": "door", "group_id": 4, "description": "by the door"}
    assert (found.boxes[1].attributes, found.attributes) == ({}, {"blurred": True})


def test_flags_of_another_type_are_none(tree: Tree) -> None:
    text = labelme(shape(flags=["old"], group_id=[1], description=5), flags="x")
    (found,) = read(tree({"1.json": text, "1.jpg": (100, 50)})).images
    assert (found.boxes, found.attributes) == ((BOX,), {})


@pytest.mark.parametrize(
    ("files", "size", "report"),
    [
        ({"1.json": labelme(shape())}, (100, 50), ("note", "image missing")),  # the stated size counts
        ({"1.json": labelme(shape(), imageWidth=90), "1.jpg": (100, 50)}, (100, 50), ("repaired", "wrong image size")),
        ({"1.json": labelme(shape(), imageWidth="90"), "1.jpg": (100, 50)}, (100, 50), None),
        ({"1.json": labelme(shape(), imageWidth=float("nan")), "1.jpg": (100, 50)}, (100, 50), None),
        ({"1.json": labelme(shape(), image="old.jpg"), "1.jpg": (100, 50)}, (100, 50), ("repaired", "wrong imagePath")),
        ({"1.json": labelme(shape(), image=None), "1.jpg": (100, 50)}, (100, 50), ("repaired", "wrong imagePath")),
        ({"1.json": labelme(shape(), image=5), "2.jpg": (100, 50)}, (100, 50), ("note", "image missing")),
    ],
)
def test_images(tree: Tree, files: dict[str, object], size: tuple[int, int], report: tuple[str, str] | None) -> None:
    problems = Problems()
    (found,) = (image for image in read(tree(files), problems=problems).images if image.boxes)
    assert ((found.width, found.height), found.boxes) == (size, (BOX,))
    kinds = [key for key in problems.counts() if key != ("note", "image without annotations")]
    assert kinds == ([] if report is None else [report])


def test_a_photo_without_a_file_has_no_boxes(tree: Tree) -> None:
    root = tree({"1.json": labelme(shape()), "1.jpg": (100, 50), "sub/2.jpg": (40, 30)})
    problems = Problems()
    assert [(image.name, len(image.boxes)) for image in read(root, problems=problems).images] == [
        ("1.jpg", 1), ("sub/2.jpg", 0),
    ]  # fmt: skip
    assert problems.counts() == {("note", "image without annotations"): 1}
    assert len(read(root / "1.json")) == 1  # one file is asked for


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (labelme(shape())[:-5], "1.json: line"),  # breaks off
        ("[]", '1.json: must be an object with "shapes"'),
        ("5", '1.json: must be an object with "shapes"'),
        ('{"imagePath": "1.jpg"}', '1.json: must be an object with "shapes"'),
        ('{"shapes": {"a": 1}}', '1.json: must be an object with "shapes"'),
        (labelme("x"), "1.json: shape 1: must be an object, not str"),
        (labelme(shape(points=[[1]]), shape(points=5)), 'shape 1: "points" must be pairs of numbers'),
        (labelme(shape(points=[[1]]), shape(points=5)), 'shape 2: "points" must be pairs of numbers'),  # all errors
        (labelme(image="gone.jpg", imageWidth=0), "the image is missing and the file gives no size"),
        (labelme(image="gone.jpg", imageWidth=1e300), "the image is missing and the file gives no size"),
        ('{"shapes": ' + "[" * 5000 + "]" * 5000 + "}", "is not good JSON"),
    ],
)
def test_errors(tree: Tree, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree({"1.json": text, "2.jpg": (100, 50)}) / "1.json", format="labelme")
    assert words in str(caught.value)


def test_two_files_of_one_image_are_an_error(tree: Tree) -> None:
    with pytest.raises(DataError, match="this image is annotated twice"):
        read(tree({"1.json": labelme(), "copy.json": labelme(), "1.jpg": (100, 50)}))


def test_images_of_one_name_in_two_folders_stay_two(tree: Tree) -> None:
    root = tree({f"{folder}/1.{end}": content for folder in ("a", "b")
                 for end, content in (("json", labelme(shape())), ("jpg", (100, 50)))})  # fmt: skip
    assert [(image.name, image.path) for image in read(root).images] == [
        ("a/1.jpg", root / "a/1.jpg"), ("b/1.jpg", root / "b/1.jpg"),
    ]  # fmt: skip


def test_other_json_beside_it_is_passed_over(tree: Tree) -> None:
    root = tree({"1.json": labelme(shape()), "info.json": '{"author": "me"}', "1.jpg": (100, 50)})
    assert len(read(root).images) == 1
    with pytest.raises(DataError, match="there is no LabelMe JSON in it"):
        read(tree({"info.json": "{}"}, "other"), format="labelme")
