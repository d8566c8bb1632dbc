"""What a network sees in a photo as a vector: from each kind of weights, and like for like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from detect.errors import ModelError
from detect.models.embed import embedder
from detect.models.families import build
from detect.models.weights import Weights, load_weights, save_tensors, save_weights
from detect.recipes import Recipe


def trained(model: str, path: Path) -> Path:
    """Weights of this tool, untrained."""
    recipe = Recipe(model=model, imgsz=320)
    torch.manual_seed(0)
    module = build(recipe, 2)
    save_weights(Weights(model, ("a", "b"), 320, module.state_dict(), recipe.model_dump(mode="json")), path)
    return path


def pictures() -> list[np.ndarray]:
    """A photo, the same a little darker, and noise; of several sizes."""
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(0, 255, (6, 8, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    return [smooth, (smooth * 0.95).astype(np.uint8), rng.integers(0, 255, (200, 320, 3)).astype(np.uint8)]


@pytest.mark.parametrize(
    ("model", "length"),
    [
        ("ssdlite320_mobilenet_v3_large", 480),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", 256),
        ("yolov8n", 256),
        ("yolox-nano", 256),
    ],
)
def test_the_features_of_a_detector(model: str, length: int, tmp_path: Path) -> None:
    embed = embedder(trained(model, tmp_path / "best.pt"), device="cpu")
    vectors = embed(pictures())
    assert vectors.shape == (3, length) and vectors.dtype == np.float32 and np.isfinite(vectors).all()
    assert np.linalg.norm(vectors[0] - vectors[1]) < np.linalg.norm(vectors[0] - vectors[2])
    assert embed([]).shape[0] == 0
    again = embed(pictures()[::-1])[::-1]
    np.testing.assert_allclose(vectors, again, rtol=1e-4, atol=1e-5)  # each by itself


@pytest.mark.parametrize(
    ("model", "level", "mean", "deviation"),
    [
        ("ssdlite320_mobilenet_v3_large", "1", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ("retinanet_resnet50_fpn", "2", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
)
def test_colours_and_level_are_the_detectors(
    model: str, level: str, mean: tuple[float, ...], deviation: tuple[float, ...], tmp_path: Path
) -> None:
    """An SSDLite wants -1..1, unlike classifiers on ImageNet; a RetinaNet adds two levels to its backbone's."""
    path = trained(model, tmp_path / "best.pt")
    module = build(Recipe(model=model, imgsz=320), 2).eval()
    module.load_state_dict(load_weights(path).tensors)
    photo = np.kron(np.random.default_rng(1).integers(0, 255, (10, 10, 3)), np.ones((32, 32, 1))).astype(np.uint8)
    with torch.inference_mode():
        pixels = torchvision.transforms.Normalize(mean, deviation)(
            torch.from_numpy(photo.transpose(2, 0, 1)).float()[None] / 255
        )
        wanted = module.backbone(pixels)[level].mean(dim=(2, 3))[0].numpy()
    np.testing.assert_allclose(embedder(path, device="cpu")([photo])[0], wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "length"), [("resnet18", 512), ("mobilenet_v3_large", 960), ("resnet50", 2048)])
def test_a_local_classifier_is_known_by_its_tensors(name: str, length: int, tmp_path: Path) -> None:
    module = getattr(torchvision.models, name)(weights=None).eval()
    save_tensors(module.state_dict(), tmp_path / "weights.pth")
    vectors = embedder(tmp_path / "weights.pth", device="cpu")(pictures()[:1])
    assert vectors.shape == (1, length)
    square = np.kron(np.random.default_rng(1).integers(0, 255, (7, 7, 3)), np.ones((32, 32, 1))).astype(np.uint8)
    pixels = (square / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    with torch.inference_mode():
        found = torch.from_numpy(pixels.transpose(2, 0, 1)).float()[None]
        parts = [module.features] if hasattr(module, "features") else list(module.children())[:-2]
        wanted = torch.nn.Sequential(*parts)(found).mean(dim=(2, 3))[0].numpy()
    mine = embedder(tmp_path / "weights.pth", device="cpu")([square])[0]
    np.testing.assert_allclose(mine, wanted, rtol=1e-3, atol=1e-4)


def test_what_shows_no_features_is_refused(tmp_path: Path) -> None:
    save_tensors({"some.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="neither weights of this tool nor of a classifier"):
        embedder(tmp_path / "other.pth")
    with pytest.raises(ModelError, match="never downloaded"):
        embedder(tmp_path / "none.pth")
    with pytest.raises(ModelError, match="an exported model does not show its features"):
        embedder(tmp_path / "model.onnx")
