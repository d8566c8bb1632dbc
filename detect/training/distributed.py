"""Several processes that train together: which of them leads, what they exchange, and what to do when one is gone."""

from __future__ import annotations

import os
from typing import Any

from detect.errors import ModelError
from detect.recipes import Recipe

RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID")  # environment variables that launchers set
_SIGNS = ("closed by peer", "connection reset", "broken pipe", "remote process exit")


class ProcessLost(ModelError):
    """Another process has ended before the training did."""


def is_leader(recipe: Recipe) -> bool:
    """Whether this process writes the files; the others only help it to train on several devices."""
    several = recipe.devices * recipe.nodes > 1  # else it is one of several that have nothing to do with each other
    return not several or all(int(os.environ.get(name) or 0) == 0 for name in RANKS)


def gather(fabric: Any, own: Any) -> list[Any]:
    """What every process has, in the order of their ranks."""
    import torch

    if fabric.world_size == 1:
        return [own]
    parts: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(parts, own)
    return parts


def broadcast_buffers(fabric: Any, module: Any) -> None:
    """Give every process the first one's statistics of norms: each has counted only its own photos."""
    import torch

    if fabric.world_size > 1:
        for buffer in module.buffers():
            torch.distributed.broadcast(buffer, 0)


def connection_lost(error: RuntimeError) -> bool:
    """Whether an error of torch means that another process does not answer any more."""
    return any(sign in str(error).lower() for sign in _SIGNS)
