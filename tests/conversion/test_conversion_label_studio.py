"""Label Studio JSON and JSON-MIN."""

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

SIZE = {"original_width": 200, "original_height": 100}
BOX = Box("dent", 20.0, 20.0, 80.0, 30.0)


def value(kind: str = "rectanglelabels", **more: Any) -> Row:
    """A box of 60 x 10 pixels at (20, 20), in percent."""
    return {"x": 10, "y": 20, "width": 30, "height": 10, "rotation": 0, kind: ["dent"], **more}


def result(kind: str = "rectanglelabels", region: str = "r1", control: str = "label", **more: Any) -> Row:
    ids = {"id": region, "from_name": control, "to_name": "image", "type": kind, "origin": "manual"}
    return {**SIZE, "image_rotation": 0, "value": value(kind), **ids, **more}


def made(*results: Any, number: int = 7, **more: Any) -> Row:
    row = {"id": number, "completed_by": 1, "result": list(results), "was_cancelled": False, "ground_truth": False}
    return {**row, "updated_at": "2024-05-01T10:00:00.000000Z", "lead_time": 4.5, "prediction": {}, **more}


def task(*annotations: Any, number: int = 1, image: Any = "/data/upload/3/0f1e2d3c-1.jpg", **more: Any) -> Row:
    row = {"id": number, "annotations": list(annotations), "file_upload": "0f1e2d3c-1.jpg", "drafts": []}
    return {**row, "predictions": [], "data": {"image": image}, "meta": {}, "project": 3, **more}


def export(*tasks: Any) -> str:
    return json.dumps(list(tasks))


def flat(number: int = 1, updated: str = "2024-05-01", **columns: Any) -> Row:
    """A row of JSON-MIN."""
    row = {"image": "/data/upload/3/0f1e2d3c-1.jpg", "id": number, **columns, "annotator": 1, "annotation_id": 5}
    return {**row, "created_at": "2024-05-01", "updated_at": updated, "lead_time": 4.5}


@pytest.mark.parametrize(
    "text",
    [
        export(task(made(result()))),
        export(task(), task(made(result()), number=2)).replace("3c-1.jpg", "3c-2.jpg", 2),  # first one not annotated
        json.dumps([task(made(result()))], indent=2),
        "\ufeff" + export(task(made(result()))),  # byte order mark
        export({"id": 1, "completions": [made(result())], "data": {"img": "/data/upload/1.jpg"}}),  # before 1.0
        export(flat(label=[{**value(), **SIZE}])),
        export(task(made(result(image_rotation=90)))),  # turns the view, not the coordinates
        # a tag that draws and one that labels
        export(task(made(result("rectangle", value=value("none")), result("labels", control="l")))),
        export(flat(bbox=[{**value("x"), "x": 10, **SIZE}], label=[{**value("labels"), **SIZE}])),
    ],
)  # fmt: skip
def test_layouts(tree: Tree, text: str) -> None:
    root = tree({"project-3.json": text, "images/1.jpg": (200, 100), "images/2.jpg": (200, 100)})
    for source in (root, root / "project-3.json"):
        dataset = read(source)
        assert dataset.classes == ("dent",)
        found = dataset.images[0]
        assert (found.name, found.width, found.height, found.split) == ("1.jpg", 200, 100, None)
        assert (found.path, found.boxes) == (root / "images/1.jpg", (BOX,))


