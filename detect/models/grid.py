"""Boxes in the raw output of detectors that say for each place of a grid where a box is and what it holds."""

from __future__ import annotations

import torch


def boxes_in(raw: torch.Tensor, confidence: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The boxes of one image (N, 4) as x1, y1, x2, y2, their scores (N,) and labels (N,) from 0.

    raw: (A, 4 + C) with centre x, centre y, width, height in input pixels and C class scores for each of A places,
    each of which may give a box for every class whose score exceeds `confidence`.
    """
    found = torch.nonzero(raw[:, 4:] > confidence)
    place, label = found[:, 0], found[:, 1]
    centre, size = raw[place, :2], raw[place, 2:4]
    return torch.cat([centre - size / 2, centre + size / 2], dim=1), raw[:, 4:][place, label], label
