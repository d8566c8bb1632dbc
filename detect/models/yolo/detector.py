"""A trained YOLO as a detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from detect.models.detector import Picture
from detect.models.device import pick_device
from detect.models.grid import boxes_in
from detect.models.letterbox import Placed, letterbox, same_shape
from detect.models.nms import CANDIDATES, Candidates, candidates
from detect.models.threads import SideBySide
from detect.models.weights import Weights, fill
from detect.models.yolo.network import network, raw_output


class Yolo:
    """A trained YOLO as a Detector. Raises ModelError when the weights do not fit the model they name."""

    def __init__(
        self, weights: Weights, *, device: str = "auto", source: Path | str = "weights", threads: int = 0
    ) -> None:
        self.name, self.classes, self.imgsz = weights.model, weights.classes, weights.imgsz
        self.suppression, self.point = weights.suppression, weights.operating_point
        self.device = pick_device(device)
        self.module = network(weights.model, len(weights.classes))
        fill(self.module, weights, source)
        self.module.to(self.device).eval().fuse(verbose=False)
        self._side_by_side = SideBySide(self.module, threads)

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector."""
        return self._side_by_side(partial(find_candidates, imgsz=self.imgsz, confidence=confidence), pictures)

    def every(self, picture: Picture, confidence: float) -> Candidates:
        """The candidates of one picture without a limit of their number, for `detect export`, where scores tie."""
        return find_candidates(self.module, [picture], self.imgsz, confidence, None)[0]


@torch.inference_mode()
def find_candidates(
    module: Any, pictures: Sequence[Picture], imgsz: int, confidence: float, most: int | None = CANDIDATES
) -> list[Candidates]:
    """The candidates of each picture, letterboxed as in validation; those of one input shape share a pass."""
    placed = [letterbox(picture, imgsz) for picture in pictures]
    device = next(module.parameters()).device
    found: dict[int, Candidates] = {}
    for members in same_shape([one.pixels for one in placed]):
        batch = torch.from_numpy(np.stack([placed[i].pixels for i in members])).to(device).float() / 255
        for i, raw in zip(members, raw_output(module(batch)), strict=True):
            found[i] = seen(raw, placed[i], confidence, most)
    return [found[i] for i in range(len(pictures))]


def seen(raw: torch.Tensor, placed: Placed, confidence: float, most: int | None = CANDIDATES) -> Candidates:
    """The candidates in one picture, `most` at most, from the model's raw output (4 + C, A)."""
    xyxy, score, label = (part.cpu().numpy() for part in boxes_in(raw.T, confidence))
    return candidates(placed.undo(xyxy.astype(np.float64)), score.astype(np.float64), label, most=most)


def features(weights: Weights, device: str, source: Path) -> Callable[[torch.Tensor], Any]:
    """The backbone of a trained YOLO, whose layers follow one another; see Family."""
    module = Yolo(weights, device=device, source=source).module
    layers: Callable[[torch.Tensor], Any] = module.model[: len(module.yaml["backbone"])]
    return layers
