"""Rare classes are seen more often, or count more, by the rules of the papers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from detect.data import Box, Image
from detect.recipes import Balance
from detect.training.balance import class_weights, repeat_factors
from detect.training.batches import Groups
from detect.training.sampler import COPIES, EpochSampler

CLASSES = ("dent", "crack", "rust")


def image(number: int, *labels: str) -> Image:
    return Image(f"{number}.jpg", 99, 99, tuple(Box(label, 0, 0, 9, 9) for label in labels))


# 100 images: 80 with a dent, 10 of them with a crack as well, 4 with a crack alone, 16 undamaged.
IMAGES = [
    *(image(n, "dent", "crack") if n < 10 else image(n, "dent") for n in range(80)),
    *(image(n, "crack", "crack") for n in range(80, 84)),
    *(image(n) for n in range(84, 100)),
]


def test_repeat_factors_are_those_of_lvis() -> None:
    """Cracks are in 14 of 100 images: sqrt(0.56 / 0.14) = 2."""
    factors = repeat_factors(IMAGES, 0.56)
    assert factors[0] == factors[83] == 2.0
    assert factors[50] == 1.0
    assert factors[90] == 1.0, "an undamaged car is seen as often as before"
    assert repeat_factors(IMAGES, 0.1) == (), "no class is as rare as that"
    assert repeat_factors([], 0.5) == ()
    assert repeat_factors([image(1)], 0.5) == ()


def test_weights_are_inverse_to_the_boxes_or_their_effective_number() -> None:
    inverse = class_weights(IMAGES, CLASSES, Balance(weights="inverse"))
    assert inverse[0] * 80 == pytest.approx(inverse[1] * 18)
    assert inverse[2] == 1.0, "a class without boxes"
    assert (inverse[0] * 80 + inverse[1] * 18) / 98 == pytest.approx(1)
    effective = class_weights(IMAGES, CLASSES, Balance(weights="effective", beta=0.99))
    assert effective[1] / effective[0] == pytest.approx((1 - 0.99**80) / (1 - 0.99**18))
    assert class_weights(IMAGES, CLASSES, Balance()) == ()
    assert class_weights([image(1)], CLASSES, Balance(weights="inverse")) == ()


def test_an_epoch_repeats_images_by_their_factor() -> None:
    factors = (1.0, 2.5, 1.0, 0.5)
    order = EpochSampler(4, seed=3, epoch=0, factors=factors)
    assert len(order) == 5
    seen: Counter[int] = Counter()
    for _ in range(400):
        keys = list(order)
        assert len(keys) == len(set(keys)) == 5, "every copy has a key, and so a variation, of its own"
        seen.update(key % 4 for key in keys)
    np.testing.assert_allclose([seen[k] / 400 for k in range(4)], factors, atol=0.02)
    assert list(EpochSampler(4, 3, 7, factors)) == list(EpochSampler(4, 3, 7, factors))
    assert max(EpochSampler(4, 3, 7, factors)) < (7 * COPIES + COPIES) * 4


@pytest.mark.parametrize(("items", "world"), [(10, 2), (10, 3), (3, 4)])
@pytest.mark.parametrize("factor", [(), (1.5,)])
def test_processes_share_an_epoch(items: int, world: int, factor: tuple[float, ...]) -> None:
    """Together they see every key of the epoch, each the same number."""
    factors = factor * items
    parts = [list(EpochSampler(items, 1, 5, factors, rank, world)) for rank in range(world)]
    assert len({len(part) for part in parts}) == 1
    whole = list(EpochSampler(items, 1, 5, factors))
    assert {key for part in parts for key in part} == set(whole)
    assert sum(map(len, parts)) - len(whole) < world


@pytest.mark.parametrize(
    ("items", "size", "groups"),
    [(9, 4, [4, 5]), (10, 4, [4, 4, 2]), (8, 4, [4, 4]), (3, 8, [3]), (1, 4, [1]), (3, 1, [1, 1, 1]), (5, 4, [5])],
)
def test_no_picture_is_alone_in_its_batch(items: int, size: int, groups: list[int]) -> None:
    batches = Groups(EpochSampler(items, 0, 0), size)
    made = list(batches)
    assert [len(group) for group in made] == groups
    assert len(batches) == len(made)
    assert sorted(key for group in made for key in group) == list(range(items))


def test_no_photo_misses_an_epoch() -> None:
    """Also where the factors add up to a little more than a whole number."""
    for factors in ((1.0, 1.0, 1.0, 1.4), (1.0,) * 100 + (1.37,) * 4):
        order = EpochSampler(len(factors), 0, 0, factors)
        for _ in range(50):
            assert {key % len(factors) for key in order} == set(range(len(factors)))
