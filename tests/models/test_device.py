"""How many threads a training takes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from detect.models.device import set_threads
from detect.recipes import Recipe


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    count = torch.get_num_threads()
    yield
    torch.set_num_threads(count)


@pytest.mark.parametrize(
    ("said", "threads", "taken"),
    [("3", 2, 2), ("3", 0, 3), ("", 2, 2), ("", 0, None), ("0", 0, None), ("4,2", 0, None)],
)
def test_threads_are_the_recipes_then_the_environments_then_all(
    said: str, threads: int, taken: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    set_threads(Recipe(model="yolo11n", threads=threads))
    assert torch.get_num_threads() == (taken or os.cpu_count())
