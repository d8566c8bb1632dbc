"""Faster R-CNN, RetinaNet and SSD as detectors.

Photos are scaled here, so that their longer side is `imgsz`, as for every detector; what is left to torchvision's own
transform is normalisation (and, for SSD, the square shape that it needs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection._utils import BoxCoder

from detect.errors import ModelError
from detect.models.detector import LOWEST_SCORE, Picture
from detect.models.device import pick_device
from detect.models.families import family_of
from detect.models.letterbox import back, resize, same_shape
from detect.models.nms import CANDIDATES, Candidates, candidates
from detect.models.threads import SideBySide
from detect.models.torchvision.network import build
from detect.models.weights import Weights, fill
from detect.recipes import Recipe

EVERY = 10_000  # candidates of a class or level: torchvision compares each with each, and more would take minutes


class Torchvision:
    """A trained torchvision detector. Raises ModelError when the weights do not fit the model they name."""

    def __init__(
        self, weights: Weights, *, device: str = "auto", source: Path | str = "weights", threads: int = 0
    ) -> None:
        self.name, self.classes, self.imgsz = weights.model, weights.classes, weights.imgsz
        self.suppression, self.point = weights.suppression, weights.operating_point
        self.device = pick_device(device)
        self.module = build(_recipe(weights, source), len(weights.classes), weights.tensors)
        fill(self.module, weights, source)
        self.module.to(self.device, memory_format=torch.channels_last).eval()
        self._side_by_side = SideBySide(self.module, threads)

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector."""
        return self._side_by_side(partial(find_candidates, imgsz=self.imgsz, confidence=confidence), pictures)

    def every(self, picture: Picture, confidence: float) -> Candidates:
        """The candidates of one picture, as good as all of a class or level, for `detect export`, where scores tie."""
        limit = getattr(self.module, "topk_candidates", 0)  # a Faster R-CNN has none
        self.module.topk_candidates = EVERY
        try:
            return find_candidates(self.module, [picture], self.imgsz, confidence, len(self.classes) * EVERY)[0]
        finally:
            self.module.topk_candidates = limit


def _recipe(weights: Weights, source: Path | str) -> Recipe:
    """The recipe that it was trained by, from which it is built."""
    try:
        return Recipe.model_validate(weights.recipe)
    except ValidationError as error:
        keys = ", ".join(sorted({f"`{'.'.join(map(str, one['loc'][:2]))}`" for one in error.errors()}))
        raise ModelError(
            f"{source}: the recipe in it does not suit this version ({keys}): update the package, or train it again"
        ) from None


@torch.inference_mode()
def find_candidates(
    module: Any, pictures: Sequence[Picture], imgsz: int, confidence: float, most: int = CANDIDATES
) -> list[Candidates]:
    """The candidates of each picture, `most` at most, see Detector; the module must be in evaluation mode."""
    without_suppression(module, confidence, most)
    device = next(module.parameters()).device
    scaled = [resize(picture, imgsz) for picture in pictures]
    answer: dict[int, Candidates] = {}
    for members in same_shape([one for one, _ in scaled]):
        found = module([as_tensor(scaled[i][0], device) for i in members])
        for i, rows in zip(members, found, strict=True):
            real = rows["labels"] > 0
            corners = back(rows["boxes"][real].double().cpu().numpy(), scaled[i][1])
            score, label = rows["scores"][real].double().cpu().numpy(), rows["labels"][real].cpu().numpy()
            answer[i] = candidates(corners, score, label - 1, most=most)
    return [answer[i] for i in range(len(pictures))]


def without_suppression(module: Any, confidence: float, most: int = CANDIDATES) -> None:
    """Let every box of at least this score through: suppression is our own, the same for all detectors."""
    head = module.roi_heads if isinstance(module, FasterRCNN) else module
    head.score_thresh, head.nms_thresh, head.detections_per_img = confidence, 1.0, most


def as_tensor(picture: Picture, device: torch.device) -> torch.Tensor:
    """A picture (h, w, 3) uint8 as (3, h, w) float32 in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).to(device).float() / 255


class Graph(torch.nn.Module):
    """From one image (1, 3, H, W) to boxes before suppression; see Family."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        without_suppression(module, LOWEST_SCORE)
        if hasattr(module, "roi_heads"):
            module.roi_heads.box_coder.__class__ = _Coder

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Boxes (N, 4) in pixels of the image, scores (N,), labels (N,) from 0."""
        found = self.module([image[0]])
        found = (found[1] if isinstance(found, tuple) else found)[0]
        boxes, scores, labels = found["boxes"], found["scores"], found["labels"] - 1
        # RetinaNet predicts background, too, and finds boxes without area beside the picture.
        rows = torch.nonzero((labels >= 0) & (boxes[:, 2:] > boxes[:, :2]).all(dim=1))[:, 0]
        return boxes[rows], scores[rows], labels[rows]


class _Coder(BoxCoder):
    """torchvision's decoding of boxes without its `if`, which a graph would freeze: some photos have no proposals."""

    def decode(self, rel_codes: torch.Tensor, boxes: list[torch.Tensor]) -> torch.Tensor:
        """Codes (N, 4 * C) and proposals, (N, 4) in all, to boxes (N, C, 4)."""
        width = rel_codes.shape[1]
        decoded: torch.Tensor = self.decode_single(rel_codes.reshape(-1, width), torch.cat(boxes))
        return decoded.reshape(-1, width // 4, 4)


LEVEL = {"ssd": 1, "ssdlite": 1, "retinanet": -3, "fasterrcnn": -2}  # where the classifier ended, before coarser ones


def features(weights: Weights, device: str, source: Path) -> Callable[[torch.Tensor], Any]:
    """The backbone of a trained detector; see Family. It scales colours as the detector's own transform does."""
    module = Torchvision(weights, device=device, source=source).module
    level = LEVEL[family_of(weights.model).name]
    return lambda pixels: list(module.backbone(module.transform.normalize(pixels)).values())[level]
