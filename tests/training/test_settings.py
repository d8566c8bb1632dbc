"""Every key of a recipe reaches what it is for; what makes no sense for a detector is refused before it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from detect.data import Dataset
from detect.errors import ConfigError, DetectError, ModelError
from detect.models.families import build, check_recipe
from detect.recipes import Assigner, Augment, Balance, Loss, Overlap, Recipe, Roi
from detect.training import train
from detect.training.preview import preview
from detect.training.yolo.arguments import arguments

FASTER, RETINA, SSD = "fasterrcnn_resnet18_fpn", "retinanet_resnet50_fpn", "ssdlite320_mobilenet_v3_large"
pytestmark = pytest.mark.usefixtures("narrow")


def recipe(model: str, **more: Any) -> Recipe:
    return Recipe(model=model, imgsz=320, **more)


def test_faster_rcnns_overlaps() -> None:
    overlap = Overlap(rpn_foreground=0.61, rpn_background=0.21, rpn_nms=0.71, box_foreground=0.41)
    module = build(recipe(FASTER, overlap=overlap, roi=Roi(samples=48, proposals=123)), 2)
    first, second = module.rpn.proposal_matcher, module.roi_heads.proposal_matcher
    assert (first.high_threshold, first.low_threshold, module.rpn.nms_thresh) == (0.61, 0.21, 0.71)
    assert (second.high_threshold, second.low_threshold) == (0.41, 0.41)
    assert module.roi_heads.fg_bg_sampler.batch_size_per_image == 48
    assert module.rpn._post_nms_top_n["testing"] == 123


def test_overlaps_of_one_stage() -> None:
    matcher = build(recipe(RETINA, overlap=Overlap(foreground=0.61, background=0.31)), 2).proposal_matcher
    assert (matcher.high_threshold, matcher.low_threshold) == (0.61, 0.31)
    assert build(recipe(SSD, overlap=Overlap(foreground=0.35)), 2).proposal_matcher.high_threshold == 0.35


def test_yolos_arguments() -> None:
    given = Recipe(
        model="yolo11n", imgsz=96, epochs=7, batch=3, lr=0.004, lr_final=0.2, schedule="cosine", momentum=0.8,
        weight_decay=0.002, warmup=1.5, seed=4, nms_iou=0.55, loss=Loss(box=5, cls=0.7, dfl=2),
        augment=Augment(mirror=0.1, flip=0.2, rotation=3, shift=0.4, zoom=0.6, hue=0.01, saturation=0.3, mosaic=0.9),
    )  # fmt: skip
    told = arguments(given, torch.device("cpu"), Path("folder"))
    assert {
        "imgsz": 96, "epochs": 7, "batch": 3, "nbs": 3, "optimizer": "SGD", "lr0": 0.004, "lrf": 0.2, "cos_lr": True,
        "momentum": 0.8, "weight_decay": 0.002, "warmup_epochs": 1.5, "seed": 4, "iou": 0.55,
        "box": 5, "cls": 0.7, "dfl": 2, "fliplr": 0.1, "flipud": 0.2, "degrees": 3, "translate": 0.4, "scale": 0.6,
        "hsv_h": 0.01, "hsv_s": 0.3, "hsv_v": 0.4, "mosaic": 0.9, "pretrained": False,
    }.items() <= told.items()  # fmt: skip
    assert told["warmup_bias_lr"] == 0.04
    slower = arguments(given.model_copy(update={"layer_decay": 0.7}), torch.device("cpu"), Path("folder"))
    assert slower["warmup_bias_lr"] == 0, "else biases of the first layers would begin faster than any other"


def test_a_yolos_gains_scale_its_losses(squares: Dataset, tmp_path: Path) -> None:
    """Its log shows losses with their gains; nothing is learnt at next to no rate."""
    still = Augment(mosaic=0, mirror=0, zoom=0, shift=0)
    usual = Recipe(model="yolov5n", imgsz=64, epochs=1, lr=1e-9, warmup=0, workers=0, threads=1, augment=still)
    changed = usual.model_copy(update={"loss": Loss(box=15, cls=1.5, dfl=6), "assigner": Assigner()})
    plain, scaled = (
        train(one, squares, tmp_path / name).epochs[0]["train"] for name, one in (("a", usual), ("b", changed))
    )
    for name, times in (("box_loss", 2), ("cls_loss", 3), ("dfl_loss", 4)):
        assert scaled[name] == pytest.approx(times * plain[name], rel=1e-3)


def test_balance_reaches_torchvisions_loop(squares: Dataset, tmp_path: Path) -> None:
    given = Recipe(
        model=FASTER, imgsz=64, epochs=1, batch=8, optimizer="adamw", lr=1e-9, workers=0, threads=1,
        roi=Roi(samples=16, proposals=50), augment=Augment(mirror=0, zoom=0, shift=0),
    )  # fmt: skip
    few = [*squares.only("val").images[:3]]
    few += [i for i in squares.images if i.split == "train" and (not i.boxes or i.boxes[0].label == "red")]
    few += [i for i in squares.images if i.split == "train" and i.boxes and i.boxes[0].label == "blue"][:3]
    data = Dataset(squares.classes, tuple(few))
    plain, weighted, repeated = (
        train(given.model_copy(update={"balance": balance}), data, tmp_path / name).epochs[0]
        for name, balance in (("a", Balance()), ("b", Balance(weights="inverse")), ("c", Balance(repeat=0.9)))
    )
    assert plain["seen"] == weighted["seen"] == {"red": 18, "blue": 3}
    assert weighted["train"]["loss_classifier"] != pytest.approx(plain["train"]["loss_classifier"], rel=1e-3)
    assert weighted["train"]["loss_objectness"] == pytest.approx(plain["train"]["loss_objectness"], rel=0.05)
    assert repeated["seen"]["blue"] in (8, 9), "3 * sqrt(0.9 / (3 / 27)) = 8.5"
    assert 18 <= repeated["seen"]["red"] <= 23


@pytest.mark.parametrize(
    ("model", "low", "overlap"),
    [
        (FASTER, "rpn_background", Overlap(rpn_background=0.5, rpn_foreground=0.45)),
        (RETINA, "background", Overlap(foreground=0.35)),
    ],
)
def test_background_above_foreground_is_refused(model: str, low: str, overlap: Overlap) -> None:
    with pytest.raises(ConfigError, match=rf"`overlap\.{low}` 0\..* lies above .*; set {low} to 0\.\d+ or less"):
        check_recipe(recipe(model, overlap=overlap))
    check_recipe(recipe(SSD, overlap=Overlap(foreground=0.35)))


def test_a_budget_holds_a_right_example() -> None:
    assert Roi(samples=4).samples == 4
    with pytest.raises(ValidationError, match="greater than or equal to 4"):
        Roi(samples=3)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (Recipe(model="fasterrcn_resnet18_fpn"), ModelError, "did you mean fasterrcnn_resnet18_fpn"),
        (Recipe(model=SSD, imgsz=640), ModelError, "its input is 320 pixels"),
        (Recipe(model=FASTER, imgsz=100), ConfigError, "`imgsz` is 100: must be a multiple of 32, such as 96"),
        (recipe(SSD, overlap=Overlap(rpn_nms=0.2)), ConfigError, r"has no use for `overlap\.rpn_nms`"),
    ],
)
def test_a_preview_draws_nothing_that_could_not_be_trained(
    given: Recipe, error: type[DetectError], said: str, squares: Dataset, tmp_path: Path
) -> None:
    for go in (lambda: preview(given, squares, tmp_path / "seen"), lambda: train(given, squares, tmp_path / "run")):
        with pytest.raises(error, match=said):
            go()
    assert list(tmp_path.iterdir()) == []
