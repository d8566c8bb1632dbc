"""`detect evaluate` and `detect compare` on predictions of other tools: the figures do not depend on the tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from detect.cli import main
from tests.evaluation.coco_peer import coco_results, coco_truth
from tests.evaluation.random_sets import random_set

KNOBS: dict[str, Any] = {
    "seed": 4, "images": 6, "classes": 2, "truths": 5, "found": 3, "noise": 3, "levels": 10, "flags": 0.0, "digits": 1,
}  # fmt: skip


def run(command: str, *words: str | Path) -> Result:
    few = ["--resamples", "100"] if command == "compare" else ["--resamples", "0"]
    return CliRunner().invoke(main, [command, *map(str, words), *few, "--json"])


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    dataset, predictions = random_set(**KNOBS)
    document = coco_truth(dataset)
    names = {row["id"]: row["file_name"] for row in document["images"]}
    classes = {row["id"]: row["name"] for row in document["categories"]}
    found = coco_results(dataset, predictions)
    renamed = [{"id": key, "name": name.upper()} for key, name in classes.items()]
    generic = [{"id": key, "name": f"thing{key}"} for key in classes]
    own = {"images": document["images"], "annotations": found}
    elsewhere = [{"id": key, "file_name": f"D:\\run\\{Path(name).stem}.png"} for key, name in names.items()]
    columns: dict[str, Any] = {name: {"boxes": [], "labels": [], "scores": []} for name in names.values()}
    for row in found:
        photo, (x, y, w, h) = columns[names[row["image_id"]]], row["bbox"]
        photo["boxes"].append([x, y, x + w, y + h])
        photo["labels"].append(classes[row["category_id"]])
        photo["scores"].append(row["score"])
    for name, content in {
        "truth": document,
        "results": found,
        "nested": {"results": found},
        "stems": [{**row, "image_id": names[row["image_id"]]} for row in found],
        "photos": [{"image": name, **photo} for name, photo in columns.items()],
        "case": {**own, "categories": renamed},
        "generic": {**own, "categories": generic},
        "elsewhere": {**own, "images": elsewhere, "categories": document["categories"]},
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path / "truth.json"


MAP = ("--map", "thing1=class0", "--map", "thing2=class1")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        # (what is given, with what options)
        ("results", ("--ids", "truth.json")),
        ("results", ()),  # DATA is the file that the ids refer to
        ("nested", ()),
        ("stems", ()),
        ("photos", ()),
        ("case", ()),
        ("elsewhere", ()),
        ("generic", MAP),
    ],
)
def test_the_figures_are_the_same(
    truth: Path, monkeypatch: pytest.MonkeyPatch, file: str, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(truth.parent)
    expected = json.loads(run("evaluate", truth, "results.json", "--ids", "truth.json").stdout)["metrics"]
    answer = run("evaluate", truth, f"{file}.json", *words)
    assert answer.exit_code == 0, answer.stderr
    assert 0 < expected["map"] < 1 and json.loads(answer.stdout)["metrics"] == expected


def test_what_was_matched_is_said_on_stderr(truth: Path) -> None:
    said = run("evaluate", truth, truth.parent / "elsewhere.json").stderr
    assert "6 image names matched by the end of their path, first 'D:\\\\run\\\\" in said
    assert "6 image names matched without their extension: .png in the predictions" in said
    assert "'CLASS0' is 'class0'" in run("evaluate", truth, truth.parent / "case.json").stderr


def test_a_map_for_one_of_two_predictions(truth: Path) -> None:
    generic, results = truth.parent / "generic.json", truth.parent / "results.json"
    answer = run("compare", truth, generic, results, *MAP)
    assert answer.exit_code == 0, answer.stderr
    assert all(one["difference"] in (0, None) for one in json.loads(answer.stdout)["differences"])
    refused = run("compare", truth, generic, results)
    assert refused.exit_code == 1 and "--map thing1=class0" in refused.output
    nowhere = run("compare", truth, results, results, "--map", "clas0=class1")
    assert nowhere.exit_code == 1
    assert "--map clas0=class1: the predictions have no class 'clas0' (did you mean 'class0'?)" in nowhere.output