@pytest.mark.parametrize(
    ("row", "box", "report"),
    [
        ({}, BOX.xyxy, None),
        ({"value": value(x=12.345, width=0.005)}, (24.69, 20, 24.7, 30), None),
        ({"value": value(rotation=360)}, BOX.xyxy, None),
        # about its top left corner, and in pixels: percents are not square
        ({"value": value(rotation=90)}, (10, 20, 20, 80), ("lost", "rotation")),
        ({"value": value(x=50, width=5, height=10, rotation=45)},
         (100 - sqrt(50), 20, 100 + sqrt(50), 20 + sqrt(200)), ("lost", "rotation")),
        ({"type": "polygonlabels", "value": {"points": [[5, 10], [20, 10], [10, 30]], "polygonlabels": ["dent"]}},
         (10, 10, 40, 30), ("lost", "outline")),
        ({"type": "ellipselabels", "value": {"x": 50, "y": 50, "radiusX": 10, "radiusY": 5, "ellipselabels": ["dent"]}},
         (80, 45, 120, 55), ("lost", "outline")),
        ({"type": "ellipselabels",
          "value": {"x": 50, "y": 50, "radiusX": 10, "radiusY": 5, "rotation": 90, "ellipselabels": ["dent"]}},
         (95, 30, 105, 70), ("lost", "outline")),  # about its centre
        ({"type": "brushlabels", "value": {"format": "rle", "rle": [1, 2], "brushlabels": ["dent"]}},
         None, ("dropped", "brush not converted")),
        ({"type": "keypointlabels", "value": {"x": 1, "y": 2, "width": 1, "keypointlabels": ["dent"]}},
         None, ("dropped", "keypoint not converted")),
        ({"type": "vectorlabels", "value": {"vectorlabels": ["dent"]}}, None, ("dropped", "vector not converted")),
        ({"type": "videorectangle", "value": {"sequence": []}}, None, ("dropped", "videorectangle not converted")),
        ({"value": value(rectanglelabels=["dent", "rust"])}, BOX.xyxy, ("dropped", "further label")),
        ({"value": value(rectanglelabels=[])}, None, ("dropped", "no label")),
        ({"value": value(rectanglelabels=[5])}, None, ("dropped", "no label")),
        ({"value": value(rectanglelabels="dent")}, None, ("dropped", "no label")),
        ({"type": "rectangle", "value": value("other")}, None, ("dropped", "no label")),  # drawn, never labelled
        ({"value": value(x=80)}, (160, 20, 200, 30), ("repaired", "box clipped")),
        ({"value": value(x=101)}, None, ("dropped", "box outside the image")),
        ({"value": value(x=40, width=-30)}, BOX.xyxy, ("repaired", "corners swapped")),
        ({"value": value(width=0)}, None, ("dropped", "box without area")),
        ({"value": value(x=0.5, y=1, width=0.5, height=1)}, None, ("dropped", "duplicate box")),  # of the first one
        ({"value": value(x="10")}, None, ("error", "not a number")),
        ({"value": value(x=None)}, None, ("error", "not a number")),
        ({"value": value(x=float("nan"))}, None, ("error", "not a number")),
        ({"value": value(rotation=float("inf"))}, None, ("error", "not a number")),
        ({"value": value(rotation="90")}, None, ("error", "not a number")),
        ({"value": {"rectanglelabels": ["dent"]}}, None, ("error", "not a number")),
        ({"value": None}, None, ("error", "not a number")),
        ({"type": "polygonlabels", "value": {"points": [[5, 10], [20]]}}, None, ("error", "not a number")),
        ({"type": "ellipselabels", "value": {"x": 50, "y": 50}}, None, ("error", "not a number")),
        ({"original_width": None}, None, ("error", "no size")),
        ({"original_width": 0}, None, ("error", "no size")),
        ({"original_height": float("nan")}, None, ("error", "no size")),
        ({"type": 5}, None, ("dropped", "5 not converted")),
    ],
)  # fmt: skip
def test_results(tree: Tree, row: Row, box: tuple[float, ...] | None, report: tuple[str, str] | None) -> None:
    first = result(value=value(x=0.5, y=1, width=0.5, height=1), region="r0")
    text = export(task(made(first, {**result(), **row})), task(made(), number=2, image="/data/upload/3/0f1e2d3c-2.jpg"))
    found, kinds = corners_and_reports(tree({"a.json": text, "1.jpg": (200, 100), "2.jpg": (200, 100)}))
    assert (found.get("1.jpg"), found["2.jpg"]) == (remains((1, 1, 2, 2), box, report), [])
    assert kinds == reports(report)


