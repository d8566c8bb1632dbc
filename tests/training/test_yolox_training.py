"""How a YOLOX is trained: its mosaics, where it starts, what it learns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from detect.data import Dataset
from detect.models.families import build
from detect.models.yolox.network import network
from detect.recipes import Augment, Recipe
from detect.training import train
from detect.training.batches import Truth, mosaics_over
from detect.training.job import make_job
from detect.training.listeners import Listeners
from detect.training.transfer import freeze, given, parameter_groups
from detect.training.yolox.losses import rescaled
from detect.training.yolox.method import stages, start, unfold
from detect.training.yolox.mosaic import Mosaics

COCO = "yolox_nano_coco80_state_dict.pt"
COLOURS = {1: (220, 30, 30), 2: (30, 30, 220)}  # of the squares


def recipe(**more: Any) -> Recipe:
    values = {"model": "yolox-nano", "imgsz": 64, "epochs": 1, "batch": 8, "workers": 0, "threads": 1, "warmup": 0}
    return Recipe.model_validate({**values, **more})


def mosaics(squares: Dataset, **augment: float) -> Mosaics:
    plain = {"mirror": 0.0, "hue": 0.0, "saturation": 0.0, "brightness": 0.0, "mosaic_off": 0}
    wanted = recipe(augment=plain | augment)
    return Mosaics(squares.only("train").images, squares.classes, wanted)


@pytest.mark.parametrize(
    "augment",
    [
        {"zoom": 0, "shift": 0},
        {"zoom": 0.5, "shift": 0.2},  # makes slivers at the edges, which are dropped, and boxes that end there
        {"zoom": 0.3, "shift": 0.1, "mirror": 1},
    ],
)
def test_boxes_lie_where_their_squares_lie(augment: dict[str, float], squares: Dataset) -> None:
    photos, labels = mosaics(squares, mosaic=1, **augment), Counter[int]()
    for key in range(60):
        picture, target, *_ = photos[key]
        assert picture.shape == (3, 64, 64)
        for box, label in zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True):
            x1, y1, x2, y2 = (int(edge) for edge in np.add(box, [2, 2, -1, -1]).round())
            inside = picture[:, y1:y2, x1:x2].numpy()
            if inside.size:
                assert np.abs(inside.mean(axis=(1, 2)) - COLOURS[label]).max() < 25, (key, box)
                labels[label] += 1
    assert min(labels[1], labels[2]) > 15


def test_no_square_is_left_without_a_box(squares: Dataset) -> None:
    """Less than a quarter of one, at an edge, is a sliver."""
    photos = mosaics(squares, mosaic=1, zoom=0, shift=0)
    for key in range(40):
        picture, target, *_ = photos[key]
        pixels = picture.numpy().astype(int)
        coloured = ((pixels.max(axis=0) - pixels.min(axis=0)) > 120).astype(np.uint8)
        for x1, y1, x2, y2 in target["boxes"].round().int().tolist():
            coloured[max(0, y1 - 1) : y2 + 1, max(0, x1 - 1) : x2 + 1] = 0
        for x, y, width, height, area in cv2.connectedComponentsWithStats(coloured, connectivity=4)[2][1:]:
            assert area < 256 and (x == 0 or y == 0 or x + width == 64 or y + height == 64)


def test_a_turned_mosaic_keeps_its_squares_in_their_boxes(squares: Dataset) -> None:
    photos, whole = mosaics(squares, mosaic=1, rotation=30, zoom=0, shift=0), 0
    for key in range(40):
        picture, target, *_ = photos[key]
        for box, label in zip(target["boxes"].tolist(), target["labels"].tolist(), strict=True):
            x1, y1, x2, y2 = (int(edge) for edge in np.round(box))
            if min(x1, y1) > 0 and max(x2, y2) < 64 and min(x2 - x1, y2 - y1) > 20:
                middle = picture[:, (y1 + y2) // 2, (x1 + x2) // 2].numpy()
                assert np.abs(middle.astype(int) - COLOURS[label]).max() < 40
                whole += 1
    assert whole > 5


def test_a_mixture_has_the_boxes_of_both(squares: Dataset) -> None:
    alone, both = (mosaics(squares, mosaic=1, mixup=share) for share in (0, 1))
    counts = [sum(len(photos[key].target["labels"]) for key in range(40)) for photos in (alone, both)]
    assert 1.6 < counts[1] / counts[0] < 2.4


def test_a_picture_is_a_function_of_seed_epoch_and_position(squares: Dataset) -> None:
    one, other = mosaics(squares, mosaic=0.5, mixup=0.5), mosaics(squares, mosaic=0.5, mixup=0.5)
    for key in range(8):
        other[key + 100]  # what was seen before does not count
        (picture, target, *rest), (again, same, *others) = one[key], other[key]
        assert torch.equal(picture, again) and rest == others
        assert all(torch.equal(target[name], same[name]) for name in target)
    assert not torch.equal(one[0].picture, one[len(one)].picture)


def test_the_last_epochs_show_whole_photos_and_count_offsets(squares: Dataset, tmp_path: Path) -> None:
    wanted = recipe(epochs=3, augment={"mosaic": 1, "mosaic_off": 1}, balance={"repeat": 0.9})
    assert [mosaics_over(wanted, epoch) for epoch in range(3)] == [False, False, True]
    few = replace(squares, images=(*squares.only("train").images[:8], *squares.only("val").images[:2]))
    run = train(wanted, few, tmp_path / "run")
    assert ["offsets" in epoch["train"] for epoch in run.epochs] == [False, False, True]
    assert ["offsets" in epoch["val"] for epoch in run.epochs] == [False, False, True]
    job = make_job(wanted, squares, tmp_path, Listeners())
    photos = Mosaics(job.train, job.classes, wanted, (1.0, 2.0))  # keys of copies
    assert photos.copies > 1
    still = photos[2 * photos.copies * len(photos)].picture
    assert len(still.unique()) > 100


def test_a_batch_may_be_larger_or_smaller() -> None:
    truth = Truth(torch.tensor([[[8.0, 16.0, 40.0, 64.0]]]), torch.tensor([[1]]))
    pixels, moved = rescaled(torch.rand(1, 3, 64, 128), truth, 1.5)
    assert pixels.shape == (1, 3, 96, 192)
    assert moved.boxes.tolist() == [[[12.0, 24.0, 60.0, 96.0]]]
    assert rescaled(pixels, truth, 0.01)[0].shape == (1, 3, 32, 32)


def test_published_weights_fit(shared_data: Path) -> None:
    wanted = recipe(weights=shared_data / "weights" / COCO)
    assert start(build(wanted, 6), wanted, given(wanted)).startswith("636 of 642 tensors taken from")


def test_folded_norms_get_their_statistics_back(squares: Dataset, shared_data: Path, tmp_path: Path) -> None:
    """The network does what it did; only what norms do in training is another thing, and nearly what it was."""
    wanted = recipe(weights=shared_data / "weights" / COCO, imgsz=128)
    module = build(wanted, 2)
    start(module, wanted, given(wanted))
    folded = {name: value.clone() for name, value in module.state_dict().items()}
    pixels = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for norm in (part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)):
            norm.eps = 1e-5  # with which they were folded
        before, trained_on = module.eval()(pixels), module.train()(pixels)
        module = build(wanted, 2)
        module.load_state_dict(folded)
        unfold(module, make_job(wanted, squares, tmp_path, Listeners()))
        after = module.eval()(pixels)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(trained_on, before, rtol=0.1, atol=0.1)
    changed = module.state_dict()
    assert sum(float(changed[name].std()) > 0.01 for name in changed if name.endswith("running_var")) > 80
    again = {name: value.clone() for name, value in changed.items()}
    unfold(module, make_job(wanted, squares, tmp_path, Listeners()))  # nothing is left to do
    assert all(torch.equal(again[name], value) for name, value in module.state_dict().items())


def test_a_fresh_network_is_not_taken_for_a_folded_one(squares: Dataset, tmp_path: Path) -> None:
    module = network("yolox-nano", 2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    unfold(module, make_job(recipe(), squares, tmp_path, Listeners()))
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_blocks_stay_as_they_are_or_learn_more_slowly() -> None:
    module = network("yolox-nano", 2)
    blocks = stages(module)
    assert len(blocks) == 10  # the stem, three stages of two blocks, and one of three
    groups = parameter_groups(module, blocks, recipe(layer_decay=0.5))
    assert {group["scale"] for group in groups} == {0.5**level for level in range(11)}
    assert len(freeze(blocks, recipe(freeze=2))) == 2
    assert len(freeze(blocks, recipe(freeze="backbone"))) == 10
    left = {name.split(".")[1] for name, value in module.backbone.named_parameters() if not value.requires_grad}
    assert left == {"stem", "dark2", "dark3", "dark4", "dark5"}


def test_it_learns_to_find_squares(squares: Dataset, shared_data: Path, tmp_path: Path) -> None:
    still = Augment(mosaic=0.3, mosaic_off=3, zoom=0.2, shift=0.05)
    wanted = recipe(weights=shared_data / "weights" / COCO, epochs=10, lr=0.003, optimizer="adamw", augment=still)
    run = train(wanted.model_copy(update={"batch": 4}), squares, tmp_path / "run")
    assert run.best["val"]["map50"] > 0.5
