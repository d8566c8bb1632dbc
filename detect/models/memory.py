"""Out of memory: recognised, and answered with a batch that fits."""

from __future__ import annotations

from collections.abc import Callable

import torch

_SIGNS = ("out of memory", "can't allocate memory", "alloc_failed")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that a device's memory, or the machine's, is used up."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error).lower() for sign in _SIGNS)


def largest_batch(size: int, attempt: Callable[[int], None]) -> int:
    """The first of size / 2, size / 4 ... 1 with which `attempt` runs; 0 where none does."""
    while size := size // 2:
        try:
            attempt(size)
            return size
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    return 0
