"""YOLO through ultralytics (AGPL-3.0, the extra `yolo`).

Two things are done differently from ultralytics' own loop. Its data comes from memory, so that no label cache, a
pickle, is read from the user's folders. And the order and the augmentation of training images are a pure function
of (seed, epoch, position), not of generator states, so that a killed training goes on to the very same end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from detect.errors import ModelError
from detect.models.detector import Picture
from detect.models.device import pick_device
from detect.models.letterbox import Placed, letterbox, same_shape
from detect.models.names import check_name
from detect.models.nms import Candidates, candidates
from detect.models.weights import Tensors, Weights, fill, load_tensors, require_file, state_dict, weights_file
from detect.models.yolo.library import MODELS, DetectionModel, scratch, torch_safe_load


class Yolo:
    """A trained YOLO as a Detector. Raises ModelError when the weights do not fit the model they name."""

    def __init__(self, weights: Weights, *, device: str = "auto", source: Path | str = "weights") -> None:
        self.name, self.classes, self.imgsz = weights.model, weights.classes, weights.imgsz
        self.suppression, self.point = weights.suppression, weights.operating_point
        self.device = pick_device(device)
        self.module = build(weights.model, len(weights.classes))
        fill(self.module, weights, source)
        self.module.to(self.device).eval().fuse(verbose=False)

    @torch.inference_mode()
    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector. Pictures are letterboxed as in validation; those of one input shape share a pass."""
        placed = [letterbox(picture, self.imgsz) for picture in pictures]
        found: dict[int, Candidates] = {}
        for members in same_shape([one.pixels for one in placed]):
            batch = torch.from_numpy(np.stack([placed[i].pixels for i in members])).to(self.device).float() / 255
            for i, raw in zip(members, raw_output(self.module(batch)), strict=True):
                found[i] = seen(raw, placed[i], confidence)
        return [found[i] for i in range(len(pictures))]


def raw_output(output: Any) -> torch.Tensor:
    """The (B, 4 + C, A) tensor in what a model returns in evaluation mode."""
    while not isinstance(output, torch.Tensor):
        output = output[0]
    return output


def seen(raw: torch.Tensor, placed: Placed, confidence: float) -> Candidates:
    """The candidates in one picture, from the model's raw output (4 + C, A)."""
    rows = from_yolo(raw, confidence).double().cpu().numpy()
    return candidates(placed.undo(rows[:, :4]), rows[:, 4], rows[:, 5].astype(np.int64))


def from_yolo(raw: torch.Tensor, confidence: float) -> torch.Tensor:
    """The boxes of one image in a YOLO's raw output.

    raw: (4 + C, A) with centre x, centre y, width, height in input pixels and C class scores for each of A anchor
    points, each of which may give a box for every class whose score exceeds `confidence`. Returns (N, 6) rows x1, y1,
    x2, y2, score, class.
    """
    anchor, label = torch.nonzero(confidence < raw[4:].T, as_tuple=True)
    score = raw[4 + label, anchor]
    centre, size = raw[:2, anchor].T, raw[2:4, anchor].T
    return torch.cat([centre - size / 2, centre + size / 2, score[:, None], label[:, None].to(score.dtype)], dim=1)


def build(model: str, classes: int) -> Any:
    """A fresh ultralytics DetectionModel such as "yolo11n". Raises ModelError for an unknown name."""
    check_name(model)
    family, size = model[:-1], model[-1]
    (source,) = MODELS.glob(f"*/{family}.yaml")
    cfg = {**yaml.safe_load(source.read_text()), "scale": size, "yaml_file": f"{model}.yaml"}
    return DetectionModel(cfg, nc=classes, verbose=False)


def read_tensors(path: Path) -> Tensors:
    """The tensors of a local weights file: a plain state dict, this tool's, or an ultralytics checkpoint.

    A checkpoint is a pickled model; it is opened by ultralytics' own safe loader, which knows the classes of
    genuine ones and refuses all others. Raises ModelError.
    """
    path = weights_file(path)
    require_file(path)
    refused = ModelError(f"{path}: holds no tensors")
    try:
        if found := state_dict(load_tensors(path)):  # a model, once ultralytics made its classes known, holds none
            return found
    except ModelError as error:
        refused = error
    try:
        checkpoint = _checkpoint(path)
        return dict((checkpoint.get("ema") or checkpoint["model"]).float().state_dict())
    except Exception:
        raise refused from None


def _checkpoint(path: Path) -> dict[str, Any]:
    """What the safe loader reads, under a name of ours: files with an official name it may delete and fetch anew."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        neutral = Path(folder) / "weights.pt"
        neutral.symlink_to(path.resolve())
        return dict(torch_safe_load(neutral, safe_only=True)[0])
