"""Images of a Dataset as ultralytics takes them, for training and for validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from detect.data import Image
from detect.decoding import open_upright
from detect.errors import DataError
from detect.models.detector import Picture
from detect.models.letterbox import Placed, letterbox
from detect.models.yolo.library import YOLODataset, scratch
from detect.training.job import Augmenter, first_readable
from detect.training.sampler import reseed

KEPT = 2**30  # bytes of decoded photos, in all worker processes together


class Items(YOLODataset):
    """Training images. A key is epoch * len + position, see `EpochSampler`.

    Decoded ones are kept as far as memory allows (KEPT), since a mosaic takes its partners from all of them; what
    augments them works on copies. One that cannot be read is replaced by the next, and named under the key "unreadable"
    of its item.
    """

    def __init__(
        self, images: Sequence[Image], classes: tuple[str, ...], seed: int, augmenter: Augmenter | None = None, *,
        workers: int = 0, **options: Any,
    ) -> None:  # fmt: skip
        self.images, self.index, self.seed = images, {label: i for i, label in enumerate(classes)}, seed
        self.augmenter, self.unreadable = augmenter, list[str]()
        super().__init__(img_path="", data={"names": dict(enumerate(classes)), "channels": 3}, **options)
        self.capacity = KEPT // max(1, workers) // (3 * self.imgsz**2)
        self.npy_files = [scratch / "absent.npy"] * self.ni  # never a stray array beside the user's photo

    def get_img_files(self, img_path: str) -> list[str]:
        """The paths of the photos."""
        return [str(image.path) for image in self.images]

    def get_labels(self) -> list[dict[str, Any]]:
        """One label for each photo."""
        return [self._label(image) for image in self.images]

    def _label(self, image: Image) -> dict[str, Any]:
        labels = np.array([self.index[box.label] for box in image.boxes], dtype=np.float32)
        return {
            "im_file": str(image.path), "shape": (image.height, image.width), "cls": labels.reshape(-1, 1),
            "bboxes": shares(image).astype(np.float32), "segments": [], "keypoints": None,
            "normalized": True, "bbox_format": "xywh",
        }  # fmt: skip

    def load_image(self, i: int, *args: Any, **options: Any) -> Any:
        """As ultralytics scales it, but decoded as in use: BGR (h, w, 3) uint8, its size before and after.

        Raises DataError for what is no image.
        """
        if self.ims[i] is not None:
            return self.ims[i], self.im_hw0[i], self.im_hw[i]
        picture = np.asarray(open_upright(Path(self.im_files[i])))
        height, width = before = picture.shape[:2]
        share = self.imgsz / max(before)
        size = (min(math.ceil(width * share), self.imgsz), min(math.ceil(height * share), self.imgsz))
        if share != 1:
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        if self.augment:
            self._keep(i, picture, before)
        return picture, before, picture.shape[:2]

    def _keep(self, i: int, picture: Picture, before: tuple[int, int]) -> None:
        self.ims[i], self.im_hw0[i], self.im_hw[i] = picture, before, picture.shape[:2]
        self.buffer.append(i)
        if len(self.buffer) > self.capacity:
            self.ims[self.buffer.pop(0)] = None

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """That of the photo, or of the next that can be read."""
        item, unreadable = first_readable(self.images, index, super().get_image_and_label)
        self.unreadable += unreadable
        return dict(item)

    def build_transforms(self, hyp: Any) -> Any:
        """The augmentation of ultralytics, and then ours of colours and defects."""
        transforms = super().build_transforms(hyp)
        for transform in getattr(transforms.transforms[0], "transforms", []):
            if hasattr(transform, "buffer_enabled"):  # mosaic: partners from all images, not from those seen lately
                transform.buffer_enabled = False
        if self.augmenter is not None and self.augment:
            transforms.insert(-1, self._augment)  # before what turns the picture into a tensor
        return transforms

    def _augment(self, labels: dict[str, Any]) -> dict[str, Any]:
        if self.augmenter is None:
            return labels
        height, width = labels["img"].shape[:2]
        things = labels["instances"]
        things.convert_bbox("xyxy")
        things.denormalize(width, height)
        rgb, numbers = np.ascontiguousarray(labels["img"][..., ::-1]), np.arange(len(things))
        rgb, boxes, left = self.augmenter(rgb, things.bboxes.astype(np.float64), numbers, int(np.random.randint(2**31)))
        things = things[left]
        things.update(bboxes=boxes.astype(np.float32))
        picture = np.ascontiguousarray(rgb[..., ::-1])
        return {**labels, "img": picture, "instances": things, "cls": labels["cls"][left]}

    def __getitem__(self, key: int) -> Any:
        epoch, position = divmod(key, self.ni)
        if self.augment:
            reseed(self.seed, epoch, position)
        self.unreadable.clear()
        item = super().__getitem__(position)
        return {**item, "name": self.images[position].name, "unreadable": tuple(self.unreadable)}


class Upright(torch.utils.data.Dataset["Still | int"]):
    """Validation images as the detector will see them in use: upright and letterboxed, nothing else.

    Of one that cannot be read there is only the position.
    """

    def __init__(self, images: Sequence[Image], classes: tuple[str, ...], imgsz: int) -> None:
        self.images, self.index, self.imgsz = images, {label: i for i, label in enumerate(classes)}, imgsz

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> Still | int:
        image = self.images[position]
        try:
            placed = letterbox(np.asarray(image.open()), self.imgsz)
        except DataError:
            return position
        height, width = placed.pixels.shape[1:]
        boxes = shares(image) * (np.array([image.width, image.height] * 2) * np.array(placed.scale * 2))
        boxes = (boxes + np.array([placed.left, placed.top, 0, 0])) / [width, height, width, height]
        labels = np.array([self.index[box.label] for box in image.boxes], dtype=np.float32)
        pixels = torch.from_numpy(placed.pixels)
        place = placed._replace(pixels=placed.pixels[:, :0])
        return Still(position, pixels, place, torch.from_numpy(boxes).float(), torch.from_numpy(labels).reshape(-1, 1))


class Still(NamedTuple):
    """A validation photo: its position, its input `pixels` (3, H, W) uint8 and where the photo lies in it (`placed`).

    Then its boxes (N, 4), centre and size in shares of the input, and their labels (N, 1). The pixels are a tensor,
    which processes share, and not in `placed`, which would be copied from one to the other.
    """

    position: int
    pixels: torch.Tensor
    placed: Placed
    boxes: torch.Tensor
    labels: torch.Tensor


def shares(image: Image) -> NDArray[np.float64]:
    """The boxes of an image (N, 4): centre x, centre y, width, height in shares of its size."""
    size = np.array([image.width, image.height] * 2, dtype=np.float64)
    corners = np.array([box.xyxy for box in image.boxes], dtype=np.float64).reshape(-1, 4) / size
    return np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)
