"""Exported models as detectors: ONNX Runtime, OpenVINO, TorchScript."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from detect.errors import MissingExtra, ModelError
from detect.geometry import Boxes
from detect.models.detector import Picture
from detect.models.export_metadata import KEY, ExportMetadata, read_metadata
from detect.models.letterbox import back, letterbox, resize
from detect.models.nms import Candidates, candidates
from detect.models.openvino import openvino

Arrays = Sequence[NDArray[Any]]
_GPU = "CUDAExecutionProvider"
Run = Callable[[NDArray[np.float32]], Arrays]  # image -> boxes, scores, labels
# OpenVINO computes in bfloat16 on processors that can, without this, and scores move.
F32 = {"INFERENCE_PRECISION_HINT": "f32"}


class Exported:
    """A model that `detect export` wrote, as a Detector. Suppression is in its graph; weaker ones do nothing more."""

    def __init__(self, path: Path, *, device: str = "auto", threads: int = 0) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such model; `detect export` writes one")
        self.path = path
        self.run, about = OPENERS[path.suffix](path, device, threads)
        self.metadata: ExportMetadata = about
        self.name, self.classes, self.imgsz = about.model, about.classes, about.imgsz
        self.suppression, self.point = about.suppression, about.operating_point

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector."""
        return [self._one(picture, confidence) for picture in pictures]

    def _one(self, picture: Picture, confidence: float) -> Candidates:
        image, undo = self.placed(picture)
        boxes, scores, labels = self.run(image)
        sure = scores > confidence
        xyxy = undo(boxes[sure].astype(np.float64))
        return candidates(xyxy, scores[sure].astype(np.float64), labels[sure].astype(np.int64))

    def placed(self, picture: Picture) -> tuple[NDArray[np.float32], Callable[[Boxes], Boxes]]:
        """A picture as input of the file (1, 3, H, W), and what brings boxes of the input back into the picture."""
        if self.metadata.padded:
            placed = letterbox(picture, self.imgsz)
            return _input(placed.pixels), placed.undo
        resized, scale = resize(picture, self.imgsz)
        return _input(resized.transpose(2, 0, 1)), lambda boxes: back(boxes, scale)


def _input(pixels: Picture) -> NDArray[np.float32]:
    """(3, H, W) uint8 as (1, 3, H, W) float32 in 0..1."""
    return np.ascontiguousarray(pixels[None], dtype=np.float32) / np.float32(255)


def _onnx(path: Path, device: str, threads: int) -> tuple[Run, ExportMetadata]:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtra("onnxruntime", "run") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that spin while they wait take the processor from everything else on it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    kind, _, number = device.partition(":")
    on_gpu = kind == "cuda" or (kind == "auto" and _GPU in onnxruntime.get_available_providers())
    wanted: list[Any] = [(_GPU, {"device_id": int(number or 0)})] if on_gpu else []
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[*wanted, "CPUExecutionProvider"])
        if kind not in ("auto", "cpu") and _GPU not in session.get_providers():  # it falls back to the CPU silently
            raise ModelError(f"device {device!r} cannot be used by this ONNX Runtime; GPUs need onnxruntime-gpu")
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001  a runtime raises what it likes
        raise ModelError(f"{path}: cannot be opened by ONNX Runtime: {_first_line(error)}") from None
    names = ["boxes", "scores", "labels"]
    about = read_metadata(session.get_modelmeta().custom_metadata_map.get(KEY), path)
    return lambda image: session.run(names, {"image": image}), about


def _openvino(path: Path, device: str, threads: int) -> tuple[Run, ExportMetadata]:
    _only_cpu(device, "OpenVINO")
    core = openvino().Core()
    try:
        model = core.read_model(str(path))
    except Exception as error:  # noqa: BLE001  a runtime raises what it likes
        raise ModelError(f"{path}: cannot be opened by OpenVINO: {_first_line(error)}") from None
    about = read_metadata(model.get_rt_info([KEY]).astype(str) if model.has_rt_info([KEY]) else None, path)
    settings: dict[str, Any] = {**F32, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", {**settings, "INFERENCE_NUM_THREADS": threads} if threads else settings)

    def run(image: NDArray[np.float32]) -> Arrays:
        found = compiled({"image": image})
        return [np.asarray(found[name]) for name in ("boxes", "scores", "labels")]

    return run, about


def _torchscript(path: Path, device: str, _threads: int) -> tuple[Run, ExportMetadata]:
    import torch

    _only_cpu(device, "TorchScript")  # the tracer wrote it into every step

    extra: dict[str, Any] = {f"{KEY}.json": ""}
    jit = cast(Any, torch.jit)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # TorchScript is old, and asked for
            module = jit.load(str(path), map_location="cpu", _extra_files=extra)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{path}: cannot be opened as TorchScript: {_first_line(error)}") from None
    text = extra[f"{KEY}.json"]
    about = read_metadata(text.decode() if isinstance(text, bytes) else text, path)

    @torch.inference_mode()
    def run(image: NDArray[np.float32]) -> Arrays:
        return [value.numpy() for value in module(torch.from_numpy(image))]

    return run, about


OPENERS: dict[str, Callable[[Path, str, int], tuple[Run, ExportMetadata]]] = {
    ".onnx": _onnx,
    ".xml": _openvino,
    ".torchscript": _torchscript,
}


def _only_cpu(device: str, to: str) -> None:
    if device not in ("auto", "cpu"):
        raise ModelError(f"device {device!r} cannot be used: a model exported to {to} runs on the CPU")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
