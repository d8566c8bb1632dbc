"""VGG Image Annotator JSON: VIA 1, 2 and 3."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from math import pi, sqrt
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read
from detect.data import Box
from detect.errors import DataError, Problems
from tests.conversion.left_out import LEFT_OUT, corners_and_reports, remains, reports

Tree = Callable[..., Path]
Row = dict[str, Any]

RECT = {"name": "rect", "x": 10, "y": 20, "width": 30, "height": 10}
BOX = Box("dent", 10.0, 20.0, 40.0, 30.0)


def region(shape: Any = RECT, **said: Any) -> Row:
    return {"shape_attributes": shape, "region_attributes": said or {"damage": "dent"}}


def image(*regions: Any, name: Any = "1.jpg", **more: Any) -> Row:
    return {"filename": name, "size": 12345, "regions": list(regions), "file_attributes": {}, **more}


def via(*images: Any, **document: Any) -> str:
    """The annotations that VIA 2 exports."""
    return json.dumps({f"{number}.jpg12345": row for number, row in enumerate(images, 1)} | document)


def project(*images: Any, shown: str = "__via_region_id__", **names: Any) -> str:
    """A project of VIA 2; `names` are the attributes of regions."""
    settings = {"ui": {"image": {"region_label": shown}}, "core": {"filepath": {}}, "project": {"name": "cars"}}
    document = {"_via_settings": settings, "_via_img_metadata": json.loads(via(*images))}
    attributes = {"region": {name: {"type": "text"} for name in names}, "file": {}}
    return json.dumps({**document, "_via_attributes": attributes, "_via_data_format_version": "2.0.10"})


def third(*metadata: Any, **more: Any) -> str:
    """A project of VIA 3 with two images; its attribute `part` is chosen among options."""
    options = {"0": "dent", "1": "rust", "2": "scratch"}
    document = {
        "project": {"pid": "__VIA_PROJECT_ID__", "pname": "cars", "vid_list": ["1", "2"]},
        "config": {"ui": {"spatial_region_label_attribute_id": ""}},
        "attribute": {
            "1": {"aname": "damage", "anchor_id": "FILE1_Z0_XY1", "type": 4, "options": options},
            "2": {"aname": "signs", "anchor_id": "FILE1_Z0_XY1", "type": 2, "options": options},
            "3": {"aname": "note", "anchor_id": "FILE1_Z0_XY1", "type": 1, "options": {}},
        },
        "file": {str(n): {"fid": n, "fname": f"{n}.jpg", "type": 2, "loc": 1, "src": ""} for n in (1, 2)},
        "metadata": {f"{number}_abc": row for number, row in enumerate(metadata, 1)},
        "view": {"1": {"fid_list": [1]}, "2": {"fid_list": ["2"]}},
    }
    return json.dumps({**document, **more})


def mark(xy: Any = (2, 10, 20, 30, 10), vid: Any = "1", **av: Any) -> Row:
    return {"vid": vid, "flg": 0, "z": [], "xy": xy, "av": {key[1:]: value for key, value in av.items()} or {"1": "0"}}


@pytest.mark.parametrize(
    "text",
    [
        via(image(region())),
        project(image(region()), damage=1),
        project(image(region()), damage=1).replace('"regions"', '"base64_img_data": "", "regions"'),
        json.dumps({"1.jpg1": {"fileref": "", **image(), "regions": {"0": region()}}}),  # VIA 1
        third(mark()),
        third(mark(), project={"rev": "3"}),
        "\ufeff" + via(image(region())),  # byte order mark
    ],
)
def test_layouts(tree: Tree, text: str) -> None:
    root = tree({"via.json": text, "images/1.jpg": (100, 50), "images/2.jpg": (100, 50)})
    for source in (root, root / "via.json"):
        dataset = read(source)
        assert dataset.classes == ("dent",)
        found = dataset.images[0]
        assert (found.name, found.width, found.height, found.split) == ("1.jpg", 100, 50, None)
        assert (found.path, found.boxes) == (root / "images/1.jpg", (BOX,))


def points(name: str, *pairs: tuple[float, float]) -> Row:
    return {"name": name, "all_points_x": [x for x, _ in pairs], "all_points_y": [y for _, y in pairs]}


OUTLINE, NO_NUMBER = ("lost", "outline"), ("error", "not a number")
NO_LABEL, FURTHER = ("dropped", "no label"), ("dropped", "further label")


@pytest.mark.parametrize(
    ("row", "box", "report"),
    [
        (region(), BOX.xyxy, None),
        (region({**RECT, "x": 0.1, "width": 0.2}), (0.1, 20, 0.3, 30), None),  # 0.1 + 0.2 is not 0.30000000000000004
        (region({"name": "circle", "cx": 20, "cy": 20, "r": 5.5}), (14.5, 14.5, 25.5, 25.5), OUTLINE),
        (region({"name": "ellipse", "cx": 50, "cy": 20, "rx": 8, "ry": 4}), (42, 16, 58, 24), OUTLINE),  # VIA 1
        (region({"name": "ellipse", "cx": 50, "cy": 20, "rx": 8, "ry": 4, "theta": 0}), (42, 16, 58, 24), OUTLINE),
        (region({"name": "ellipse", "cx": 50, "cy": 20, "rx": 8, "ry": 4, "theta": pi / 2}), (46, 12, 54, 28), OUTLINE),
        (region({"name": "ellipse", "cx": 50, "cy": 20, "rx": 8, "ry": 4, "theta": pi / 4}),
         (50 - sqrt(40), 20 - sqrt(40), 50 + sqrt(40), 20 + sqrt(40)), OUTLINE),  # radians
        (region(points("polygon", (10, 20), (40, 20), (25, 30))), BOX.xyxy, OUTLINE),
        (region(points("polyline", (10, 20), (40, 20), (25, 30), (10, 20))), BOX.xyxy, OUTLINE),  # closed
        (region(points("polyline", (10, 20), (40, 20), (25, 30))), None, ("dropped", "polyline not converted")),
        (region({"name": "point", "cx": 20, "cy": 20}), None, ("dropped", "point not converted")),
        (region({**RECT, "x": 90}), (90, 20, 100, 30), ("repaired", "box clipped")),
        (region({**RECT, "x": 101}), None, ("dropped", "box outside the image")),
        (region({**RECT, "x": 40, "width": -30}), BOX.xyxy, ("repaired", "corners swapped")),
        (region({**RECT, "width": 0}), None, ("dropped", "box without area")),
        (region({**RECT, "x": 1, "y": 1, "width": 1, "height": 1}), None, ("dropped", "duplicate box")),  # of the first
        (region(damage=""), None, ("dropped", "no label")),
        (region(damage=" dent"), BOX.xyxy, ("repaired", "label white space")),
        ({"shape_attributes": RECT}, None, ("dropped", "no label")),
        ({"shape_attributes": RECT, "region_attributes": ["dent"]}, None, ("dropped", "no label")),
        (region(damage=["dent"]), None, ("dropped", "no label")),
        (region({**RECT, "x": "10"}), None, NO_NUMBER),
        (region({**RECT, "x": None}), None, NO_NUMBER),
        (region({**RECT, "x": float("nan")}), None, NO_NUMBER),
        (region({"name": "rect", "x": 10}), None, NO_NUMBER),
        (region({"name": "circle", "cx": 20}), None, NO_NUMBER),
        (region({"name": "ellipse", "cx": 9, "cy": 9, "rx": 1, "ry": 1, "theta": "0"}), None, NO_NUMBER),
        (region({"name": "ellipse", "cx": 9, "cy": 9, "rx": 1, "ry": 1, "theta": float("inf")}), None, NO_NUMBER),
        (region({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1]}), None, NO_NUMBER),
        (region({"name": "polygon", "all_points_x": [], "all_points_y": []}), None, NO_NUMBER),
        (region({"name": "polygon", "all_points_x": "12", "all_points_y": "12"}), None, NO_NUMBER),
        (region({"name": "polygon"}), None, NO_NUMBER),
        (region({"x": 10}), None, ("error", "no shape")),
        (region([]), None, ("error", "no shape")),
        ("rect", None, ("error", "no object")),
    ],
)  # fmt: skip
def test_each_shape_is_converted_or_counted(
    tree: Tree, row: Any, box: tuple[float, ...] | None, report: tuple[str, str] | None
) -> None:
    text = via(image(region({**RECT, "x": 1, "y": 1, "width": 1, "height": 1}), row), image(name="2.jpg"))
    found, kinds = corners_and_reports(tree({"via.json": text, "1.jpg": (100, 50), "2.jpg": (100, 50)}))
    assert (found.get("1.jpg"), found["2.jpg"]) == (remains((1, 1, 2, 2), box, report), [])
    assert kinds == reports(report)


@pytest.mark.parametrize(
    ("xy", "box", "report"),
    [
        ((2, 10, 20, 30, 10), BOX.xyxy, None),
        ((3, 20, 20, 5), (15, 15, 25, 25), OUTLINE),
        ((4, 50, 20, 8, 4), (42, 16, 58, 24), OUTLINE),
        ((6, 10, 20, 40, 20, 25, 30, 10, 20), BOX.xyxy, OUTLINE),  # a closed polyline
        ((6, 10, 20, 40, 20, 25, 30), None, ("dropped", "polyline not converted")),
        ((7, 10, 20, 40, 20, 25, 30), BOX.xyxy, OUTLINE),
        ((8, 10, 25, 20, 20, 40, 25, 20, 30), BOX.xyxy, None),  # the four extreme points of a rectangle
        ((1, 10, 20), None, ("dropped", "point not converted")),
        ((5, 10, 20, 40, 30), None, ("dropped", "line not converted")),
        ((9, 10, 20, 20, 10, 30, 20), None, ("dropped", "extreme circle not converted")),
        ((77, 1, 2), None, ("dropped", "unknown shape not converted")),
        ((float("nan"), 1, 2), None, ("dropped", "unknown shape not converted")),
        ((2, 10, 20, 30), None, NO_NUMBER),
        ((7, 10, 20, 30), None, NO_NUMBER),  # x without y
        ((2,), None, NO_NUMBER),
        ((2, 10, 20, "30", 10), None, NO_NUMBER),
        ((2, 10, 20, float("inf"), 10), None, NO_NUMBER),
        ("abc", None, NO_NUMBER),
    ],
)
def test_shapes_of_via_3(tree: Tree, xy: Any, box: tuple[float, ...] | None, report: tuple[str, str] | None) -> None:
    text = third(mark((2, 1, 1, 1, 1)), mark(xy))
    found, kinds = corners_and_reports(tree({"via.json": text, "1.jpg": (100, 50), "2.jpg": (100, 50)}))
    assert (found.get("1.jpg"), found["2.jpg"]) == (remains((1, 1, 2, 2), box, report), [])
    assert kinds == reports(report)


@pytest.mark.parametrize(
    ("text", "boxes", "report"),
    [
        (via(image(region(part="dent"))), [("dent", {})], None),  # the only one
        (via(image(region(note="x", Damage="dent"))), [("dent", {"note": "x"})], None),  # a usual name
        (via(image(region(type="metal", label="dent", Class=5))), [("dent", {"type": "metal", "Class": 5})], None),
        (via(image(region(label=5))), [("5", {})], None),
        (via(image(region(label="", note="x"))), [], NO_LABEL),  # no label: the note does not take its place
        (via(image(region(label="rust"), region({**RECT, "x": 0}, note="x"))), [], NO_LABEL),
        (project(image(region(note="x")), label=1, note=1), [], NO_LABEL),
        (via(image(region(a="x", b="y"))), [], NO_LABEL),  # there is no telling
        (project(image(region(a="x", b="y")), shown="b", a=1, b=1), [("y", {"a": "x"})], None),  # what VIA shows
        (via(image(region(damage={"rust": False, "dent": True}))), [("dent", {})], None),  # check boxes
        (via(image(region(damage={"rust": True, "dent": True}))), [("rust", {})], FURTHER),
        (via(image(region(damage={"rust": False}))), [], NO_LABEL),
        (via(image(region(damage="dent", signs={"old": True, "new": False, "deep": True}))),
         [("dent", {"signs": "old, deep"})], None),
        (via(image(region(damage="dent", empty="", none=None, many=[1], rank=2))), [("dent", {"rank": 2})], None),
        (third(mark(_1="1")), [("rust", {})], None),  # the text of the option
        (third(mark(_1="1", _2="0,2", _3="0,2")), [("rust", {"signs": "dent, scratch", "note": "0,2"})], None),
        (third(mark(_1="9")), [("9", {})], None),  # an option that is gone
        (third(mark(_2="1")), [("rust", {})], None),
        (third(mark(_2="1,0")), [("rust", {})], FURTHER),
        (third(mark(_2="1", _3="x")), [], NO_LABEL),
        (third(mark(_2="1", _3="x"), config={"ui": {"spatial_region_label_attribute_id": "2"}}),
         [("rust", {"note": "x"})], None),  # what VIA shows
        (third(mark(_1="0"), attribute={}), [("0", {})], None),
        (third(mark(_1="0"), attribute={"1": 5}), [("0", {})], None),
        (third({**mark(), "av": ["0"]}), [], NO_LABEL),
    ],
)  # fmt: skip
def test_which_attribute_is_the_label(
    tree: Tree, text: str, boxes: list[tuple[str, Row]], report: tuple[str, str] | None
) -> None:
    problems = Problems()
    root = tree({"via.json": text, **dict.fromkeys(("1.jpg", "2.jpg"), (100, 50))})
    if report == NO_LABEL:  # nobody knows what is there
        with suppress(DataError):  # no other image is left
            assert [image.name for image in read(root, problems=problems)] == ["2.jpg"]
        assert problems.counts() == {NO_LABEL: 1, LEFT_OUT: 1}
        return
    found = read(root, problems=problems).images[0]
    assert [(box.label, dict(box.attributes)) for box in found.boxes] == boxes
    assert problems.counts() == ({} if report is None else {report: 1})


def test_attributes_of_images(tree: Tree) -> None:
    said = {"claim": "c7", "light": {"day": True}, "empty": ""}
    more = [mark([], _3="c7"), mark([], "2", _1="1"), mark([], "2", _3="c8")]
    for text, other in ((via(image(file_attributes=said)), None), (third(*more), {"damage": "rust", "note": "c8"})):
        root = tree({"via.json": text, "1.jpg": (100, 50), "2.jpg": (100, 50)})
        images = [dict(image.attributes) for image in read(root).images]
        assert images == ([{"claim": "c7", "light": "day"}] if other is None else [{"note": "c7"}, other])


def test_images_without_regions_are_kept(tree: Tree) -> None:
    problems = Problems()
    rows = [image(region()), image(name="2.jpg"), image(name="3.jpg", regions={}), {"filename": "4.jpg"}]
    root = tree({"via.json": via(*rows), **{f"{n}.jpg": (100, 50) for n in range(1, 5)}})
    assert [len(found.boxes) for found in read(root, problems=problems).images] == [1, 0, 0, 0]
    assert problems.counts() == {}


@pytest.mark.parametrize(
    ("stated", "photo", "name"),
    [
        ("a/1.jpg", "a/1.jpg", "a/1.jpg"),
        (r"C:\photos\a\1.jpg", "a/1.jpg", "a/1.jpg"),  # absolute: called by where it is
        ("https://host.net/photos/7/b%201.jpg?w=9", "7/b 1.jpg", "7/b 1.jpg"),  # VIA can show images of the web
        ("https://host.net/7/1.jpg", "1.jpg", "1.jpg"),
        ("file:///home/me/1.jpg", "1.jpg", "1.jpg"),
    ],
)
def test_names(tree: Tree, stated: str, photo: str, name: str) -> None:
    files = {"1": {"fname": stated}, "2": {"fname": "2.jpg"}}
    for number, text in enumerate((via(image(name=stated), image(name="2.jpg")), third(mark(), file=files))):
        root = tree({"via.json": text, f"images/{photo}": (100, 50), "images/2.jpg": (100, 50)}, str(number))
        found = {image.path: image.name for image in read(root).images}
        assert found == {root / "images" / photo: name, root / "images/2.jpg": "2.jpg"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (via(image())[:-5], "is not good JSON"),  # breaks off
        ("[]", "via.json: must be an object"),
        ("{}", "holds no images"),
        ('{"_via_img_metadata": []}', '"_via_img_metadata" must be an object'),
        (via({"regions": []}), "image 1.jpg12345: needs a filename"),
        (via(image(name="")), "image 1.jpg12345: needs a filename"),
        (via(image(name=5), image()), "image 1.jpg12345: needs a filename"),
        (via("1.jpg", image()), "image 1.jpg12345: needs a filename"),
        (via(image(regions=5)), "image 1.jpg: region: expected a list, got int"),
        (via(image("x", region([]))), "image 1.jpg: region 1: must be an object, not str"),
        (via(image("x", region([]))), "image 1.jpg: region 2: needs shape_attributes with a name"),  # all errors
        (via(image(), image()), "1.jpg: this image is annotated twice"),
        (via(image(name="gone.jpg")), "the image is missing and the file gives no size"),
        (third("x"), "metadata 1_abc: refers to no file"),
        (third(mark(vid="9")), "metadata 1_abc: refers to no file"),
        (third(mark(vid=["1"])), "metadata 1_abc: refers to no file"),
        (third(mark(), view=[]), "metadata 1_abc: refers to no file"),
        (third(mark(), view={"1": {"fid_list": 1}}), "metadata 1_abc: refers to no file"),
        (third(mark(), view={"1": {"fid_list": [[1]]}}), "metadata 1_abc: refers to no file"),
        (third(file={"1": {"fname": 5}}), "file 1: needs an fname"),
        (third(file={"1": "1.jpg"}), "file 1: needs an fname"),
        (third(file={"1": {"fname": "a.mp4"}}), "the image is missing and the file gives no size"),  # a video
        (third(file={"1": {"fname": "1.jpg"}, "2": {"fname": "1.jpg"}}), "1.jpg: this image is annotated twice"),
        ('{"shape_attributes": ' + "[" * 5000 + "]" * 5000 + "}", "is not good JSON"),
    ],
)
def test_errors(tree: Tree, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree({"via.json": text, "1.jpg": (100, 50), "2.jpg": (100, 50)}) / "via.json", format="via")
    assert words in str(caught.value)


def test_other_json_beside_it_is_passed_over(tree: Tree) -> None:
    root = tree({"via.json": via(image(region())), "info.json": '{"filename": "x"}', "1.jpg": (100, 50)})
    assert len(read(root).images) == 1
    with pytest.raises(DataError, match="there is no VIA JSON in it"):
        read(tree({"info.json": "{}"}, "other"), format="via")
