"""What `--resume` needs: the state of a training after its last whole epoch, in state.pt."""

from __future__ import annotations

from typing import Any

import torch

from detect.models.weights import Tensors, load_tensors, save_tensors
from detect.training.job import Job, save_trained
from detect.training.stopping import EarlyStopping


def save_epoch(job: Job, epoch: int, stopping: EarlyStopping, ema: Tensors, rest: dict[str, Any], better: bool) -> None:
    """Save an epoch, from 1: the weights where they are the best so far, and then the state.

    `ema` are the weights that were measured; `rest` is what else the loop needs to go on.
    """
    if better:
        save_trained(ema, job, job.best)
    own = {"best": stopping.best, "since": stopping.since, "threads": torch.get_num_threads()}
    save_tensors({"epoch": epoch, **own, "ema": ema, **rest}, job.state)


def load_state(job: Job, stopping: EarlyStopping) -> dict[str, Any]:
    """The state that `save_epoch` wrote; early stopping goes on from it. Raises ModelError where it is damaged."""
    state = load_tensors(job.state)
    stopping.best, stopping.since = float(state["best"]), int(state["since"])
    return state


def is_over(state: dict[str, Any], job: Job, stopping: EarlyStopping) -> bool:
    """Whether nothing is left to learn after this state."""
    return bool(state["epoch"] >= job.recipe.epochs or stopping.over)
