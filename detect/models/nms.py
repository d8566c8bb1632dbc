"""From a YOLO's raw outputs to boxes, without a time limit: a slow machine must not lose detections."""

from __future__ import annotations

import torch
from torch import Tensor

CANDIDATES = 30_000  # of one image before suppression, as in the reference implementation


def suppress(raw: Tensor, confidence: float, nms_iou: float, most: int = 300) -> list[Tensor]:
    """Non-maximum suppression per class.

    raw: (B, 4 + C, A) with centre x, centre y, width, height in input pixels and C class scores for each of A
    anchor points. Each anchor may give a box for every class whose score exceeds `confidence`. Returns, for each
    of the B images, (N, 6) rows x1, y1, x2, y2, score, class, best first, N <= most.
    """
    return [_suppress_one(image.T, confidence, nms_iou, most) for image in raw]


def _suppress_one(rows: Tensor, confidence: float, nms_iou: float, most: int) -> Tensor:
    from torchvision.ops import batched_nms

    anchor, label = torch.nonzero(rows[:, 4:] > confidence, as_tuple=True)
    score = rows[anchor, 4 + label]
    if len(score) > CANDIDATES:
        score, best = score.topk(CANDIDATES)
        anchor, label = anchor[best], label[best]
    centre, size = rows[anchor, :2], rows[anchor, 2:4]
    xyxy = torch.cat([centre - size / 2, centre + size / 2], dim=1)
    keep = batched_nms(xyxy, score, label, nms_iou)[:most]
    return torch.cat([xyxy[keep], score[keep, None], label[keep, None].to(score.dtype)], dim=1)
