"""`detect evaluate` from files to tables, JSON and report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from detect.cli import main
from tests.evaluation.coco_peer import coco_results, coco_truth, peer, undefined
from tests.evaluation.random_sets import random_set

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
    assert (value["schema"], value["version"]) == ("damage-detect metrics", 3)
    again = json.loads(run(truth, bare, "--ids", truth, "--json", "--quiet").stdout)
    assert again.pop("provenance")["predictions"] == "bare.json"
    assert value.pop("provenance")["predictions"] == "named.json"
    assert again == value


def test_the_table_states_the_metrics_and_who_chose_the_confidence(files: tuple[Path, Path, Path]) -> None:
    truth, named, _ = files
    metrics = json.loads(run(truth, named, "--json", "--quiet").stdout)["metrics"]
    answer = run(truth, named)
    assert answer.exit_code == 0
    for word in ("mAP", f"{metrics['map50']:.3f}", "chosen on this same data", "class0", "all"):
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


def test_iou_takes_a_list(files: tuple[Path, Path, Path]) -> None:
    truth, named, _ = files
    value = json.loads(run(truth, named, "--iou", "0.4,0.1:0.3:0.1", "--json", "-q").stdout)
    assert value["operating_point"]["iou"] == 0.4
    metrics = value["metrics"]
    assert {"map@0.1", "map@0.2", "map@0.3", "map@0.4"} <= set(metrics)
    assert metrics["map@0.1"] >= metrics["map@0.2"] >= metrics["map@0.3"] >= metrics["map@0.4"] >= metrics["map@0.5"]
    assert metrics["map@0.5"] == pytest.approx(metrics["map50"])
    assert "AP at 0.2" in run(truth, named, "--iou", "0.4,0.1:0.3:0.1").stdout
    for wrong in ("0", "1.1", "x", "0.5:0.4", "0.1:0.5:0"):
        assert run(truth, named, "--iou", wrong).exit_code == 2


def test_chosen_on_one_half_and_reported_on_the_other(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """point.json goes from validation to test data, without a warning, and back, with one."""
    truth, named, _ = files
    halves = []
    for number in (0, 1):
        part = []
        for path in (truth, named):
            content = json.loads(path.read_text(encoding="utf-8"))
            content["images"] = [i for i in content["images"] if i["id"] % 2 == number]
            content["annotations"] = [a for a in content["annotations"] if a["image_id"] % 2 == number]
            part.append(tmp_path / f"{number}-{path.name}")
            part[-1].write_text(json.dumps(content), encoding="utf-8")
        halves.append(part)
    val, test = halves
    chosen = run(*val, "--choose", "recall=0.3", "--out", tmp_path / "val", "--json", "-q")
    assert chosen.exit_code == 0, chosen.output
    point = tmp_path / "val" / "point.json"
    saved = json.loads(chosen.stdout)["operating_point"]
    assert (saved["goal"], saved["chosen_on_this_data"]) == ("recall=0.3", True)
    other = json.loads(run(*test, "--point", point, "--json", "-q").stdout)
    assert other["operating_point"]["confidence"] == saved["confidence"]
    assert not any("higher than" in note for note in other["notes"])
    again = json.loads(run(*val, "--point", point, "--json", "-q").stdout)
    assert any("chosen on this same data, so precision, recall and F1 are higher" in note for note in again["notes"])
    both = json.loads(run(truth, named, "--point", point, "--json", "-q").stdout)
    assert any("chosen on 2 of these 4 images" in note for note in both["notes"])


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        pytest.param(["map50=0.01,recall=0.01"], 0, "", id="reached"),
        pytest.param(["map50=0.99"], 3, "not reached: map50 is 0.", id="not reached"),
        pytest.param(["false_alarms_per_image=100"], 0, "", id="false alarms are better low"),
        pytest.param(["false_alarms_per_image=0"], 3, "over 0", id="and not reached when over"),
        pytest.param(["class0.recall=0.01"], 0, "", id="of a class"),
        pytest.param(["class2.recall=0.01"], 3, "class2.recall is undefined", id="undefined is not reached"),
        pytest.param(["maq50=0.1"], 2, "did you mean 'map50'?", id="misspelt"),
        pytest.param(["map50"], 2, "'map50' is not a threshold", id="no number"),
        pytest.param(["recall=0.1", "--strict", "--resamples", "0"], 2, "--strict needs intervals", id="no intervals"),
    ],
)
def test_metrics_that_must_be_reached(
    files: tuple[Path, Path, Path], options: list[str], code: int, said: str, tmp_path: Path
) -> None:
    answer = run(files[0], files[1], "--fail-under", *options, "--out", tmp_path / "report")
    assert answer.exit_code == code, answer.output
    assert said in answer.stderr
    assert (tmp_path / "report" / "report.html").is_file() == (code in (0, 3))  # the report tells why


def test_strict_judges_the_worse_end(files: tuple[Path, Path, Path]) -> None:
    value = json.loads(run(files[0], files[1], "--json", "-q").stdout)
    recall, (low, _) = value["operating_point"]["recall"], value["intervals"]["recall"]
    between = f"recall={(recall + low) / 2}"
    assert low < recall
    assert run(files[0], files[1], "--fail-under", between).exit_code == 0
    assert run(files[0], files[1], "--fail-under", between, "--strict").exit_code == 3


@pytest.mark.parametrize("words", [(), ("--weights", "w.pt")], ids=["neither", "both"])
def test_predictions_or_weights(files: tuple[Path, Path, Path], words: tuple[str, ...]) -> None:
    predictions = files[1:2] if words else ()
    answer = run(files[0], *predictions, *words)
    assert answer.exit_code == 2
    assert "PREDICTIONS or --weights, one of them" in answer.stderr


def test_weights_predict_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector looks at the photos of the split; what it found is kept beside the report."""
    import numpy as np
    from PIL import Image as Photo

    from detect.data import Box, Dataset, Image
    from detect.models.nms import Candidates
    from detect.operating_point import Suppression

    class Middle:
        name, classes, imgsz, suppression, point = "middle", ("class0",), 64, Suppression(), None

        def candidates(self, pictures: Any, confidence: float) -> list[Candidates]:
            one = Candidates(np.array([[5.0, 5.0, 15.0, 15.0]]), np.array([0.9]), np.array([0]))
            return [one for _ in pictures]

    images = []
    for split in ("val", "test"):
        Photo.new("RGB", (20, 20)).save(tmp_path / f"{split}.png")
        box = Box("class0", 5, 5, 15, 15)
        images.append(Image(f"{split}.png", 20, 20, (box,), split, path=tmp_path / f"{split}.png"))
    monkeypatch.setattr("detect.conversion.read", lambda path, **how: Dataset(("class0",), tuple(images)))
    monkeypatch.setattr("detect.models.load_detector", lambda path: Middle())
    answer = run(tmp_path, "--weights", "run/", "--split", "test", "--out", tmp_path / "report", "--json", "-q")
    assert answer.exit_code == 0, answer.output
    value = json.loads(answer.stdout)
    assert (value["data"]["images"], value["metrics"]["map"]) == (1, pytest.approx(1))
    kept = json.loads((tmp_path / "report" / "predictions.json").read_bytes())
    assert [i["file_name"] for i in kept["images"]] == ["test.png"]


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
    ours = list(json.loads(answer.stdout)["metrics"].values())[:12]
    assert ours == pytest.approx(undefined(theirs.stats), abs=1e-9)


