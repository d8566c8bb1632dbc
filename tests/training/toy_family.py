"""A family of detectors made outside the package: it finds at most one box in a photo. As small as one can be."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, interpolate, l1_loss

from detect.data import Image, Predictions
from detect.models.detector import LOWEST_SCORE, Picture
from detect.models.detector import detect as look
from detect.models.family import Family, Variant
from detect.models.letterbox import resize
from detect.models.nms import Candidates, candidates
from detect.models.weights import Weights, fill, load_tensors, state_dict
from detect.recipes import Recipe
from detect.training.job import Job, first_readable, save_trained
from detect.training.listeners import epoch_event
from detect.training.sampler import EpochSampler
from detect.training.state import is_over, load_state, save_epoch
from detect.training.stopping import EarlyStopping, LossCheck

HERE = "tests.training.toy_family"
TOY = Family(
    name="toy", library="these tests", models={"toy1": Variant(1_234, 64, None)}, build=f"{HERE}:build",
    load=f"{HERE}:Toy", fit=f"{HERE}:fit", preview=f"{HERE}:preview_items", graph=f"{HERE}:Graph",
    features=f"{HERE}:features",
)  # fmt: skip


class Network(nn.Module):
    """Pictures (B, 3, H, W) in 0..1 to boxes (B, 4) in shares of them, and logits (B, 1 + C), first of no box."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.AvgPool2d(2)
        )
        self.box, self.label = nn.Linear(32 * 64, 4), nn.Linear(32 * 64, 1 + classes)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen = self.backbone(interpolate(pictures, size=(64, 64))).flatten(1)
        middle, size = self.box(seen).sigmoid().split(2, dim=1)
        return torch.cat([middle - size / 2, middle + size / 2], dim=1), self.label(seen)


def build(recipe: Recipe, classes: int, tensors: Mapping[str, torch.Tensor]) -> Network:
    return Network(classes)


class Toy:
    """See Detector."""

    def __init__(
        self, weights: Weights, *, device: str = "auto", source: Path | str = "weights", threads: int = 0
    ) -> None:
        self.name, self.classes, self.imgsz = weights.model, weights.classes, weights.imgsz
        self.suppression, self.point = weights.suppression, weights.operating_point
        self.module = Network(len(weights.classes)).eval()
        fill(self.module, weights, source)

    @torch.inference_mode()
    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        return [self._one(picture, confidence) for picture in pictures]

    def _one(self, picture: Picture, confidence: float) -> Candidates:
        boxes, logits = self.module(as_tensor(picture, self.imgsz)[None])
        score, label = logits.softmax(1)[:, 1:].max(1)
        sure = score > confidence
        corners = boxes[sure].double().numpy() * ([picture.shape[1], picture.shape[0]] * 2)
        return candidates(corners, score[sure].double().numpy(), label[sure].numpy())


class Graph(nn.Module):
    """See Family."""

    def __init__(self, module: Network) -> None:
        super().__init__()
        self.module = module

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        boxes, logits = self.module(image)
        score, label = logits.softmax(1)[:, 1:].max(1)
        rows = torch.nonzero(score > LOWEST_SCORE)[:, 0]
        height, width = (torch.as_tensor(image.shape[axis]) for axis in (2, 3))  # not a constant of the graph
        return boxes[rows] * torch.stack([width, height, width, height]), score[rows], label[rows]


def features(weights: Weights, device: str, source: Path) -> Any:
    return Toy(weights, source=source).module.backbone


def as_tensor(picture: Picture, imgsz: int) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(resize(picture, imgsz)[0].transpose(2, 0, 1))).float() / 255


def preview_items(job: Job, keys: Sequence[int]) -> Iterator[tuple[Picture, Any, list[str]]]:
    for key in keys:
        image = job.train[key % len(job.train)]
        yield pixels(image), np.array([box.xyxy for box in image.boxes]).reshape(-1, 4), [b.label for b in image.boxes]


def pixels(image: Image) -> Picture:
    return np.asarray(image.open())


def read(image: Image) -> tuple[Image, Picture]:
    return image, pixels(image)


def fit(job: Job, *, resume: bool) -> None:
    """A training loop on the parts that all loops share."""
    torch.manual_seed(job.recipe.seed)
    recipe, module, check = job.recipe, Network(len(job.classes)), LossCheck()
    if recipe.weights:
        module.load_state_dict(state_dict(load_tensors(recipe.weights)))
    optimizer, stopping, done = torch.optim.Adam(module.parameters(), recipe.lr), EarlyStopping(recipe.patience), 0
    if resume:
        state = load_state(job, stopping)
        module.load_state_dict(state["ema"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["epoch"]
        if is_over(state, job, stopping):
            return
    job.listeners.start(done + 1, "no weights given: a start from scratch")
    for epoch in range(done + 1, recipe.epochs + 1):
        began, loss = time.monotonic(), one_epoch(job, module.train(), optimizer, check, epoch)
        metrics = job.measure(validate(job, module))
        seen = dict.fromkeys(job.classes, 0)
        job.listeners.epoch(epoch_event(epoch, time.monotonic() - began, recipe.lr, {"loss": loss}, metrics, seen))
        better = stopping.update(metrics[recipe.watch])
        save_epoch(job, epoch, stopping, module.state_dict(), {"optimizer": optimizer.state_dict()}, better)
        if stopping.over or job.listeners.stop:
            break
    save_trained(module.state_dict(), job, job.last)


def one_epoch(job: Job, module: Network, optimizer: Any, check: LossCheck, epoch: int) -> float:
    keys, losses, size = list(EpochSampler(len(job.train), job.recipe.seed, epoch - 1)), [], job.recipe.batch
    for start in range(0, len(keys), size):
        rows = []
        for key in keys[start : start + size]:
            (image, picture), lost = first_readable(job.train, key % len(job.train), lambda i: read(job.train[i]))
            job.listeners.unreadable(lost)
            box = image.boxes[0] if image.boxes else None
            corners = np.array(box.xyxy) / ([image.width, image.height] * 2) if box else np.zeros(4)
            label = 1 + job.classes.index(box.label) if box else 0
            rows.append((as_tensor(picture, job.recipe.imgsz), torch.from_numpy(corners).float(), label, image.name))
        pictures, truth_boxes, labels, names = zip(*rows, strict=True)
        boxes, logits = module(torch.stack(pictures))
        truth = torch.tensor(labels)
        loss = cross_entropy(logits, truth) + 5 * l1_loss(boxes[truth > 0], torch.stack(truth_boxes)[truth > 0])
        check.check(loss, epoch, names)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        job.listeners.batch(epoch, -(-len(keys) // size))
    return float(np.mean(losses))


def validate(job: Job, module: Network) -> Predictions:
    weights = Weights(job.recipe.model, job.classes, job.recipe.imgsz, module.state_dict())
    found = look(Toy(weights), [pixels(image) for image in job.val])
    return Predictions(job.classes, {image.name: boxes for image, boxes in zip(job.val, found, strict=True)})
