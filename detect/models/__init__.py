"""Detectors behind one protocol, and the safe loading of their weights. Importing this package loads no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect.models.detector import Detector
    from detect.operating_point import OperatingPoint


EXPORTED = (".onnx", ".xml", ".torchscript")


def load_detector(path: str | Path, *, device: str = "auto", threads: int = 0) -> Detector:
    """The detector in a run folder, a weights file or an exported model, ready for photos.

    `threads` of the processor are used; 0: as many as OMP_NUM_THREADS says, or as there are cores. Pictures are spread
    over them; one that is alone is shared by them where that is faster at the moment.
    Raises ModelError when the file is missing, unsafe, broken or does not fit; MissingExtra when the library that
    the model needs is not installed.
    """
    path = model_file(Path(path))
    if path.suffix in EXPORTED:
        if path.suffix == ".torchscript":
            require_torch()
        from detect.models.exported import Exported

        return Exported(path, device=device, threads=threads)
    require_torch()
    from detect.models.families import family_of
    from detect.models.family import resolve
    from detect.models.weights import load_weights

    weights = load_weights(path)
    trained: Detector = resolve(family_of(weights.model).load)(weights, device=device, source=path, threads=threads)
    return trained


def load_point(path: str | Path) -> OperatingPoint | None:
    """The operating point that was fitted to a detector, if any. Raises what `load_detector` does."""
    path = model_file(Path(path))
    if path.suffix in EXPORTED:
        return load_detector(path, device="cpu").point
    require_torch()
    from detect.models.weights import load_weights

    return load_weights(path).operating_point


def model_file(path: Path) -> Path:
    """The file that is meant by a folder that `detect export` wrote; any other path is left as it is."""
    return path / "model.xml" if (path / "model.xml").is_file() else path


def require_torch() -> None:
    """Raise MissingExtra where torch or torchvision is not installed."""
    from importlib.util import find_spec

    from detect.errors import MissingExtra

    if find_spec("torch") is None or find_spec("torchvision") is None:
        raise MissingExtra("torch and torchvision", "train")
