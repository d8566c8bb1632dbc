"""What `--resume` needs: the state of a training after its last whole epoch, in state.pt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from detect.errors import ModelError
from detect.models.intact import not_finite, require_finite
from detect.models.weights import Tensors, load_tensors, save_tensors
from detect.training.job import Job, save_trained
from detect.training.memory import out_of_memory
from detect.training.stopping import EarlyStopping


def save_epoch(job: Job, epoch: int, stopping: EarlyStopping, ema: Tensors, rest: dict[str, Any], better: bool) -> None:
    """Save an epoch, from 1: the weights where they are the best so far, and then the state.

    `ema` are the weights that were measured; `rest` is what else the loop needs to go on. Raises ModelError where the
    weights are no numbers any more, and keeps what was saved before.
    """
    if broken := not_finite(ema):
        raise ModelError(f"epoch {epoch}: {broken[0]} of the weights is no longer a number; try a smaller `lr`")
    if better:
        save_trained(ema, job, job.best)
    own = {"best": stopping.best, "since": stopping.since, "threads": torch.get_num_threads()}
    save_tensors({"epoch": epoch, **own, "ema": ema, **rest}, job.state)


def load_state(job: Job, stopping: EarlyStopping) -> dict[str, Any]:
    """The state that `save_epoch` wrote; early stopping goes on from it. Raises ModelError where it is damaged."""
    state = load_tensors(job.state)
    with restoring(job):
        stopping.best, stopping.since = float(state["best"]), int(state["since"])
        state["epoch"], state["threads"] = int(state["epoch"]), int(state.get("threads", 0))
        require_finite(state["ema"], job.state)
    return state


@contextmanager
def restoring(job: Job) -> Iterator[None]:
    """What is taken from a state; whatever does not fit there becomes a ModelError."""
    try:
        yield
    except (KeyError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        if out_of_memory(error):
            raise
        raise ModelError(
            f"{job.state}: is not the state of this training, or damaged; start another one from its weights with "
            f"weights={job.best}"
        ) from None


def is_over(state: dict[str, Any], job: Job, stopping: EarlyStopping) -> bool:
    """Whether nothing is left to learn after this state."""
    return bool(state["epoch"] >= job.recipe.epochs or stopping.over)
