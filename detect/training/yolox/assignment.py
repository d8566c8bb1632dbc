"""SimOTA: which place of the grid is to find which box, decided by what the network sees there.

Zheng Ge et al., YOLOX: Exceeding YOLO Series in 2021, section 2.1, https://arxiv.org/abs/2107.08430, for all photos of
a batch at once. Shapes: B photos, each with up to M boxes (the rest is padding), and A places, of which N come into
question. Boxes are centre and size in pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

RADIUS = 1.5  # strides around the centre of a box, within which a place may find it
MOST = 10  # places that find one box
OVERLAP = 3.0  # weight of the overlap beside that of the class
FAR = 1e6  # cost of a place that lies within the radius of another box only
LEAST_LOG = -100.0  # as in torch's binary cross entropy


class Assignment(NamedTuple):
    """The place (B, A) in the padded truth of the box that each place of the grid is to find, -1 where there is none.

    `iou` (B, A) is its overlap with the box that the network sees there.
    """

    box: Tensor
    iou: Tensor


@torch.no_grad()
def assign(truth: Tensor, labels: Tensor, seen: Tensor, logits: Tensor, centres: Tensor, strides: Tensor) -> Assignment:
    """SimOTA.

    truth (B, M, 4), labels (B, M) from 1, 0 where there is no box; seen (B, A, 4), what the network sees at each place;
    logits (B, A, 1 + C), objectness and classes; centres (A, 2) of the places and their strides (A, 1), in pixels.
    """
    count, places = seen.shape[:2]
    nothing = Assignment(torch.full((count, places), -1, device=seen.device), seen.new_zeros(count, places))
    if not labels.shape[1]:
        return nothing
    near = (truth[:, :, None, :2] - centres).abs().amax(dim=3) < RADIUS * strides[:, 0]
    near &= (labels > 0)[:, :, None]
    inside = near.any(dim=1)
    most = int(inside.sum(dim=1).max())
    if not most:
        return nothing
    rows = inside.byte().argsort(dim=1, descending=True, stable=True)[:, :most]  # those that come into question first
    possible = inside.gather(1, rows)[:, None] & (labels > 0)[:, :, None]
    iou = overlaps(truth, _at(seen, rows)) * possible
    cost = _class_cost(_at(logits, rows), labels) - OVERLAP * (iou + 1e-8).log()
    cost += FAR * ~near.gather(2, rows[:, None].expand(-1, near.shape[1], -1))
    cost.masked_fill_(~possible, torch.inf)
    box = _choose(cost, iou)
    own = iou.gather(1, box.clamp(min=0)[:, None])[:, 0] * (box >= 0)
    return Assignment(nothing.box.scatter(1, rows, box), nothing.iou.scatter(1, rows, own))


def _choose(cost: Tensor, iou: Tensor) -> Tensor:
    """The box (B, N) of each place, -1 where there is none, by the cost (B, M, N) of each pair.

    A box is found by as many places as its ten best overlaps add up to, those that cost least; a place that several
    boxes want goes to the one for which it costs least.
    """
    best = min(MOST, iou.shape[2])
    wanted = iou.topk(best, dim=2).values.sum(dim=2).int().clamp(min=1)
    cheapest = cost.topk(best, dim=2, largest=False)
    taken = (torch.arange(best, device=cost.device) < wanted[:, :, None]) & cheapest.values.isfinite()
    pairs = torch.zeros_like(cost, dtype=torch.bool).scatter_(2, cheapest.indices, taken)
    wishes = pairs.sum(dim=1)
    box = torch.where(wishes > 1, cost.argmin(dim=1), pairs.byte().argmax(dim=1))
    return torch.where(wishes > 0, box, -1)


def _class_cost(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross entropy (B, M, N) between the scores at each place and the class of each box."""
    score = (logits[..., 1:].sigmoid() * logits[..., :1].sigmoid()).sqrt()
    right, wrong = score.log().clamp(min=LEAST_LOG), (1 - score).log().clamp(min=LEAST_LOG)
    column = (labels - 1).clamp(min=0)[:, None].expand(-1, score.shape[1], -1)
    own = (right - wrong).gather(2, column).transpose(1, 2)
    return -own - wrong.sum(dim=2)[:, None]


def overlaps(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU (B, M, N) of boxes (B, M, 4) with others (B, N, 4)."""
    first, second = boxes[:, :, None], others[:, None]
    low = torch.maximum(first[..., :2] - first[..., 2:] / 2, second[..., :2] - second[..., 2:] / 2)
    high = torch.minimum(first[..., :2] + first[..., 2:] / 2, second[..., :2] + second[..., 2:] / 2)
    common = (high - low).clamp(min=0).prod(dim=3)
    return common / (first[..., 2:].prod(dim=3) + second[..., 2:].prod(dim=3) - common)


def _at(values: Tensor, rows: Tensor) -> Tensor:
    """The rows (B, N, F) of values (B, A, F)."""
    return values.gather(1, rows[..., None].expand(-1, -1, values.shape[2]))
