"""A YOLO trains as its recipe says, and its metrics are those of the evaluator for the weights that it keeps."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Photo

from detect.data import Dataset
from detect.errors import ConfigError, ModelError
from detect.evaluation import evaluate
from detect.models import load_detector
from detect.models.weights import load_weights, save_tensors
from detect.models.yolo.library import DetectionModel
from detect.models.yolo.network import network
from detect.prediction import predict
from detect.recipes import Assigner, Augment, Balance, Recipe
from detect.training import Run, train
from detect.training.job import Job, make_job
from detect.training.listeners import Listeners
from detect.training.preview import preview
from detect.training.stopping import EarlyStopping
from detect.training.yolo.trainer import _Trainer

STILL = Augment(mosaic=0, zoom=0, shift=0, mirror=0, hue=0, saturation=0, brightness=0)


def recipe(**more: Any) -> Recipe:
    values = {"model": "yolov5n", "imgsz": 64, "epochs": 1, "batch": 8, "workers": 0, "optimizer": "adamw", "lr": 0.003}
    return Recipe(**{**values, "warmup": 0, "augment": STILL, **more})


def job(recipe: Recipe, squares: Dataset, folder: Path) -> Job:
    folder.mkdir(exist_ok=True)
    return make_job(recipe, squares, folder, Listeners())


def trainer(recipe: Recipe, squares: Dataset, folder: Path, frozen: int = 0) -> Any:
    """One that is set up, but has not begun."""
    torch.manual_seed(0)
    made = _Trainer(
        job(recipe, squares, folder), network(recipe.model, 2), EarlyStopping(recipe.patience), None, frozen
    )
    made._setup_train()
    return made


@pytest.fixture(scope="module")
def run(squares: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    given = recipe(epochs=12, batch=4, lr=0.004, watch="map50", nms_iou=0.6)
    return train(given, squares, tmp_path_factory.mktemp("run") / "run")


def test_the_kept_weights_have_the_logged_metrics(run: Run, squares: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector in use joins convolutions and norms, which moves boxes a little; without that all is the same."""
    val = squares.only("val")
    joined = predict(load_detector(run.folder), val.images, confidence=0.05)
    monkeypatch.setattr(DetectionModel, "fuse", lambda self, verbose: self)
    found = predict(load_detector(run.folder), val.images)
    values = evaluate(val, found, replicates=0).values
    assert values["map50"] > 0.05, "a comparison of zeros proves nothing"
    for name in ("map", "map50", "precision", "recall"):
        assert values[name] == pytest.approx(run.best["val"][name], abs=1e-6)
    for name, boxes in joined.images.items():
        for box in boxes:
            same = [one for one in found.images[name] if one.label == box.label]
            nearest = min(same, key=lambda one: abs(np.subtract(one.xyxy, box.xyxy)).max())
            np.testing.assert_allclose(nearest.xyxy, box.xyxy, atol=0.01)
            assert nearest.score == pytest.approx(box.score, abs=1e-4)


def test_the_watched_metric_chooses_the_best_epoch(run: Run) -> None:
    metrics = [event["val"]["map50"] for event in run.epochs]
    assert run.best["epoch"] == 1 + metrics.index(max(metrics))
    assert json.loads((run.folder / "summary.json").read_text())["best"]["epoch"] == run.best["epoch"]


def test_an_epoch_tells_losses_of_both_sides(run: Run) -> None:
    for event in run.epochs:
        assert set(event["train"]) == {"box_loss", "cls_loss", "dfl_loss"}
        assert set(event["val"]) == {"box_loss", "cls_loss", "dfl_loss", "precision", "recall", "map50", "map"}
        assert event["seen"] == {"red": 18, "blue": 18}
    assert sum(run.epochs[-1]["train"].values()) < sum(run.epochs[0]["train"].values())


@pytest.mark.parametrize("model", ["yolov5n", "yolo26n"])
def test_the_assigner_is_the_recipes(model: str, squares: Dataset, tmp_path: Path) -> None:
    given = recipe(model=model, assigner=Assigner(alpha=1.0, beta=4.0, topk=13))
    criterion = trainer(given, squares, tmp_path / "run").model.criterion
    used = getattr(criterion, "one2many", criterion).assigner
    assert (used.alpha, used.beta, used.topk) == (1.0, 4.0, 13)
    usual = trainer(recipe(model=model), squares, tmp_path / "usual").model
    usual = getattr(usual.criterion, "one2many", usual.criterion).assigner
    fresh = network(model, 2)
    fresh.args = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, epochs=1)
    theirs = fresh.init_criterion()
    theirs = getattr(theirs, "one2many", theirs).assigner
    assert (usual.alpha, usual.beta, usual.topk) == (theirs.alpha, theirs.beta, theirs.topk)


@pytest.mark.parametrize("topk", [5, 10, 20])
def test_a_box_is_learnt_from_so_many_places(topk: int, squares: Dataset, tmp_path: Path) -> None:
    criterion = trainer(recipe(assigner=Assigner(topk=topk)), squares, tmp_path / "run").model.criterion
    side = 16
    middle = torch.stack(torch.meshgrid(*[torch.arange(side) + 0.5] * 2, indexing="xy"), dim=-1).reshape(-1, 2) * 4
    boxes = torch.cat([middle - 20, middle + 20], dim=1)[None]
    scores, truth = torch.full((1, len(middle), 2), 0.5), torch.tensor([[[4.0, 4.0, 60.0, 60.0]]])
    taken = criterion.assigner(scores, boxes, middle, torch.zeros(1, 1, 1), truth, torch.ones(1, 1, 1))[3]
    assert int(taken.sum()) == topk


