"""Losses of torchvision's detectors with a weight for each class."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torchvision.models.detection.faster_rcnn import FasterRCNN
from torchvision.models.detection.retinanet import RetinaNet, RetinaNetClassificationHead
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.models.detection.ssd import SSD
from torchvision.ops import sigmoid_focal_loss


def weigh(module: Any, weights: tuple[float, ...]) -> None:
    """Let each class count by its weight; the background counts 1. Without weights all classes are alike.

    An SSD gets its own loss in any case: torchvision's learns nothing from a photo without boxes.
    """
    with_background = torch.tensor((1.0, *weights))
    if isinstance(module, SSD):
        module.__class__ = _SSD
        module.class_weights = with_background
    elif isinstance(module, FasterRCNN) and weights:
        module.roi_heads.__class__ = _RoIHeads
        module.roi_heads.class_weights = with_background
    elif isinstance(module, RetinaNet) and weights:
        module.head.classification_head.__class__ = _RetinaHead
        module.head.classification_head.class_weights = with_background


class _RoIHeads(RoIHeads):
    """Faster R-CNN's head; the mean over proposals becomes a weighted one."""

    class_weights: torch.Tensor

    def forward(self, features: Any, proposals: Any, image_shapes: Any, targets: Any = None) -> Any:
        if not self.training:
            return super().forward(features, proposals, image_shapes, targets)
        proposals, _, labels, regression = self.select_training_samples(proposals, targets)
        logits, deltas = self.box_predictor(self.box_head(self.box_roi_pool(features, proposals, image_shapes)))
        _, box = fastrcnn_loss(logits, deltas, labels, regression)
        weights = self.class_weights.to(logits)
        return [], {"loss_classifier": cross_entropy(logits, torch.cat(labels), weights), "loss_box_reg": box}


class _RetinaHead(RetinaNetClassificationHead):
    """RetinaNet's focal loss, each class by its weight."""

    class_weights: torch.Tensor

    def compute_loss(self, targets: Any, head_outputs: Any, matched_idxs: Any) -> torch.Tensor:
        losses = []
        for target, logits, matched in zip(targets, head_outputs["cls_logits"], matched_idxs, strict=True):
            foreground = matched >= 0
            wanted = torch.zeros_like(logits)
            wanted[foreground, target["labels"][matched[foreground]]] = 1.0
            valid = matched != self.BETWEEN_THRESHOLDS
            loss = sigmoid_focal_loss(logits[valid], wanted[valid], reduction="none") * self.class_weights.to(logits)
            losses.append(loss.sum() / max(1, int(foreground.sum())))
        return torch.stack(losses).mean()


class _SSD(SSD):
    """SSD's loss: right examples by the weight of their class, and for each right one the three hardest wrong ones.

    A photo without boxes has three wrong ones, too: an undamaged car teaches what no damage is.
    """

    class_weights: torch.Tensor

    def compute_loss(self, targets: Any, head_outputs: Any, anchors: Any, matched_idxs: Any) -> dict[str, Any]:
        losses = super().compute_loss(targets, head_outputs, anchors, matched_idxs)
        logits = head_outputs["cls_logits"]
        labels = torch.zeros(logits.shape[:2], dtype=torch.int64, device=logits.device)
        for row, target, matched in zip(labels, targets, matched_idxs, strict=True):
            row[matched >= 0] = target["labels"][matched[matched >= 0]]
        right = labels > 0
        each = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)
        wrong = torch.where(right, -torch.inf, each).sort(dim=1, descending=True).values
        count = self.neg_to_pos_ratio * right.sum(1, keepdim=True).clamp(min=1)
        hard = (torch.arange(wrong.shape[1], device=wrong.device) < count) & torch.isfinite(wrong)
        weights = torch.ones_like(each)
        if len(self.class_weights) > 1:
            weights = self.class_weights.to(logits)[labels]
        total = (each * weights)[right].sum() + wrong[hard].sum()
        return {**losses, "classification": total / max(1, int(right.sum()))}
