"""The losses of a whole batch are those that torchvision computes photo by photo."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import Matcher, SSDMatcher
from torchvision.ops import box_iou

from detect.models.families import build, fixed_size
from detect.recipes import Recipe
from detect.training.batches import Truth
from detect.training.torchvision.losses import Losses, assemble
from detect.training.torchvision.matching import NOTHING, UNDECIDED, match, overlaps, sample

MODELS = [
    "fasterrcnn_resnet18_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
]
pytestmark = pytest.mark.usefixtures("narrow")


def scene(size: int, seed: int = 0) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Photos of three shapes, whose longer side is `size`, with one, four and two boxes."""
    rng = torch.Generator().manual_seed(seed)
    pictures, targets = [], []
    for (height, width), count in zip(((size, size), (size - 20, size), (size, size - 33)), (1, 4, 2), strict=True):
        pictures.append(torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=rng))
        corner = torch.rand((count, 2), generator=rng) * size * 0.4
        extent = size * (0.1 + 0.4 * torch.rand((count, 2), generator=rng))
        labels = torch.randint(1, 4, (count,), generator=rng)
        targets.append({"boxes": torch.cat([corner, corner + extent], dim=1), "labels": labels})
    return pictures, targets


@cache
def fresh(model: str, size: int) -> Any:
    return build(Recipe(model=model, imgsz=size), 3)


def taught(model: str) -> tuple[Any, int]:
    """A model that draws no lots: its budgets hold all examples, of few proposals. And the size of its input."""
    torch.manual_seed(0)
    size = fixed_size(model) or 160
    module = deepcopy(fresh(model, size))
    if model.startswith("fasterrcnn"):
        module.rpn.fg_bg_sampler.batch_size_per_image = module.roi_heads.fg_bg_sampler.batch_size_per_image = 10**6
        module.rpn._post_nms_top_n["training"] = 200
    return module.to(memory_format=torch.channels_last).train(), size


@pytest.mark.parametrize(("model", "doubt"), [*((model, 0.0) for model in MODELS), (MODELS[0], 4.0), (MODELS[1], 4.0)])
def test_they_are_torchvisions(model: str, doubt: float) -> None:
    """With `doubt` most proposals are weak, as they are once a model has learnt."""
    module, size = taught(model)
    if doubt:
        torch.nn.init.normal_(module.rpn.head.cls_logits.weight, std=0.3)
        torch.nn.init.constant_(module.rpn.head.cls_logits.bias, -doubt)
    pictures, targets = scene(size)
    theirs = module([picture / 255 for picture in pictures], targets)
    sum(theirs.values()).backward()
    their_slope = {name: value.grad.clone() for name, value in module.named_parameters() if value.grad is not None}
    module.zero_grad()
    ours = Losses(module, ())(pictures, targets)
    sum(ours.values()).backward()
    assert {name: value.item() for name, value in ours.items()} == pytest.approx(
        {name: value.item() for name, value in theirs.items()}, rel=2e-4
    )
    our_slope = {name: value.grad for name, value in module.named_parameters() if value.grad is not None}
    assert our_slope.keys() == their_slope.keys()
    far = {name: float((value - our_slope[name]).norm()) for name, value in their_slope.items()}
    assert max(far.values()) < 0.01 * max(float(value.norm()) for value in their_slope.values())


@pytest.mark.parametrize("model", MODELS)
def test_a_batch_of_undamaged_photos_teaches(model: str) -> None:
    module, size = taught(model)
    nothing = {"boxes": torch.zeros((0, 4)), "labels": torch.zeros(0, dtype=torch.int64)}
    parts = Losses(module, ())(scene(size)[0], [nothing] * 3)
    loss = sum(parts.values())
    assert torch.isfinite(loss)
    assert loss > 0
    loss.backward()
    assert all(value.grad.isfinite().all() for value in module.parameters() if value.grad is not None)


