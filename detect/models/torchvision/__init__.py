"""Faster R-CNN, RetinaNet and SSD from torchvision (BSD-3) behind the detectors' protocol.

Photos are scaled here, so that their longer side is `imgsz`, as for every detector; what is left to torchvision's own
transform is normalisation (and, for SSD, the square shape that it needs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torchvision
from pydantic import ValidationError
from torchvision.models import detection as zoo
from torchvision.models import mobilenet_v3_large
from torchvision.models.detection._utils import retrieve_out_channels
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.ssdlite import SSDLiteHead, _mobilenet_extractor
from torchvision.ops.misc import FrozenBatchNorm2d

from detect.errors import ModelError
from detect.models.anchors import layout
from detect.models.detector import Picture
from detect.models.device import pick_device
from detect.models.letterbox import back, resize, same_shape
from detect.models.names import FIXED, TORCHVISION, check_size
from detect.models.nms import CANDIDATES, Candidates, candidates
from detect.models.weights import Weights, fill
from detect.recipes import Recipe, Roi

WHOLE_TAIL = (960, 160)  # channels of the last convolution of a MobileNetV3 Large; a reduced tail has (480, 80)
ASSEMBLED = {f"fasterrcnn_resnet{depth}_fpn": f"resnet{depth}" for depth in (18, 34, 101)}  # torchvision has no builder


class Torchvision:
    """A trained torchvision detector. Raises ModelError when the weights do not fit the model they name."""

    def __init__(self, weights: Weights, *, device: str = "auto", source: Path | str = "weights") -> None:
        self.name, self.classes, self.imgsz = weights.model, weights.classes, weights.imgsz
        self.suppression, self.point = weights.suppression, weights.operating_point
        self.device = pick_device(device)
        self.module = build(_recipe(weights, source), len(weights.classes), weights.tensors)
        fill(self.module, weights, source)
        self.module.to(self.device, memory_format=torch.channels_last).eval()

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector."""
        return look(self.module, self.imgsz, pictures, confidence)


def _recipe(weights: Weights, source: Path | str) -> Recipe:
    """The one that it was trained by, which says what to build."""
    try:
        return Recipe.model_validate(weights.recipe)
    except ValidationError as error:
        keys = ", ".join(sorted({f"`{'.'.join(map(str, one['loc'][:2]))}`" for one in error.errors()}))
        raise ModelError(
            f"{source}: the recipe in it does not suit this version ({keys}): update the package, or train it again"
        ) from None


def build(recipe: Recipe, classes: int, tensors: Mapping[str, torch.Tensor] = MappingProxyType({})) -> Any:
    """A fresh model, random from head to foot; label 0 is its background.

    Where the recipe starts from weights, a ResNet keeps the statistics of its batch normalisation as they are, which
    suits small batches. `tensors` are those that it is to take; an SSDLite gets the tail that they have. Raises
    ModelError for an unknown name, a size that the model does not have, and a wrong number of anchors.
    """
    model, imgsz = recipe.model, recipe.imgsz
    if model not in TORCHVISION:
        raise ModelError(f"{model!r}: no such detector; known: {', '.join(TORCHVISION)}")
    check_size(model, imgsz)
    settings = _settings(recipe)
    if model in ASSEMBLED:
        norm = torch.nn.BatchNorm2d
        backbone = resnet_fpn_backbone(
            backbone_name=ASSEMBLED[model], weights=None, trainable_layers=5, norm_layer=norm
        )
        module = zoo.FasterRCNN(backbone, classes + 1, **settings)
    else:
        module = getattr(zoo, model)(weights=None, weights_backbone=None, num_classes=classes + 1, **settings)
    if model.startswith("ssdlite") and any(value.shape[:2] == WHOLE_TAIL for value in tensors.values()):
        _set_whole_tail(module, classes)
    if "resnet" in model and (recipe.weights or recipe.backbone):
        freeze_norms(module.backbone.body)
    if isinstance(recipe.anchors, tuple):
        _set_anchors(module, recipe)
    if isinstance(module, zoo.FasterRCNN):
        _set_scales(module)
    return module


def _set_whole_tail(module: Any, classes: int) -> None:
    """Give an SSDLite a MobileNet as ImageNet's weights have it; torchvision halves its last blocks without them."""
    norm = partial(torch.nn.BatchNorm2d, eps=0.001, momentum=0.03)
    body = mobilenet_v3_large(weights=None, norm_layer=norm, reduced_tail=False)
    module.backbone = _mobilenet_extractor(body, 6, norm)  # all six stages learn
    channels = retrieve_out_channels(module.backbone, module.transform.fixed_size)
    module.head = SSDLiteHead(channels, module.anchor_generator.num_anchors_per_location(), classes + 1, norm)


