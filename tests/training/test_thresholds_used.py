"""What was fitted is what `detect predict` suppresses, counts and keeps by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Photo

from detect.cli import main
from detect.conversion import read_predictions, write
from detect.data import Dataset
from detect.geometry import as_boxes
from detect.models.detector import Picture
from detect.models.nms import Candidates, candidates
from detect.operating_point import OperatingPoint, Suppression
from detect.training.thresholds import fit_thresholds, keep
from tests.training.doubling import Doubling


def dataset_file(dataset: Dataset, folder: Path) -> Path:
    write(dataset, folder / "measured", "yolo")
    return folder / "measured"


def test_another_test_time_augmentation_than_fitted_is_noted(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Known(Doubling):
        point = OperatingPoint({"dent": 0.5}, 0.5, {}, "f1", frozenset(), Suppression(), ("mirror",))

    Photo.new("RGB", (100, 100)).save(tmp_path / "0.png")
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Known())
    words = ["predict", "run", str(tmp_path / "0.png"), "--out", str(tmp_path / "p.json")]
    said = "the thresholds were fitted with --mirror, and this prediction is made"
    assert f"{said} without --mirror or --flip: the scores differ" in CliRunner().invoke(main, words).stderr
    assert f"{said} with --mirror --flip" in CliRunner().invoke(main, [*words, "--mirror", "--flip"]).stderr
    assert said not in CliRunner().invoke(main, [*words, "--mirror"]).stderr


def test_another_overlap_leaves_the_rest_of_the_suppression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Two(Doubling):
        classes, suppression = ("dent", "scratch"), Suppression(0.6, 0.0, per_class=False)

        def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
            rows = as_boxes([[0, 0, 40, 40], [0, 0, 40, 39]])
            return [candidates(rows, np.array([0.9, 0.8]), np.array([0, 1])) for _ in pictures]

    Photo.new("RGB", (100, 100)).save(tmp_path / "0.png")
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Two())
    words = ["predict", "run", str(tmp_path / "0.png"), "--out", str(tmp_path / "p.json"), "--json", "-q"]
    told = [json.loads(CliRunner().invoke(main, [*words, *more]).stdout) for more in ([], ["--nms-iou", "0.5"])]
    assert [one["boxes"] for one in told] == [1, 1]


def test_predict_counts_and_keeps_by_the_fitted_confidences(
    weights: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Known(Doubling):
        point = OperatingPoint({"dent": 0.82}, 0.5, {}, "f1", frozenset(), Suppression(0.4))
        suppression = Suppression(0.4)

    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Known())
    words = ["predict", "run", str(tmp_path / "0.png"), "--out", str(tmp_path / "p.json"), "--json", "-q"]
    told = json.loads(CliRunner().invoke(main, words).stdout)
    assert (told["boxes"], told["kept"]) == (1, {"above": {"dent": 0.82}, "reason": "fitted"})
    words = [*words, "--confidence", "0.001"]
    told = json.loads(CliRunner().invoke(main, words).stdout)
    assert (told["boxes"], told["shown"], told["above"]) == (2, 1, {"dent": 0.82})
    words = [*words, "--nms-iou", "0.7"]
    assert json.loads(CliRunner().invoke(main, words).stdout)["boxes"] == 4
    keep(Known.point, weights)
    measured = CliRunner().invoke(main, ["evaluate", str(dataset_file(dataset, tmp_path)), str(tmp_path / "p.json"),
        "--missing", "ignore", "--point", str(weights), "--json", "-q"])  # fmt: skip
    assert measured.exit_code == 0, measured.output
    assert json.loads(measured.stdout)["operating_point"]["confidence"] == {"dent": 0.82}
    words = [*(word for word in words if word not in ("--confidence", "0.001")), "--point", str(weights)]
    assert json.loads(CliRunner().invoke(main, words).stdout)["boxes"] == 2
    assert len(read_predictions(tmp_path / "p.json").images["0.png"]) == 2


def test_a_class_that_the_data_does_not_know_gets_the_usual_confidence(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class More(Doubling):
        classes: tuple[str, ...] = ("dent", "rust")

    fitted = fit_thresholds(More(), dataset, hard=True)
    assert fitted.point.confidence["rust"] == 0.25

    class Old(More):
        point = OperatingPoint({"dent": 0.5}, 0.5, {}, "f1", frozenset(), Suppression())

    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Old())
    words = ["predict", "run", str(tmp_path / "0.png"), "--out", str(tmp_path / "p.json"), "--json", "-q"]
    assert json.loads(CliRunner().invoke(main, words).stdout)["above"] == {"dent": 0.5, "rust": 0.25}


def test_a_point_brings_the_suppression_that_it_was_fitted_with(
    weights: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The detector alone would leave the doubles, which the point was not chosen for."""
    keep(OperatingPoint({"dent": 0.1}, 0.5, {}, "f1", frozenset(), Suppression(0.4)), weights)
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Doubling())
    words = ["predict", "run", str(tmp_path / "0.png"), "--out", str(tmp_path / "p.json"), "--json", "-q"]
    told = [
        json.loads(CliRunner().invoke(main, [*words, *more]).stdout)["boxes"]
        for more in ([], ["--point", str(weights)], ["--point", str(weights), "--nms-iou", "0.7"])
    ]
    assert told == [4, 2, 4]


def test_tiles_are_not_what_thresholds_were_fitted_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Known(Doubling):
        point = OperatingPoint({"dent": 0.5}, 0.5, {}, "f1", frozenset(), Suppression())

    Photo.new("RGB", (100, 100)).save(tmp_path / "0.png")
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Known())
    words = ["predict", "run", str(tmp_path / "0.png"), "--out", str(tmp_path / "p.json")]
    assert "fitted without --tiles" in CliRunner().invoke(main, [*words, "--tiles", "64"]).stderr
    assert "fitted without --tiles" not in CliRunner().invoke(main, words).stderr
