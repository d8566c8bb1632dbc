"""`batch: auto`: the largest batch for which there is memory, found before a training starts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch

from detect.data import Dataset
from detect.errors import ConfigError, ModelError
from detect.models.device import pick_devices
from detect.models.families import family_of
from detect.models.family import resolve
from detect.progress import remark
from detect.recipes import Recipe, load_recipe
from detect.recipes.sections import AUTO
from detect.training.job import make_job
from detect.training.listeners import Listeners
from detect.training.memory import out_of_memory

SHARE = 0.6  # of the free memory that what a step keeps may fill: passing values come on top, and other programs
MOST = 512  # photos: more make few steps of an epoch
MEMORY, CONTAINER = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
Step = Callable[[int], None]
"""A training step on so many grey pictures."""


def with_batch(recipe: Recipe, dataset: Dataset, out: Path, *, known: bool) -> Recipe:
    """The recipe with a number of photos for a batch where it leaves that open.

    It is the one of the run in `out` where that is `known`, else a power of two: the largest that fits. Raises
    ConfigError where several machines would have to agree on one, ModelError where not one photo fits.
    """
    if recipe.batch != AUTO:
        return recipe
    if recipe.nodes > 1:
        raise ConfigError("`batch` is auto, and machines may differ in memory; with `nodes` name a number")
    if known and (out / "recipe.yaml").is_file():
        return recipe.model_copy(update={"batch": load_recipe(out / "recipe.yaml").batch})
    family = family_of(recipe.model)
    if family.trial is None:
        raise ModelError(f"{recipe.model}: `batch` cannot be auto, name a number")
    one = recipe.model_copy(update={"batch": max(1, family.least_batch)})
    job, device = make_job(one, dataset, out, Listeners()), pick_devices(recipe.device, recipe.devices)[0]
    most = min(MOST, max(len(job.train) // recipe.devices, family.least_batch))
    step: Step = resolve(family.trial)(job)
    if device.type == "cuda":
        batch = largest_by_trying(step, most)
    else:
        batch = largest_by_size(bytes_per_photo(step), int(SHARE * free_memory() / recipe.devices), most)
    if batch < family.least_batch:
        raise ModelError(f"not even batch={family.least_batch} fits: lower `imgsz` or take a smaller model")
    remark(f"batch: {batch} photos, the most that fit")
    return recipe.model_copy(update={"batch": batch})


def largest_by_trying(step: Step, most: int) -> int:
    """The largest power of two up to `most` with which a step runs; 0 where none does."""
    fits = 0
    while max(1, 2 * fits) <= most:
        try:
            step(max(1, 2 * fits))
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            break
        fits = max(1, 2 * fits)
    torch.cuda.empty_cache()
    return fits


def largest_by_size(each: float, free: int, most: int) -> int:
    """The largest power of two up to `most` of photos that take `each` so many bytes; 0 where none is free for one."""
    count = min(float(most), free / each)
    return 1 << (int(count).bit_length() - 1) if count >= 1 else 0


def bytes_per_photo(step: Step) -> float:
    """How much memory one photo more takes in a training step: what is kept of it for the way back."""
    few, more = _kept(step, 2), _kept(step, 4)
    return max(1.0, (more - few) / 2)


def _kept(step: Step, size: int) -> int:
    """Bytes that the backward pass of a step needs; each memory counts once, however many layers look at it."""
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        step(size)
    return sum(kept.values())


def free_memory() -> int:
    """Bytes that a process may still take: what the system has to spare, and no more than its container grants.

    Sources: proc(5), MemAvailable; cgroup v2, memory.max, https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    try:
        lines = dict(line.split(":", 1) for line in MEMORY.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux: half of what there is
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    try:
        granted, taken = (int((CONTAINER / name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):  # no such file, or "max"
        return free
    return max(0, min(free, granted - taken))
