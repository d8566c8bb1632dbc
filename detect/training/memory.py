"""Out of memory: recognised, and answered with a batch that fits."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch

from detect.errors import ModelError

_SIGNS = ("out of memory", "can't allocate memory", "alloc_failed")


def within_memory(train: Callable[[], None], batch: int, attempt: Callable[[int], None], least: int = 1) -> None:
    """Train. Raises ModelError where the memory is too small, with the largest batch that fits.

    `attempt` makes one step with a smaller batch, of at least `least`.
    """
    try:
        train()
        return
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
    # No longer under `except`, which holds on to all that the failed step had in memory.
    fits = largest_batch(batch, attempt, least)
    remedy = f"batch={fits} fits" if fits else f"not even batch={least} fits: lower `imgsz` or take a smaller model"
    raise ModelError(f"out of memory with batch={batch}; {remedy}")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch means that a device's memory, or the machine's, is used up."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error).lower() for sign in _SIGNS)


def largest_batch(size: int, attempt: Callable[[int], None], least: int = 1) -> int:
    """The first of size / 2, size / 4 ... `least` with which `attempt` runs; 0 where none does."""
    gc.collect()
    while (size := size // 2) >= least:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            attempt(size)
            return size
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
    return 0
