"""Starting from what others have learnt: weights, backbones, frozen and slower layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from detect.errors import ModelError
from detect.models.intact import require_finite
from detect.models.weights import Tensors, load_tensors, state_dict, weights_file
from detect.recipes import Recipe


def given(recipe: Recipe) -> Tensors:
    """The tensors of the file that the recipe starts from; none where it starts from scratch. Raises ModelError."""
    if recipe.weights and recipe.backbone:
        raise ModelError("`weights` and `backbone` exclude each other: weights of a detector hold a backbone")
    if not (path := recipe.weights or recipe.backbone):
        return {}
    tensors = state_dict(load_tensors(weights_file(Path(path))))
    require_finite(tensors, path)
    return tensors


def blocks_of(module: nn.Module) -> Iterator[nn.Module]:
    """The parts of a module in their order, those of a sequence one by one."""
    for child in module.children():
        if type(child) is nn.Sequential:
            yield from blocks_of(child)
        else:
            yield child


def freeze(blocks: list[nn.Module], recipe: Recipe) -> list[nn.Module]:
    """Stop the first blocks from learning; returns them: their batch normalisation stays in evaluation mode."""
    frozen = blocks if recipe.freeze == "backbone" else blocks[: int(recipe.freeze)]
    if recipe.freeze != "backbone" and int(recipe.freeze) > len(blocks):
        raise ModelError(f"freeze={recipe.freeze}: the backbone of {recipe.model} has {len(blocks)} layers")
    for block in frozen:
        block.requires_grad_(False)
    return frozen


def parameter_groups(module: Any, blocks: list[nn.Module], recipe: Recipe) -> list[dict[str, Any]]:
    """What learns, by depth and decay: weight decay on matrices and filters only, not on biases and normalisation.

    Each group has a `scale` of the learning rate: 1 after the backbone, times `layer_decay` for every block before.
    """
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
