"""Where a model runs."""

from __future__ import annotations

import torch

from detect.errors import ModelError
from detect.recipes import Recipe


def pick_device(device: str) -> torch.device:
    """The device by name; "auto": the first GPU where there is one. Raises ModelError where it cannot be had."""
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from None


def half(recipe: Recipe, device: torch.device) -> bool:
    """Whether a network trains in bfloat16."""
    return recipe.precision == "bf16" or (recipe.precision == "auto" and device.type == "cuda")
