"""`detect evaluate` from files to tables, JSON and report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from coco_peer import coco_results, coco_truth, peer, undefined
from random_sets import random_set

from detect.cli import main

KNOBS: dict[str, Any] = {
    "seed": 4, "images": 4, "classes": 2, "truths": 5, "found": 2, "noise": 3, "levels": 10, "flags": 0.0, "digits": 1,
}  # fmt: skip


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """COCO ground truth, predictions that carry their names, and the same as a bare list of results."""
    dataset, predictions = random_set(**KNOBS)
    truth, results = coco_truth(dataset), coco_results(dataset, predictions)
    named = {**truth, "annotations": [{"id": i, **r} for i, r in enumerate(results, 1)]}
    paths = tmp_path / "truth.json", tmp_path / "named.json", tmp_path / "bare.json"
    for path, content in zip(paths, (truth, named, results), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    return paths


def test_json_on_stdout_is_the_documented_object(files: tuple[Path, Path, Path]) -> None:
    truth, named, bare = files
    answer = run(truth, named, "--json", "--quiet")
    assert answer.exit_code == 0, answer.output
    value = json.loads(answer.stdout)
    assert (value["schema"], value["version"]) == ("damage-detect metrics", 2)
    assert json.loads(run(truth, bare, "--ids", truth, "--json", "--quiet").stdout) == value


def test_the_table_states_the_figures_and_who_chose_the_confidence(files: tuple[Path, Path, Path]) -> None:
    truth, named, _ = files
    figures = json.loads(run(truth, named, "--json", "--quiet").stdout)["figures"]
    answer = run(truth, named)
    assert answer.exit_code == 0
    for word in ("mAP", f"{figures['map50']:.3f}", "chosen on this same data", "class0", "all"):
        assert word in answer.stdout
    given = run(truth, named, "--confidence", "0.4", "--iou", "0.6").stdout
    assert "At confidence 0.4 (IoU 0.6)" in given
    assert "chosen" not in given


def test_out_writes_the_report_and_never_over_another(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    truth, named, _ = files
    assert run(truth, named, "--out", tmp_path / "report").exit_code == 0
    assert (tmp_path / "report" / "report.html").is_file()
    again = run(truth, named, "--out", tmp_path / "report")
    assert again.exit_code == 1
    assert "already there" in again.stderr


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        pytest.param(["--split", "test"], 1, "no images in split 'test'", id="no such split"),
        pytest.param(["--confidence", "2"], 2, "--confidence", id="bad usage"),
        pytest.param(["--missing", "zero"], 2, "--missing", id="no such choice"),
    ],
)
def test_mistakes_are_explained(files: tuple[Path, Path, Path], options: list[str], code: int, message: str) -> None:
    answer = run(files[0], files[1], *options)
    assert answer.exit_code == code
    assert message in answer.stderr
    assert "Traceback" not in answer.output


def test_missing_images_stop_the_command_until_explained(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    truth, named, _ = files
    content = json.loads(named.read_text(encoding="utf-8"))
    dropped = content["images"].pop()["id"]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] != dropped]
    part = tmp_path / "part.json"
    part.write_text(json.dumps(content), encoding="utf-8")
    answer = run(truth, part)
    assert answer.exit_code == 1
    assert "1 of the data's 4 images is not in them" in answer.stderr
    assert json.loads(run(truth, part, "--missing", "ignore", "--json", "-q").stdout)["data"]["images"] == 3
    assert json.loads(run(truth, part, "--missing", "empty", "--json", "-q").stdout)["data"]["images"] == 4


def test_cocos_own_example_through_the_command(shared_data: Path) -> None:
    """Ground truth of 100 images and the fake results of cocoapi, read from the files: pycocotools' numbers."""
    folder = shared_data / "exports/faster-coco-eval/tests/dataset/cocoapi"
    truth, results = folder / "instances_val2014_100.json", folder / "instances_val2014_fakebbox100_results.json"
    answer = run(truth, results, "--ids", truth, "--json", "--quiet")
    assert answer.exit_code == 0, answer.output
    theirs = peer(*(json.loads(p.read_text(encoding="utf-8")) for p in (truth, results)))
    ours = list(json.loads(answer.stdout)["figures"].values())[:12]
    assert ours == pytest.approx(undefined(theirs.stats), abs=1e-9)


def test_it_loads_neither_torch_nor_pycocotools(files: tuple[Path, Path, Path]) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from detect.cli import main\n"
        f"r = CliRunner().invoke(main, ['evaluate', {str(files[0])!r}, {str(files[1])!r}]); assert not r.exit_code\n"
        "print([m for m in ('torch', 'pycocotools', 'cv2', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
