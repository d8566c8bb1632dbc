"""Randomness of training as a pure function of (seed, epoch, position).

Nothing depends on the state of a generator, on the number of worker processes or on what ran before. So a training
that was killed and resumed sees exactly the images, in the order and with the augmentation, of one that was not.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

import numpy as np
import torch


def reseed(seed: int, epoch: int, position: int) -> None:
    """Seed Python's and numpy's global generators for one training image."""
    (value,) = np.random.SeedSequence([seed, epoch, position]).generate_state(1)
    random.seed(int(value))
    np.random.seed(int(value))


COPIES = 64  # of one image in one epoch, at most


class EpochSampler(torch.utils.data.Sampler[int]):
    """Each pass is a new permutation; a key is epoch * items + position, so that workers know the epoch.

    With `factors` (N,) image i is seen factors[i] times an epoch on average, rounded down or up (one of 1 or more never
    misses an epoch), and the length of an epoch stays the same;
    the epoch in a key is then epoch * COPIES + copy, so that every copy is augmented in its own
    way. Of `world` processes that share an epoch, number `rank` gets every world-th key; the first keys fill up the
    last round.
    """

    def __init__(
        self, items: int, seed: int, epoch: int, factors: Sequence[float] = (), rank: int = 0, world: int = 1
    ) -> None:
        self.rank, self.world = rank, world
        self.items, self.seed, self.epoch = items, seed, epoch
        self.ends = np.cumsum(np.minimum(factors, COPIES)) if len(factors) else np.empty(0)
        self.length = math.ceil(round(float(self.ends[-1]), 6)) if len(factors) else items

    def __len__(self) -> int:
        return -(-self.length // self.world)

    def __iter__(self) -> Iterator[int]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        keys = self._keys(epoch)
        for place in range(self.rank, len(self) * self.world, self.world):
            yield keys[place % len(keys)]

    def _keys(self, epoch: int) -> list[int]:
        rng = np.random.default_rng([self.seed, epoch])
        if not len(self.ends):
            return [epoch * self.items + position for position in rng.permutation(self.items).tolist()]
        keys = [
            (epoch * COPIES + copy) * self.items + position
            for position, times in enumerate(self._times(rng))
            for copy in range(times)
        ]
        return list(rng.permutation(keys).tolist())

    def _times(self, rng: np.random.Generator) -> list[int]:
        """How often each image is seen in this epoch: its factor, up or down at random (systematic resampling)."""
        ends = np.floor(self.ends * (self.length / self.ends[-1]) + rng.random()).astype(int)
        ends[-1] = self.length
        return list(np.diff(ends, prepend=0).tolist())
