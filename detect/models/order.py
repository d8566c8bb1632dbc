"""Randomness of training as a pure function of (seed, epoch, position).

Nothing depends on the state of a generator, on the number of worker processes or on what ran before. So a training
that was killed and resumed sees exactly the images, in the order and with the augmentation, of one that was not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch


def reseed(seed: int, epoch: int, position: int) -> None:
    """Seed Python's and numpy's global generators for one training image."""
    (value,) = np.random.SeedSequence([seed, epoch, position]).generate_state(1)
    random.seed(int(value))
    np.random.seed(int(value))


class Order(torch.utils.data.Sampler[int]):
    """Each pass is a new permutation; a key is epoch * items + position, so that workers know the epoch."""

    def __init__(self, items: int, seed: int, epoch: int) -> None:
        self.items, self.seed, self.epoch = items, seed, epoch

    def __len__(self) -> int:
        return self.items

    def __iter__(self) -> Iterator[int]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        for position in np.random.default_rng([self.seed, epoch]).permutation(self.items):
            yield epoch * self.items + int(position)
