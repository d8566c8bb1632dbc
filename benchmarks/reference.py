"""Torchvision's training references (references/detection), in their essential lines: for train.py and steps.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torchvision.transforms.v2.functional as F
from PIL import Image as Photo
from torchvision.models import detection as zoo

from detect.conversion import read


class ReferenceLoop:
    """A detector from scratch and train_one_epoch's step; in bfloat16 on a GPU."""

    def __init__(self, model: str, imgsz: int, classes: int, device: str, lr: float) -> None:
        size = {} if model.startswith("ssd") else {"min_size": imgsz, "max_size": imgsz}
        self.device = torch.device(device)
        module = getattr(zoo, model)(weights=None, weights_backbone=None, num_classes=classes + 1, **size)
        self.module = module.to(self.device).train()
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)

    def step(self, pictures: Sequence[torch.Tensor], targets: Sequence[dict[str, torch.Tensor]]) -> None:
        """Learn from a batch of pictures (3, h, w) in 0..1."""
        inputs = [picture.to(self.device) for picture in pictures]
        wanted = [{name: value.to(self.device) for name, value in target.items()} for target in targets]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type != "cpu"):
            loss: Any = torch.stack(list(self.module(inputs, wanted).values())).sum()
        assert math.isfinite(loss.item())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class ReferencePhotos:
    """Photos as the references read them: PIL, a tensor of floats, a mirror half of the time."""

    def __init__(self, data: str) -> None:
        dataset = read(Path(data))
        self.images, self.classes = dataset.only("train").images, len(dataset.classes)
        self.number = {name: place for place, name in enumerate(dataset.classes, start=1)}

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> Any:
        image = self.images[place]
        picture = F.to_dtype(F.pil_to_tensor(Photo.open(str(image.path)).convert("RGB")), scale=True)
        boxes = torch.tensor([box.xyxy for box in image.boxes]).reshape(-1, 4).float()
        if torch.rand(1) < 0.5:
            picture = picture.flip(-1)
            boxes[:, [0, 2]] = image.width - boxes[:, [2, 0]]
        return picture, {"boxes": boxes, "labels": torch.tensor([self.number[b.label] for b in image.boxes]).long()}
