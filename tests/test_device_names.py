"""Devices by the names that people know from other tools."""

from __future__ import annotations

import pytest

from detect.device_names import device_name, parse_device
from detect.errors import ModelError

NAMES = [
    # nothing, and what means nothing elsewhere
    ("auto", "auto"), ("AUTO", "auto"), ("", "auto"), (None, "auto"),
    # the CPU
    ("cpu", "cpu"), ("CPU", "cpu"), ("cpu:0", "cpu"),
    # a GPU, with its number or without
    ("cuda", "cuda"), ("gpu", "cuda"), ("cuda:0", "cuda:0"), ("GPU:0", "cuda:0"), ("cuda:7", "cuda:7"),
    ("gpu1", "cuda:1"),
    # a number alone is that of a GPU
    (0, "cuda:0"), ("0", "cuda:0"), (1, "cuda:1"), (" 1 ", "cuda:1"), ("0,", "cuda:0"),
    # several
    ("0,1", "cuda:0,1"), ("cuda:0,1", "cuda:0,1"), ("cuda:0, cuda:1", "cuda:0,1"), ([2, 3], "cuda:2,3"),
    ((0,), "cuda:0"),
    # Apple's, Intel's
    ("mps", "mps"), ("mps:0", "mps"), ("xpu:1", "xpu:1"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "name"), NAMES)
def test_names_that_mean_the_same_become_one(given: object, name: str) -> None:
    assert str(parse_device(given)) == name
    assert parse_device(name) == parse_device(given)


WRONG = [
    # no device at all; torch would take `meta`, and compute nothing
    ("cuda:", "did you mean cuda?"), ("cdua", "did you mean cuda?"), ("meta", "expected auto, cpu"),
    ("²", "expected auto"),
    (1.5, "expected auto"), (True, "expected auto"), ("cuda:x", "expected auto"), ("9" * 5000, "expected auto"),
    # two meanings
    (-1, "-1 is the CPU to some tools, and an idle GPU to others"), ("cuda:-1", "an idle GPU to others"),
    # several that are not several GPUs
    ("0,0", "different numbers"), ("cpu,0", "different numbers"), ("cuda,1", "different numbers"),
    ("cpu:1", "different numbers"), ("mps:1", "different numbers"), ("auto,0", "different numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_other_names_are_refused(given: object, said: str) -> None:
    with pytest.raises(ModelError, match=r"^device '.{1,40}' is not known: expected auto, cpu, ") as error:
        device_name(given)
    assert said in str(error.value)
