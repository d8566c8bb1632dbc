"""Starting torchvision's detectors from weights of a detector or of a classifier; the blocks of their backbones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models.detection.ssd import SSDFeatureExtractorVGG

from detect.errors import ModelError
from detect.models.weights import Tensors, take_over
from detect.recipes import Recipe
from detect.training.transfer import blocks_of


def start(module: Any, recipe: Recipe, tensors: Tensors) -> str:
    """Take over what fits of the tensors of the recipe's `weights` or `backbone`; returns how much, in words.

    Raises ModelError where nothing does, and for the backbone of another network.
    """
    if recipe.weights:
        return take_over(module, tensors).report(recipe.weights)
    if recipe.backbone:
        return _take_backbone(module, renamed(module, tensors), recipe.backbone)
    return "no weights given: a start from scratch"


def _take_backbone(module: Any, tensors: Tensors, path: Path) -> str:
    own = module.state_dict()
    known = {name: value for name, value in tensors.items() if name in own and value.ndim == 4}  # what all nets have
    if not known:
        raise ModelError(f"{path}: not one tensor fits a classifier of the same family by name and shape")
    for name, value in known.items():
        if value.shape != own[name].shape:
            here, there = (" x ".join(map(str, one.shape)) for one in (own[name], value))
            raise ModelError(f"{path}: is the backbone of another network: {name} is {there} in it, and {here} here")
    return f"{take_over(module, tensors)} taken from {path}"


def renamed(module: Any, tensors: Tensors) -> Tensors:
    """The tensors of a classifier of torchvision (ResNet, MobileNet, VGG) under the names of a detector's backbone.

    SSDs cut their backbone in pieces and number it anew, so there the order counts.
    """
    if hasattr(module.backbone, "body"):
        return {f"backbone.body.{name.removeprefix('features.')}": value for name, value in tensors.items()}
    prefixes = ("backbone.features.", "backbone.extra.0.")
    own = [name for name in module.state_dict() if name.startswith(prefixes) and not name.endswith("_tracked")]
    given = [value for name, value in tensors.items() if name.startswith("features.") and not name.endswith("_tracked")]
    return dict(zip(own, given, strict=False))


def stages(module: Any) -> list[nn.Module]:
    """The blocks of the backbone that learn, from the picture on."""
    backbone = module.backbone
    parts = [backbone.body] if hasattr(backbone, "body") else [backbone.features]
    if isinstance(backbone, SSDFeatureExtractorVGG):
        parts.append(backbone.extra[0][:-1])  # the last of VGG's convolutions; after them comes what SSD adds
    return [block for part in parts for block in blocks_of(part) if next(block.parameters(), None) is not None]
