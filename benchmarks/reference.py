"""Photos as the training references of torchvision read them, for train.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torchvision.transforms.v2.functional as F
from PIL import Image as Photo

from detect.convert import read


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
