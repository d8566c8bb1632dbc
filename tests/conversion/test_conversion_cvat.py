"""CVAT for images 1.1."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from pathlib import Path
from xml.etree import ElementTree

import pytest

from detect.conversion import read, write
from detect.conversion.shapes import cvat_corners as corners
from detect.data import Attributes, Box, Dataset, Image, Value
from detect.errors import DataError, Problems

Tree = Callable[..., Path]

BOX = '<box label="dent" occluded="0" source="manual" xtl="10.5" ytl="20" xbr="30" ybr="40" z_order="0"/>'
LABELS = "<labels><label><name>dent</name></label><label><name>rust</name></label></labels>"


def cvat(*images: str, meta: str = f"<task>{LABELS}</task>") -> str:
    body = "".join(images)
    head = '<?xml version="1.0" encoding="utf-8"?>'
    return f"{head}<annotations><version>1.1</version><meta>{meta}</meta>{body}</annotations>"


def image(shapes: str = "", name: str = "1.jpg", more: str = "") -> str:
    return f'<image id="0" name="{name}" width="100" height="50" {more}>{shapes}</image>'


@pytest.mark.parametrize(
    ("files", "split"),
    [
        ({"annotations.xml": cvat(image(BOX)), "images/1.jpg": (100, 50)}, None),  # a task
        ({"annotations.xml": cvat(image(BOX)), "1.jpg": (100, 50)}, None),
        ({"a.xml": cvat(image(BOX, more='subset="Validation"')), "images/Validation/1.jpg": (100, 50)}, "val"),
        ({"a.xml": cvat(image(BOX, more='subset="default"')), "images/default/1.jpg": (100, 50)}, None),
        ({"a.xml": cvat(image(BOX), meta=f"<task><subset>Train</subset>{LABELS}</task>"), "1.jpg": (100, 50)}, "train"),
        ({"annotations.xml": cvat(image(BOX), meta=f"<job>{LABELS}</job>"), "1.jpg": (100, 50)}, None),  # a job
        ({"test.xml": cvat(image(BOX)), "1.jpg": (100, 50)}, "test"),
        ({"annotations.xml": cvat(image(BOX)).encode("utf-16"), "1.jpg": (100, 50)}, None),
    ],
)  # fmt: skip
def test_layouts(tree: Tree, files: dict[str, object], split: str | None) -> None:
    root = tree(files)
    for source in (root, root / next(iter(files))):
        dataset = read(source)
        assert dataset.classes == ("dent", "rust")
        (found,) = dataset.images
        assert (found.name, found.width, found.height, found.split) == ("1.jpg", 100, 50, split)
        assert found.path == root / list(files)[1]
        assert found.boxes == (Box("dent", 10.5, 20.0, 30.0, 40.0),)


@pytest.mark.parametrize(
    ("shape", "values", "expected"),
    [
        ("box", {"xtl": 1, "ytl": 2, "xbr": 5, "ybr": 8}, (1, 2, 5, 8)),
        ("box", {"xtl": 0, "ytl": 0, "xbr": 4, "ybr": 2, "rotation": 90}, (1, -1, 3, 3)),  # stands on its short side
        ("box", {"xtl": -1, "ytl": -1, "xbr": 1, "ybr": 1, "rotation": 45}, (-sqrt(2), -sqrt(2), sqrt(2), sqrt(2))),
        ("box", {"xtl": 0, "ytl": 0, "xbr": 4, "ybr": 2, "rotation": 180}, (0, 0, 4, 2)),
        ("box", {"xtl": 0, "ytl": 0, "xbr": 4, "ybr": 2, "rotation": 360}, (0, 0, 4, 2)),
        ("ellipse", {"cx": 10, "cy": 10, "rx": 4, "ry": 2}, (6, 8, 14, 12)),
        ("ellipse", {"cx": 10, "cy": 10, "rx": 4, "ry": 2, "rotation": 90}, (8, 6, 12, 14)),
        ("ellipse", {"cx": 0, "cy": 0, "rx": 3, "ry": 3, "rotation": 30}, (-3, -3, 3, 3)),  # a circle has no direction
        ("polygon", {"points": "1,2;3,4;2.5,9"}, (1, 2, 3, 9)),
        ("polyline", {"points": "1,2;3,4;2,9;1,2"}, (1, 2, 3, 9)),  # closed
        ("polyline", {"points": "1,2;3,4;2,9"}, None),  # open
        ("polyline", {"points": "1,2;1,2"}, None),
        # 3 x 2 pixels from (10, 20): . # # / # . .
        ("mask", {"left": 10, "top": 20, "width": 3, "height": 2, "rle": "1, 3, 2"}, (10, 20, 13, 22)),
        # . # . / . # .
        ("mask", {"left": 10, "top": 20, "width": 3, "height": 2, "rle": "1, 1, 2, 1, 1"}, (11, 20, 12, 22)),
        ("mask", {"left": 10, "top": 20, "width": 2, "height": 1, "rle": "0, 2"}, (10, 20, 12, 21)),  # all set
        ("mask", {"left": 10, "top": 20, "width": 2, "height": 1, "rle": "2"}, (10, 20, 10, 20)),  # none set
    ],
)  # fmt: skip
def test_shapes(shape: str, values: dict[str, object], expected: tuple[float, ...] | None) -> None:
    found = corners(shape, {key: str(value) for key, value in values.items()})
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-9))


@pytest.mark.parametrize(
    ("shapes", "boxes", "report"),
    [
        (BOX, 1, None),
        (BOX.replace("z_order", 'rotation="90" z_order'), 1, ("lost", "rotation")),
        ('<polygon label="dent" points="1,1;9,1;9,9"/>', 1, ("lost", "outline")),
        ('<polygon label="dent" points="90,1;190,1;190,9"/>', 1, ("lost", "outline")),  # and clipped
        ('<polyline label="dent" points="1,1;9,1;9,9"/>', 0, ("dropped", "polyline not converted")),
        ('<points label="dent" points="1,1"/>', 0, ("dropped", "points not converted")),
        ('<tag label="dent"/>', 0, ("dropped", "tag not converted")),
        ('<skeleton label="dent"><points points="1,1"/></skeleton>', 0, ("dropped", "skeleton not converted")),
        ('<box label="" xtl="1" ytl="1" xbr="2" ybr="2"/>', 0, ("dropped", "no label")),
        ('<box label="scratch" xtl="1" ytl="1" xbr="2" ybr="2"/>', 1, ("repaired", "undeclared class")),
        ('<box label=" dent" xtl="1" ytl="1" xbr="2" ybr="2"/>', 1, ("repaired", "label white space")),
        ('<box label="dent" xtl="9" ytl="1" xbr="2" ybr="2"/>', 1, ("repaired", "corners swapped")),
        ('<box label="dent" xtl="a" ytl="1" xbr="2" ybr="2"/>', 0, ("error", "not a number")),
        ('<box label="dent" ytl="1" xbr="2" ybr="2"/>', 0, ("error", "not a number")),
        ('<box label="dent" xtl="nan" ytl="1" xbr="2" ybr="2"/>', 0, ("error", "not a number")),
        ('<polygon label="dent" points="1,1;9"/>', 0, ("error", "not a number")),
        ('<polygon label="dent" points=""/>', 0, ("error", "not a number")),
        ('<mask label="dent" left="1" top="1" width="2" height="2" rle="1, 9"/>', 0, ("error", "not a number")),
        ('<mask label="dent" left="1" top="1" width="999999" height="999999" rle="1"/>', 0, ("error", "not a number")),
    ],
)  # fmt: skip
def test_each_shape_is_converted_or_counted(
    tree: Tree, shapes: str, boxes: int, report: tuple[str, str] | None
) -> None:
    problems = Problems()
    photos = {"1.jpg": (100, 50), "2.jpg": (100, 50)}
    root = tree({"annotations.xml": cvat(image(shapes), image(BOX, "2.jpg")), **photos})
    dataset = read(root, on_error="skip", problems=problems)
    assert sum(len(found.boxes) for found in dataset.images if found.name == "1.jpg") == boxes
    beside = ("box clipped", "image left out")
    assert [key for key in problems.counts() if key[1] not in beside] == ([] if report is None else [report])


LEFT_OUT = [
    # the shapes on a photo, whether it is left out: something is there that could not be read, or that is no box
    ('<points label="dent" points="1,1"/>', True),
    ('<cuboid label="dent" xtl1="1" ytl1="1"/>', True),
    ('<skeleton label="dent"><points label="nose" points="1,1"/></skeleton>', True),
    ('<polyline label="dent" points="1,1;9,1;9,9"/>', True),  # a scratch
    ('<hologram label="dent"/>', True),  # what CVAT may still invent
    ('<box label="dent" xtl="a" ytl="1" xbr="2" ybr="2"/>' + BOX, True),
    ('<points label="dent" points="1,1"/>' + BOX, False),
    ('<tag label="dent"/>', False),  # says something of the whole photo
    ("", False),
]


@pytest.mark.parametrize(("shapes", "left_out"), LEFT_OUT)
def test_a_photo_with_other_shapes_alone_is_not_undamaged(tree: Tree, shapes: str, left_out: bool) -> None:
    root = tree({"a.xml": cvat(image(shapes), image(BOX, "2.jpg")), "1.jpg": (100, 50), "2.jpg": (100, 50)})
    found = [found.name for found in read(root, on_error="skip").images]
    assert found == (["2.jpg"] if left_out else ["1.jpg", "2.jpg"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            cvat(image('<skeleton label="a"/><skeleton label="a"/><cuboid label="a"/>'), image("", "2.jpg")),
            "holds not one box, but other shapes: 2 x skeleton, 1 x cuboid",
        ),
        (cvat(image('<tag label="dent"/>')), "holds not one box, but other shapes: 1 x tag"),
        (cvat('<image id="0" name="a/000001.pcd" width="0" height="0"/>'), "is a point cloud of a 3D task"),
        (cvat(image(BOX), '<track id="0" label="dent"/>'), "holds 1 <track> beside others"),
        (cvat('<image id="0" name="1.jpg"/><track id="0"/><track id="1"/>', image(BOX, "2.jpg")), "holds 2 <track>"),
    ],
)
def test_files_that_hold_something_else(tree: Tree, text: str, words: str) -> None:
    root = tree({"a.xml": text, "1.jpg": (100, 50), "2.jpg": (100, 50)})
    for on_error in ("fail", "skip"):
        with pytest.raises(DataError) as caught:
            read(root, on_error=on_error)
        assert words in str(caught.value)


def test_attributes_have_the_types_of_their_input(tree: Tree) -> None:
    kinds = {
        "sure": "checkbox",
        "severity": "number",
        "depth": "number",
        "place": "select",
        "note": "text",
        "code": "radio",
    }
    specs = "".join(f"<attribute><name>{n}</name><input_type>{k}</input_type></attribute>" for n, k in kinds.items())
    values = {"sure": "false", "severity": "3", "depth": "2.5", "place": "5", "note": "", "code": "true", "new": "7"}
    rows = "".join(f'<attribute name="{name}">{value}</attribute>' for name, value in values.items())
    shape = (
        BOX.replace("/>", f">{rows}</box>")
        .replace('occluded="0"', 'occluded="1" group_id="4"')
        .replace("manual", "auto")
    )
    meta = f"<task><labels><label><name>dent</name><attributes>{specs}</attributes></label></labels></task>"
    (found,) = read(tree({"annotations.xml": cvat(image(shape), meta=meta), "1.jpg": (100, 50)})).images
    assert found.boxes[0].attributes == {
        "occluded": True, "source": "auto", "group_id": 4,
        "sure": False, "severity": 3, "depth": 2.5, "place": "5", "note": "", "code": "true", "new": "7",
    }  # fmt: skip


def test_joints_of_a_skeleton_are_no_classes(tree: Tree) -> None:
    labels = "<labels><label><name>car</name></label><label><name>wheel</name><parent>car</parent></label></labels>"
    root = tree({"a.xml": cvat(image(), meta=f"<task>{labels}</task>"), "1.jpg": (100, 50)})
    assert read(root).classes == ("car",)


def test_images_of_one_name_in_two_subsets_stay_two(tree: Tree) -> None:
    shapes = [image(BOX, more='subset="Train"'), image(more='subset="Test"')]
    files = {"annotations.xml": cvat(*shapes), "images/Train/1.jpg": (100, 50), "images/Test/1.jpg": (100, 50)}
    root = tree(files)
    assert [(i.name, i.split, len(i.boxes), i.path) for i in read(root).images] == [
        ("Test/1.jpg", "test", 0, root / "images/Test/1.jpg"), ("Train/1.jpg", "train", 1, root / "images/Train/1.jpg"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (cvat(image(BOX))[:-30], "annotations.xml: is not good XML"),  # breaks off
        (cvat(image(), image()), "1.jpg: this image is annotated twice"),
        (cvat('<image id="3" width="9" height="9"/>'), "annotations.xml: image 3: needs a name"),
        (cvat('<image id="0" name="gone.jpg"/>'), "the image is missing and the file gives no size"),
        (cvat(), "holds no images"),
    ],
)
def test_errors(tree: Tree, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree({"annotations.xml": text, "1.jpg": (100, 50)}))
    assert words in str(caught.value)


def test_images_before_the_break_are_kept_under_skip(tree: Tree) -> None:
    text = cvat(image(BOX), image(BOX, "2.jpg"))
    root = tree({"annotations.xml": text[: text.index('name="2.jpg"')], "1.jpg": (100, 50)})
    assert [found.name for found in read(root, on_error="skip").images] == ["1.jpg"]


def test_what_is_written(tmp_path: Path) -> None:
    boxes = (
        Box("dent", 1.25, 2.0, 3.0, 4.0, None, Attributes(occluded=True, severity=2, place='left "door" & <roof>')),
        Box("dent", 1.0, 2.0, 3.0, 4.0, None, Attributes(severity=5, place="x", sure=True)),
        Box("rust", 1.0, 2.0, 3.0, 4.0, None, Attributes(severity=4)),
    )
    dataset = Dataset(("dent", "rust"), (Image('a & "b".jpg', 9, 8, boxes, "train"),))
    root = ElementTree.parse(write(dataset, tmp_path / "out", "cvat", media="none") / "annotations.xml").getroot()
    found = root.find("image")
    assert found is not None
    assert found.attrib == {"id": "0", "name": 'a & "b".jpg', "subset": "train", "width": "9", "height": "8"}
    assert found[0].attrib == {
        "label": "dent", "source": "manual", "occluded": "1",
        "xtl": "1.25", "ytl": "2", "xbr": "3", "ybr": "4", "z_order": "0",
    }  # fmt: skip
    assert [(node.get("name"), node.text) for node in found[0]] == [
        ("severity", "2"),
        ("place", 'left "door" & <roof>'),
    ]
    specs = {
        node.findtext("name"): node.findtext("input_type")
        for node in root.iter("attribute")
        if node.get("name") is None
    }
    assert specs == {"severity": "number", "place": "select", "sure": "checkbox"}
    ranges = [node.findtext("values") for node in root.iter("attribute") if node.findtext("name") == "severity"]
    assert ranges == ["2\n5\n1", "2\n5\n1"]  # one range for both labels


def test_a_mixed_attribute_becomes_text_and_is_reported(tmp_path: Path) -> None:
    values: tuple[Value, ...] = (1, "b")
    boxes = tuple(Box("a", 1.0, 1.0, 2.0, 2.0 + n, None, Attributes(x=value)) for n, value in enumerate(values))
    problems = Problems()
    dataset = Dataset(("a",), (Image("1.jpg", 9, 9, boxes),))
    back = read(write(dataset, tmp_path / "out", "cvat", media="none", problems=problems))
    assert [box.attributes["x"] for box in back.images[0].boxes] == ["1", "b"]
    assert problems.counts() == {("lost", "attribute type"): 1}