@pytest.mark.parametrize(
    ("annotations", "label", "report"),
    [
        ([("dent", {})], "dent", {}),
        # the latest
        ([("dent", {"updated_at": "2024-05-02"}), ("rust", {"updated_at": "2024-05-01"})],
         "dent", {("dropped", "further annotations of an image"): 1}),
        # ground truth counts more
        ([("dent", {"updated_at": "2024-05-02"}), ("rust", {"updated_at": "2024-05-01", "ground_truth": True})],
         "rust", {("dropped", "further annotations of an image"): 1}),
        ([("dent", {}), ("rust", {"was_cancelled": True})], "dent", {}),  # skipped by one of two
        ([("dent", {"was_cancelled": True})], None, {("dropped", "skipped task"): 1}),
        ([("dent", {"skipped": True})], None, {("dropped", "skipped task"): 1}),  # before 1.0
        ([], "", {("note", "image without annotations"): 1}),
        ([(None, {})], "", {}),  # someone looked and found nothing
    ],
)  # fmt: skip
def test_one_annotation_of_a_task_counts(
    tree: Tree, annotations: list[tuple[str | None, Row]], label: str | None, report: dict[tuple[str, str], int]
) -> None:
    problems = Problems()
    rows = [
        made(*([result(value=value(rectanglelabels=[name]))] if name else ()), **more) for name, more in annotations
    ]
    other = task(made(result()), number=2, image="/data/upload/3/0f1e2d3c-2.jpg")
    root = tree({"a.json": export(task(*rows), other), "1.jpg": (200, 100), "2.jpg": (200, 100)})
    found = {image.name: image.boxes for image in read(root, problems=problems).images}
    assert found.pop("2.jpg") == (BOX,)
    assert found == ({} if label is None else {"1.jpg": (BOX._replace(label=label),) if label else ()})
    assert problems.counts() == report


def test_what_is_said_of_a_region_and_of_the_image(tree: Tree) -> None:
    said = [
        result("choices", control="severity", value={**value(), "choices": ["deep", "wide"]}),
        result("rating", control="sure", value={"rating": 4}),
        result("number", control="depth", value={"number": 2.5}),
        result("textarea", control="note", value={"text": ["by the door"]}),
        result("taxonomy", control="part", value={"taxonomy": [["door", "left"], ["roof"]]}),
        result("choices", "r9", "weather", value={"choices": ["rain"]}),
        result("choices", "r8", "empty", value={"choices": None}),
        {"type": "relation", "from_id": "r1", "to_id": "r2", "direction": "right"},
    ]
    problems = Problems()
    root = tree({"a.json": export(task(made(result(), *said))), "1.jpg": (200, 100)})
    (found,) = read(root, problems=problems).images
    assert found.boxes[0].attributes == {
        "severity": "deep, wide", "sure": 4, "depth": 2.5, "note": "by the door", "part": "door/left, roof",
    }  # fmt: skip
    assert found.attributes == {"weather": "rain"}
    assert problems.counts() == {}


