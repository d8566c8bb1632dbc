"""What a YOLOX learns from, for a whole batch at once and with a weight for each class.

The numbers are those of the package's own training (see the tests).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from detect.models.letterbox import GREY, STRIDE, same_shape
from detect.models.yolox.network import decode
from detect.training.batches import Target, Truth, truth_of
from detect.training.yolox.assignment import assign

BOX = 5.0  # weight of the overlap in the loss


class Losses(nn.Module):
    """The losses of a YOLOX as a module, which Fabric can wrap. Without weights all classes are alike.

    `multiscale` is the share by which the size of a batch varies; `final`: these are the last epochs, in which the
    offsets count, too.
    """

    weights: Tensor | None

    def __init__(self, module: Any, class_weights: Sequence[float] = (), multiscale: float = 0.0) -> None:
        super().__init__()
        self.module, self.multiscale, self.final = module, multiscale, False
        self.register_buffer("weights", torch.tensor(class_weights) if class_weights else None, persistent=False)

    def forward(self, pictures: Sequence[Tensor], targets: Sequence[Target]) -> dict[str, Tensor]:
        """Each part of the loss by its name, for pictures (3, h, w) uint8 and the boxes in them."""
        device = next(self.module.parameters()).device
        pixels, truth = together(pictures, device), truth_of(targets, device)
        if self.training and self.multiscale:
            pixels, truth = rescaled(pixels, truth, 1 + self.multiscale * float(2 * torch.rand(()) - 1))
        raw, places, strides = self.module.raw(pixels)
        return self.parts(raw.float(), places.float(), strides.float(), truth)

    def parts(self, raw: Tensor, places: Tensor, strides: Tensor, truth: Truth) -> dict[str, Tensor]:
        """The same for raw outputs (B, A, 5 + C) at cells (A, 2) with strides (A, 1)."""
        seen = decode(raw[..., :4], places, strides)
        corners = truth.boxes
        boxes = torch.cat([(corners[..., :2] + corners[..., 2:]) / 2, corners[..., 2:] - corners[..., :2]], dim=2)
        found = assign(boxes, truth.labels, seen, raw[..., 4:], (places + 0.5) * strides, strides)
        photo, place = torch.nonzero(found.box >= 0, as_tuple=True)
        own = found.box[photo, place]
        wanted, label, examples = boxes[photo, own], truth.labels[photo, own] - 1, max(1, len(photo))
        goal = torch.zeros_like(raw[photo, place, 5:])
        goal.scatter_(1, label[:, None], found.iou[photo, place][:, None])
        kind = binary_cross_entropy_with_logits(raw[photo, place, 5:], goal, reduction="none").sum(dim=1)
        there = binary_cross_entropy_with_logits(raw[..., 4], (found.box >= 0).to(raw.dtype), reduction="sum")
        parts = {
            "box": BOX * (1 - iou(seen[photo, place], wanted) ** 2).sum(),
            "objectness": there,
            "classification": (kind if self.weights is None else kind * self.weights[label]).sum(),
        }
        if self.final:
            offsets = encode(wanted, places[place], strides[place])
            parts["offsets"] = (raw[photo, place, :4] - offsets).abs().sum()
        return {name: part / examples for name, part in parts.items()}


def encode(boxes: Tensor, places: Tensor, strides: Tensor) -> Tensor:
    """What the network has to say of cells (P, 2) for boxes (P, 4), centre and size: the inverse of `decode`."""
    return torch.cat([boxes[:, :2] / strides - places, (boxes[:, 2:] / strides + 1e-8).log()], dim=1)


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU (P,) of pairs of boxes (P, 4), centre and size; 0 without a slope where they lie apart."""
    low = torch.maximum(boxes[:, :2] - boxes[:, 2:] / 2, others[:, :2] - others[:, 2:] / 2)
    high = torch.minimum(boxes[:, :2] + boxes[:, 2:] / 2, others[:, :2] + others[:, 2:] / 2)
    common = (high - low).prod(dim=1) * (low < high).all(dim=1)
    return common / (boxes[:, 2:].prod(dim=1) + others[:, 2:].prod(dim=1) - common + 1e-16)


def together(pictures: Sequence[Tensor], device: torch.device) -> Tensor:
    """Pictures (3, h, w) uint8 as one batch (B, 3, H, W) in 0..1, padded with grey, right and below."""
    height, width = (-(-max(picture.shape[axis] for picture in pictures) // STRIDE) * STRIDE for axis in (1, 2))
    batch = torch.full((len(pictures), 3, height, width), GREY, dtype=torch.uint8)
    for members in same_shape(pictures):
        _, h, w = pictures[members[0]].shape
        batch[members, :, :h, :w] = torch.stack([pictures[i] for i in members])
    return batch.to(device, memory_format=torch.channels_last).float() / 255


def rescaled(pixels: Tensor, truth: Truth, factor: float) -> tuple[Tensor, Truth]:
    """A batch in about `factor` times its size, in multiples of 32 pixels, with its boxes."""
    before = pixels.shape[2:]
    size = [max(1, round(side * factor / STRIDE)) * STRIDE for side in before]
    across, down = size[1] / before[1], size[0] / before[0]
    boxes = truth.boxes * torch.tensor([across, down] * 2, device=pixels.device)
    return interpolate(pixels, size=size, mode="bilinear", align_corners=False), truth._replace(boxes=boxes)
