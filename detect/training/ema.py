"""EMA: the exponential moving average of a network's weights, which is measured and kept in their place."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

DECAY, RAMP = 0.9998, 2000.0  # the decay rises to it over so many steps


class Ema:
    """The average of a module's weights over `steps` steps, quick to forget at first; it waits for no GPU."""

    def __init__(self, module: Any) -> None:
        self.module, self.steps = deepcopy(module).requires_grad_(False), 0
        own, its = self.module.state_dict().values(), module.state_dict().values()  # in the memory of both, for good
        self.pairs = [pair for pair in zip(own, its, strict=True) if pair[0].is_floating_point()]
        self.counters = [pair for pair in zip(own, its, strict=True) if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are after a step."""
        averages, values = zip(*self.pairs, strict=True)
        decay = DECAY * (1 - math.exp(-(self.steps + 1) / RAMP)) if self.steps else 0.0
        get_ema_multi_avg_fn(decay)(averages, values, self.steps)  # type: ignore[no-untyped-call]
        for own, value in self.counters:
            own.copy_(value)
        self.steps += 1