def test_json_min(tree: Tree) -> None:
    outline = {"points": [[5, 10], [20, 10], [10, 30]], "polygonlabels": ["rust"], **SIZE}
    dot = {"x": 1, "y": 2, "width": 1, "keypointlabels": ["dent"], **SIZE}
    deep = {**value("choices", choices=["deep", "wide"]), **SIZE}
    rows = [
        flat(box=[{**value(), **SIZE}], outline=[outline], dot=[dot], severity=["flat", deep], text="by the door"),
        flat(2, image="2.jpg", label=[{**value(rectanglelabels=["old"]), **SIZE}], updated="2024-05-01"),
        flat(2, image="2.jpg", label=[{**value(rectanglelabels=["new"]), **SIZE}], updated="2024-05-02"),
        flat(3, image="3.jpg", annotator="{}", lead_time=None),  # nobody annotated it
        flat(4, image="4.jpg", label=[{**value(), **SIZE}, 5], notes=["a", 5], rows=[{"a": 1}]),
        flat(5, image="5.jpg", label=[value()]),
    ]
    problems = Problems()
    root = tree({"a.json": export(*rows), **{f"{n}.jpg": (200, 100) for n in range(1, 6)}})
    images = read(root, on_error="skip", problems=problems).images
    assert [[box.label for box in image.boxes] for image in images] == [["dent", "rust"], ["new"], []]
    assert images[0].boxes[0].attributes == {"severity": "deep, wide"}
    assert problems.counts() == {
        ("dropped", "further annotations of an image"): 1, ("lost", "outline"): 1,
        ("dropped", "keypoint not converted"): 1, ("error", "no object"): 1, ("error", "no size"): 1,
        ("dropped", "image left out"): 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "photo", "name"),
    [
        ({"image": "/data/upload/3/0f1e2d3c-1.jpg"}, "1.jpg", "1.jpg"),  # as the photo was called before the upload
        ({"image": "/data/upload/3/0f1e2d3c-1.jpg"}, "0f1e2d3c-1.jpg", "0f1e2d3c-1.jpg"),  # as Label Studio keeps it
        ({"image": "/data/upload/3/0f1e2d3c-a%20%231.jpg"}, "a #1.jpg", "a #1.jpg"),
        ({"image": "/data/local-files/?d=cars/a%20b/1.jpg"}, "cars/a b/1.jpg", "cars/a b/1.jpg"),
        ({"image": "/data/local-files/?d=home/me/photos/7/1.jpg"}, "7/1.jpg", "7/1.jpg"),  # called by where it is
        ({"image": "s3://bucket/claims/7/1.jpg"}, "7/1.jpg", "7/1.jpg"),
        ({"image": "https://host.net/7/1.jpg?d=3&sig=a/b"}, "1.jpg", "1.jpg"),
        ({"image": "https://host.net/data/upload/3/0f1e2d3c-1.jpg"}, "1.jpg", "1.jpg"),
        ({"image": r"C:\photos\1.jpg"}, "1.jpg", "1.jpg"),
        ({"image": "1.jpg"}, "1.jpg", "1.jpg"),
        ({"note": "left/right", "car_photo": "/data/upload/3/0f1e2d3c-1.jpg"}, "1.jpg", "1.jpg"),
        ({"note": "left/right", "car_photo": "https://host.net/1.jpg?w=9"}, "1.jpg", "1.jpg"),
        ({"image": "http://[1.jpg"}, "2.jpg", "http:/[1.jpg"),  # no address, and no photo
        ({"image": "s3://bucket/claims/7/1.jpg"}, "2.jpg", "claims/7/1.jpg"),  # missing: its folders tell it apart
    ],
)
def test_names(tree: Tree, data: Row, photo: str, name: str) -> None:
    root = tree({"a.json": export(task(made(result()), data=data)), f"images/{photo}": (200, 100)})
    (found,) = read(root).images
    assert (found.name, found.path) == (name, None if photo == "2.jpg" else root / "images" / photo)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (export(task())[:-5], "is not good JSON"),  # breaks off
        ("{}", "task: expected a list, got dict"),
        ("[]", "holds no images"),
        (export("x", task()), "a.json: task 1: must be an object, not str"),
        (export(task(data={})), "a.json: task 1: the task names no image"),
        (export(task(data={"image": 5})), "a.json: task 1: the task names no image"),
        (export(task(image=["1.jpg", "2.jpg"])), "a.json: task 1: the task names no image"),  # several pages
        (export(task(image="data:image/png;base64,iVBO")), "a.json: task 1: the task names no image"),
        (export(task(annotations=5)), "task 1: annotation: expected a list, got int"),
        (export(task(5)), "task 1: annotation 1: must be an object, not int"),
        (export(task(made(result=5))), "task 1: result: expected a list, got int"),
        (export(task(made(5))), "task 1: result 1: must be an object, not int"),
        (export(task(number=1), task(number=1)), "1.jpg: this image is annotated twice"),
        (export(task(image="2.jpg")), "the image is missing and the file gives no size"),
        ("[" * 5000 + "]" * 5000, "is not good JSON"),
    ],
)
def test_errors(tree: Tree, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tree({"a.json": text, "1.jpg": (200, 100)}) / "a.json", format="label-studio")
    assert words in str(caught.value)


def test_the_stated_size_counts_where_the_image_is_missing(tree: Tree) -> None:
    problems = Problems()
    (found,) = read(tree({"a.json": export(task(made(result())))}), problems=problems).images
    assert (found.name, found.width, found.height, found.path) == ("0f1e2d3c-1.jpg", 200, 100, None)
    assert problems.counts() == {("note", "image missing"): 1}


def test_tasks_that_nobody_annotated_are_recognised(tree: Tree) -> None:
    assert len(read(tree({"a.json": export(task()), "1.jpg": (200, 100)})).images) == 1
