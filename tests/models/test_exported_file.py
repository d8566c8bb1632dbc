"""What is in an exported file: suppression as it should be; and files that are none."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.ops import nms

from detect.errors import DetectError, ModelError
from detect.models import load_detector
from detect.models.detector import detect
from detect.models.export import EDGE, WRITERS, Graph
from detect.models.export_metadata import ExportMetadata, read_metadata


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


class Learnt(torch.nn.Module):
    """One box, moved and sized by what was learnt, of the last class; as a family gives it to `detect export`."""

    def __init__(self, *corners: float, label: int = 1) -> None:
        super().__init__()
        self.corners, self.label = torch.nn.Parameter(torch.tensor([corners])), label

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        boxes = self.corners + image.mean() * 0
        return boxes, boxes[:, 0] * 0 + 0.5, (boxes[:, 0] * 0).long() + self.label


METADATA = ExportMetadata("yolov5n", ("dent", "scratch"), 64, True, 0.5, True, {})
CORNERS = 8.0625, 9.125, 20.25, 30.5
FORMATS = {"onnx": "a.onnx", "openvino": "model/model.xml", "torchscript": "a.torchscript"}
GREY = np.full((64, 64, 3), 114, dtype=np.uint8)


def written(to: str, folder: Path, metadata: ExportMetadata = METADATA, **how: Any) -> Path:
    path = folder / FORMATS[to]
    WRITERS[to](Graph(Learnt(*CORNERS, **how), metadata).eval(), path.parent if to == "openvino" else path)
    return path


@pytest.mark.parametrize("to", FORMATS)
def test_a_turned_bit_in_what_was_learnt_is_noticed(to: str, tmp_path: Path) -> None:
    path = written(to, tmp_path)
    (box,) = detect(load_detector(path), [GREY])[0]
    assert (box.label, box.xyxy) == ("scratch", CORNERS)
    numbers = path.with_suffix(".bin") if to == "openvino" else path
    whole, learnt = bytearray(numbers.read_bytes()), np.array(CORNERS, dtype=np.float32).tobytes()
    assert whole.count(learnt) == 1
    whole[whole.index(learnt) + 2] ^= 0x40
    numbers.write_bytes(whole)
    with pytest.raises(ModelError, match=rf"{path.name}: is damaged.*; copy or (export|train) it again"):
        load_detector(path)


@pytest.mark.parametrize("to", ["onnx", "openvino"])
def test_older_files_have_no_digest(to: str, tmp_path: Path) -> None:
    path = written(to, tmp_path)
    path.write_bytes(path.read_bytes().replace(b"damage-detect digest ", b"damage-detect nothing"))
    assert len(detect(load_detector(path), [GREY])[0]) == 1


def test_a_torchscript_of_what_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / FORMATS["torchscript"]
    WRITERS["torchscript"](Graph(Learnt(8, 9, float("nan"), 30), METADATA).eval(), path)
    with pytest.raises(ModelError, match=r"a\.torchscript: NaN or infinite numbers in 1 of 1 tensors"):
        load_detector(path)


@pytest.mark.parametrize("to", FORMATS)
def test_a_file_that_belongs_to_another_graph(to: str, tmp_path: Path) -> None:
    one = replace(METADATA, classes=("dent",))
    with pytest.raises(ModelError, match="finds more classes than the 1 it names; export it again"):
        detect(load_detector(written(to, tmp_path, one)), [GREY])


def test_a_graph_that_finds_no_numbers(tmp_path: Path) -> None:
    """Its boxes would be dropped one by one, and the photo would look undamaged."""
    path = tmp_path / "a.onnx"
    WRITERS["onnx"](Graph(Learnt(8, 9, float("inf"), 30), METADATA).eval(), path)
    with pytest.raises(
        ModelError, match=r"a\.onnx: gives other things than boxes, scores and classes; export it again"
    ):
        detect(load_detector(path), [GREY])


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"imgsz": 0}, "`imgsz` is 0, not a number of pixels from 32 to 32768"),
    ({"imgsz": 10**9}, "`imgsz` is 1000000000, not"),
    ({"imgsz": "64"}, "`imgsz` is '64', not"),
    ({"imgsz": True}, "`imgsz` is True, not"),
    ({"classes": "dent"}, "`classes` is 'dent', not a list of names"),
    ({"classes": [1, 2]}, "`classes` is [1, 2], not a list of names"),
    ({"model": None}, "`model` is None, not the name of a detector"),
    ({"padded": 1}, "`padded` is 1, not true or false"),
    ({"per_class": "yes"}, "`per_class` is 'yes', not true or false"),
    ({"iou": float("nan")}, "`iou` is nan, not a number in 0..1"),
    ({"iou": 7}, "`iou` is 7, not a number in 0..1"),
    ({"point": []}, "`point` is [], not an operating point"),
    ({"point": {"dent": 0.5}}, "`point`: is no operating point"),
    ({"point": None, "imgsz": -1}, "`imgsz` is -1, not a number of pixels from 32 to 32768; `point` is None, not"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_metadata_that_make_no_sense(change: dict[str, Any], said: str) -> None:
    assert read_metadata(METADATA.to_json(), Path("a.onnx")) == METADATA
    with pytest.raises(ModelError) as error:
        read_metadata(json.dumps({**asdict(METADATA), **change}), Path("a.onnx"))
    assert str(error.value).startswith("a.onnx: is damaged: ") and str(error.value).endswith("copy or export it again")
    assert said in str(error.value)


@pytest.mark.parametrize("text", [None, "", "5", "[]", "{", '"detect"', "{}", "[" * 5000, '{"imgsz": ' + "9" * 5000])
def test_metadata_that_are_none(text: str | None) -> None:
    with pytest.raises(ModelError, match=r"a\.onnx: was not written by `detect export`"):
        read_metadata(text, Path("a.onnx"))


@pytest.mark.parametrize("to", FORMATS)
def test_a_device_is_named_as_for_weights(to: str, tmp_path: Path) -> None:
    path = written(to, tmp_path)
    for name in ("auto", "CPU", "cpu:0"):
        assert load_detector(path, device=name).classes == METADATA.classes
    for name, said in (("gpu", "'cuda' cannot be used"), ("0,1", "cannot be used"), ("mps", "'mps' cannot be used")):
        with pytest.raises(ModelError, match=f"device .*{said}"):
            load_detector(path, device=name)
    with pytest.raises(ModelError, match="device 'cdua' is not known"):
        load_detector(path, device="cdua")


SIGNALLED = """
import gc, os, signal, sys
from detect.models import load_detector
signal.signal(signal.SIGUSR1, lambda *given: print("handled", flush=True))
models = [load_detector(sys.argv[1]) for _ in range(3)]
while models:
    del models[0]
    gc.collect()
    os.kill(os.getpid(), signal.SIGUSR1)
"""


def test_signals_are_handled_when_models_of_openvino_are_gone(tmp_path: Path) -> None:
    """Those of Ctrl-C, for one. OpenVINO moves their stack, and took it away where models went as they had come."""
    command = [sys.executable, "-c", SIGNALLED, str(written("openvino", tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "handled\n" * 3), done.stderr
