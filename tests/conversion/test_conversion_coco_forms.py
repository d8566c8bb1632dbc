"""COCO files whose boxes are shares or corners, and files that hold no boxes: decided on the whole file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read
from detect.errors import DataError, Problems
from tests.conversion.coco_rows import CATEGORIES, Row, annotation, coco, image

Tree = Callable[..., Path]

SHARES = ([0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("boxes", "more", "found"),
    [
        (SHARES, {}, True),
        (SHARES[:1], {}, True),
        (SHARES, {"width": None, "height": None}, True),  # the photo tells its size later
        (([0, 0, 1, 1],), {}, True),  # the whole image
        ((["0.1", "0.2", "0.3", "0.4"],), {}, True),
        (([-0.004, 0.2, 1.004, 0.4],), {}, True),  # rounded
        ((*SHARES, [10, 20, 30, 10]), {}, False),  # one in pixels
        (([0.1, 0.2, 1.5, 0.4],), {}, False),
        ((), {}, False),
        (([0.1, 0.1, 0.5, 0.5],), {"width": 4, "height": 4}, False),  # a drawing of 16 pixels
    ],
)
def test_shares_of_the_image(tree: Tree, boxes: tuple[list[Any], ...], more: Row, found: bool) -> None:
    rows = tuple(annotation(n, box) for n, box in enumerate(boxes))
    size = (4, 4) if more.get("width") else (100, 50)
    root = tree({"a.json": coco(rows, [image(**more)]), "1.jpg": size})
    if not found:
        assert read(root).boxes == len(boxes)
        return
    with pytest.raises(DataError, match=r"shares of the image, not pixels \(multiply"):
        read(root)
    with pytest.raises(DataError, match="shares"):  # nothing of it is left
        read(root, on_error="skip")


def test_outlines_as_shares(tree: Tree) -> None:
    row = annotation(segmentation=[[0.1, 0.1, 0.5, 0.1, 0.5, 0.6]]) | {"bbox": None}
    with pytest.raises(DataError, match="shares"):
        read(tree({"a.json": coco((row,))}))


OUTLINE = [[40, 20, 90, 20, 90, 45]]
CORNERS: list[tuple[list[Row], str]] = [
    # rows (all with bbox 40, 20, 90, 45 unless they say otherwise), what they are taken for
    ([{"area": 1250}], "corners"),  # (90 - 40) x (45 - 20)
    ([{"area": 1250}, {"area": 1250.4}], "corners"),  # rounded
    ([{"segmentation": OUTLINE, "area": 625}], "corners"),  # the area of the outline
    ([{"area": 1250}, {"bbox": [0, 0, 30, 30], "area": 900}], "corners"),  # from the corner both readings are one
    ([{"area": 1250}, {}], "corners"),  # the second reaches beyond its image
    ([{}, {}, {}], "corners"),  # all reach beyond their image, and as corners they do not
    ([{"area": 4050}] * 3, "corners"),  # the same; the area was worked out from the wrong sides
    ([{}, {}], "perhaps"),
    ([{"area": 1250}, {"bbox": [10, 20, 30, 10], "area": 300}], "usual"),  # one that can be no corners
    ([{}, {}, {}, {"bbox": [1, 2, 10, 20]}], "usual"),  # one that fits as it is
    ([{"segmentation": [[40, 20, 99, 20, 99, 49]]}] * 3, "usual"),  # drawn over the edge: the outline says no
    ([{"bbox": [1, 2, 40, 30], "segmentation": [[1, 2, 41, 2, 41, 32]]}], "usual"),
    ([{"bbox": [10, 10, 30, 20], "area": 600}] * 3, "usual"),
    ([{"bbox": [10, 10, 30, 20], "area": 333}] * 3, "usual"),  # the area of a mask that is not there
    ([{"bbox": [10, 10, 30, 20]}] * 3, "usual"),
    ([], "usual"),
]


@pytest.mark.parametrize(("changes", "form"), CORNERS)
def test_corners_in_place_of_width_and_height(tree: Tree, changes: list[Row], form: str) -> None:
    images = [image(n, f"{n}.jpg") for n in range(len(changes))]
    rows = tuple({**annotation(n, (40, 20, 90, 45)), "image_id": n, **row} for n, row in enumerate(changes))
    problems = Problems()
    dataset = read(tree({"a.json": coco(rows, [*images, image(99, "x.jpg")])}), problems=problems)
    said = [problem.level for problem in problems if problem.kind == "bbox of corners"]
    assert said == {"corners": ["repaired"], "perhaps": ["note"], "usual": []}[form]
    if form == "corners":
        stated = [(row["bbox"][0], *row["bbox"][2:]) for row in rows]
        assert [(i.boxes[0].x1, *i.boxes[0].xyxy[2:]) for i in dataset.images if i.boxes] == stated


OTHERS: list[tuple[Row, str, str]] = [
    # a row without a box, how it is counted, the kind of problem where other rows are boxes
    ({"caption": "a dent"}, "caption", "caption not converted"),
    ({"keypoints": [1, 2, 2], "num_keypoints": 1, "category_id": 1}, "key points", "key points not converted"),
    ({"category_id": 1}, "annotation without bbox", "annotation without bbox"),  # a label of the whole photo
    ({"category_id": 1, "bbox": [], "segmentation": []}, "annotation without bbox", "annotation without bbox"),
    ({"category_id": 1, "bbox": [0, 0, 0, 0]}, "annotation without bbox", "annotation without bbox"),
    ({"category_id": 1, "bboxes": [[1, 2, 3, 4], None], "segmentations": []}, "track", "track not converted"),
    ({"segments_info": [{"id": 7, "category_id": 1}]}, "panoptic segments", "panoptic segments not converted"),
]


@pytest.mark.parametrize(("row", "words", "kind"), OTHERS)
def test_what_is_no_box(tree: Tree, row: Row, words: str, kind: str) -> None:
    """A file with nothing else is an error; beside boxes it is counted, and a photo that has no box is left out."""
    rows = tuple({"id": n, "image_id": n, **row} for n in (1, 2))
    photos = {f"{n}.jpg": (100, 50) for n in (1, 2, 3)}
    images = [image(n, name) for n, name in enumerate(photos, 1)]
    for on_error in ("fail", "skip"):
        with pytest.raises(DataError) as caught:
            read(tree({"a.json": coco(rows, images), **photos}), on_error=on_error)
        assert f"a.json: annotations: holds not one box, but other annotations: 2 x {words}" in str(caught.value)
    problems = Problems()
    root = tree({"a.json": coco((*rows, annotation(9)), images), **photos})
    assert [(i.name, len(i.boxes)) for i in read(root, problems=problems).images] == [("1.jpg", 1), ("3.jpg", 0)]
    assert problems.counts() == {("dropped", kind): 2, ("dropped", "image left out"): 1}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([annotation(image_id=8)], "image_id 8 is not in"),
        (["x", None], "row 1: must be an object"),
        ({"a": 1}, '"annotations" must be a list'),
        ("none", '"annotations" must be a list'),
    ],
)
def test_annotations_that_can_be_of_any_image_leave_none(tree: Tree, rows: Any, words: str) -> None:
    root = tree({"a.json": coco(rows), "1.jpg": (100, 50)})
    with pytest.raises(DataError, match=words):
        read(root, on_error="skip")


@pytest.mark.parametrize("rows", [[], None])
def test_no_annotations_at_all(tree: Tree, rows: list[Row] | None) -> None:
    problems = Problems()
    dataset = read(tree({"a.json": coco(rows, categories=[]), "1.jpg": (100, 50)}), problems=problems)
    assert [(found.name, found.boxes) for found in dataset.images] == [("1.jpg", ())]
    assert [problem.what for problem in problems] == ["no box: it lists images (1) and no annotations"]


def test_null_annotations_beside_classes(tree: Tree) -> None:
    problems = Problems()
    text = coco().replace('"annotations": []', '"annotations": null')
    assert read(tree({"a.json": text, "1.jpg": (100, 50)}), problems=problems).classes == ("dent", "scratch")
    assert problems.counts() == {("note", "no annotations"): 1}


def test_a_photo_at_which_no_detector_looked_is_not_undamaged(tree: Tree) -> None:
    images = [image(), image(2, "2.jpg", detected=False)]
    problems = Problems()
    dataset = read(tree({"a.json": coco((), images), "1.jpg": (9, 9), "2.jpg": (9, 9)}), problems=problems)
    assert [found.name for found in dataset.images] == ["1.jpg"]
    assert ("dropped", "not looked at") in problems.counts()


def test_a_photo_whose_labels_cannot_be_read_is_left_out(tree: Tree) -> None:
    images = [image(labels={"damaged": 1}), image(2, "2.jpg", labels={"damaged": "no"})]
    root = tree({"a.json": coco((), images), "1.jpg": (100, 50), "2.jpg": (100, 50)})
    assert [found.name for found in read(root, on_error="skip").images] == ["2.jpg"]


BIG = ", ".join(f'{{"id": {n}, "text": "{"x" * 50}"}}' for n in range(2000))
RECOGNISED = [
    # a document, whether it is COCO
    (coco(), True),
    ('{"info": [' + BIG + '], "images": [], "annotations": [], "categories": []}', True),
    ('{"annotations": [' + BIG + '], "categories": [], "images": []}', True),  # pandas and jq sort keys
    ('{"licenses": [' + BIG + '], "images" : []}', True),
    ('{"categories": [{"id": 0, "name": "dent"}], "info": {"contributor": "Label Studio"}}', False),  # notes.json
    ('{"annotations": [' + BIG + '], "categories": []}', False),
    ('{"annotations": [' + BIG + '], "info": {"images": []}}', False),
    ('{"images": "folder", "annotations": []}', False),
    ('[{"images": []}]', False),
    (f'{{"categories": {CATEGORIES[0]["id"]}, ', False),
]


@pytest.mark.parametrize(("text", "coco_file"), RECOGNISED)
def test_recognised_by_its_list_of_images(tree: Tree, text: str, coco_file: bool) -> None:
    from detect.conversion.coco import recognise
    from detect.conversion.source import Source

    assert recognise(Source(tree({"a.json": text}), None, Problems())) is coco_file
