"""A trained detector as one file for other runtimes: ONNX, OpenVINO, TorchScript, with its suppression in the graph.

Input "image": (1, 3, H, W) float32 RGB in 0..1, the longer side `imgsz`; a YOLO wants H and W padded with grey to
multiples of 32, the others do not. Outputs: "boxes" (N, 4) x1, y1, x2, y2 in pixels of the input, "scores" (N,) and
"labels" (N,) as numbers of the classes, best first. What the numbers mean is in the file, too; see `ExportMetadata`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import nms

from detect.errors import MissingExtra, ModelError
from detect.files import atomic_file, atomic_folder
from detect.geometry import iou
from detect.models.detector import Detector, Picture, detect
from detect.models.export_metadata import KEY, ExportMetadata
from detect.models.families import family_of
from detect.models.family import resolve
from detect.models.nms import MOST
from detect.models.openvino import openvino
from detect.operating_point import Suppression, to_document

FAR = 2.0  # input sizes between the boxes of two classes, so that none suppresses the other
BOX, SCORE = 1e-3, 1e-4  # by which an exported model may differ, in pixels of the input and in score
SURE = 0.01  # boxes of a lower score may differ in whether they are there at all
EDGE = 1e-3  # of IoU: two boxes that overlap by so little more or less than the threshold are a tie
OUTPUTS = ("boxes", "scores", "labels")
Rows = NDArray[np.float64]  # (N, 6): x1, y1, x2, y2, score, number of the class


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
    with atomic_file(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about shapes that are meant to follow the input
        torch.onnx.export(
            graph, (_example(graph.metadata),), str(temporary), dynamo=False, opset_version=17, dynamic_axes=axes,
            input_names=["image"], output_names=list(OUTPUTS),
        )  # fmt: skip
        model = onnx.load(str(temporary))
        onnx.helper.set_model_props(model, {KEY: graph.metadata.to_json()})
        onnx.checker.check_model(model)
        onnx.save(model, str(temporary))


def _openvino(graph: Graph, path: Path) -> None:
    library = openvino()
    with atomic_folder(path) as temporary:
        _onnx(graph, temporary / "model.onnx")
        model = library.Core().read_model(str(temporary / "model.onnx"))
        model.set_rt_info(graph.metadata.to_json(), KEY)
        library.save_model(model, str(temporary / "model.xml"), compress_to_fp16=False)
        del model
        (temporary / "model.onnx").unlink()


def _torchscript(graph: Graph, path: Path) -> None:
    with atomic_file(path) as temporary, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        jit: Any = torch.jit
        traced = jit.trace(graph, (_example(graph.metadata),), strict=False, check_trace=False)
        jit.save(traced, str(temporary), _extra_files={f"{KEY}.json": graph.metadata.to_json()})


WRITERS: dict[str, Callable[[Graph, Path], None]] = {
    "onnx": _onnx,
    "openvino": _openvino,
    "torchscript": _torchscript,
}


def _example(about: ExportMetadata) -> torch.Tensor:
    """A picture for the tracer: noise, so that there is something in it that could be a box, and not square."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, 3, about.imgsz, max(32, about.imgsz // 2 // 32 * 32), generator=generator)


@dataclass(frozen=True)
class Parity:
    """The largest difference of an exported model: in pixels of the input and in score, over so many boxes.

    `ties` of them are only in one of the two: they overlap a stronger one so near to the IoU of suppression that the
    last bit decides.
    """

    box: float
    score: float
    boxes: int
    ties: int


def check(detector: Detector, exported: Detector, pictures: Sequence[Picture]) -> Parity:
    """Compare on real pictures; raises ModelError where they differ by more than BOX or SCORE, or in what is there."""
    box, score, boxes, ties = 0.0, 0.0, 0, 0
    for number, picture in enumerate(pictures, start=1):
        scale = detector.imgsz / max(picture.shape[:2])
        ours, theirs = (_rows(detect(one, [picture], SURE / 2)[0], detector.classes) for one in (detector, exported))
        unpaired = [*_unpaired(ours, theirs, scale), *_unpaired(theirs, ours, scale)]
        every = np.vstack([ours, theirs])
        if not _are_ties(np.array(unpaired).reshape(-1, 6), every, detector.suppression):
            raise ModelError(f"the exported model differs from the trained one on picture {number}")
        off = _apart(ours, theirs, scale)
        near = off[(off[:, 0] <= BOX) & (off[:, 1] <= SCORE)]
        box, score = max(box, near[:, 0].max(initial=0.0)), max(score, near[:, 1].max(initial=0.0))
        boxes, ties = boxes + len(near), ties + len(unpaired)
    return Parity(float(box), float(score), boxes, ties)


def _apart(rows: Rows, others: Rows, scale: float) -> Rows:
    """For each row the distance to the nearest of the others, (N, 2): pixels of the input and score."""
    if not len(others):
        return np.full((len(rows), 2), np.inf)
    off = np.abs(rows[:, None] - others[None])
    pixels = off[..., :4].max(axis=2) * scale + np.where(off[..., 5] > 0, np.inf, 0)  # another class is no partner
    best = np.maximum(pixels / BOX, off[..., 4] / SCORE).argmin(axis=1)
    places = np.arange(len(rows))
    return np.stack([pixels[places, best], off[places, best, 4]], axis=1)


def _unpaired(rows: Rows, others: Rows, scale: float) -> Rows:
    """The rows that are sure and have no partner."""
    off = _apart(rows, others, scale)
    return rows[((off[:, 0] > BOX) | (off[:, 1] > SCORE)) & (rows[:, 4] > SURE)]


def _are_ties(unpaired: Rows, every: Rows, how: Suppression) -> bool:
    """Whether each of these is a tie, or follows from one: a box is there since the one that drops it is not."""
    known: list[Any] = []
    for row in unpaired[np.argsort(-unpaired[:, 4], kind="stable")]:
        stronger = every[(every[:, 4] >= row[4]) & ((every[:, 5] == row[5]) | (not how.per_class))]
        at_the_edge = np.abs(iou(row[None, :4], stronger[:, :4]) - how.iou) < EDGE
        follows = iou(row[None, :4], np.array(known).reshape(-1, 6)[:, :4]) > how.iou - EDGE
        if not (at_the_edge.any() or follows.any()):
            return False
        known.append(row)
    return True


def _rows(boxes: Sequence[Any], classes: tuple[str, ...]) -> Rows:
    number = {name: place for place, name in enumerate(classes)}
    rows = [(*box.xyxy, box.score, number[box.label]) for box in boxes]
    return np.array(rows, dtype=np.float64).reshape(-1, 6)