def test_it_loads_neither_torch_nor_pycocotools(files: tuple[Path, Path, Path]) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from detect.cli import main\n"
        f"r = CliRunner().invoke(main, ['evaluate', {str(files[0])!r}, {str(files[1])!r}]); assert not r.exit_code\n"
        "print([m for m in ('torch', 'pycocotools', 'cv2', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_cannot_be_right_stands_before_the_numbers(tmp_path: Path) -> None:
    """Corners in place of x, y, width and height: named once, ahead of every metric."""
    names = [f"{number}.jpg" for number in range(40)]
    corners = [(100.0 + 5 * k, 120.0 + 3 * k, 160.0 + 6 * k, 200.0 + 4 * k) for k in range(40)]
    images = [{"id": k, "file_name": name, "width": 640, "height": 480} for k, name in enumerate(names)]
    boxes = [{"id": k + 1, "image_id": k, "category_id": 1, "bbox": [a, b, c - a, d - b], "area": (c - a) * (d - b)}
             for k, (a, b, c, d) in enumerate(corners)]  # fmt: skip
    head = {"images": images, "categories": [{"id": 1, "name": "dent"}]}
    (tmp_path / "truth.json").write_text(json.dumps({**head, "annotations": boxes}), encoding="utf-8")
    found = [{**box, "bbox": list(corner), "score": 0.9 - k / 100}
             for k, (box, corner) in enumerate(zip(boxes, corners, strict=True))]  # fmt: skip
    (tmp_path / "found.json").write_text(json.dumps({**head, "annotations": found}), encoding="utf-8")
    printed = " ".join(run(tmp_path / "truth.json", tmp_path / "found.json", "--resamples", "0").stdout.split())
    assert printed.count("The boxes look like corners") == 1
    assert printed.index("The boxes look like corners") < printed.index("mAP")
    opening = "The predictions look wrong, as a note says, and then these numbers mean nothing: of 100 damaged places"
    assert printed.index("The boxes look like corners") < printed.index(opening)
    both = [str(tmp_path / name) for name in ("truth.json", "found.json", "found.json")]
    compared = " ".join(CliRunner().invoke(main, ["compare", *both, "--resamples", "100"]).stdout.split())
    assert compared.count("A and B: The boxes look like corners") == 1
    assert compared.index("The boxes look like corners") < compared.index("A beside B")
