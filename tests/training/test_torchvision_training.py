"""torchvision's detectors learn, and the weights that are kept are those whose metrics were logged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detect.data import Box, Dataset, Image
from detect.errors import ModelError
from detect.evaluation import evaluate
from detect.models import load_detector
from detect.models.anchors import layout
from detect.models.families import build
from detect.models.torchvision.detector import find_candidates
from detect.models.weights import load_weights
from detect.prediction import predict
from detect.recipes import Augment, Recipe, Roi, load_recipe
from detect.training import Run, train
from detect.training.augmentation import Augmentation
from detect.training.batches import Truth, read, scaled
from detect.training.fitted import fitted, roi_budget
from detect.training.loop import rate
from detect.training.torchvision import losses, matching

RECIPE = Recipe(
    model="fasterrcnn_resnet18_fpn", imgsz=64, epochs=4, batch=4, optimizer="adamw", lr=0.004, momentum=0.9, warmup=1,
    workers=0, roi=Roi(samples=16, proposals=50),
    augment=Augment(zoom=0.1, shift=0.05, hue=0, saturation=0, brightness=0.1),
)  # fmt: skip
pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def run(narrow: None, squares: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(RECIPE, squares, tmp_path_factory.mktemp("run") / "run")


def test_it_learns(run: Run) -> None:
    assert [event["epoch"] for event in run.epochs] == [1, 2, 3, 4]
    assert run.best["val"]["map50"] > 0.5
    told = [sum(event["train"].values()) for event in run.epochs]
    assert told[-1] < told[1]
    assert set(run.epochs[0]["train"]) == {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"}


@pytest.mark.parametrize(
    "model", ["fasterrcnn_resnet18_fpn", "retinanet_resnet50_fpn", "ssdlite320_mobilenet_v3_large"]
)
def test_half_precision_is_for_the_network_alone(
    model: str, squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bfloat16 has 8 bits: a corner at 301 would be at 302. The first loss is that of full precision but for noise."""
    types, match = set[torch.dtype](), matching.match

    def watched(truth: Truth, anchors: torch.Tensor, *rest: Any, **how: Any) -> torch.Tensor:
        types.update((truth.boxes.dtype, anchors.dtype))
        return match(truth, anchors, *rest, **how)

    monkeypatch.setattr(losses, "match", watched)
    few = [image for image in squares.images if image.boxes and image.split == "train"][:4]
    dataset = replace(squares, images=(*few, replace(few[0], name="val.png", split="val")))
    # At 64 pixels the gradient of this RetinaNet is no number in bfloat16.
    size = {"imgsz": {"ssd": 320, "ret": 96}.get(model[:3], 64), "epochs": 1}
    roi = RECIPE.roi if model.startswith("fasterrcnn") else "auto"
    still = {"augment": Augment(mirror=0, zoom=0, shift=0), "roi": roi}
    recipe = RECIPE.model_copy(update={"model": model, **still, **size})
    half, full = (
        train(recipe.model_copy(update={"precision": kind}), dataset, tmp_path / kind).epochs[0]["train"]
        for kind in ("bf16", "fp32")
    )
    assert types == {torch.float32}
    assert half != full
    assert sum(half.values()) == pytest.approx(sum(full.values()), rel=0.05)


def test_the_kept_weights_have_the_logged_metrics(run: Run, squares: Dataset) -> None:
    val = squares.only("val")
    found = predict(load_detector(run.folder), val.images)
    values = evaluate(val, found, replicates=0).values
    for name in ("map", "map50", "precision", "recall"):
        assert values[name] == pytest.approx(run.best["val"][name], abs=1e-6)


def test_what_was_fitted_is_written_down(squares: Dataset, tmp_path: Path) -> None:
    few = replace(squares, images=(*squares.only("train").images[:8], *squares.only("val").images[:2]))
    auto = RECIPE.model_copy(update={"roi": "auto", "epochs": 1})
    run = train(auto, few, tmp_path / "run")
    kept = load_recipe(run.folder / "recipe.yaml")
    assert kept == fitted(auto, few.only("train").images)
    assert len(kept.anchors) == sum(layout(RECIPE.model, 64).counts)
    assert kept.roi == Roi(samples=64, proposals=200)
    assert json.loads((run.folder / "summary.json").read_text())["best"]["epoch"] == run.best["epoch"]


def test_a_yolos_recipe_is_left_alone(squares: Dataset) -> None:
    recipe = Recipe(model="yolo11n")
    assert fitted(recipe, squares.images) is recipe


@pytest.mark.parametrize(
    ("boxes", "samples", "proposals"), [([], 64, 200), ([1], 64, 200), ([5] * 9, 160, 250), ([60], 512, 1000)]
)
def test_the_budget_follows_the_boxes(boxes: list[int], samples: int, proposals: int) -> None:
    images = [Image(f"{n}.jpg", 9, 9, (Box("a", 0, 0, 5, 5),) * count) for n, count in enumerate(boxes)]
    assert roi_budget([*images, Image("empty.jpg", 9, 9)]) == Roi(samples=samples, proposals=proposals)


