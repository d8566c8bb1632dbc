"""Whether a file of tensors is as it was saved, and its tensors are numbers. torch asks for neither."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch

from detect.errors import ModelError


def require_intact(path: Path) -> None:
    """Raise ModelError where a part of a zip archive, which `.pt` files are, has another checksum than when saved."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for part in archive.infolist():
                with archive.open(part) as content:
                    while part.CRC and content.read(2**20):  # 0: torch was told to write none
                        pass
    except Exception as error:  # noqa: BLE001  a damaged archive can make the reader stumble anywhere
        raise ModelError(f"{path}: is damaged: {error}; copy or train it again") from None


def require_finite(tensors: Mapping[str, torch.Tensor], path: Path | str) -> None:
    """Raise ModelError where a tensor holds NaN or an infinite number: every picture would look empty."""
    if broken := not_finite(tensors):
        raise ModelError(
            f"{path}: NaN or infinite numbers in {len(broken)} of {len(tensors)} tensors, the first {broken[0]}; "
            "take other weights, or train them again with a smaller `lr`"
        )


def not_finite(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """The names of tensors that hold NaN or an infinite number, also as float32, in which networks compute."""
    return [name for name, value in tensors.items()
            if value.is_floating_point() and not (value.is_meta or value.is_sparse)
            and not torch.isfinite(value.float()).all()]  # fmt: skip
