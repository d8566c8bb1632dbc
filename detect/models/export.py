"""A trained detector as one file for other runtimes: ONNX, OpenVINO, TorchScript, with its suppression in the graph.

Input "image": (1, 3, H, W) float32 RGB in 0..1, the longer side `imgsz`; a YOLO wants H and W padded with grey to
multiples of 32, the others do not. Outputs: "boxes" (N, 4) x1, y1, x2, y2 in pixels of the input, "scores" (N,) and
"labels" (N,) as numbers of the classes, best first. What the numbers mean is in the file, too; see `ExportMetadata`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torchvision.ops import nms

from detect.errors import MissingExtra, ModelError
from detect.files import atomic_file, atomic_folder, require_room
from detect.models.detector import Detector
from detect.models.export_metadata import KEY, ExportMetadata
from detect.models.families import family_of
from detect.models.family import resolve
from detect.models.file_digest import PLACE, write_digest
from detect.models.nms import MOST
from detect.models.openvino import core, openvino
from detect.models.parity import Parity, check
from detect.models.raw_outputs import RAW, Recording, recording
from detect.models.ties import EDGE
from detect.operating_point import to_document

__all__ = ["EDGE", "FAR", "OUTPUTS", "WRITERS", "Graph", "Parity", "check", "export", "export_metadata"]

FAR = 2.0  # input sizes between the boxes of two classes, so that none suppresses the other
OUTPUTS = ("boxes", "scores", "labels")


class Graph(torch.nn.Module):
    """A detector from input to suppressed boxes, as a function of one tensor; `candidates` is its family's `graph`."""

    def __init__(self, candidates: torch.nn.Module, metadata: ExportMetadata) -> None:
        super().__init__()
        self.candidates, self.metadata = candidates, metadata

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Boxes (N, 4) in pixels of the input, scores (N,) and labels (N,) that are left, best first."""
        boxes, scores, labels = self.candidates(image)
        far = FAR * self.metadata.imgsz if self.metadata.per_class else 0.0
        # Counted from the class in the middle, which halves the largest numbers, and their rounding.
        apart = boxes + (labels[:, None] - len(self.metadata.classes) // 2).to(boxes.dtype) * far
        keep = nms(apart, scores, self.metadata.iou)[:MOST]
        return boxes[keep], scores[keep], labels[keep]

    def raw(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The raw outputs of the network, before any threshold; see `Family.raw`."""
        with self.recording() as found:
            self.candidates(image)
        return (*found.fixed, *found.by_proposal)

    def recording(self) -> AbstractContextManager[Recording]:
        """Record the raw outputs while it runs."""
        return recording(getattr(self.candidates, "module", None), self.metadata.model)


class _WithRaw(torch.nn.Module):
    """A graph that gives the raw outputs, too, in the same pass."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Boxes, scores, labels, and the raw outputs."""
        with self.graph.recording() as found:
            kept = self.graph(image)
        return (*kept, *found.fixed, *found.by_proposal)


def export_metadata(detector: Detector) -> ExportMetadata:
    """The metadata of an exported detector. Raises ModelError where its suppression cannot be in a graph."""
    how = detector.suppression
    if how.sigma:
        raise ModelError(
            "soft suppression cannot be exported; the best of the other kind is fitted by "
            "`detect thresholds RUN --data DATA --hard`"
        )
    point = {} if detector.point is None else to_document(detector.point)
    padded = family_of(detector.name).padded
    return ExportMetadata(detector.name, detector.classes, detector.imgsz, padded, how.iou, how.per_class, point)


def export(detector: Detector, path: Path, to: str) -> Path:
    """Write the detector as "onnx", "openvino" (a folder) or "torchscript", atomically; returns the path to load.

    Raises ModelError for detectors that are exported already or suppress softly; MissingExtra; DetectError.
    """
    if not hasattr(detector, "module"):
        raise ModelError("this is an exported model; export the run that it comes from")
    if (graph_of := family_of(detector.name).graph) is None:
        raise ModelError(f"{detector.name}: cannot be exported")
    candidates = resolve(graph_of)(deepcopy(detector.module))  # a copy: the detector stays as it is
    graph = Graph(candidates, export_metadata(detector)).eval().cpu()
    WRITERS[to](graph, path)
    return path / "model.xml" if to == "openvino" else path


def _onnx(graph: Graph, path: Path) -> None:
    try:
        import onnx
    except ImportError:
        raise MissingExtra("onnx and onnxruntime", "export") from None
    axes = {"image": {2: "height", 3: "width"}, **{name: {0: "found"} for name in OUTPUTS}}
    example = _example(graph.metadata)
    with torch.no_grad():
        raw = [f"{RAW}{number:02}" for number in range(len(graph.raw(example)))]
    with atomic_file(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about shapes that are meant to follow the input
        torch.onnx.export(
            _WithRaw(graph), (example,), str(temporary), dynamo=False, opset_version=17, dynamic_axes=axes,
            input_names=["image"], output_names=[*OUTPUTS, *raw],
        )  # fmt: skip
        model = onnx.load(str(temporary))
        del model.graph.output[len(OUTPUTS) :]  # their names stay, for the parity check
        onnx.helper.set_model_props(model, {KEY: graph.metadata.to_json(), f"{KEY}.digest": PLACE})
        onnx.checker.check_model(model)
        onnx.save(model, str(temporary))
        write_digest(temporary)


def _openvino(graph: Graph, path: Path) -> None:
    library = openvino()
    with atomic_folder(path) as temporary:
        onnx, target = temporary / "model.onnx", temporary / "model.xml"
        _onnx(graph, onnx)
        model = core().read_model(str(onnx))
        model.set_rt_info(graph.metadata.to_json(), KEY)
        model.set_rt_info(PLACE, f"{KEY}_digest")
        require_room(temporary, onnx.stat().st_size)  # OpenVINO does not notice a full disk
        library.save_model(model, str(target), compress_to_fp16=False)
        del model
        write_digest(target, [target.with_suffix(".bin")])
        onnx.unlink()


def _torchscript(graph: Graph, path: Path) -> None:
    with atomic_file(path) as temporary, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        jit: Any = torch.jit
        example = _example(graph.metadata)
        traced = jit.trace_module(graph, {"forward": example, "raw": example}, strict=False, check_trace=False)
        with temporary.open("wb") as file:  # one of Python's, whose errors say what is wrong
            jit.save(traced, file, _extra_files={f"{KEY}.json": graph.metadata.to_json()})


WRITERS: dict[str, Callable[[Graph, Path], None]] = {
    "onnx": _onnx,
    "openvino": _openvino,
    "torchscript": _torchscript,
}


def _example(about: ExportMetadata) -> torch.Tensor:
    """A picture for the tracer: noise, so that there is something in it that could be a box, and not square."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, 3, about.imgsz, max(32, about.imgsz // 2 // 32 * 32), generator=generator)
