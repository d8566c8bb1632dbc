"""A trained YOLOX as a detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from detect.models.detector import LOWEST_SCORE, Picture
from detect.models.device import pick_device
from detect.models.grid import boxes_in
from detect.models.letterbox import back, resize, same_shape
from detect.models.nms import CANDIDATES, Candidates, candidates
from detect.models.threads import SideBySide
from detect.models.weights import Weights, fill
from detect.models.yolox.network import Network, network


class Yolox:
    """A trained YOLOX as a Detector. Raises ModelError when the weights do not fit the model they name."""

    def __init__(
        self, weights: Weights, *, device: str = "auto", source: Path | str = "weights", threads: int = 0
    ) -> None:
        self.name, self.classes, self.imgsz = weights.model, weights.classes, weights.imgsz
        self.suppression, self.point = weights.suppression, weights.operating_point
        self.device = pick_device(device)
        self.module = network(weights.model, len(weights.classes))
        fill(self.module, weights, source)
        self.module.to(self.device).to(memory_format=torch.channels_last).eval()
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
    """The candidates of each picture, `most` at most, see Detector; the module must be in evaluation mode."""
    device = next(module.parameters()).device
    scaled = [resize(picture, imgsz) for picture in pictures]
    answer: dict[int, Candidates] = {}
    for members in same_shape([one for one, _ in scaled]):
        batch = np.stack([scaled[i][0].transpose(2, 0, 1) for i in members])
        for i, raw in zip(members, module(torch.from_numpy(batch).to(device).float() / 255), strict=True):
            xyxy, score, label = (part.cpu().numpy() for part in boxes_in(raw, confidence))
            corners = back(xyxy.astype(np.float64), scaled[i][1])
            answer[i] = candidates(corners, score.astype(np.float64), label, most=most)
    return [answer[i] for i in range(len(pictures))]


class Graph(torch.nn.Module):
    """From one image (1, 3, H, W) to boxes before suppression; see Family."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Boxes (N, 4) in pixels of the image, scores (N,), labels (N,) from 0."""
        return boxes_in(self.module(image)[0], LOWEST_SCORE)


def features(weights: Weights, device: str, source: Path) -> Callable[[torch.Tensor], Any]:
    """The backbone of a trained YOLOX; see Family."""
    module: Network = Yolox(weights, device=device, source=source).module
    return module.features
