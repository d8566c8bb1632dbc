"""Starting torchvision's detectors from what others have learnt: weights, backbones, frozen and slower layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision.models.detection.ssd import SSDFeatureExtractorVGG

from detect.errors import ModelError
from detect.models.intact import require_finite
from detect.models.weights import Tensors, load_tensors, state_dict, take_over, weights_file
from detect.recipes import Recipe


def start(module: Any, recipe: Recipe, tensors: Tensors) -> str:
    """Take over what fits of the tensors of the recipe's `weights` or `backbone`; returns how much, in words.

    Raises ModelError where nothing does, and for the backbone of another network.
    """
    if recipe.weights:
        return take_over(module, tensors).report(recipe.weights)
    if recipe.backbone:
        return _take_backbone(module, renamed(module, tensors), recipe.backbone)
    return "no weights given: a start from scratch"


def given(recipe: Recipe) -> Tensors:
    """The tensors of the file that the recipe starts from; none where it starts from scratch. Raises ModelError."""
    if recipe.weights and recipe.backbone:
        raise ModelError("`weights` and `backbone` exclude each other: weights of a detector hold a backbone")
    if not (path := recipe.weights or recipe.backbone):
        return {}
    tensors = state_dict(load_tensors(weights_file(Path(path))))
    require_finite(tensors, path)
    return tensors


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
    return [block for part in parts for block in _blocks(part) if next(block.parameters(), None) is not None]


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if type(child) is nn.Sequential:
            yield from _blocks(child)
        else:
            yield child


def freeze(module: Any, recipe: Recipe) -> list[nn.Module]:
    """Stop the first blocks from learning; returns them: their batch normalisation stays in evaluation mode."""
    blocks = stages(module)
    frozen = blocks if recipe.freeze == "backbone" else blocks[: int(recipe.freeze)]
    if recipe.freeze != "backbone" and int(recipe.freeze) > len(blocks):
        raise ModelError(f"freeze={recipe.freeze}: the backbone of {recipe.model} has {len(blocks)} layers")
    for block in frozen:
        block.requires_grad_(False)
    return frozen


def parameter_groups(module: Any, recipe: Recipe) -> list[dict[str, Any]]:
    """What learns, by depth and decay: weight decay on matrices and filters only, not on biases and normalisation.

    Each group has a `scale` of the learning rate: 1 after the backbone, times `layer_decay` for every block before.
    """
    blocks = stages(module)
    depth = {id(p): len(blocks) - place for place, block in enumerate(blocks) for p in block.parameters()}
    groups: dict[tuple[int, bool], list[torch.Tensor]] = {}
    for parameter in module.parameters():
        if parameter.requires_grad:
            level = depth.get(id(parameter), 0) if recipe.layer_decay < 1 else 0
            groups.setdefault((level, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": members, "weight_decay": recipe.weight_decay * decays, "scale": recipe.layer_decay**level}
        for (level, decays), members in sorted(groups.items(), key=lambda item: item[0])
    ]
