"""The state from which `--resume` goes on: another one, or a damaged one, is refused; weights of NaN are not saved."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from detect.errors import ModelError
from detect.models.weights import save_tensors
from detect.training.job import Job
from detect.training.state import load_state, restoring, save_epoch
from detect.training.stopping import EarlyStopping

STATE = {"epoch": 3, "best": 0.5, "since": 1, "ema": {"a": torch.ones(2)}, "threads": 1}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return cast(Job, SimpleNamespace(state=tmp_path / "state.pt", best=tmp_path / "best.pt"))


def test_it_is_read(job: Job) -> None:
    save_tensors(STATE, job.state)
    stopping = EarlyStopping(5)
    assert load_state(job, stopping)["epoch"] == 3
    assert (stopping.best, stopping.since) == (0.5, 1)


WRONG: list[tuple[dict[str, Any], str]] = [
    # weights in its place, values of another type, numbers that are none
    ({"format": "damage-detect weights 1"}, "is not the state of this training, or damaged; start another one from"),
    ({**STATE, "epoch": "three"}, "is not the state of this training"),
    ({**STATE, "best": None}, "is not the state of this training"),
    ({**STATE, "ema": [1, 2]}, "is not the state of this training"),
    ({**STATE, "ema": {"a": torch.tensor(float("nan"))}}, "NaN or infinite numbers in 1 of 1 tensors"),
]


@pytest.mark.parametrize(("state", "said"), WRONG)
def test_another_state_is_refused(state: dict[str, Any], said: str, job: Job) -> None:
    save_tensors(state, job.state)
    with pytest.raises(ModelError, match=rf"state\.pt: {said}"):
        load_state(job, EarlyStopping(5))


def test_what_does_not_fit_the_network_is_refused_but_memory_is_another_matter(job: Job) -> None:
    with pytest.raises(ModelError, match=r"state\.pt: is not the state of this training"), restoring(job):
        torch.nn.Linear(2, 3).load_state_dict({"weight": torch.ones(3, 2)})
    with pytest.raises(RuntimeError, match="out of memory"), restoring(job):
        raise RuntimeError("CUDA out of memory")


def test_weights_that_are_no_numbers_are_not_saved(job: Job) -> None:
    broken = {"a": torch.ones(2), "b": torch.tensor([1, float("inf")])}
    with pytest.raises(ModelError, match="epoch 4: b of the weights is no longer a number; try a smaller `lr`"):
        save_epoch(job, 4, EarlyStopping(5), broken, {}, better=True)
    assert not job.state.exists() and not job.best.exists()
