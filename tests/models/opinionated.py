"""Detectors that have learnt nothing and are yet sure of some boxes, as one is that has learnt: made in a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from detect.models.detector import Picture
from detect.models.families import build
from detect.models.letterbox import letterbox
from detect.models.weights import Weights, save_weights
from detect.recipes import Recipe

IMGSZ = {"ssdlite320_mobilenet_v3_large": 320}


def opinionated(model: str, classes: tuple[str, ...], seen: Sequence[Picture], folder: Path) -> Path:
    """The run folder of such a detector, whose norms have the statistics of what it has seen."""
    torch.manual_seed(0)
    recipe = Recipe(model=model, imgsz=IMGSZ.get(model, 96), nms_iou=0.6)
    module: Any = build(recipe, len(classes))
    for norm in (part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)):
        norm.momentum = 1.0
    form = next(name for name in OPINIONS if model.startswith(name))
    with torch.no_grad():
        if form == "yolo":
            module.train()(torch.rand(4, 3, 96, 96))
        elif form.startswith("yolo"):
            shown = torch.full((len(seen), 3, 96, 96), 114 / 255)
            for picture, one in zip(shown, seen, strict=True):
                small = torch.from_numpy(letterbox(one, 96).pixels)
                picture[:, : small.shape[1], : small.shape[2]] = small / 255
            module.train()(torch.cat([shown, shown.transpose(2, 3), torch.rand(4, 3, 96, 96)]))
        else:
            target = {"boxes": torch.tensor([[0.0, 0.0, 9.0, 9.0]]), "labels": torch.tensor([1])}
            pictures = [torch.from_numpy(one.copy()).permute(2, 0, 1) / 255 for one in seen]
            module.train()(pictures, [target] * len(pictures))
        OPINIONS[form](module)
    weights = Weights(model, classes, recipe.imgsz, module.state_dict(), recipe.model_dump(mode="json"))
    save_weights(weights, folder / "run" / "weights" / "best.pt")
    return folder / "run"


def _yolo26(module: Any) -> None:
    """It has two heads, and each an opinion."""
    head = module.model[-1]
    for kind in (*head.cv3, *head.one2one_cv3):
        kind[-1].weight.normal_(std=0.5)
        kind[-1].bias.fill_(-2)


def _yolo(module: Any) -> None:
    for branch in module.model[-1].cv3:
        branch[-1].weight.normal_(std=0.05)
        branch[-1].bias.fill_(-3)


def _yolox(module: Any) -> None:
    for kind, there in zip(module.head.cls_preds, module.head.obj_preds, strict=True):
        kind.weight.normal_(std=0.5)
        kind.bias.fill_(-1)
        there.bias.fill_(0)


def _faster_rcnn(module: Any) -> None:
    module.rpn.head.cls_logits.weight.normal_(std=0.05)
    module.roi_heads.box_predictor.cls_score.weight.normal_(std=0.2)
    module.roi_heads.box_predictor.bbox_pred.weight.normal_(std=0.01)


def _retinanet(module: Any) -> None:
    """Sure of some things, also beside the picture and of background."""
    module.head.classification_head.cls_logits.weight.normal_(std=0.05)


def _ssd(module: Any) -> None:
    """Takes most of a picture for background."""
    for block in module.head.classification_head.module_list:
        last = [part for part in block.modules() if isinstance(part, torch.nn.Conv2d)][-1]
        last.weight *= 5
        assert last.bias is not None
        last.bias[::3] = 6  # the background of each anchor
    for name, value in module.head.regression_head.state_dict().items():
        value.mul_(0.2 if name.endswith(".1.weight") else 1)  # boxes near their anchors


OPINIONS: dict[str, Callable[[Any], None]] = {
    "yolox": _yolox,
    "yolo26": _yolo26,
    "yolo": _yolo,
    "fasterrcnn": _faster_rcnn,
    "retinanet": _retinanet,
    "ssd": _ssd,
}
