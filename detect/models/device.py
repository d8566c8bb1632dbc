"""Where a model runs."""

from __future__ import annotations

import torch

from detect.device_names import device_name
from detect.errors import ModelError
from detect.recipes import Recipe


def pick_device(device: object) -> torch.device:
    """The device of this machine by its name, see `parse_device`; "auto": the first GPU where there is one.

    Raises ModelError where it cannot be had, and for several.
    """
    if len(device_name(device).numbers) > 1:
        raise ModelError(f"device {str(device)!r} cannot be used: several are for a training; name one of them")
    return pick_devices(device, 1)[0]


def pick_devices(device: object, count: int) -> list[torch.device]:
    """So many devices of this machine by their name: those that are named, else from the first on.

    Raises ModelError where they cannot be had.
    """
    kind, numbers = device_name(device)
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cpu":
        return [torch.device("cpu")] * count
    first = numbers[0] if numbers else 0
    wanted = numbers if len(numbers) > 1 else tuple(range(first, first + count))
    if max(wanted) >= (there := _how_many(kind)):
        asked = str(device) if count == 1 or numbers else f"{kind} x {count}"
        raise ModelError(f"device {asked!r} cannot be used: {_what_there_is(kind, there)}")
    try:
        return [torch.zeros(0, device=f"{kind}:{number}").device for number in wanted]
    except (RuntimeError, AssertionError) as error:  # a driver that is too old, a GPU that somebody else has filled
        raise ModelError(f"device {str(device)!r} cannot be used: {str(error).splitlines()[0]}") from None


def _how_many(kind: str) -> int:
    """How many devices of a kind torch can use here."""
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    module = torch.cuda if kind == "cuda" else torch.xpu
    return module.device_count() if module.is_available() else 0


def _what_there_is(kind: str, there: int) -> str:
    if there:
        last = f" to {kind}:{there - 1}" if there > 1 else ""
        return f"this machine has {kind}:0{last} and the CPU"
    without = " (this torch was built without CUDA)" if kind == "cuda" and torch.version.cuda is None else ""
    other = "cuda:0 and " if kind != "cuda" and torch.cuda.is_available() else ""
    return f"torch finds no {kind} device here{without}, only {other}the CPU; write auto or cpu"


def half(recipe: Recipe, device: torch.device) -> bool:
    """Whether a network trains in bfloat16."""
    return recipe.precision == "bf16" or (recipe.precision == "auto" and device.type == "cuda")
