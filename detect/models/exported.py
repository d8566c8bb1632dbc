"""Exported models as detectors: ONNX Runtime, OpenVINO, TorchScript."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from detect.device_names import DeviceName, device_name
from detect.errors import MissingExtra, ModelError
from detect.geometry import Boxes
from detect.models.detector import Picture
from detect.models.export_metadata import KEY, ExportMetadata, read_metadata
from detect.models.file_digest import require_unchanged
from detect.models.letterbox import back, letterbox, resize
from detect.models.nms import Candidates, candidates
from detect.models.openvino import core

Arrays = Sequence[Any]
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
        self.run, about = OPENERS[path.suffix](path, device_name(device), threads)
        self.metadata: ExportMetadata = about
        self.name, self.classes, self.imgsz = about.model, about.classes, about.imgsz
        self.suppression, self.point = about.suppression, about.operating_point

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector."""
        return [self._one(picture, confidence) for picture in pictures]

    def _one(self, picture: Picture, confidence: float) -> Candidates:
        image, undo = self.placed(picture)
        boxes, scores, labels = self._found(image)
        sure = scores > confidence
        return candidates(undo(boxes[sure]), scores[sure], labels[sure])

    def placed(self, picture: Picture) -> tuple[NDArray[np.float32], Callable[[Boxes], Boxes]]:
        """A picture as input of the file (1, 3, H, W), and what brings boxes of the input back into the picture."""
        if self.metadata.padded:
            placed = letterbox(picture, self.imgsz)
            return _input(placed.pixels), placed.undo
        resized, scale = resize(picture, self.imgsz)
        return _input(resized.transpose(2, 0, 1)), lambda boxes: back(boxes, scale)

    def _found(self, image: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """What its runtime finds in (1, 3, H, W): boxes (N, 4), scores (N,), labels (N,). Raises ModelError."""
        try:
            boxes, scores, labels = map(np.asarray, self.run(image))
        except Exception as error:  # noqa: BLE001  a runtime raises what it likes
            raise ModelError(f"{self.path}: cannot be run: {_first_line(error)}; export it again") from None
        right = boxes.shape == (*scores.shape, 4) and scores.shape == labels.shape
        if not (right and np.isfinite(boxes).all() and np.isfinite(scores).all()):
            raise ModelError(f"{self.path}: gives other things than boxes, scores and classes; export it again")
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise ModelError(f"{self.path}: finds more classes than the {len(self.classes)} it names; export it again")
        return boxes.astype(np.float64), scores.astype(np.float64), labels.astype(np.int64)


def _input(pixels: Picture) -> NDArray[np.float32]:
    """(3, H, W) uint8 as (1, 3, H, W) float32 in 0..1."""
    return np.ascontiguousarray(pixels[None], dtype=np.float32) / np.float32(255)


def _onnx(path: Path, device: DeviceName, threads: int) -> tuple[Run, ExportMetadata]:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtra("onnxruntime", "run") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that spin while they wait take the processor from everything else on it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted: list[Any] = []
    if _on_gpu(device, onnxruntime.get_available_providers()):
        wanted = [(_GPU, {"device_id": (*device.numbers, 0)[0]})]
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[*wanted, "CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  a runtime raises what it likes
        raise ModelError(f"{path}: cannot be opened by ONNX Runtime: {_first_line(error)}") from None
    _on_gpu(device, session.get_providers())  # it falls back to the CPU silently
    names = ["boxes", "scores", "labels"]
    about = read_metadata(session.get_modelmeta().custom_metadata_map.get(KEY), path)
    require_unchanged(path)
    return lambda image: session.run(names, {"image": image}), about


def _on_gpu(device: DeviceName, providers: Sequence[str]) -> bool:
    """Whether ONNX Runtime is to compute on a GPU. Raises ModelError where these are not the providers for it."""
    if device.kind not in ("auto", "cpu", "cuda") or len(device.numbers) > 1:
        raise ModelError(f"device {str(device)!r} cannot be used: ONNX Runtime takes cpu or one GPU, such as cuda:0")
    if device.kind == "cuda" and _GPU not in providers:
        raise ModelError(
            f"device {str(device)!r} cannot be used by this ONNX Runtime, only cpu; GPUs need onnxruntime-gpu"
        )
    return device.kind != "cpu" and _GPU in providers


def _openvino(path: Path, device: DeviceName, threads: int) -> tuple[Run, ExportMetadata]:
    _only_cpu(device, "OpenVINO")
    runtime = core()
    try:
        model = runtime.read_model(str(path))
    except Exception as error:  # noqa: BLE001  a runtime raises what it likes
        raise ModelError(f"{path}: cannot be opened by OpenVINO: {_first_line(error)}") from None
    about = read_metadata(model.get_rt_info([KEY]).astype(str) if model.has_rt_info([KEY]) else None, path)
    require_unchanged(path, [path.with_suffix(".bin")])
    settings: dict[str, Any] = {**F32, "PERFORMANCE_HINT": "LATENCY"}
    settings |= {"INFERENCE_NUM_THREADS": threads} if threads else {}
    try:
        compiled = runtime.compile_model(model, "CPU", settings)
    except Exception as error:  # noqa: BLE001  a runtime raises what it likes
        raise ModelError(f"{path}: cannot be opened by OpenVINO: {_first_line(error)}") from None

    def run(image: NDArray[np.float32]) -> Arrays:
        found = compiled({"image": image})
        return [np.asarray(found[name]) for name in ("boxes", "scores", "labels")]

    return run, about


def _torchscript(path: Path, device: DeviceName, _threads: int) -> tuple[Run, ExportMetadata]:
    import torch

    from detect.models.intact import require_finite, require_intact

    _only_cpu(device, "TorchScript")  # the tracer wrote it into every step

    require_intact(path)
    extra: dict[str, Any] = {f"{KEY}.json": ""}
    jit = cast(Any, torch.jit)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # TorchScript is old, and asked for
            module = jit.load(str(path), map_location="cpu", _extra_files=extra)
    except Exception as error:  # noqa: BLE001  a runtime raises what it likes
        raise ModelError(f"{path}: cannot be opened as TorchScript: {_first_line(error)}") from None
    text = extra[f"{KEY}.json"]
    about = read_metadata(text.decode("utf-8", "replace") if isinstance(text, bytes) else text, path)
    require_finite(module.state_dict(), path)

    @torch.inference_mode()
    def run(image: NDArray[np.float32]) -> Arrays:
        return [value.numpy() for value in module(torch.from_numpy(image))]

    return run, about


OPENERS: dict[str, Callable[[Path, DeviceName, int], tuple[Run, ExportMetadata]]] = {
    ".onnx": _onnx,
    ".xml": _openvino,
    ".torchscript": _torchscript,
}


def _only_cpu(device: DeviceName, to: str) -> None:
    if device.kind not in ("auto", "cpu"):
        raise ModelError(f"device {str(device)!r} cannot be used: a model exported to {to} runs on the CPU; write cpu")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
