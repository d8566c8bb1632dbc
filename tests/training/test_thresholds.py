"""Suppression and confidences are fitted to what the detector sees, kept with the weights, and used by predict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from detect.cli import main
from detect.conversion import write
from detect.data import Box, Dataset
from detect.errors import ConfigError, DataError, ModelError
from detect.evaluation import evaluate
from detect.models import load_detector
from detect.models.detector import Picture
from detect.models.nms import Candidates, candidates
from detect.models.weights import load_weights, save_weights
from detect.operating_point import OperatingPoint, Suppression, to_document
from detect.prediction import predict
from detect.training.thresholds import all_ways, fit_thresholds, keep
from tests.training.doubling import Doubling


def test_doubles_go_and_true_neighbours_stay(dataset: Dataset) -> None:
    """IoU 0.7 leaves the doubles; 0.3 would take true neighbours (IoU 1/3); between the two all is right."""
    fitted = fit_thresholds(Doubling(), dataset, metric="f1", hard=True)
    best = fitted.point.suppression
    assert best is not None
    assert 1 / 3 < best.iou <= 0.45
    metrics = dict(fitted.tried)
    assert metrics[best] == pytest.approx(1.0)
    assert metrics[Suppression(0.3)] < 0.8
    assert fitted.usual == Suppression(0.7)
    assert [value for _, value in fitted.tried] == sorted(metrics.values(), reverse=True)
    found = predict(Doubling(), dataset.images, suppression=best)
    assert {len(boxes) for boxes in found.images.values()} == {2}


def test_the_gain_is_that_of_the_evaluator(dataset: Dataset) -> None:
    fitted = fit_thresholds(Doubling(), dataset, metric="precision", choose="recall=0.99", hard=True)
    gain = fitted.gain.of("precision")
    usual = evaluate(dataset, predict(Doubling(), dataset.images), choose="recall=0.99", replicates=0)
    assert gain.a == pytest.approx(usual.values["precision"])
    assert gain.b == pytest.approx(fitted.tried[0][1])
    assert fitted.point.goal == "recall=0.99"
    assert set(fitted.point.confidence) == {"dent"}
    assert len(fitted.point.images) == 12


def test_what_lowers_f1_never_wins(dataset: Dataset) -> None:
    """True neighbours at IoU 0.74 are found from IoU 0.75 on, for more mAP, but so are too many doubles."""

    class Crowded(Doubling):
        def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
            found = []
            for picture in pictures:
                k = int(picture[0, 0, 0])
                one = np.array([k, k, k + 40, k + 40.0])
                right, down = np.array([6, 0, 6, 0]), np.array([0, 6, 0, 6])
                others = [one + right] if k < 4 else [one + right, one + down, one - down]
                score = (0.99 if k < 4 else 0.9) - 0.01 * k - 0.001 * np.arange(1 + len(others), dtype=np.float64)
                found.append(candidates(np.vstack([one, *others]), score, np.zeros(len(score), int)))
            return found

    images = []
    for k, image in enumerate(dataset.images[:10]):
        one = Box("dent", k, k, k + 40, k + 40)
        images.append(replace(image, boxes=(one, Box("dent", k + 6, k, k + 46, k + 40)) if k < 4 else (one,)))
    fitted = fit_thresholds(Crowded(), Dataset(("dent",), tuple(images)), hard=True)
    metrics = dict(fitted.tried)
    assert metrics[Suppression(0.8)] > metrics[Suppression(0.7)] + 0.05
    assert fitted.point.suppression == Suppression(0.7) == fitted.tried[0][0]


def test_of_equals_the_usual_stays(dataset: Dataset) -> None:
    class Single(Doubling):
        def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
            return [one.at(slice(1)) for one in super().candidates(pictures, confidence)]

    assert fit_thresholds(Single(), dataset).point.suppression == Suppression(0.7)


def test_soft_ways_are_tried_unless_hard() -> None:
    assert not any(way.sigma for way in all_ways(hard=True))
    assert any(way.sigma and way.iou == 1 for way in all_ways(hard=False))
    assert len(set(all_ways(hard=False))) == len(list(all_ways(hard=False))) == 58


def test_hard_is_hard_after_a_soft_one(dataset: Dataset) -> None:
    class Softened(Doubling):
        suppression = Suppression(0.7, 0.5)

    fitted = fit_thresholds(Softened(), dataset, hard=True)
    assert fitted.usual == Suppression(0.7, 0.5)
    assert not any(way.sigma for way, _ in fitted.tried)
    assert fitted.point.suppression is not None
    assert fitted.point.suppression.sigma == 0


def test_a_goal_is_checked_before_the_network_looks(dataset: Dataset) -> None:
    class Blind(Doubling):
        def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
            raise AssertionError("it looked")

    with pytest.raises(ConfigError, match="cannot choose by 'precision=2'"):
        fit_thresholds(Blind(), dataset, choose="precision=2")


def test_no_photos(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="no photos with boxes"):
        fit_thresholds(Doubling(), replace(dataset, images=()))


def test_what_was_fitted_is_kept_and_used(weights: Path) -> None:
    assert load_detector(weights).suppression == Suppression(0.65)
    assert load_detector(weights).point is None
    before = load_weights(weights)
    point = OperatingPoint({"dent": 0.4}, 0.5, {}, "f1", frozenset({"0123"}), Suppression(0.5, 0.3, False))
    assert keep(point, weights) == weights / "weights" / "best.pt"
    detector = load_detector(weights)
    assert detector.suppression == Suppression(0.5, 0.3, False)
    assert detector.point == point
    after = load_weights(weights)
    assert (after.recipe, after.classes) == (before.recipe, before.classes)
    assert all(torch.equal(after.tensors[name], value) for name, value in before.tensors.items())


def test_a_damaged_point_in_weights_is_said(weights: Path) -> None:
    point = to_document(OperatingPoint({"dent": 0.4}, 0.5, {}, "f1", frozenset(), Suppression()))
    point["suppression"] = {"iou": 7, "sigma": 0, "per_class": True}
    file = weights / "weights" / "best.pt"
    save_weights(replace(load_weights(file), point=point), file)
    with pytest.raises(ModelError, match=r"is damaged: `point`: suppression: expected an iou in 0\.\.1"):
        load_detector(file)


def test_the_command(weights: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(dataset, tmp_path / "data", "yolo")
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Doubling())
    words = ["thresholds", str(weights), "--data", str(tmp_path / "data"), "--metric", "f1"]
    answer = CliRunner().invoke(main, [*words, "--hard", "--json", "-q"])
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert told["f1"]["fitted"] == pytest.approx(1.0)
    assert told["f1"]["usual"] < 1
    assert len(told["tried"]) == 26
    assert set(told["confidence"]) == {"dent"}
    monkeypatch.undo()
    kept = load_detector(weights).point
    assert kept is not None
    assert kept.confidence == told["confidence"]
    shown = CliRunner().invoke(main, words, env={"COLUMNS": "150"})
    assert "so far: IoU" in shown.stdout
    assert "kept in" in shown.stdout
    soft = kept_suppression(weights).sigma > 0
    assert ("cannot be exported; for `detect export` fit once more with --hard" in shown.stdout) == soft


def kept_suppression(weights: Path) -> Suppression:
    point = load_weights(weights).operating_point
    assert point is not None and point.suppression is not None
    return point.suppression


def test_what_is_used_with_the_mirror_is_fitted_with_it(
    weights: Path, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only one look sees keeps half of its score, and so the confidence that is chosen is half as high."""

    class OneSided(Doubling):
        def __init__(self) -> None:
            self.looks = 0

        def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
            self.looks += 1
            seen = [one.at(slice(1)) for one in super().candidates(pictures, confidence)]
            return seen if self.looks % 2 else [one.at(slice(0)) for one in seen]

    write(dataset, tmp_path / "data", "yolo")
    words = ["thresholds", str(weights), "--data", str(tmp_path / "data"), "--hard", "--json", "-q"]
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: OneSided())
    alone, mirrored = (
        json.loads(CliRunner().invoke(main, [*words, *more]).stdout)["confidence"]["dent"]
        for more in ([], ["--mirror"])
    )
    assert mirrored <= 0.45 < alone <= 0.9
    monkeypatch.undo()
    kept = load_detector(weights).point
    assert kept is not None and kept.test_time_augmentation == ("mirror",)


@pytest.mark.parametrize("name", ["model.onnx", "model.torchscript", "folder", "folder/model.xml"])
def test_exported_models_are_refused_before_anything_is_looked_at(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for file in ("model.onnx", "model.torchscript", "folder/model.xml"):
        (tmp_path / file).touch()
    answer = CliRunner().invoke(main, ["thresholds", str(tmp_path / name), "--data", str(tmp_path)])
    assert answer.exit_code == 1 and "thresholds are fitted before export" in answer.output
