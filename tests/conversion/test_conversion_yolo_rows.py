"""Rows of YOLO labels that are no plain boxes: read for what all rows of the data set show, or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from detect.conversion import read
from detect.data import Attributes, Box, Dataset
from detect.errors import DataError, Problems

Tree = Callable[..., Path]

PLAIN = "0 0.5 0.5 0.2 0.4"  # in 100 x 50: (40, 15) to (60, 35)
BOX = (40.0, 15.0, 60.0, 35.0)
POSE = f"{PLAIN} 0.45 0.4 2 0.55 0.6 1"
PAIRS = f"{PLAIN} 0.45 0.4 0.55 0.6"
TURNED = "0 0.5 0.4 0.6 0.5 0.5 0.6 0.4 0.5"  # four corners of a square that stands on one of them
CLASSES = {"classes.txt": "dent\nrust\n"}
LISTS = {"data.yaml": "path: ./\ntrain: train.txt\nnames: [dent, rust]\n"}


def data(tree: Tree, files: Sequence[Sequence[str]], header: dict[str, str]) -> Path:
    """A photo of 100 x 50 for each list of rows."""
    content: dict[str, object] = {"train.txt": "".join(f"{n}.jpg\n" for n in range(len(files)))}
    for number, rows in enumerate(files):
        content |= {f"{number}.jpg": (100, 50), f"{number}.txt": "".join(f"{row}\n" for row in rows)}
    return tree({**content, **header})


def found(tree: Tree, files: Sequence[Sequence[str]], header: dict[str, str]) -> tuple[Dataset, Problems]:
    """The dataset and what was said of it, notes apart."""
    problems = Problems()
    dataset = read(data(tree, files, header), format="yolo", problems=problems)
    problems.items[:] = [problem for problem in problems if problem.level != "note"]
    return dataset, problems


def header(shape: str) -> dict[str, str]:
    return {"data.yaml": f"train: .\nval: ~\nkpt_shape: {shape}\nnames: [dent, rust]\n"}


REPORTS = {
    "key points": ("lost", "key points"),
    "polygon": ("lost", "polygon"),
    "rotated box": ("lost", "rotated box"),
    "confidence": ("repaired", "trailing confidence"),
    "0 or 1": ("repaired", "number after the size"),
}


@pytest.mark.parametrize(
    ("files", "heading", "report"),
    [
        # key points as kpt_shape states them: 4 of two numbers, 4 of three, 17 of three, one of two
        ([[PLAIN + " 0.45 0.4" * 4]], header("[4, 2]"), "key points"),
        ([[PLAIN + " 0.45 0.4 2" * 4]], header("[4, 3]"), "key points"),
        ([[PLAIN + " 0.45 0.4 1.0" * 17]], header("[17, 3]"), "key points"),  # visibility as a float
        ([[PLAIN + " 0 0 0" * 17]], header("\n  - 17\n  - 3"), "key points"),
        ([[PLAIN + " 0.45 0.4"]], header("[1, 2]"), "key points"),
        ([[PLAIN], [PLAIN + " 0.45 0.4" * 2]], header("[2, 2]"), "key points"),  # and a box without any
        # without kpt_shape: a visibility of 2 is no share, so these are no polygons
        ([[POSE]], CLASSES, "key points"),
        ([[PLAIN + " 0.45 0.4 2.0 0.55 0.6 1.0"]], CLASSES, "key points"),
        ([[PLAIN + " 0.45 0.4 2"]], CLASSES, "key points"),  # seven numbers are none either
        ([[PLAIN + " 0.45 0.4 1 0.55 0.6 1 0 0 0"]], CLASSES, "key points"),  # nor are thirteen, though none is 2
        # corners: all rows are rectangles, in a photo of any proportions
        ([[TURNED], [PLAIN]], CLASSES, "rotated box"),
        ([[TURNED]], header("null"), "rotated box"),
        ([["0 0.4 0.3 0.6 0.3 0.6 0.7 0.4 0.7"]], CLASSES, "rotated box"),
        ([[TURNED], ["0 0.1 0.1 0.3 0.1 0.6 0.5 0.2 0.3"]], CLASSES, "polygon"),  # one is no rectangle
        # polygons: their counts differ, or as boxes they would leave the image, or their points the box
        ([["0 0.4 0.3 0.6 0.3 0.6 0.7"], ["0 0.5 0.4 0.6 0.5 0.5 0.6 0.4 0.5 0.4 0.4"]], CLASSES, "polygon"),
        ([["0 0.4 0.3 0.6 0.3 0.6 0.7"]], CLASSES, "polygon"),
        ([["0 0.40 0.40 0.42 0.40 0.42 0.42 0.41 0.43 0.40 0.42"]], CLASSES, "polygon"),  # in a corner of the "box"
        ([[PAIRS]], header("null"), "polygon"),  # stated: no key points
        # confidences are shares, and not all whole
        ([[f"{PLAIN} 0.87"], [f"{PLAIN} 1"]], CLASSES, "confidence"),
        ([[f"{PLAIN} 8.7e-1"], [PLAIN]], CLASSES, "confidence"),
        # 0 and 1 alone: tracks, confidences, flags?
        ([[f"{PLAIN} 0", f"1{PLAIN[1:]} 1"]], CLASSES, "0 or 1"),
        ([[f"{PLAIN} 1"]], LISTS, "0 or 1"),
        ([[f"{PLAIN} 1.0"]], CLASSES, "0 or 1"),
    ],
)  # fmt: skip
def test_rows_are_read_for_what_they_are(
    tree: Tree, files: Sequence[Sequence[str]], heading: dict[str, str], report: str
) -> None:
    dataset, problems = found(tree, files, heading)
    assert list(problems.counts()) == [REPORTS[report]]
    for image, rows in zip(dataset.images, files, strict=True):
        assert len(image.boxes) == len(rows)
        for box, row in zip(image.boxes, rows, strict=True):
            assert (box.label, box.attributes) == (("dent", "rust")[int(row[0])], Attributes())
            numbers = [float(text) for text in row.split()[1:]]
            if report in ("polygon", "rotated box") and row != PLAIN:
                xs, ys = [x * 100 for x in numbers[::2]], [y * 50 for y in numbers[1::2]]
                assert box.xyxy == pytest.approx((min(xs), min(ys), max(xs), max(ys)))
            else:
                assert box.xyxy == BOX


OTHER = "1 0.2 0.5 0.2 0.4"


@pytest.mark.parametrize(
    ("files", "heading", "tracks"),
    [
        ([[f"{PLAIN} 17"]], LISTS, [[17]]),  # CVAT's lists of images
        ([[f"{PLAIN} 45", f"{OTHER} 90"]], LISTS, [[45, 90]]),
        ([[f"{PLAIN} 3"], [PLAIN]], LISTS, [[3], [None]]),  # a shape of no track
        ([[f"{PLAIN} 0", f"{OTHER} 1"], [f"{PLAIN} 2", f"{OTHER} 1"]], CLASSES, [[0, 1], [2, 1]]),  # counted through
        ([[f"{PLAIN} 1", f"{OTHER} 2"]], CLASSES, [[1, 2]]),
        ([[f"{PLAIN} 361"]], CLASSES, [[361]]),  # beyond any angle
        ([[f"{PLAIN} 17.0"]], LISTS, [[17]]),
        ([[f"{PLAIN} 0.87 12"], [f"{PLAIN} 0.5 1"]], CLASSES, [[12], [1]]),  # confidence and track
    ],
)  # fmt: skip
def test_the_number_of_a_track_becomes_an_attribute(
    tree: Tree, files: Sequence[Sequence[str]], heading: dict[str, str], tracks: list[list[int | None]]
) -> None:
    dataset, problems = found(tree, files, heading)
    assert [[box.attributes.get("track_id") for box in image.boxes] for image in dataset.images] == tracks
    assert dataset.images[0].boxes[0].xyxy == BOX
    confidence = [REPORTS["confidence"]] if "0.87" in files[0][0] else []
    assert list(problems.counts()) == confidence  # a track is never called so


ANGLE = "may be an angle or a track"
UNCLEAR = "may be a box with key points or a polygon"


@pytest.mark.parametrize(
    ("files", "heading", "words"),
    [
        ([[f"{PLAIN} 45"]], CLASSES, "the number after the size (45) may be an angle or a track"),
        ([[f"{PLAIN} 30"], [f"{PLAIN} 90"]], CLASSES, f"(30 to 90) {ANGLE}"),
        ([[f"{PLAIN} -0.785"]], CLASSES, ANGLE),  # radians
        ([[f"{PLAIN} 0.785"], [f"{PLAIN} 1.57"]], CLASSES, ANGLE),
        ([[f"{PLAIN} -45"]], LISTS, ANGLE),  # no track is negative
        ([[f"{PLAIN} 45.5"]], LISTS, ANGLE),  # nor a fraction
        ([[f"{PLAIN} 45", f"{OTHER} 45"]], LISTS, ANGLE),  # nor in a frame twice
        ([[f"{PLAIN} 0.9"], [f"{PLAIN} 2"]], CLASSES, ANGLE),
        ([[f"{PLAIN} nan"]], CLASSES, ANGLE),
        ([[f"{PLAIN} inf"]], CLASSES, ANGLE),
        ([[POSE]], header("[4, 3]"), "has 10 numbers after the class; with kpt_shape [4, 3] a row has 4 or 16"),
        ([[TURNED]], header("[2, 3]"), "with kpt_shape [2, 3] a row has 4 or 10"),
        ([[PAIRS]], CLASSES, UNCLEAR),
        ([[PAIRS]], CLASSES, "write kpt_shape: [2, 2] into data.yaml, or kpt_shape: null for polygons"),
        ([[PAIRS] * 2, [PAIRS]], LISTS, UNCLEAR),
        ([[PLAIN + " 0.45 0.4 1 0.55 0.6 1"]], CLASSES, "write kpt_shape: [2, 3]"),  # no 2 among the visibilities
        ([[POSE], [POSE], [POSE + " 0.5 0.5"]], CLASSES, "has 12 numbers after the class; most rows have 10"),
        ([["0 0.4 0.3 0.6 0.3 0.6 0.7 0.9"]], CLASSES, "has 7 numbers after the class"),  # no visibility, no corner
        ([["10 20 50 20 50 60 10 60 dent 0"]], CLASSES, "corners in pixels, as DOTA writes them"),
        ([["10.5 20 50 20 50 60 10 60 dent"]], CLASSES, "as DOTA writes them"),
        ([["0 10 20 50 20 50 60 10 60"]], CLASSES, "look like pixels"),
    ],
)  # fmt: skip
def test_rows_that_may_be_two_things_are_refused(
    tree: Tree, files: Sequence[Sequence[str]], heading: dict[str, str], words: str
) -> None:
    with pytest.raises(DataError) as caught:
        found(tree, files, heading)
    assert words in str(caught.value)


NAMES = {"classes.txt": "dent\ntire flat\nRust\nlack, rot\n"}


@pytest.mark.parametrize(
    ("row", "label", "kinds"),
    [
        ("0,0.5,0.5,0.2,0.4", "dent", ["commas"]),
        ("0, 0.5, 0.5, 0.2, 0.4", "dent", ["commas"]),
        ("0 0.5,0.5,0.2,0.4,", "dent", ["commas"]),
        ("0;0.5;0.5;0.2;0.4", "dent", ["semicolons"]),
        ("0\t0.5\t0.5\t0.2\t0.4", "dent", []),
        ("0 0,5 0,5 0,2 0,4", "dent", ["decimal commas"]),
        ("0;0,5;0,5;0,2;0,4", "dent", ["semicolons", "decimal commas"]),
        ("0,0.5,0.5,0.2,0.4,0.87", "dent", ["trailing confidence", "commas"]),
        ("dent 0.5 0.5 0.2 0.4", "dent", ["class name"]),
        ("DENT 0.5 0.5 0.2 0.4", "dent", ["class name"]),
        ("rust 0.5 0.5 0.2 0.4", "Rust", ["class name"]),
        ("tire flat 0.5 0.5 0.2 0.4", "tire flat", ["class name"]),
        ("Tire  Flat\t0.5 0.5 0.2 0.4", "tire flat", ["class name"]),
        ("tire flat,0.5,0.5,0.2,0.4", "tire flat", ["commas", "class name"]),
        ("lack, rot 0.5 0.5 0.2 0.4", "lack, rot", ["commas", "class name"]),
        ("dent 0.5 0.5 0.2 0.4 0.87", "dent", ["trailing confidence", "class name"]),
        ("0,0 0,5 0,5 0,2 0,4", "dent", ["decimal commas", "class index"]),
    ],
)
def test_a_row_written_otherwise(tree: Tree, row: str, label: str, kinds: list[str]) -> None:
    root = data(tree, [[row]], NAMES)
    problems = Problems()
    (image,) = read(root, problems=problems).images  # recognised by its content, too
    assert image.boxes == (Box(label, *BOX),)
    assert [(problem.level, problem.kind) for problem in problems] == [("repaired", kind) for kind in kinds]


@pytest.mark.parametrize(
    ("classes", "row", "words"),
    [
        ("dent\nrust\n", "dint 0.5 0.5 0.2 0.4", "none of the classes (write the number of the class: 0 dent, 1 rust)"),
        ("dent\nDent\n", "DENT 0.5 0.5 0.2 0.4", "'DENT' is none of the classes"),  # either
        ("type\ntype 2\n", "type 2 0.5 0.5 0.2 0.4", "may be of the class 'type' or 'type 2'"),
        ("\n".join(map(str, range(100, 120))), "dint 0.5 0.5 0.2 0.4", "8 108, 9 109, ...)"),  # not all of them
        ("dent\n", "dent 0.5 0.5 0.2", "has 3 numbers after the class"),
        ("dent\n", "dent", "has 0 numbers after the class"),
        ("dent\n", "0.5 0.5 0.2 0.4 dent", "holds something that is no number"),
        ("dent\n", "0,0,5,0,5,0,2,0,4", "has commas between its numbers and perhaps in them"),
    ],
)  # fmt: skip
def test_names_and_commas_that_are_not_clear(tree: Tree, classes: str, row: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read(data(tree, [[row]], {"classes.txt": classes}), format="yolo")
    assert words in str(caught.value)


def test_a_name_of_several_words_some_of_them_numbers(tree: Tree) -> None:
    dataset, _ = found(
        tree, [["type 2 0.5 0.5 0.2 0.4", "2 doors 0.2 0.5 0.2 0.4"]], {"classes.txt": "type 2\n2 doors"}
    )
    assert [box.label for box in dataset.images[0].boxes] == ["type 2", "2 doors"]
