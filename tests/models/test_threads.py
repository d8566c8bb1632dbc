"""Threads: how many, and pictures that are looked at side by side."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detect.geometry import as_boxes
from detect.models import threads
from detect.models.detector import Picture
from detect.models.families import build
from detect.models.nms import Candidates
from detect.models.threads import SideBySide, asked_threads, cores, fastest, set_threads
from detect.models.torchvision import detector as torchvision
from detect.models.yolo import detector as yolo
from detect.models.yolox import detector as yolox
from detect.recipes import Recipe

SHAPES = [(8, 8), (4, 9), (8, 8), (3, 3), (4, 9), (8, 8), (8, 8)]


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment asks for no number."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def pictures(shapes: Sequence[tuple[int, int]] = SHAPES) -> list[Picture]:
    return [np.full((*shape, 3), 10 + place, np.uint8) for place, shape in enumerate(shapes)]


def brightness(module: Any, some: Sequence[Picture]) -> list[Candidates]:
    """A box for each picture, whose score is its brightness."""
    rows = [float(module(torch.tensor(float(one.mean())))) for one in some]
    return [Candidates(as_boxes([[0, 0, 1, 1]]), np.array([row]), np.array([0])) for row in rows]


class Half(torch.nn.Module):
    """Keeps what it saw last, as a YOLO's head does; two threads with one network would find each other's."""

    def __init__(self, meet: threading.Barrier | None = None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(0.5), requires_grad=False)
        self.meet = meet

    def __deepcopy__(self, memo: dict[int, Any]) -> Half:
        twin = Half(self.meet)  # a barrier cannot be copied
        twin.weight = memo[id(self.weight)]
        return twin

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        self.last = value
        if self.meet is not None:
            self.meet.wait(60)
        assert self.last is value, "another thread looked with the same network"
        return value * self.weight


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_every_picture_gets_its_own_answer(count: int) -> None:
    found = SideBySide(Half(), count)(brightness, pictures())
    assert [one.score[0] for one in found] == [(10 + place) / 2 for place in range(len(SHAPES))]
    assert SideBySide(Half(), count)(brightness, []) == []


def test_two_look_at_once_each_with_a_network_of_its_own_and_the_same_weights() -> None:
    network = Half(threading.Barrier(2))
    spread = SideBySide(network, 2)
    assert [one.score[0] for one in spread(brightness, pictures([(4, 4)] * 2))] == [5, 5.5]
    network.weight.fill_(1)  # a copy of the weights would not learn of it
    assert [one.score[0] for one in spread(brightness, pictures([(4, 4)] * 2))] == [10, 11]


@pytest.mark.parametrize("model", ["yolov5n", "fasterrcnn_resnet18_fpn", "yolox-nano"])
def test_real_networks_see_the_same(model: str) -> None:
    """What they keep of the shape of the last input stays in its thread."""
    torch.manual_seed(0)
    module = build(Recipe(model=model, imgsz=64), 2).eval()
    of_family = {"yolov5n": yolo, "yolox-nano": yolox}.get(model, torchvision)
    look = partial(of_family.find_candidates, imgsz=64, confidence=1e-5)
    rng = np.random.default_rng(0)
    some = [rng.integers(0, 255, (*shape, 3), dtype=np.uint8) for shape in [(64, 40), (64, 64)] * 3]
    alone, together = SideBySide(module, 1)(look, some), SideBySide(module, 2)(look, some)
    for one, other in zip(alone, together, strict=True):
        assert len(one.score) > 20
        np.testing.assert_allclose(other.score, one.score, atol=1e-5)
        np.testing.assert_allclose(other.xyxy, one.xyxy, atol=1e-2)


def test_each_look_has_one_thread_and_the_process_keeps_its_own_number() -> None:
    seen: list[tuple[int, int]] = []

    def count(module: Any, some: Sequence[Picture]) -> list[Candidates]:
        seen.append((torch.get_num_threads(), len(some)))
        return brightness(module, some)

    before = torch.get_num_threads()
    SideBySide(Half(), 2)(count, pictures())
    assert sorted(seen) == [(1, 3), (1, 4)]
    SideBySide(Half(), 3)(count, pictures([(4, 4)]))  # one that is alone has all that were asked for
    assert seen[2:] == [(3, 1)]
    assert torch.get_num_threads() == before


def test_an_error_comes_out() -> None:
    def broken(module: Any, some: Sequence[Picture]) -> list[Candidates]:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        SideBySide(Half(), 2)(broken, pictures())


@pytest.mark.parametrize(
    ("shared", "alone", "chosen"),
    [
        (0.6, 1.0, 4),  # an idle machine
        (0.95, 1.0, 1),  # no gain that is worth a core
        (28.0, 1.0, 1),  # another process has a core
    ],
)
def test_the_faster_number_is_chosen(monkeypatch: pytest.MonkeyPatch, shared: float, alone: float, chosen: int) -> None:
    clock = [0.0]

    def conv2d(*given: Any, **how: Any) -> None:
        clock[0] += alone if torch.get_num_threads() == 1 else shared

    monkeypatch.setattr(threads, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(torch.nn.functional, "conv2d", conv2d)
    before = torch.get_num_threads()
    assert fastest(4) == chosen
    assert torch.get_num_threads() == before
    assert fastest(1) == 1


def test_a_picture_that_is_alone_is_measured_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    now = [100.0]

    def measure(most: int) -> int:
        measured.append(most)
        return 1

    monkeypatch.setattr(threads, "fastest", measure)
    monkeypatch.setattr(threads, "cores", lambda: 2)
    monkeypatch.setattr(threads, "monotonic", lambda: now[0])
    spread = SideBySide(Half())
    for later in (0, 1, threads.VALID + 2):
        now[0] = 100 + later
        spread(brightness, pictures([(4, 4)]))
    assert measured == [2, 2]


@pytest.mark.parametrize(
    ("quota", "most"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),  # a container that may use two
        ("150000 100000\n", 2),  # one and a half
        ("5000 100000\n", 1),
        ("9900000 100000\n", 8),  # more than there are
        ("", 8),
    ],
)
def test_a_containers_quota_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str, most: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(threads, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)))
    assert cores() == most


@pytest.mark.parametrize(
    ("said", "asked", "taken"),
    [
        ("3", 2, 2),  # the recipe before the environment
        ("3", 0, 3),
        ("", 2, 2),
        ("", 0, 0),
        ("0", 0, 0),
        ("4,2", 0, 0),  # for nested regions, of which there are none
    ],
)
def test_what_is_asked_for_counts(monkeypatch: pytest.MonkeyPatch, said: str, asked: int, taken: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert asked_threads(asked) == taken


@pytest.mark.parametrize(("asked", "before", "now"), [(3, 2, 3), (0, 2, 2), (0, 0, 1)])
def test_a_training_that_goes_on_keeps_its_number(
    monkeypatch: pytest.MonkeyPatch, asked: int, before: int, now: int
) -> None:
    monkeypatch.setattr(threads, "fastest", lambda most: 1)
    with threads.restored():
        set_threads(asked, before)
        assert torch.get_num_threads() == now
