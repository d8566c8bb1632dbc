"""Which device is meant by a name, and what is said where it is not there."""

from __future__ import annotations

import pytest
import torch

from detect.errors import ModelError
from detect.models.device import pick_device, pick_devices


@pytest.fixture(params=[0, 1, 2])
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine that has so many, as far as torch can tell."""
    count: int = request.param
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch, "zeros", lambda _, device: Made(device))
    return count


class Made:
    """A tensor on a device that need not be there."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)


PICKED = [
    # a name, how many GPUs it needs, and what it is then
    ("auto", 0, None),
    ("cpu", 0, "cpu"),
    ("gpu", 1, "cuda:0"),
    (0, 1, "cuda:0"),
    ("1", 2, "cuda:1"),
    ("cuda:7", 8, "cuda:7"),
    ("mps", 99, "mps:0"),
]


@pytest.mark.parametrize(("name", "needs", "picked"), PICKED)
def test_a_device_that_is_there_and_one_that_is_not(gpus: int, name: object, needs: int, picked: str | None) -> None:
    if needs <= gpus:
        assert str(pick_device(name)) == (picked or ("cuda:0" if gpus else "cpu"))
        return
    there = {
        0: r"torch finds no (cuda|mps) device here.*write auto or cpu",
        1: "has cuda:0 and the CPU",
        2: "has cuda:0 to cuda:1",
    }
    said = there[gpus] if name != "mps" else there[0]
    with pytest.raises(ModelError, match=rf"device '{name}' cannot be used: .*{said}"):
        pick_device(name)


def test_several_are_for_a_training(gpus: int) -> None:
    with pytest.raises(ModelError, match="device '0,1' cannot be used: several are for a training; name one of them"):
        pick_device("0,1")
    assert [str(device) for device in pick_devices("cpu", 2)] == ["cpu", "cpu"]
    if gpus < 2:
        with pytest.raises(ModelError, match="device 'cuda:0,1' cannot be used"):
            pick_devices("cuda:0,1", 2)
        return
    for name in ("cuda:0,1", "cuda", "auto", "cuda:0"):
        assert [str(device) for device in pick_devices(name, 2)] == ["cuda:0", "cuda:1"]
    assert [str(device) for device in pick_devices("cuda:1,0", 2)] == ["cuda:1", "cuda:0"]
    with pytest.raises(ModelError, match="device 'cuda x 3' cannot be used: this machine has cuda:0 to cuda:1"):
        pick_devices("auto", 3)


def test_a_device_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def old(*_: object, **__: object) -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old\nmore")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch, "zeros", old)
    with pytest.raises(ModelError, match=r"device 'gpu' cannot be used: The NVIDIA driver on your system is too old$"):
        pick_device("gpu")
