"""Which anchor or proposal is to find which box, for all photos of a batch at once.

torchvision does this photo by photo: hundreds of small kernels, after many of which a GPU waits for the processor.
Shapes: B photos, each with up to M boxes (the rest is padding), and A anchors.
"""

from __future__ import annotations

import torch
from torch import Tensor

from detect.training.batches import Truth

NOTHING, UNDECIDED = -1, -2  # instead of a box's place: background, and neither it nor a box
ROOM = 2**24  # overlaps (B, M, A) that are held at once


def overlaps(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU (B, M, A) of boxes (B, M, 4) with others (B, A, 4), or with (1, A, 4) that are the same for all photos."""
    low = torch.maximum(boxes[:, :, None, :2], others[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], others[:, None, :, 2:])
    common = (high - low).clamp_(min=0).prod(dim=-1)
    areas, other_areas = ((xyxy[..., 2:] - xyxy[..., :2]).prod(dim=-1) for xyxy in (boxes, others))
    return common / (areas[:, :, None] + other_areas[:, None, :] - common).clamp_(min=1e-9)


@torch.no_grad()
def match(truth: Truth, anchors: Tensor, low: float, high: float, rescue: str = "") -> Tensor:
    """The place (B, A) of the box that each of the anchors (B or 1, A, 4) is to find, NOTHING or UNDECIDED.

    An anchor finds the box that it overlaps most, by `high` or more; from `low` to `high` it is undecided. A box that
    no anchor meets well enough is rescued by its best ones: with "ties" they go to the box that they meet best
    (Faster R-CNN, Ren et al., 2015), with "best" to that very box (SSD, Liu et al., 2016).
    """
    count, most = truth.labels.shape
    length = anchors.shape[1]
    if not most:
        return torch.full((count, length), NOTHING, device=anchors.device)
    step = max(1, ROOM // (most * length))  # so many photos at once, and no more memory than that
    if step < count:
        parts = [slice(start, start + step) for start in range(0, count, step)]
        share = [anchors if len(anchors) == 1 else anchors[part] for part in parts]
        some = [Truth(truth.boxes[part], truth.labels[part]) for part in parts]
        return torch.cat([match(*pair, low, high, rescue) for pair in zip(some, share, strict=True)])
    real = truth.labels > 0
    iou = overlaps(truth.boxes, anchors).masked_fill_(~real[:, :, None], -1)
    best, place = iou.max(dim=1)
    found = torch.where(best < low, NOTHING, torch.where(best < high, UNDECIDED, place))
    top, where = iou.max(dim=2)
    if rescue == "ties":
        tops = (iou == top[:, :, None]) & (top[:, :, None] > 0)
        return torch.where(tops.any(dim=1), place, found)
    if rescue == "best":
        wide = torch.cat([torch.full_like(found[:, :1], NOTHING), found], dim=1)  # one more, where padding goes
        boxes = torch.arange(most, device=found.device).expand(count, most)
        rescued = torch.full_like(wide, NOTHING).scatter_reduce_(1, torch.where(real, where + 1, 0), boxes, "amax")
        return torch.where(rescued >= 0, rescued, wide)[:, 1:]
    return found


def sample(positive: Tensor, negative: Tensor, budget: int, fraction: float) -> tuple[Tensor, Tensor]:
    """Places (B, S) of at most `budget` examples per photo, drawn at random, and whether each is one (B, S).

    At most this fraction of the budget is positive (B, A); what is left of it is negative (B, A).
    """
    first, sure = _draw(positive, int(budget * fraction))
    second, right = _draw(negative, budget)
    left = budget - sure.sum(dim=1, keepdim=True)
    right &= torch.arange(right.shape[1], device=right.device) < left
    return torch.cat([first, second], dim=1), torch.cat([sure, right], dim=1)


def _draw(wanted: Tensor, count: int) -> tuple[Tensor, Tensor]:
    ticket = torch.rand(wanted.shape, device=wanted.device).masked_fill_(~wanted, -1)
    drawn, place = ticket.topk(min(count, wanted.shape[1]), dim=1)
    return place, drawn >= 0


def pick(values: Tensor, places: Tensor) -> Tensor:
    """The rows (B, S, 4) of values (B or 1, A, 4) at places (B, S)."""
    return values.expand(len(places), -1, -1).gather(1, places[..., None].expand(-1, -1, values.shape[-1]))
