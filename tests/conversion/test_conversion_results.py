"""Predictions of other tools: whatever the tool, the same detections come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detect.conversion import read_predictions
from detect.conversion.predictions.layouts import LAYOUTS
from detect.data import Dataset
from detect.errors import DataError, Problems
from tests.conversion.other_tools import (
    CLASSES,
    DATA,
    FOLDERS,
    FOUND,
    JSON,
    TRUTH,
    columns,
    each,
    fiftyone,
    result,
    rows,
    written,
)


@pytest.mark.parametrize("layout", JSON)
def test_one_file_of_any_tool(tmp_path: Path, layout: str) -> None:
    truth, path = tmp_path / "truth.json", tmp_path / "p.json"
    truth.write_text(json.dumps(TRUTH))
    path.write_text(json.dumps(JSON[layout]))
    assert read_predictions(path, ids=truth, dataset=DATA, problems=Problems()) == FOUND


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text("\n\n".join(json.dumps({"image": n, **columns(b)}) for n, b in FOUND.images.items()) + "\n")
    assert read_predictions(path, dataset=DATA, problems=Problems()) == FOUND


@pytest.mark.parametrize("layout", FOLDERS)
def test_a_folder_of_any_tool(tmp_path: Path, layout: str) -> None:
    assert read_predictions(written(tmp_path / "p", FOLDERS[layout]), dataset=DATA, problems=Problems()) == FOUND


def test_the_answer_about_one_photo(tmp_path: Path) -> None:
    answer = FOLDERS["roboflow"]["x.json"]
    found = read_predictions(written(tmp_path, {"x.json": answer}) / "x.json", dataset=DATA, problems=Problems())
    assert found.images == {"b/x.jpg": FOUND.images["b/x.jpg"]}  # nobody looked at the others
    other = written(tmp_path, {"response.json": answer}) / "response.json"
    with pytest.raises(DataError, match=r"does not say which photo \(call the file as the photo, such as 0007\.json"):
        read_predictions(other, dataset=DATA, problems=Problems())
    one = Dataset(CLASSES, DATA.images[1:2])  # only one photo can be meant
    assert read_predictions(other, dataset=one, problems=Problems()) == found


def test_every_layout_of_the_table_is_tried() -> None:
    tried = {name for name, layout in LAYOUTS.items() for document in JSON.values() if layout.fits(document)}
    assert tried | {"server"} == set(LAYOUTS)
    for name, layout in LAYOUTS.items():
        example = json.loads(layout.example.replace("[...]", "[]").replace("x, y, width, height", "1, 2, 3, 4")
                             .replace("x1, y1, x2, y2", "1, 2, 3, 4"))  # fmt: skip
        assert [other for other, row in LAYOUTS.items() if row.fits(example)] == [name]


UNKNOWN: dict[str, Any] = {
    # nothing is guessed, and one line says what is expected
    "text": "x",
    "an empty object": {},
    "settings": {"epochs": 3, "names": ["a"]},
    "four numbers that can be corners or a size": [
        {"image": "x.jpg", "label": "dent", "score": 0.5, "bbox": [1, 2, 3, 4]}
    ] * 9,
    "no label": [{"image": "x.jpg", "boxes": [[1, 2, 3, 4]], "scores": [0.5]}] * 9,
    "labels of photos": [{"image": "x.jpg", "class": "dent", "confidence": 0.5}] * 9,
    "two lists of results": {"results": rows(result), "predictions": rows(result)},
}  # fmt: skip


@pytest.mark.parametrize("document", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_in_no_layout_is_told_once(tmp_path: Path, document: Any) -> None:
    path = written(tmp_path, {"p.json": document}) / "p.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=r"p\.json: holds no predictions that are known: .*detect formats") as caught:
        read_predictions(path, dataset=DATA, problems=Problems())
    assert len(str(caught.value).splitlines()) == 1


BAD_FILES: dict[str, tuple[dict[str, Any], str]] = {
    # (files, what is said)
    "two results": ({"a.json": JSON["supervision"], "b.json": JSON["supervision"]}, r"several .*: a\.json, b\.json"),
    "json and text": ({"p.json": JSON["ultralytics"], "labels/x.txt": "0 0.5 0.5 0.1 0.1 0.5"}, r"p\.json, text files"),
    "nothing": ({"readme.md": "x"}, "holds no predictions that are known"),
    "something else among answers": ({**FOLDERS["roboflow"], "z.json": {"a": 1}}, r"z\.json: is not what was found"),
    "lists of different length": (
        {"x.json": {"boxes": [[1, 2, 3, 4]], "labels": [], "scores": [0.5]}}, "1 boxes, 0 labels and 1"),
    "a photo twice": ({"p.json": JSON["torchvision, names"] * 2}, r"'a/0007\.jpg' stands twice"),
    "two models": ({"p.json": [{"data": {"image": "x.jpg"}, "predictions": [
        {"model_version": "a", "result": []}, {"model_version": "b", "result": []}]}]}, r"has 2 predictions \(a, b\)"),
    "no confidence": ({"samples.json": {"samples": [{"filepath": "x.jpg", "ground_truth": {
        "detections": [{"label": "dent", "bounding_box": [0, 0, 1, 1]}]}}]}}, "has no field with confidences"),
    "two fields": ({"samples.json": {"samples": [
        {"filepath": "x.jpg", **{key: {"detections": each(fiftyone)["b/x.jpg"]} for key in "ab"}}]}},
        "confidences in the fields a, b"),
    "text without confidence": ({"x.txt": "0 0.5 0.5 0.1 0.1"}, "x.txt: line 1: the score must be a number"),
    "text with too many numbers": (
        {"x.txt": "0 0.5 0.5 0.1 0.1 1 2 3 4"}, "x.txt: line 1: without the confidence: has 7 numbers"),
    "text with a track after corners": (
        {"x.txt": "0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2 0.5 7"}, "x.txt: line 1: without the confidence: has 9 numbers"),
    "text of key points or polygons": (
        {"x.txt": "0 0.5 0.5 0.2 0.2 0.42 0.42 0.5 0.5 0.58 0.58 0.55 0.45 0.9"},
        r"kpt_shape: \[4, 2\] into data.yaml, or kpt_shape: null for polygons, in the folder of the predictions"),
    "text that is none": ({"x.txt": "0 a b c d 0.5"}, "x.txt: line 1: bbox must be four numbers"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "words"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_named(tmp_path: Path, files: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_predictions(written(tmp_path / "p", files), dataset=DATA, problems=Problems())


@pytest.mark.parametrize("name", ["p.pkl", "p.pth", "p.npy", "p.csv", "x.txt", "p.zip"])
def test_files_that_are_no_json(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"which is not read|is no JSON"):
        read_predictions(written(tmp_path, {name: "x"}) / name)


SHARES = [FOLDERS["yolo"], {"p.json": JSON["fiftyone samples"]}, {"p.json": JSON["label studio"]}]


@pytest.mark.parametrize("files", SHARES)
def test_shares_need_the_data(tmp_path: Path, files: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="boxes are shares of the images; name the data"):
        read_predictions(written(tmp_path / "p", files))
