"""What the types of data.py refuse: an error of its file where a reader meets it, and never written or measured."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from detect.conversion import FORMATS, read, write
from detect.data import Box, Dataset, Image, Predictions
from detect.errors import DataError, Problems
from detect.evaluation import evaluate

Tree = Callable[..., Path]
Corners = tuple[float, float, float, float]

FOLDERS = [row.name for row in FORMATS.values() if row.write is not None]


@pytest.mark.parametrize("name", ["..", "C:D:evil.jpg", "images/C:evil.jpg"])
def test_a_name_that_cannot_be_one_is_an_error_of_its_file(name: str, tree: Tree) -> None:
    rows = [{"id": n, "file_name": file, "width": 9, "height": 9} for n, file in enumerate((name, "images/good.jpg"))]
    root = tree({"a.json": json.dumps({"images": rows, "annotations": [], "categories": []})})
    with pytest.raises(DataError, match=r"a\.json: the name '.*' is (empty|absolute)"):
        read(root)
    problems = Problems()
    assert [image.name for image in read(root, on_error="skip", problems=problems).images] == ["good.jpg"]
    assert [problem.kind for problem in problems.errors] == ["image name"]


@pytest.mark.parametrize("size", [(0, 9), (0.5, 9), (9, float("nan")), (float("nan"), 9), (9, -9), (1e300, 9)])
def test_a_size_that_is_none_is_an_error_of_its_file(size: tuple[float, float], tree: Tree) -> None:
    row = {"id": 1, "file_name": "a.jpg", "width": size[0], "height": size[1]}
    root = tree({"a.json": json.dumps({"images": [row], "annotations": [], "categories": []})})
    with pytest.raises(DataError, match=r"a\.json: the image is missing and the file gives no size"):
        read(root)


CORNERS = [(math.nan, 1.0, 5.0, 5.0), (1.0, 1.0, math.inf, 5.0), (5.0, 1.0, 1.0, 5.0), (1.0, 5.0, 5.0, 1.0)]


@pytest.mark.parametrize("corners", CORNERS)
def test_truth_that_is_no_box_is_neither_written_nor_measured(corners: Corners, tmp_path: Path) -> None:
    """It used to be written as `nan` and as negative widths, and measured as an AP of 0."""
    found = Predictions(("a",), {"1.jpg": (Box("a", 1.0, 1.0, 5.0, 5.0, 0.9),)})

    def truth() -> Dataset:
        return Dataset(("a",), (Image("1.jpg", 9, 9, (Box("a", *corners),)),))

    for form in FOLDERS:
        with pytest.raises(DataError, match=r"box 'a': .*(nan|inf|swapped)"):
            write(truth(), tmp_path / "out", form)
    with pytest.raises(DataError, match=r"box 'a': .*(nan|inf|swapped)"):
        evaluate(truth(), found)
    assert list(tmp_path.iterdir()) == []
