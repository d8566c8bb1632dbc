"""Names of devices, as people write them for any tool, in one form: cpu, cuda, cuda:1, cuda:0,1, mps. Without torch."""

from __future__ import annotations

import re
from typing import NamedTuple

from detect.errors import ModelError, did_you_mean

KINDS = {
    "": "auto", "auto": "auto", "none": "auto", "cpu": "cpu", "cuda": "cuda", "gpu": "cuda", "mps": "mps", "xpu": "xpu",
}  # fmt: skip
MANY = ("cuda", "xpu")  # kinds of which a machine may have several
EXPECTED = "expected auto, cpu, cuda:0 (or 0) for the first GPU, or mps"
_PART = re.compile(r"([a-z]*)(?::?([0-9]{1,9}))?", re.ASCII)
_NEGATIVE = re.compile(r"([a-z]+:)?-[0-9]+", re.ASCII)


class DeviceName(NamedTuple):
    """`kind` is auto, cpu, cuda, mps or xpu; `numbers` are those of the GPUs that were named, if any."""

    kind: str
    numbers: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(map(str, self.numbers))}" if self.numbers else self.kind


def parse_device(given: object) -> DeviceName:
    """What is meant by "cuda:0", "gpu", "CPU", 0, "0,1", [0, 1], None, a torch.device ...

    A number alone is that of a GPU, and nothing means auto, as with ultralytics. Raises ValueError for anything else.
    """
    text = re.sub(r"[\s\[\]()'\"]", "", str(given)).lower()
    parts = [part for part in text.split(",") if part] or [""]
    kinds, numbers = list[str](), list[int]()
    for part in parts:
        match = _PART.fullmatch(part)
        if match is None or (match[1] not in KINDS):
            if _NEGATIVE.fullmatch(part):
                raise ValueError(f"{EXPECTED}; -1 is the CPU to some tools, and an idle GPU to others")
            raise ValueError(EXPECTED + did_you_mean(part, [name for name in KINDS if name]))
        kinds.append(KINDS[match[1]] if match[1] or not match[2] else (kinds or ["cuda"])[0])
        numbers += [int(match[2])] if match[2] else []
    kind = kinds[0]
    if kind not in MANY and len(parts) == 1 and numbers in ([], [0]):
        return DeviceName(kind)
    whole = len(numbers) == len(set(numbers)) == len(parts)
    if kind in MANY and set(kinds) == {kind} and (whole or (len(parts) == 1 and not numbers)):
        return DeviceName(kind, tuple(numbers))
    raise ValueError(f"{EXPECTED}; several are GPUs with different numbers, such as 0,1")


def device_name(given: object) -> DeviceName:
    """The same, as a ModelError where it is no name of a device."""
    try:
        return parse_device(given)
    except ValueError as error:
        raise ModelError(f"device {str(given)[:40]!r} is not known: {error}") from None
