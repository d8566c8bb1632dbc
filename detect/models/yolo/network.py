"""YOLOs as networks: built by name, and filled from weights that others have made."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from detect.errors import ModelError
from detect.models.detector import LOWEST_SCORE
from detect.models.families import family_of
from detect.models.grid import boxes_in
from detect.models.intact import require_finite, require_intact
from detect.models.weights import Tensors, load_tensors, require_file, state_dict, weights_file
from detect.models.yolo.library import MODELS, DetectionModel, scratch, torch_safe_load
from detect.recipes import Recipe


def build(recipe: Recipe, classes: int, _tensors: Mapping[str, torch.Tensor] | None = None) -> Any:
    """See Family."""
    return network(recipe.model, classes)


def network(model: str, classes: int) -> Any:
    """A fresh ultralytics DetectionModel such as "yolo11n". Raises ModelError for an unknown name."""
    family_of(model)
    series, size = model[:-1], model[-1]
    (source,) = MODELS.glob(f"*/{series}.yaml")
    cfg = {**yaml.safe_load(source.read_text()), "scale": size, "yaml_file": f"{model}.yaml"}
    return DetectionModel(cfg, nc=classes, verbose=False)


def read_tensors(path: Path) -> Tensors:
    """The tensors of a local weights file: a plain state dict, this tool's, or an ultralytics checkpoint.

    A checkpoint is a pickled model; it is opened by ultralytics' own safe loader, which knows the classes of
    genuine ones and refuses all others. Raises ModelError, also where a tensor holds NaN.
    """
    path = weights_file(path)
    require_file(path)
    require_intact(path)
    found = _tensors(path)
    require_finite(found, path)
    return found


def _tensors(path: Path) -> Tensors:
    refused = ModelError(f"{path}: holds no tensors")
    try:
        if found := state_dict(load_tensors(path)):  # a model, once ultralytics made its classes known, holds none
            return found
    except ModelError as error:
        refused = error
    try:
        checkpoint = _checkpoint(path)
        return dict((checkpoint.get("ema") or checkpoint["model"]).float().state_dict())
    except Exception:  # noqa: BLE001  what is no checkpoint can fail anywhere
        raise refused from None


def _checkpoint(path: Path) -> dict[str, Any]:
    """What the safe loader reads, under a name of ours: files with an official name it may delete and fetch anew."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        neutral = Path(folder) / "weights.pt"
        neutral.symlink_to(path.resolve())
        return dict(torch_safe_load(neutral, safe_only=True)[0])


def raw_output(output: Any) -> torch.Tensor:
    """The (B, 4 + C, A) tensor in what a model returns in evaluation mode."""
    while not isinstance(output, torch.Tensor):
        output = output[0]
    return output


class Graph(torch.nn.Module):
    """From one image (1, 3, H, W) to boxes before suppression; see Family."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        module.model[-1].dynamic = True  # anchor points follow the size of the input

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Boxes (N, 4) in pixels of the image, scores (N,), labels (N,) from 0."""
        return boxes_in(raw_output(self.module(image))[0].T, LOWEST_SCORE)
