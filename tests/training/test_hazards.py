"""What goes wrong in the middle of a training: photos that cannot be read, memory, numbers that are none."""

from __future__ import annotations

import json
import re
import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from detect.data import Dataset
from detect.errors import ConfigError, DataError, ModelError
from detect.models import load_detector
from detect.models.weights import load_weights
from detect.recipes import DETECT, Augment, Recipe
from detect.training import train
from detect.training.measures import MEASURES
from detect.training.memory import largest_batch, out_of_memory
from detect.training.stopping import LossCheck

MODELS = ["yolov5n", "yolox-nano"]  # one for each loop


def small(model: str, **more: Any) -> Recipe:
    """A training of a few seconds."""
    roi = {"roi": {"samples": 16, "proposals": 50}} if model.startswith("fasterrcnn") else {}
    size = {"imgsz": 64, "epochs": 1, "batch": 8, "workers": 0}
    return Recipe.model_validate({"model": model, **size, "optimizer": "adamw", "lr": 0.001, **roi, **more})


@pytest.fixture
def damaged(squares: Dataset, tmp_path: Path) -> Dataset:
    """The squares, with three training photos that are no images."""
    images = []
    for number, image in enumerate(squares.images):
        path = tmp_path / image.name
        shutil.copy(image.path or "", path)
        if number in (3, 20, 41):
            path.write_bytes(b"no image")
        images.append(replace(image, path=path))
    return replace(squares, images=tuple(images))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("workers", [0, 64])  # no more are started than there are cores
