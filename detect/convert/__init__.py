"""Read and write what LabelImg, CVAT, Ultralytics and COCO write, without losing or inventing a box."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from detect.data import Dataset
from detect.errors import Problems


def read(
    source: str | Path,
    *,
    format: str | None = None,  # noqa: A002
    images: Path | None = None,
    on_error: Literal["fail", "skip"] = "fail",
    problems: Problems | None = None,
) -> Dataset:
    """Read a folder, an annotation file or a dataset description."""
    raise NotImplementedError


def write(
    dataset: Dataset,
    dest: Path,
    format: str,  # noqa: A002
    *,
    media: Literal["link", "none"] = "link",
    problems: Problems | None = None,
) -> Path:
    """Write a dataset in one of FORMATS."""
    raise NotImplementedError
