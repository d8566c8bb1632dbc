"""YOLOX as a network: built by name, its raw outputs and the boxes in them.

Zheng Ge et al., YOLOX: Exceeding YOLO Series in 2021, https://arxiv.org/abs/2107.08430
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from detect.models.families import family_of
from detect.models.letterbox import GREY, STRIDE
from detect.models.yolox.library import YoloPafpn, YoloxHead
from detect.recipes import Recipe

STRIDES = (8, 16, 32)  # pixels of the input per cell, of each level
CHANNELS = (256, 512, 1024)  # of each level, times the width
PRIOR = 0.01  # score that a fresh network gives to everything
NORM_EPS, NORM_MOMENTUM = 1e-3, 0.03


class Size(NamedTuple):
    """Multipliers of a network's depth and width; the smallest has its convolutions in two parts (`depthwise`)."""

    depth: float
    width: float
    depthwise: bool = False


SIZES = {
    "yolox-nano": Size(0.33, 0.25, depthwise=True),
    "yolox-tiny": Size(0.33, 0.375),
    "yolox-s": Size(0.33, 0.5),
    "yolox-m": Size(0.67, 0.75),
    "yolox-l": Size(1.0, 1.0),
    "yolox-x": Size(1.33, 1.25),
}


def build(recipe: Recipe, classes: int, _tensors: Mapping[str, Tensor] | None = None) -> Network:
    """See Family."""
    return network(recipe.model, classes)


def network(model: str, classes: int) -> Network:
    """A fresh network such as "yolox-nano". Raises ModelError for an unknown name."""
    family_of(model)
    return Network(SIZES[model], classes)


class Network(nn.Module):
    """Backbone and head of the package, under its names, so that its published weights fit.

    It sees pixels (B, 3, H, W) in RGB from 0 to 1, as every detector here (the package's own weights have learnt from
    BGR up to 255), and pads them with grey, right and below, to multiples of 32. There are A places: the cells of all
    levels, the finest first.
    """

    def __init__(self, size: Size, classes: int) -> None:
        super().__init__()
        self.backbone = YoloPafpn(size.depth, size.width, in_channels=list(CHANNELS), depthwise=size.depthwise)
        self.head = YoloxHead(classes, size.width, in_channels=list(CHANNELS), depthwise=size.depthwise)
        self.head.initialize_biases(PRIOR)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = NORM_EPS, NORM_MOMENTUM

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, A, 4 + C): centre x, centre y, width and height in pixels of the input, and the score of each class."""
        raw, places, strides = self.raw(pixels)
        boxes = decode(raw[..., :4], places, strides)
        return torch.cat([boxes, raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()], dim=2)

    def raw(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Offsets, objectness and classes (B, A, 5 + C), the cells (A, 2) in x and y, and their strides (A, 1)."""
        found = [self._level(number, level) for number, level in enumerate(self.backbone(prepared(pixels)))]
        raw = torch.cat([one.flatten(2) for one in found], dim=2).transpose(1, 2)
        return raw, *cells([one.shape[2:] for one in found], raw)

    def features(self, pixels: Tensor) -> Tensor:
        """The last stage of the backbone (B, F, h, w)."""
        last: Tensor = self.backbone.backbone(prepared(pixels))["dark5"]
        return last

    def _level(self, number: int, features: Tensor) -> Tensor:
        """(B, 5 + C, h, w) of one level."""
        head = self.head
        stem = head.stems[number](features)
        kind, box = head.cls_convs[number](stem), head.reg_convs[number](stem)
        parts = (head.reg_preds[number](box), head.obj_preds[number](box), head.cls_preds[number](kind))
        return torch.cat(parts, dim=1)


def prepared(pixels: Tensor) -> Tensor:
    """Pixels in RGB from 0 to 1 as the backbone takes them."""
    height, width = pixels.shape[2:]
    padded = nn.functional.pad(pixels, (0, -width % STRIDE, 0, -height % STRIDE), value=GREY / 255)
    return padded.flip(1) * 255


def cells(shapes: list[torch.Size], like: Tensor) -> tuple[Tensor, Tensor]:
    """The cells (A, 2) of levels of these shapes, x and y counted from 0, and the stride of each (A, 1)."""
    places, strides = [], []
    for (height, width), stride in zip(shapes, STRIDES, strict=True):
        y, x = torch.meshgrid(*(torch.arange(n, device=like.device) for n in (height, width)), indexing="ij")
        places.append(torch.stack([x, y], dim=2).flatten(0, 1).to(like.dtype))
        strides.append(torch.full_like(places[-1][:, :1], stride))
    return torch.cat(places), torch.cat(strides)


def decode(offsets: Tensor, places: Tensor, strides: Tensor) -> Tensor:
    """Boxes (B, A, 4), centre and size in pixels, from what the network says of each cell."""
    return torch.cat([(offsets[..., :2] + places) * strides, offsets[..., 2:4].exp() * strides], dim=-1)
