"""Detectors behind one protocol, and the safe loading of their weights. Importing this package loads no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect.models.detector import Detector, Training


def load_detector(path: str | Path, *, device: str = "auto") -> Detector:
    """The detector in a run folder or weights file, ready to look at photos.

    Raises ModelError when the file is missing, unsafe, broken or does not fit; MissingExtra when the library that
    the model needs is not installed.
    """
    require_torch()
    from detect.models.names import TORCHVISION
    from detect.models.weights import load_weights

    weights = load_weights(Path(path))
    if weights.model in TORCHVISION:
        from detect.models.torchvision import Torchvision

        return Torchvision(weights, device=device, source=path)
    from detect.models.yolo import Yolo

    return Yolo(weights, device=device, source=path)


def fit_yolo(job: Training, *, resume: bool) -> None:
    """Train a YOLO, see Training. Raises ModelError, DataError or MissingExtra."""
    require_torch()
    from detect.models.yolo import trainer

    trainer.fit(job, resume=resume)


def require_torch() -> None:
    """Raise MissingExtra where torch or torchvision is not installed."""
    from importlib.util import find_spec

    from detect.errors import MissingExtra

    if find_spec("torch") is None or find_spec("torchvision") is None:
        raise MissingExtra("torch and torchvision", "train")
