"""Several processes that train together."""

from __future__ import annotations

from typing import Any

import torch

from detect.errors import ModelError

_SIGNS = ("closed by peer", "connection reset", "broken pipe", "remote process exit")


class PeerLost(ModelError):
    """Another process has ended before the training did."""


def gather(fabric: Any, own: Any) -> list[Any]:
    """What every process has, in the order of their ranks."""
    if fabric.world_size == 1:
        return [own]
    parts: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(parts, own)
    return parts


def agree(fabric: Any, module: Any) -> None:
    """Give every process the first one's statistics of norms: each has counted its own photos alone."""
    if fabric.world_size > 1:
        for buffer in module.buffers():
            torch.distributed.broadcast(buffer, 0)


def alone(error: RuntimeError) -> bool:
    """Whether an error of torch says that another process does not answer any more."""
    return any(sign in str(error).lower() for sign in _SIGNS)