def test_photos_that_cannot_be_read_are_left_out_and_named(
    model: str, workers: int, damaged: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = small(model, workers=workers, augment=Augment(mosaic=0.5, mosaic_off=0))
    run = train(recipe, damaged, tmp_path / "run")
    events = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert {e["image"] for e in events if e["event"] == "unreadable"} == {"03.png", "20.png", "41.png"}
    assert sum(e["event"] == "unreadable" for e in events) == 3, "each is told once"
    assert "20.png: cannot be read as an image, and is left out" in capsys.readouterr().err
    seen = run.epochs[0]["seen"]
    assert sum(seen.values()) > 25


@pytest.mark.parametrize("model", MODELS)
def test_too_many_of_them_are_fatal(model: str, damaged: Dataset, tmp_path: Path) -> None:
    recipe = small(model, unreadable=2, augment=Augment(mosaic=0))
    with pytest.raises(DataError, match="3 photos cannot be read, more than `unreadable` allows"):
        train(recipe, damaged, tmp_path / "run")


@pytest.mark.parametrize("model", MODELS)
def test_the_log_counts_what_was_seen(model: str, squares: Dataset, tmp_path: Path) -> None:
    still = Augment(mosaic=0, zoom=0, shift=0, mirror=0)
    run = train(small(model, augment=still), squares, tmp_path / "run")
    assert run.epochs[0]["seen"] == {"red": 18, "blue": 18}


def test_a_yolos_broken_loss_names_the_photos(squares: Dataset, tmp_path: Path) -> None:
    from detect.models.yolo.network import network

    tensors = network("yolov5n", 2).state_dict()
    name = next(key for key in tensors if key.endswith("weight"))
    torch.save({**tensors, name: torch.full_like(tensors[name], 1e30)}, tmp_path / "broken.pt")
    recipe = small("yolov5n", weights=tmp_path / "broken.pt")
    with pytest.raises(ModelError, match=r"epoch 1: the loss is no longer a number, in a batch of (\d\d\.png(, )?){8}"):
        train(recipe, squares, tmp_path / "run")


def test_a_loss_that_runs_away_names_the_photos(squares: Dataset, tmp_path: Path) -> None:
    recipe = small("fasterrcnn_resnet18_fpn", epochs=2, lr=0.1, warmup=0)
    with pytest.raises(ModelError, match=r"epoch \d: the loss (diverges|is no longer).*in a batch of \d\d\.png"):
        train(recipe, squares, tmp_path / "run")


def test_a_loss_may_rise_and_fall_but_not_run_away() -> None:
    watch = LossCheck()
    for loss in (3.0, 0.01, 200.0, 5.0, 900.0):  # a small one runs nowhere, however small the first were
        watch.check(torch.tensor(loss), 1, ["a.png"])
    with pytest.raises(ModelError, match=r"epoch 2: the loss diverges \(9e\+04, at first 9e\+02\), in a batch of a, b"):
        watch.check(torch.tensor(90_500.0), 2, ["a", "b"])


def test_a_loss_that_is_hopeless_from_the_start_is_called_divergence() -> None:
    """The first ones are taken as usual, but not these."""
    for loss in (1e30, -1e30, 3e9):
        said = f"epoch 1: the loss diverges ({loss:.2g}), in a batch of a; try a smaller `lr`"
        with pytest.raises(ModelError, match=re.escape(said)):
            LossCheck().check(torch.tensor(loss), 1, ["a"])
    LossCheck().check(torch.tensor(1e8), 1, ["a"])


@pytest.mark.parametrize("model", MODELS)
def test_patience_is_the_same_for_all(
    model: str, squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not run while the metric is 0; from the first gain on, one that stays as it is does not get better."""
    metrics = iter([0.0, 0.0, 0.2, 0.2, 0.9])
    monkeypatch.setitem(MEASURES, "detect", lambda truth, found: dict.fromkeys(DETECT.metrics, next(metrics)))
    few = replace(squares, images=(*squares.only("train").images[:8], *squares.only("val").images[:2]))
    run = train(small(model, epochs=8, patience=1), few, tmp_path / "run")
    assert [event["epoch"] for event in run.epochs] == [1, 2, 3, 4] and run.best["epoch"] == 3
    last, best = (load_weights(run.weights.with_name(name)).tensors for name in ("last.pt", "best.pt"))
    assert any(not torch.equal(last[key], best[key]) for key in best)
    assert load_detector(run.weights.with_name("last.pt")).classes == squares.classes


@pytest.mark.parametrize("model", MODELS)
def test_a_photo_of_val_that_cannot_be_read_is_left_out_too(model: str, squares: Dataset, tmp_path: Path) -> None:
    """The metrics are those of val without it."""
    few = replace(squares, images=(*squares.only("train").images[:8], *squares.only("val").images[:8]))
    broken, images = few.images[8], []
    for image in few.images:
        if image is broken:
            (tmp_path / image.name).write_bytes(b"no image")
            images.append(replace(image, path=tmp_path / image.name))
        else:
            images.append(image)
    recipe = small(model)
    run = train(recipe, replace(few, images=tuple(images)), tmp_path / "run")
    log = (run.folder / "log.jsonl").read_text()
    assert json.loads(next(line for line in log.splitlines() if "unreadable" in line))["image"] == broken.name
    without = replace(few, images=tuple(image for image in few.images if image is not broken))
    expected = train(recipe, without, tmp_path / "without").best["val"]
    exact = DETECT.metrics if model == "yolox-nano" else expected  # whose losses are means over the boxes of a batch
    assert {name: run.best["val"][name] for name in exact} == {name: expected[name] for name in exact}
    assert run.best["val"] == pytest.approx(expected, rel=0.05)
    with pytest.raises(DataError, match="1 photos cannot be read, more than `unreadable` allows"):
        train(recipe.model_copy(update={"unreadable": 0}), replace(few, images=tuple(images)), tmp_path / "strict")


def test_val_without_boxes_is_refused(squares: Dataset, tmp_path: Path) -> None:
    images = tuple(replace(i, boxes=()) if i.split == "val" else i for i in squares.images)
    with pytest.raises(DataError, match="split 'val' has no boxes"):
        train(small("yolov5n"), replace(squares, images=images), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_settings_that_cannot_work_are_refused(squares: Dataset, tmp_path: Path) -> None:
    still = small("yolov5n", optimizer="sgd", momentum=0)
    with pytest.raises(ModelError, match="set `momentum` above 0"):
        train(still, squares, tmp_path / "run")
    half = small("yolov5n", precision="bf16", device="cpu")
    with pytest.raises(ModelError, match="bfloat16 on a GPU only"):
        train(half, squares, tmp_path / "run")
    alone = small("ssdlite320_mobilenet_v3_large", imgsz=320, batch=1)
    with pytest.raises(ModelError, match="batches of 2 photos or more"):
        train(alone, squares, tmp_path / "run")
    fine = small(MODELS[1], optimizer="sgd", lr=0.0001, momentum=0)
    assert len(train(fine, squares, tmp_path / "run").epochs) == 1


@pytest.mark.parametrize("model", MODELS)
def test_out_of_memory_says_which_batch_fits(
    model: str, squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device holds three pictures, as far as this model can tell."""
    if model in MODELS[:1]:
        from detect.models.yolo.library import DetectionModel as Model
    else:
        from detect.training.yolox.losses import Losses as Model
    forward, held = Model.forward, list[weakref.ref[torch.Tensor]]()

    def full(self: Any, pictures: Any, *more: Any, **options: Any) -> Any:
        if self.training and len(pictures["img"] if isinstance(pictures, dict) else pictures) > 3:
            features = torch.zeros(1000)
            held.append(weakref.ref(features))
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        assert not held or held[0]() is None, "what the failed step held is free again"
        return forward(self, pictures, *more, **options)

    monkeypatch.setattr(Model, "forward", full)
    with pytest.raises(ModelError, match="out of memory with batch=8; batch=2 fits"):
        train(small(model), squares, tmp_path / "run")


@pytest.mark.parametrize("model", [*MODELS, "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_a_batch_that_a_norm_cannot_use_is_refused(model: str, squares: Dataset, tmp_path: Path) -> None:
    recipe = small(model, batch=1, imgsz=32)
    with pytest.raises(
        ConfigError,
        match="batch=1 at imgsz=32 gives batch normalisation a single value per channel",
    ):
        train(recipe, squares, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_other_errors_are_not_taken_for_memory() -> None:
    assert out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not out_of_memory(RuntimeError("shape mismatch"))

    def breaks(size: int) -> None:
        raise RuntimeError("shape mismatch")

    def never(size: int) -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="shape"):
        largest_batch(8, breaks)
    assert largest_batch(8, never) == 0
    assert largest_batch(8, lambda size: None) == 4