@pytest.mark.parametrize("model", MODELS)
def test_photos_are_prepared_as_torchvision_does(model: str) -> None:
    module, size = taught(model)
    pictures, targets = scene(size)
    theirs, their_targets = module.transform([picture / 255 for picture in pictures], targets)
    ours = assemble(module, pictures, targets)
    assert list(ours.sizes) == theirs.image_sizes
    torch.testing.assert_close(ours.pictures, theirs.tensors, atol=2e-5, rtol=1e-5)
    for boxes, labels, one in zip(*ours.truth, their_targets, strict=True):
        torch.testing.assert_close(boxes[labels > 0], one["boxes"], atol=1e-3, rtol=0)
        assert labels[labels > 0].tolist() == one["labels"].tolist()


@pytest.mark.parametrize("rescue", ["", "ties", "best"])
@pytest.mark.parametrize("room", [2**24, 500])
def test_matches_are_torchvisions(rescue: str, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detect.training.torchvision.matching.ROOM", room)  # with less, photo by photo
    _, targets = scene(160)
    corner = torch.rand((300, 2)) * 140
    anchors = torch.cat([corner, corner + 20 + 60 * torch.rand((300, 2))], dim=1)
    boxes = torch.nn.utils.rnn.pad_sequence([one["boxes"] for one in targets], batch_first=True)
    labels = torch.nn.utils.rnn.pad_sequence([one["labels"] for one in targets], batch_first=True)
    matcher = SSDMatcher(0.4) if rescue == "best" else Matcher(0.5, 0.3, allow_low_quality_matches=rescue == "ties")
    found = match(Truth(boxes, labels), anchors[None], matcher.low_threshold, matcher.high_threshold, rescue)
    for row, one in zip(found, targets, strict=True):
        assert row.tolist() == matcher(box_iou(one["boxes"], anchors)).tolist()


def test_a_box_that_no_anchor_touches_claims_none() -> None:
    """torchvision gives it all anchors that do not touch it, which are nearly all."""
    truth = Truth(torch.tensor([[[100.0, 100, 110, 110], [0, 0, 10, 10]]]), torch.tensor([[1, 1]]))
    anchors = torch.tensor([[[0.0, 0, 9, 10], [30, 30, 40, 40]]])
    assert match(truth, anchors, 0.3, 0.7, "ties").tolist() == [[1, NOTHING]]
    assert match(truth, anchors, 0.3, 0.95).tolist() == [[UNDECIDED, NOTHING]]
    torch.testing.assert_close(overlaps(truth.boxes, anchors)[0, :, 0], torch.tensor([0.0, 0.9]))


def test_examples_are_drawn_within_the_budget() -> None:
    torch.manual_seed(0)
    positive = torch.zeros((2, 100), dtype=torch.bool)
    positive[0, :40] = positive[1, :3] = True
    negative = torch.zeros_like(positive)
    negative[:, 50:] = True
    drawn = torch.zeros(100)
    for _ in range(200):
        places, real = sample(positive, negative, 20, 0.25)
        chosen = [row[mask] for row, mask in zip(places, real, strict=True)]
        assert [int((row < 40).sum()) for row in chosen] == [5, 3]
        assert [len(set(row.tolist())) for row in chosen] == [20, 20]
        drawn[chosen[0]] += 1
    assert drawn[:40].min() > 8
    assert drawn[:40].max() < 50  # 25 expected of each
    assert drawn[40:50].sum() == 0


@pytest.mark.parametrize("weights", [(), (1.0, 2.0, 3.0)])
def test_a_batch_without_a_proposal_costs_nothing_and_breaks_nothing(weights: tuple[float, ...]) -> None:
    """A MobileNet that has learnt well proposes nothing in photos of undamaged cars."""
    module, size = taught("fasterrcnn_mobilenet_v3_large_320_fpn")
    torch.nn.init.constant_(module.rpn.head.cls_logits.bias, -10)
    empty = {"boxes": torch.empty(0, 4), "labels": torch.empty(0, dtype=torch.int64)}
    parts = Losses(module, weights).train()([torch.full((3, size, size), 99, dtype=torch.uint8)], [empty])
    assert float(parts["loss_classifier"].detach()) == float(parts["loss_box_reg"].detach()) == 0
    torch.stack(list(parts.values())).sum().backward()
    assert not module.roi_heads.box_predictor.cls_score.weight.grad.any()
    assert module.rpn.head.cls_logits.weight.grad.any()