def _set_scales(module: Any) -> None:
    """Tell a pooling the scales of its levels: it would read them off the first picture, which may be too thin."""
    square = torch.zeros(1, 3, 256, 256)
    module.backbone.eval()
    with torch.no_grad():
        module.roi_heads.box_roi_pool(module.backbone(square), [torch.zeros(1, 4)], [square.shape[2:]])
    module.backbone.train()


def freeze_norms(module: torch.nn.Module) -> None:
    """Put norms that keep their statistics and factors in place of those that learn."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.BatchNorm2d):
            setattr(module, name, FrozenBatchNorm2d(child.num_features, child.eps))
        else:
            freeze_norms(child)


def _settings(recipe: Recipe) -> dict[str, Any]:
    """The recipe in torchvision's names."""
    overlap = recipe.overlap
    if recipe.model in FIXED:
        return {"iou_thresh": overlap.foreground}
    size = {"min_size": recipe.imgsz, "max_size": recipe.imgsz}
    if recipe.model.startswith("retinanet"):
        return {**size, "fg_iou_thresh": overlap.foreground, "bg_iou_thresh": overlap.background}
    roi = Roi() if recipe.roi == "auto" else recipe.roi
    return {
        **size,
        "rpn_fg_iou_thresh": overlap.rpn_foreground,
        "rpn_bg_iou_thresh": overlap.rpn_background,
        "rpn_nms_thresh": overlap.rpn_nms,
        "box_fg_iou_thresh": overlap.box_foreground,
        "box_bg_iou_thresh": overlap.box_foreground,
        "box_batch_size_per_image": roi.samples,
        # In training the samples are drawn from torchvision's 2000: fewer lose right ones and save no time.
        "rpn_pre_nms_top_n_test": 1000,  # for each level; a MobileNet's 150 would be the budget of all
        "rpn_post_nms_top_n_test": roi.proposals,
    }


def _set_anchors(module: Any, recipe: Recipe) -> None:
    """Put the recipe's shapes in place of the default ones, level by level, the finest first."""
    counts = layout(recipe.model, recipe.imgsz).counts
    shapes = torch.tensor(recipe.anchors, dtype=torch.float32)
    if len(shapes) != sum(counts):
        raise ModelError(f"{recipe.model} has {sum(counts)} anchors ({'+'.join(map(str, counts))}), got {len(shapes)}")
    levels = torch.split(shapes, list(counts))
    if recipe.model in FIXED:
        module.anchor_generator._wh_pairs = [level / recipe.imgsz for level in levels]
    else:
        generator = module.rpn.anchor_generator if hasattr(module, "rpn") else module.anchor_generator
        generator.cell_anchors = [torch.cat([-level, level], dim=1) / 2 for level in levels]


@torch.inference_mode()
def look(module: Any, imgsz: int, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
    """The candidates of each picture, see Detector; the module must be in evaluation mode."""
    without_suppression(module, confidence)
    device = next(module.parameters()).device
    scaled = [resize(picture, imgsz) for picture in pictures]
    answer: dict[int, Candidates] = {}
    for members in same_shape([one for one, _ in scaled]):
        found = module([as_tensor(scaled[i][0], device) for i in members])
        for i, rows in zip(members, found, strict=True):
            real = rows["labels"] > 0
            corners = back(rows["boxes"][real].double().cpu().numpy(), scaled[i][1])
            score, label = rows["scores"][real].double().cpu().numpy(), rows["labels"][real].cpu().numpy()
            answer[i] = candidates(corners, score, label - 1)
    return [answer[i] for i in range(len(pictures))]


def without_suppression(module: Any, confidence: float) -> None:
    """Let every box of at least this score through: suppression is our own, the same for all detectors."""
    head = module.roi_heads if isinstance(module, torchvision.models.detection.FasterRCNN) else module
    head.score_thresh, head.nms_thresh, head.detections_per_img = confidence, 1.0, CANDIDATES


def as_tensor(picture: Picture, device: torch.device) -> torch.Tensor:
    """A picture (h, w, 3) uint8 as (3, h, w) float32 in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).to(device).float() / 255
