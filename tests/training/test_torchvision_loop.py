"""What a step of torchvision's loop does to the weights: accumulated, averaged, slower in depth, not where frozen."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from detect.data import Dataset
from detect.models.families import build
from detect.models.weights import load_tensors, load_weights
from detect.recipes import Augment, Recipe, Roi
from detect.training import Run, train
from detect.training.ema import DECAY, RAMP, Ema

STEP = Recipe(
    model="retinanet_resnet50_fpn", imgsz=64, epochs=1, batch=8, optimizer="sgd", lr=0.01, lr_final=1, momentum=0,
    warmup=0, weight_decay=0, workers=0, threads=1, anchors="default", augment=Augment(mirror=0, zoom=0, shift=0),
)  # fmt: skip
Tensors = dict[str, torch.Tensor]
pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def eight(squares: Dataset) -> Dataset:
    """Eight training photos and one of val."""
    few = [image for image in squares.images if image.boxes and image.split == "train"][:8]
    return replace(squares, images=(*few, replace(few[0], name="val.png", split="val")))


@pytest.fixture(scope="module")
def start(narrow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights to start from, so that the norms of the backbone are as they are."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("start") / "start.pt"
    torch.save(build(STEP, 2).state_dict(), path)
    return path


def moved(run: Run, start: Path) -> Tensors:
    """How far the run took each tensor."""
    before, after = load_tensors(start), load_weights(run.folder / "weights" / "last.pt").tensors
    return {name: after[name] - before[name] for name in after if after[name].is_floating_point()}


def one_step(dataset: Dataset, folder: Path, start: Path, **changes: Any) -> Tensors:
    return moved(train(STEP.model_copy(update={"weights": start, **changes}), dataset, folder), start)


def largest(tensors: Tensors) -> float:
    return max(float(value.abs().max()) for value in tensors.values())


@pytest.fixture(scope="module")
def whole(eight: Dataset, start: Path, tmp_path_factory: pytest.TempPathFactory) -> Tensors:
    """What one step on all eight photos does."""
    return one_step(eight, tmp_path_factory.mktemp("whole") / "run", start)


def test_accumulated_batches_are_one_large_one(eight: Dataset, start: Path, whole: Tensors, tmp_path: Path) -> None:
    """RetinaNet's loss is the mean over photos, so the gradients of four pairs are that of all eight."""
    parts = one_step(eight, tmp_path / "parts", start, batch=2, accumulate=4)
    single = one_step(eight, tmp_path / "single", start, batch=2)
    apart = {name: parts[name] - whole[name] for name in whole}
    assert largest(apart) < 0.01 * largest(whole)
    assert largest({name: single[name] - whole[name] for name in whole}) > 0.1 * largest(whole)


