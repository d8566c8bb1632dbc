"""Embeddings: a photo as one vector of a network's features; photos with near vectors look alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from numpy.typing import NDArray

from detect.errors import ModelError
from detect.models import EXPORTED
from detect.models.detector import Picture
from detect.models.device import pick_device
from detect.models.families import family_of
from detect.models.family import resolve
from detect.models.intact import require_finite
from detect.models.letterbox import letterbox
from detect.models.weights import COUNTER, FORMAT, load_tensors, load_weights, state_dict, take_over, weights_file

Embed = Callable[[Sequence[Picture]], NDArray[np.float32]]
Features = Callable[[torch.Tensor], Any]  # (1, 3, H, W) in 0..1 to (1, F, h, w)

CLASSIFIERS = ("resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v3_large", "mobilenet_v3_small", "vgg16")
SIDE = 224  # pixels of a classifier's input
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the photos that classifiers were trained on


def embedder(path: str | Path, *, device: str = "auto") -> Embed:
    """A function from pictures to vectors (N, F), by the backbone of a trained detector or of a classifier.

    `path`: a run, weights that `detect train` wrote, or a file with the state dict of a classifier of torchvision
    (CLASSIFIERS). A vector is the mean over the picture of the last features. Raises ModelError for anything else.
    """
    file = weights_file(Path(path))
    if Path(path).suffix in EXPORTED:
        raise ModelError(f"{path}: an exported model does not show its features; give the run that it came from")
    values, where = load_tensors(file), pick_device(device)
    if values.get("format") == FORMAT:
        features, side = _detector(file, device)
    else:
        features, side = _classifier(state_dict(values), file, where), SIDE

    @torch.inference_mode()
    def embed(pictures: Sequence[Picture]) -> NDArray[np.float32]:
        rows = []
        for picture in pictures:
            pixels = torch.from_numpy(letterbox(picture, side).pixels).to(where)[None].float() / 255
            rows.append(features(pixels).float().mean(dim=(2, 3))[0].cpu().numpy())
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)

    return embed


def _detector(file: Path, device: str) -> tuple[Features, int]:
    """The backbone of a trained detector, and the size of its input."""
    weights = load_weights(file)
    if (features := family_of(weights.model).features) is None:
        raise ModelError(f"{file}: {weights.model} has no features to embed photos with")
    return resolve(features)(weights, device, file), weights.imgsz


def _classifier(tensors: dict[str, torch.Tensor], file: Path, where: torch.device) -> Features:
    """The convolutions of the classifier that all these tensors fit."""
    require_finite(tensors, file)
    normalize = torchvision.transforms.Normalize(MEAN, DEVIATION)
    for name in CLASSIFIERS:
        build = getattr(torchvision.models, name)
        with torch.device("meta"):  # shapes alone, which takes no time
            shapes = _shapes(build(weights=None).state_dict())
        if shapes == _shapes(tensors):
            take_over(module := build(weights=None), tensors)
            parts = [module.features] if hasattr(module, "features") else list(module.children())[:-2]
            # Without the pooling and what follows it.
            return torch.nn.Sequential(normalize, *parts).to(where).eval()
    known = ", ".join(CLASSIFIERS)
    raise ModelError(f"{file}: neither weights of this tool nor of a classifier that is known ({known})")


def _shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Size]:
    """What must fit: all but the head, which depends on the classes, and counters, which do not matter."""
    head = ("fc.", "classifier.")
    return {
        key: value.shape for key, value in tensors.items() if not key.startswith(head) and not key.endswith(COUNTER)
    }
