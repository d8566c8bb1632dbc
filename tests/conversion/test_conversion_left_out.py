"""What could not be read whole is left out whole: no photo becomes undamaged because its annotation is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read, write_rejects
from detect.errors import DataError, Problems

Tree = Callable[..., Path]
Files = dict[str, Any]

PHOTO = (100, 50)
BOX = "<bndbox><xmin>10</xmin><ymin>20</ymin><xmax>40</xmax><ymax>30</ymax></bndbox>"
OBJECT = f"<object><name>dent</name>{BOX}</object>"


def voc(objects: str = OBJECT, name: str = "1.jpg") -> str:
    return f"<annotation><filename>{name}</filename>{objects}</annotation>"


def labelme(points: Any = ((10, 20), (40, 30)), name: str = "1.jpg", **more: Any) -> str:
    shape = {"label": "dent", "shape_type": "rectangle", "points": points, **more}
    return json.dumps({"version": "5.0", "shapes": [shape], "imagePath": name})


def via(*regions: Any) -> str:
    good = {"filename": "good.jpg", "regions": [region(), region(1)]}
    return json.dumps({"1.jpg1": {"filename": "1.jpg", "regions": list(regions)}, "good.jpg1": good})


def region(x: Any = 10, **said: Any) -> Any:
    shape = {"name": "rect", "x": x, "y": 20, "width": 30, "height": 10}
    return {"shape_attributes": shape, "region_attributes": said or {"label": "dent"}}


VOC: Files = {"good.xml": voc(name="good.jpg")}
LABELME: Files = {"good.json": labelme(name="good.jpg")}
TEN = OBJECT * 9
DOCTYPE = '<!DOCTYPE a [<!ENTITY i "x">]>'
TABLE = "image,damaged\ngood.jpg,yes\n1.jpg,yes,no\n"

LEFT_OUT: dict[str, Files] = {
    # beside good.jpg, which has its annotation, lies 1.jpg with this one
    "voc, cut off": {**VOC, "1.xml": voc()[:-20]},
    "voc, empty": {**VOC, "1.xml": ""},
    "voc, cut off, called otherwise but for <filename>": {**VOC, "0001.xml": voc()[:-20]},
    "voc, a document type": {**VOC, "1.xml": DOCTYPE + voc()},
    "voc, not UTF-8": {**VOC, "1.xml": voc("<object><name>T\xfcr</name></object>").encode("latin-1")},
    "voc, another root": {**VOC, "1.xml": "<project/>"},
    "voc, one bad row of ten": {**VOC, "1.xml": voc(TEN + OBJECT.replace("40", "4o"))},
    "voc, a corner that is NaN": {**VOC, "1.xml": voc(TEN + OBJECT.replace("40", "nan"))},
    "voc, an object without a box": {**VOC, "1.xml": voc(TEN + "<object><name>dent</name></object>")},
    "voc, an object without a label": {**VOC, "1.xml": voc(TEN + OBJECT.replace("dent", " "))},
    "voc, two files for a photo": {**VOC, "1.xml": voc(), "2.xml": voc()},
    "voc, one file for two photos": {**VOC, "1.xml": voc("", "1"), "1.png": PHOTO},
    "voc, in another folder": {"labels/good.xml": voc(name="good.jpg"), "labels/1.xml": voc()[:-20]},
    "labelme, cut off": {**LABELME, "1.json": labelme()[:-20]},
    "labelme, cut off, called otherwise but for imagePath": {**LABELME, "0001.json": labelme()[:-1]},
    "labelme, cut off in the photo": {**LABELME, "1.json": '{"imageData": "AAAA'},
    "labelme, not UTF-8": {**LABELME, "1.json": labelme().replace("dent", "T\xfcr").encode("latin-1")},
    "labelme, a bad shape": {**LABELME, "1.json": labelme("x")},
    "labelme, a corner that is NaN": {**LABELME, "1.json": labelme([[float("nan"), 1], [2, 2]])},
    "labelme, no label": {**LABELME, "1.json": labelme(label="")},
    "labelme, one file for two photos": {**LABELME, "1.json": labelme(name="1.png"), "1.png": PHOTO},
    "via, a bad region": {"via.json": via(region(), region("x"))},
    "via, no label": {"via.json": via(region(), region(label=""))},
    "csv, a bad row": {"labels.csv": TABLE},
    # files of another format beside the photo, which the format that is read does not have
    "voc, beside LabelMe's": {**VOC, "1.json": json.dumps({"shapes": [1]})},
    "voc, beside a tool's called after the whole name": {**VOC, "1.jpg.json": json.dumps({"objects": [1]})},
    "voc, beside YOLO's": {**VOC, "1.txt": "dent 0.5 0.5 0.2 0.4\n"},
    "voc, beside a text of OBB": {**VOC, "labels/1.txt": "imagesource:x\n1.0 2 3 4 5 6 7 8 dent 0\n"},
    "voc, beside broken JSON": {**VOC, "1.json": "{"},
    "labelme, beside XML": {**LABELME, "1.xml": "<shapes/>"},
    "labelme, beside broken XML": {**LABELME, "1.xml": voc()[:-20]},
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_the_photo_is_left_out_and_named(tree: Tree, tmp_path: Path, name: str) -> None:
    form = name.partition(",")[0]
    root = tree({**LEFT_OUT[name], "good.jpg": PHOTO, "1.jpg": PHOTO})
    problems = Problems()
    dataset = read(root, format=form, on_error="skip", problems=problems)
    assert [image.name for image in dataset if image.name != "1.png"] == ["good.jpg"]
    assert "has no annotation file" not in "\n".join(problems.summary())
    write_rejects(problems, tmp_path / "rejects.jsonl")
    assert "1.jpg" in (tmp_path / "rejects.jsonl").read_text()
    if "no label" not in name and "without a label" not in name:  # of which there may be some in good data
        with pytest.raises(DataError):
            read(root, format=form)


@pytest.mark.parametrize(
    "beside",
    [
        # what lies beside 1.jpg and is no annotation of it
        {},
        {"1.txt": "a dent on the left door, 30 cm"},  # a caption
        {"1.txt": "Eine Beule an der T\xfcr".encode("latin-1")},
        {"1.txt": ""},
        {"README.txt": "1 2 3 4 5", "notes.json": json.dumps({"a": [1]}), "settings.xml.bak": "<a/>"},
        {"1.json": json.dumps({"camera": "x", "date": 5, "tags": []})},  # about the photo, nothing on it
        {"1.json": "{}"},
        {"other/2.json": json.dumps({"a": [1]}), "11.json": json.dumps({"a": [1]})},  # other names
    ],
)
def test_what_holds_no_annotations_is_no_matter(tree: Tree, beside: Files) -> None:
    problems = Problems()
    root = tree({**VOC, **beside, "good.jpg": PHOTO, "1.jpg": PHOTO})
    assert [(image.name, len(image.boxes)) for image in read(root, format="voc", problems=problems)] == [
        ("1.jpg", 0),
        ("good.jpg", 1),
    ]
    assert problems.counts() == {("note", "image without annotations"): 1}


def test_an_annotation_without_objects_beside_another_format(tree: Tree) -> None:
    """The two formats agree that nothing is there."""
    root = tree({**LABELME, "good.jpg": PHOTO, "1.jpg": PHOTO, "1.xml": voc("")})
    assert [image.name for image in read(root, format="labelme")] == ["1.jpg", "good.jpg"]


def test_photos_that_an_unclear_file_can_mean_are_not_undamaged(tree: Tree) -> None:
    root = tree({"x.xml": voc(), "a/1.jpg": PHOTO, "b/1.jpg": PHOTO, **VOC, "good.jpg": PHOTO})
    assert [image.name for image in read(root, on_error="skip")] == ["good.jpg"]
    root = tree({"x.json": labelme(), "a/1.jpg": PHOTO, "b/1.jpg": PHOTO, **LABELME, "good.jpg": PHOTO}, "labelme")
    assert [image.name for image in read(root, on_error="skip")] == ["good.jpg"]


def test_the_error_names_both_files(tree: Tree) -> None:
    root = tree({**VOC, "good.jpg": PHOTO, "1.jpg": PHOTO, "1.json": json.dumps({"objects": [1]})})
    with pytest.raises(DataError) as caught:
        read(root)
    assert f"{root}/1.jpg: has no annotation that was read, but {root}/1.json has its name" in str(caught.value)


def test_an_image_annotated_twice_names_both_files_and_is_left_out(tree: Tree) -> None:
    root = tree({"a.json": via(region()), "b.json": via(region(1)).replace("good.jpg", "2.jpg"),
                 **dict.fromkeys(("1.jpg", "good.jpg", "2.jpg"), PHOTO)})  # fmt: skip
    with pytest.raises(DataError) as caught:
        read(root)
    assert f"1.jpg: this image is annotated twice, in {root}/a.json and in {root}/b.json" in str(caught.value)
    assert [image.name for image in read(root, on_error="skip")] == ["2.jpg", "good.jpg"]


def test_nothing_left_says_why(tree: Tree) -> None:
    with pytest.raises(DataError, match="the box has no label"):
        read(tree({"1.xml": voc(OBJECT.replace("dent", "")), "1.jpg": PHOTO}))