def test_earlier_blocks_move_less(eight: Dataset, start: Path, whole: Tensors, tmp_path: Path) -> None:
    slower = one_step(eight, tmp_path / "run", start, layer_decay=0.5)

    def ratio(name: str) -> float:
        return float(slower[name].norm() / whole[name].norm())

    assert ratio("head.classification_head.cls_logits.weight") == pytest.approx(1, rel=1e-3)
    assert ratio("backbone.fpn.inner_blocks.0.0.weight") == pytest.approx(1, rel=1e-3)
    depths = {"layer4.2": 1, "layer4.1": 2, "layer4.0": 3}
    for block, depth in depths.items():
        assert ratio(f"backbone.body.{block}.conv1.weight") == pytest.approx(0.5**depth, rel=0.02), block


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("model", ["retinanet_resnet50_fpn", "ssdlite320_mobilenet_v3_large"])
def test_the_fused_step_is_the_plain_one(
    model: str, optimizer: str, eight: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes memory as it lies, and is wrong without a word where weights and gradients lie in another order."""
    recipe = STEP.model_copy(update={"model": model, "imgsz": 320 if model.startswith("ssd") else 64})
    torch.manual_seed(0)
    torch.save(build(recipe, 2).state_dict(), tmp_path / "start.pt")
    changes = {"model": model, "imgsz": recipe.imgsz, "optimizer": optimizer, "momentum": 0.9}
    two = replace(eight, images=eight.images[-3:])
    fused = one_step(two, tmp_path / "fused", tmp_path / "start.pt", **changes)
    for name in ("AdamW", "SGD"):
        plain = getattr(torch.optim, name)
        monkeypatch.setattr(torch.optim, name, lambda *a, make=plain, **more: make(*a, **{**more, "fused": False}))
    expected = one_step(two, tmp_path / "plain", tmp_path / "start.pt", **changes)
    assert largest({name: fused[name] - expected[name] for name in fused}) < 1e-4 * largest(expected)


def test_a_frozen_backbone_stays_as_it_is_norms_included(eight: Dataset, tmp_path: Path) -> None:
    model = {"model": "fasterrcnn_mobilenet_v3_large_320_fpn", "batch": 4}
    torch.manual_seed(0)
    torch.save(build(STEP.model_copy(update=model), 2).state_dict(), tmp_path / "start.pt")
    free = one_step(eight, tmp_path / "free", tmp_path / "start.pt", **model)
    frozen = one_step(eight, tmp_path / "frozen", tmp_path / "start.pt", **model, freeze="backbone")
    body = [name for name in free if name.startswith("backbone.body.")]
    norms = [name for name in body if name.endswith("running_mean")]
    assert all(free[name].any() for name in norms)
    assert len(norms) > 30
    assert not any(frozen[name].any() for name in body)
    assert frozen["roi_heads.box_head.fc6.weight"].any()
    assert frozen["backbone.fpn.layer_blocks.1.0.weight"].any()


def test_the_kept_weights_are_the_running_mean(eight: Dataset, start: Path, tmp_path: Path) -> None:
    run = train(STEP.model_copy(update={"weights": start, "batch": 2, "epochs": 2}), eight, tmp_path / "run")
    state, last = load_tensors(run.folder / "state.pt"), load_weights(run.folder / "weights" / "last.pt").tensors
    assert state["steps"] == 8
    assert all(torch.equal(last[name], value) for name, value in state["ema"].items())
    head = "head.classification_head.cls_logits.weight"
    assert not torch.equal(last[head], state["model"][head])


def test_the_running_mean_forgets_its_first_steps() -> None:
    """mean = d mean + (1 - d) value, where d rises to DECAY; whole numbers are those of the last step."""
    module = torch.nn.BatchNorm1d(1)
    averaged, mean = Ema(module), 0.0
    for step, value in enumerate((7.0, 5.0, -3.0, 2.0)):
        module.weight.data.fill_(value)
        module.get_buffer("num_batches_tracked").fill_(step)
        averaged.update()
        decay = DECAY * (1 - math.exp(-(step + 1) / RAMP)) if step else 0.0
        mean = decay * mean + (1 - decay) * value
        assert float(averaged.module.weight) == pytest.approx(mean, rel=1e-5)
        assert int(averaged.module.num_batches_tracked) == step
    assert averaged.steps == 4


@pytest.mark.parametrize(
    "model", ["fasterrcnn_resnet18_fpn", "retinanet_resnet50_fpn", "ssdlite320_mobilenet_v3_large"]
)
def test_the_losses_of_val_are_those_of_training_without_learning(model: str, eight: Dataset, tmp_path: Path) -> None:
    """At next to no rate, on the photos of training, and with norms that keep their statistics, they are the same."""
    torch.manual_seed(0)
    size = 320 if model.startswith("ssd") else 64
    recipe = STEP.model_copy(update={"model": model, "imgsz": size, "lr": 1e-9, "freeze": "backbone", "epochs": 2})
    if model.startswith("fasterrcnn"):
        recipe = recipe.model_copy(update={"roi": Roi(samples=4096)})  # all there are: no lots are drawn
    module = build(recipe, 2)
    torch.save(module.state_dict(), tmp_path / "start.pt")
    photos = [image for image in eight.images if image.split == "train"]
    photos = photos[:4] if model.startswith("ssd") else photos  # the budget of a Faster R-CNN shows less among more
    both = replace(eight, images=(*photos, *(replace(one, name=f"val-{one.name}", split="val") for one in photos)))
    run = train(recipe.model_copy(update={"weights": tmp_path / "start.pt"}), both, tmp_path / "run")
    first, second = (event["val"] for event in run.epochs)
    for name, value in run.epochs[0]["train"].items():
        assert first[name] == pytest.approx(value, rel=0.1), name
        assert second[name] == pytest.approx(first[name], rel=1e-4), "the same examples are drawn in every epoch"
    assert (run.folder / "curves.png").stat().st_size > 10_000
