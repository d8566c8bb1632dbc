"""The raw outputs of a network, before any threshold: of a trained one, and of the file that it was exported to.

They are compared where a detector finds no boxes. A file of `detect export` does not hand them out, but keeps them: in
ONNX and OpenVINO the tensors have names, in TorchScript there is a method `raw` beside `forward`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray

from detect.models.detector import LOWEST_SCORE, Detector, Picture
from detect.models.exported import F32, Exported
from detect.models.families import family_of
from detect.models.openvino import core

RAW = "detect_raw_"  # begins the names of these tensors in a file
Arrays = list[NDArray[Any]]


class Recording(NamedTuple):
    """What parts of a network gave: tensors that always come in one order, and those with a row for each proposal."""

    fixed: list[torch.Tensor]
    by_proposal: list[torch.Tensor]


@contextmanager
def recording(network: Any, model: str) -> Iterator[Recording]:
    """Record the raw outputs of the network, a torch module, while it runs; which they are its family says."""
    family, found = family_of(model), Recording([], [])
    hooks = []
    for parts, tensors in ((family.raw, found.fixed), (family.raw_by_proposal, found.by_proposal)):
        for part in parts if network is not None else ():
            hook = _recorder(tensors)
            hooks.append(network.get_submodule(part).register_forward_hook(hook))
    try:
        yield found
    finally:
        for one in hooks:
            one.remove()


def _recorder(tensors: list[torch.Tensor]) -> Callable[[Any, Any, Any], None]:
    def hook(_part: Any, _given: Any, output: Any) -> None:
        tensors.extend(_flat(output))

    return hook


def _flat(output: Any) -> Iterator[torch.Tensor]:
    """The tensors in whatever a module returns."""
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, list | tuple | Mapping):
        for part in output.values() if isinstance(output, Mapping) else output:
            yield from _flat(part)


def raw_of(detector: Detector, picture: Picture) -> tuple[Arrays, Arrays]:
    """The raw outputs of a trained detector on a picture: see Recording."""
    network: Any = detector
    with recording(network.module, detector.name) as found:
        detector.candidates([picture], LOWEST_SCORE)
    fixed, rows = ([one.detach().float().cpu().numpy() for one in tensors] for tensors in found)
    return fixed, rows


def raw_of_exported(exported: Exported) -> Callable[[Picture], Arrays]:
    """A function from a picture to all raw outputs of an exported model; it gives none where the file has none."""
    run = OPENERS[exported.path.suffix](exported.path)
    return lambda picture: run(exported.placed(picture)[0])


def _onnx(path: Path) -> Callable[[NDArray[np.float32]], Arrays]:
    import onnx
    import onnxruntime

    model = onnx.load(str(path))
    every = [
        *(name for node in model.graph.node for name in node.output),
        *(one.name for one in model.graph.initializer),
    ]
    names = sorted(name for name in every if name.startswith(RAW))
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda image: list(session.run(names, {"image": image})) if names else []


def _openvino(path: Path) -> Callable[[NDArray[np.float32]], Arrays]:
    model = core().read_model(str(path))
    every = {name for op in model.get_ops() for output in op.outputs() for name in output.get_names()}
    names = sorted(name for name in every if name.startswith(RAW))
    model.add_outputs(names)
    compiled = core().compile_model(model, "CPU", F32)

    def run(image: NDArray[np.float32]) -> Arrays:
        found = compiled({"image": image})
        return [np.asarray(found[name]) for name in names]

    return run


def _torchscript(path: Path) -> Callable[[NDArray[np.float32]], Arrays]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # TorchScript is old, and asked for
        module = cast(Any, torch.jit).load(str(path), map_location="cpu")

    @torch.inference_mode()
    def run(image: NDArray[np.float32]) -> Arrays:
        return [value.numpy() for value in module.raw(torch.from_numpy(image))] if hasattr(module, "raw") else []

    return run


OPENERS: dict[str, Callable[[Path], Callable[[NDArray[np.float32]], Arrays]]] = {
    ".onnx": _onnx,
    ".xml": _openvino,
    ".torchscript": _torchscript,
}