def test_class_weights_reach_the_loss(squares: Dataset, tmp_path: Path) -> None:
    few_blue = [i for i in squares.images if i.split == "val" or not i.boxes or i.boxes[0].label == "red"]
    few_blue += [i for i in squares.images if i.split == "train" and i.boxes and i.boxes[0].label == "blue"][:3]
    given = recipe(balance=Balance(weights="inverse"))
    made = trainer(given, Dataset(squares.classes, tuple(few_blue)), tmp_path / "run")
    weights = made.model.criterion.class_weights.flatten().tolist()
    assert weights[1] / weights[0] == pytest.approx(18 / 3)
    assert trainer(recipe(), squares, tmp_path / "plain").model.criterion.class_weights is None


def test_repeated_photos_make_a_longer_epoch(squares: Dataset, tmp_path: Path) -> None:
    run = train(recipe(balance=Balance(repeat=1.0)), squares, tmp_path / "run")
    seen = run.epochs[0]["seen"]
    assert sum(seen.values()) == pytest.approx(36 * (42 / 18) ** 0.5, abs=1)
    assert min(seen.values()) > 24


def test_frozen_layers_stay_as_they_are(squares: Dataset, tmp_path: Path) -> None:
    start = network("yolov5n", 2)
    save_tensors(start.state_dict(), tmp_path / "start.pt")
    run = train(recipe(weights=tmp_path / "start.pt", freeze="backbone", epochs=2), squares, tmp_path / "run")
    learnt, before = load_weights(run.weights).tensors, start.state_dict()
    backbone = len(start.yaml["backbone"])
    for name, value in before.items():
        if name.endswith(("weight", "bias")):
            layer = int(name.split(".")[1])
            assert torch.equal(value, learnt[name]) == (layer < backbone or ".dfl." in name), name
    with pytest.raises(ModelError, match=r"freeze=99: .*nothing would be left to learn"):
        train(recipe(freeze=99), squares, tmp_path / "all")


def test_earlier_layers_learn_slower(squares: Dataset, tmp_path: Path) -> None:
    made = trainer(recipe(layer_decay=0.5), squares, tmp_path / "run")
    rate = {id(p): group["initial_lr"] for group in made.optimizer.param_groups for p in group["params"]}
    layers = list(made.model.model)
    for place, layer in enumerate(layers):
        for parameter in layer.parameters():
            assert rate[id(parameter)] == pytest.approx(0.003 * 0.5 ** (len(layers) - 1 - place))
    assert len(rate) == len(list(made.model.parameters()))
    plain = trainer(recipe(), squares, tmp_path / "plain")
    assert {group["initial_lr"] for group in plain.optimizer.param_groups} == {0.003}


def test_accumulated_batches_make_one_step(squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """42 photos in batches of 8 are 6 batches: steps after the 4th and the 6th."""
    steps: list[int] = []
    original = torch.optim.AdamW.step

    def step(self: torch.optim.AdamW, *given: Any, **more: Any) -> Any:
        steps.append(1)
        return original(self, *given, **more)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    train(recipe(accumulate=4), squares, tmp_path / "run")
    assert len(steps) == 2


def test_what_is_not_for_yolos_is_refused(squares: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="trains on one device"):
        train(recipe(devices=2), squares, tmp_path / "run")
    with pytest.raises(ConfigError, match="yolov5n has no use for `backbone`"):
        train(recipe(backbone=tmp_path / "resnet.pt"), squares, tmp_path / "run")


def test_a_preview_shows_no_mosaic_where_it_is_off_from_the_start(squares: Dataset, tmp_path: Path) -> None:
    for name, augment in (("off", Augment(mosaic=1, mosaic_off=8)), ("none", Augment(mosaic=0)), ("on", Augment())):
        preview(recipe(epochs=8 if name != "on" else 20, augment=augment), squares, tmp_path / name, count=4)
    off, none, on = ([path.read_bytes() for path in sorted((tmp_path / n).iterdir())] for n in ("off", "none", "on"))
    assert off == none != on


@pytest.mark.parametrize("model", ["yolov5n", "ssdlite320_mobilenet_v3_large"])
def test_a_preview_shows_what_is_trained_on(model: str, squares: Dataset, tmp_path: Path) -> None:
    imgsz = 320 if model.startswith("ssd") else 64
    given = recipe(model=model, imgsz=imgsz, augment=Augment(mosaic=0, mirror=0, zoom=0, shift=0, grey=1))
    assert preview(given, squares, tmp_path / "seen", count=5) == 5
    drawn = sorted((tmp_path / "seen").iterdir())
    assert [path.name for path in drawn] == [f"{n:02d}.png" for n in range(1, 6)]
    pixels = np.asarray(Photo.open(drawn[0])).astype(int)
    assert max(pixels.shape) == imgsz
    inner = pixels[imgsz // 8 : -imgsz // 8, imgsz // 8 : -imgsz // 8]
    assert np.median(np.ptp(inner, axis=2)) == 0, "the photos are grey"
    assert np.ptp(pixels, axis=2).max() > 80, "and the boxes on them are not"
