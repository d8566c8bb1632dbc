"""Narrow networks; photos for `Doubling`, and weights to keep what was fitted in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image as Photo

from detect.data import Box, Dataset, Image
from detect.models.weights import Weights, save_weights
from detect.models.yolo.network import network
from tests.training.narrow import narrowed


@pytest.fixture(scope="module")
def narrow() -> Iterator[None]:
    """torchvision's detectors are built with few channels."""
    with narrowed():
        yield


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    images = []
    for k in range(12):
        Photo.new("RGB", (100, 100), (k, 0, 0)).save(tmp_path / f"{k}.png")
        boxes = Box("dent", k, k, k + 40, k + 40), Box("dent", k + 20, k, k + 60, k + 40)
        images.append(Image(f"{k}.png", 100, 100, boxes, "val", path=tmp_path / f"{k}.png"))
    return Dataset(("dent",), tuple(images))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    tensors = network("yolov5n", 1).state_dict()
    save_weights(Weights("yolov5n", ("dent",), 64, tensors, {"nms_iou": 0.65}), tmp_path / "run/weights/best.pt")
    return tmp_path / "run"


@pytest.fixture
def pair(tmp_path: Path) -> Dataset:
    """One photo with a box, in train and in val."""
    path = tmp_path / "a.png"
    Photo.new("RGB", (8, 8)).save(path)
    return Dataset(
        ("dent",),
        (
            Image("a.png", 8, 8, (Box("dent", 1, 1, 4, 4),), "train", path=path),
            Image("b.png", 8, 8, (Box("dent", 1, 1, 4, 4),), "val", path=path),
        ),
    )
