"""What is in an exported file: suppression as it should be; and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.ops import nms

from detect.errors import DetectError, ModelError
from detect.models import load_detector
from detect.models.export import EDGE, Graph
from detect.models.export_metadata import ExportMetadata


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".torchscript"])
def test_files_that_are_no_models(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(ModelError, match="no such model"):
        load_detector(path)
    path.write_bytes(b"hello")
    with pytest.raises(ModelError, match="cannot be opened"):
        load_detector(path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*", "ignore:You are using the legacy:DeprecationWarning")
def test_a_model_of_others_is_refused(tmp_path: Path) -> None:
    class Same(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image

    torch.onnx.export(Same(), (torch.zeros(1, 3, 8, 8),), str(tmp_path / "a.onnx"), dynamo=False)
    with pytest.raises(DetectError, match="was not written by `detect export`"):
        load_detector(tmp_path / "a.onnx")


class Given(torch.nn.Module):
    """Boxes, scores and labels that are given, in place of those that a detector finds."""

    def __init__(self, boxes: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor) -> None:
        super().__init__()
        self.given = boxes, scores, labels

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.given


def test_small_boxes_of_many_classes_are_suppressed_class_by_class() -> None:
    """Classes are parted by a shift of the boxes, whose rounding must not count; `nms` in double precision knows."""
    card = ExportMetadata("yolo11n", tuple(map(str, range(80))), 640, True, 0.5, True, {})
    for seed in range(40):
        draw = torch.Generator().manual_seed(seed)
        spots = (torch.rand(40, 2, generator=draw) * 600)[torch.randint(0, 40, (300,), generator=draw)]
        centre = spots + torch.rand(300, 2, generator=draw) * 4
        half = 2 + 4 * torch.rand(300, 2, generator=draw)
        boxes, scores = torch.cat([centre - half, centre + half], dim=1), torch.rand(300, generator=draw)
        labels = torch.randint(0, 3, (300,), generator=draw) * 39
        kept = Graph(Given(boxes, scores, labels), card)(torch.zeros(1, 3, 32, 32))[1].tolist()
        safe, most = (alone_by_class(boxes, scores, labels, iou) for iou in (0.5 - EDGE, 0.5 + EDGE))
        if safe == most:  # no tie anywhere
            assert set(kept) == safe


def alone_by_class(boxes: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor, iou: float) -> set[float]:
    """The scores of the boxes that stay, each class on its own."""
    kept = set[float]()
    for label in labels.unique():
        mine = labels == label
        kept |= set(scores[mine][nms(boxes[mine].double(), scores[mine].double(), iou)].tolist())
    return kept