def test_the_budget_saves_where_it_costs_nothing() -> None:
    """In training the samples are drawn from all proposals, and only in use fewer are judged."""
    module = build(RECIPE.model_copy(update={"roi": Roi(samples=96, proposals=300)}), 2)
    assert module.roi_heads.fg_bg_sampler.batch_size_per_image == 96
    assert module.rpn.train().post_nms_top_n() == 2000
    assert module.rpn.eval().post_nms_top_n() == 300


@pytest.mark.parametrize("model", ["fasterrcnn_resnet18_fpn", "retinanet_resnet50_fpn"])
def test_what_a_photo_shows_does_not_hang_on_its_neighbours(model: str) -> None:
    """Padding to the shape of another one would be seen at its edge, and the first one would set the scales."""
    torch.manual_seed(0)
    module = build(Recipe(model=model, imgsz=96), 2).eval()
    head = module.rpn.head.cls_logits if model.startswith("faster") else module.head.classification_head.cls_logits
    torch.nn.init.normal_(head.weight, std=0.05)
    rng = np.random.default_rng(0)
    thin, wide, square = (rng.integers(0, 255, (*size, 3), dtype=np.uint8) for size in ((36, 96), (60, 96), (96, 96)))
    together = find_candidates(module, [thin, square, wide, square], 96, 0.001)
    fresh = build(Recipe(model=model, imgsz=96), 2).eval()
    fresh.load_state_dict(module.state_dict())
    for one, picture in zip(together, (thin, square, wide, square), strict=True):
        (alone,) = find_candidates(fresh, [picture], 96, 0.001)
        assert len(alone.score) > 20
        np.testing.assert_allclose(one.score, alone.score, atol=1e-5)
        assert (np.abs(one.xyxy[:, None] - alone.xyxy).max(axis=2).min(axis=1) < 1e-2).all()


def test_the_pooling_knows_its_scales_before_the_first_photo() -> None:
    """Read off a photo of 96 x 36 they would be 1/2, 1/4 ... of what they are down and not across."""
    for model, scales in (
        ("fasterrcnn_resnet18_fpn", (4, 8, 16, 32)),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", (32, 32)),
    ):
        module = build(Recipe(model=model, imgsz=96), 2).eval()
        module([torch.zeros(3, 36, 96)])
        assert module.roi_heads.box_roi_pool.scales == [1 / scale for scale in scales]


def test_weights_that_do_not_fit_are_refused(squares: Dataset, tmp_path: Path) -> None:
    import torch

    torch.save({"something.else": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="not one tensor fits"):
        train(RECIPE.model_copy(update={"weights": tmp_path / "other.pt"}), squares, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_weights_of_a_run_are_a_start(run: Run, squares: Dataset, tmp_path: Path) -> None:
    again = RECIPE.model_copy(update={"weights": run.weights, "epochs": 1, "lr": 1e-5})
    first = train(again, squares, tmp_path / "run").best["val"]["map50"]
    assert first > 0.5  # after one epoch at next to no rate: it did not start anew


def test_a_broken_loss_names_the_photos(run: Run, squares: Dataset, tmp_path: Path) -> None:
    import torch

    tensors = load_weights(run.weights).tensors
    tensors["roi_heads.box_predictor.cls_score.weight"].fill_(3e38)
    torch.save(tensors, tmp_path / "broken.pt")
    recipe = RECIPE.model_copy(update={"weights": tmp_path / "broken.pt"})
    with pytest.raises(ModelError, match=r"epoch 1: the loss is no longer a number, in a batch of \d\d\.png"):
        train(recipe, squares, tmp_path / "run")


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_rate_warms_up_and_falls(schedule: str) -> None:
    recipe = RECIPE.model_copy(update={"schedule": schedule, "epochs": 10, "warmup": 2.0, "lr_final": 0.1})
    rates = [rate(step, 5, recipe) for step in range(50)]
    assert rates[0] == pytest.approx(0.1)  # a tenth of the two epochs' five steps
    assert max(rates) == rates[9] < 1
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[-1] == pytest.approx(0.1, abs=0.03)


def test_a_warm_up_leaves_the_last_epoch_alone() -> None:
    recipe = RECIPE.model_copy(update={"epochs": 2, "warmup": 3.0, "lr_final": 1.0})
    rates = [rate(step, 5, recipe) for step in range(10)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, *[1.0] * 6])
    assert rate(0, 5, recipe.model_copy(update={"epochs": 1})) == 1


def test_boxes_without_area_teach_nothing_and_break_nothing(squares: Dataset) -> None:
    one = squares.images[0]
    thin = (Box("red", 10, 10, 10.0000001, 20), Box("blue", 63.9999999, 0, 64, 64))
    picture, boxes, labels = scaled(replace(one, boxes=(*one.boxes, *thin)), read(one), 64, squares.classes)
    np.testing.assert_allclose(boxes, [one.boxes[0].xyxy])
    Augmentation(Augment())(picture, boxes, labels, 0)
