"""Exported detectors whose scores tie, and such as find nothing: compared all the same, and differences are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from detect.cli import main
from detect.data import Dataset
from detect.errors import ModelError
from detect.models import load_detector
from detect.models.detector import Detector, Picture
from detect.models.export import check, export
from detect.models.nms import Candidates
from detect.models.raw_outputs import Arrays, raw_of
from detect.models.weights import load_weights, save_weights
from detect.prediction import Sources
from tests.models.opinionated import opinionated
from tests.models.test_ties import less, moved, renamed, rescored
from tests.training.narrow import narrowed

FASTER, SSD = "fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large"
FILES = {"onnx": "a.onnx", "openvino": "a", "torchscript": "a.torchscript"}
CLASSIFIES = re.compile(
    r"(cv3\.\d\.2|classification_head\.(cls_logits|module_list\.\d+\.1)|box_predictor\.cls_score)\.(weight|bias)$"
)
# Biases of the outputs that tell classes; but for a YOLO's, the background comes first. With next to no weights beside
# them, all places and anchors give a class the same score.
TIED = {"yolo": [-1.0, -2.0], "others": [2.0, 0.5, 0.0]}
UNSURE = {"yolo": [-12.0, -13.0], "others": [0.0, -12.0, -13.0]}
Pair = tuple[Path, Detector, Detector]  # weights, the detector, and the exported one


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    """A Faster R-CNN has few channels."""
    with narrowed():
        yield


@pytest.fixture(scope="module")
def pictures(squares: Dataset) -> list[Picture]:
    chosen = Sources(squares.images)
    return [chosen.picture(image) for image in squares.images[:2]]


@pytest.fixture(scope="module")
def exported(pictures: list[Picture], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, bool], Pair]:
    """(model, runtime, whether its scores tie, else it is unsure) -> weights, the detector, and the exported one."""

    @cache
    def make(model: str, to: str, ties: bool) -> Pair:
        folder = tmp_path_factory.mktemp("run")
        file = opinionated(model, ("red", "blue"), pictures, folder) / "weights" / "best.pt"
        weights = load_weights(file)
        file.unlink()
        biases = torch.tensor((TIED if ties else UNSURE)["yolo" if model.startswith("yolo") else "others"])
        for name, value in weights.tensors.items():
            if CLASSIFIES.search(name):
                flat = value.ndim == 1
                new = biases.repeat(len(value) // len(biases)) if flat else value * (0.0 if ties else 1e-3)
                weights.tensors[name] = new
        save_weights(weights, file)
        written = export(load_detector(file, device="cpu"), folder / FILES[to], to)
        return file, load_detector(file, device="cpu"), load_detector(written, device="cpu")

    return make


class Broken:
    """A detector one of whose boxes is broken."""

    def __init__(self, whole: Detector, change: Callable[[Candidates, int], Candidates]) -> None:
        self.whole, self.change = whole, change
        self.name, self.classes, self.imgsz = whole.name, whole.classes, whole.imgsz
        self.suppression, self.point = whole.suppression, whole.point

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        return [self.change(one, 3) for one in self.whole.candidates(pictures, confidence)]


@pytest.mark.parametrize(
    ("model", "to", "ties"),
    [
        ("yolov5n", "onnx", 0),  # so many boxes at least are only in one
        (SSD, "onnx", 100),  # of its 3,234 anchors 300 of each class are candidates, and each runtime takes others
        (SSD, "openvino", 100),
    ],
)
def test_scores_that_tie(
    model: str, to: str, ties: int, exported: Callable[[str, str, bool], Pair], pictures: list[Picture]
) -> None:
    _, ours, theirs = exported(model, to, True)
    parity = check(ours, theirs, pictures[:1])
    assert (parity.boxes >= 50, parity.ties >= ties, parity.raw) == (True, True, 0)
    assert parity.box < 1e-3
    assert parity.score < 1e-4


def none(kept: Candidates, _row: int) -> Candidates:
    return kept.at(slice(0))


@pytest.mark.parametrize(
    ("model", "to", "change"),
    [
        *(("yolov5n", "onnx", change) for change in (moved, rescored, renamed, less, none)),
        *((SSD, "onnx", change) for change in (moved, rescored, renamed, none)),
        *((SSD, "torchscript", change) for change in (moved, less)),  # the same candidates, so that one box is missed
    ],
)
def test_a_difference_among_ties_is_found(
    model: str,
    to: str,
    change: Callable[[Candidates, int], Candidates],
    exported: Callable[[str, str, bool], Pair],
    pictures: list[Picture],
) -> None:
    _, ours, theirs = exported(model, to, True)
    with pytest.raises(ModelError, match=r"differs from the trained one on picture 1: only the (exported|trained) one"):
        check(ours, Broken(theirs, change), pictures[:1])


@pytest.mark.parametrize(("model", "to"), [("yolov5n", "onnx"), ("yolov5n", "openvino"), (FASTER, "onnx")])
def test_a_detector_that_finds_nothing(
    model: str, to: str, exported: Callable[[str, str, bool], Pair], pictures: list[Picture]
) -> None:
    """The raw outputs of all families in all runtimes are compared in test_export."""
    _, ours, theirs = exported(model, to, False)
    parity = check(ours, theirs, pictures)
    assert (parity.boxes, parity.box, parity.score, parity.ties) == (0, 0, 0, 0)
    assert parity.raw > 2 * 6 * 100  # two pictures, and for each box its corners and classes
    assert parity.raw_difference < 1e-4


def break_yolo(what: str, fixed: Arrays, _rows: Arrays) -> None:
    """What it gives for one anchor."""
    boxes, distances, logits = fixed[:3]
    if what == "moved":
        boxes[0, 0, 7] += 1
    elif what == "rescored":
        logits[0, 0, 7] = np.log(0.01)
    elif what == "renamed":
        logits[0, :, 7] = logits[0, ::-1, 7].copy()
    elif what == "no number":
        distances[0, 0, 7] = np.nan
    else:
        fixed[:] = [one[..., 1:] for one in fixed]


def break_faster_rcnn(what: str, _fixed: Arrays, rows: Arrays) -> None:
    """What it gives for one proposal."""
    proposals, logits, codes = rows
    if what == "moved":
        codes[7, 4] += 10 / (proposals[7, 2] - proposals[7, 0])  # one pixel: a code is tenths of the width
    elif what == "rescored":
        logits[7, 1] += np.log(0.01) + 12
    elif what == "renamed":
        logits[7, 1:] = logits[7, :0:-1].copy()
    elif what == "no number":
        codes[7, 4] = np.nan
    else:
        rows[:] = [one[1:] for one in rows]


@pytest.mark.parametrize("what", ["moved", "rescored", "renamed", "missing", "no number"])
@pytest.mark.parametrize(("model", "breaks"), [("yolov5n", break_yolo), (FASTER, break_faster_rcnn)])
def test_a_difference_in_raw_outputs_is_found(
    model: str,
    breaks: Callable[[str, Arrays, Arrays], None],
    what: str,
    exported: Callable[[str, str, bool], Pair],
    pictures: list[Picture],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(detector: Any, picture: Picture) -> tuple[Arrays, Arrays]:
        fixed, rows = raw_of(detector, picture)
        fixed, rows = [one.copy() for one in fixed], [one.copy() for one in rows]
        breaks(what, fixed, rows)
        return fixed, rows

    _, ours, theirs = exported(model, "onnx", False)
    monkeypatch.setattr("detect.models.parity.raw_of", broken)
    with pytest.raises(ModelError, match="differs from the trained one on picture 1"):
        check(ours, theirs, pictures[:1])


def test_other_weights_are_noticed_without_a_box(
    exported: Callable[[str, str, bool], Pair], pictures: list[Picture], tmp_path: Path
) -> None:
    file, _, theirs = exported("yolov5n", "onnx", False)
    weights = load_weights(file)
    name = next(key for key in weights.tensors if key.endswith("cv3.0.2.bias"))
    save_weights(replace(weights, tensors={**weights.tensors, name: weights.tensors[name] + 0.01}), tmp_path / "b.pt")
    with pytest.raises(ModelError, match="before the score threshold, its raw outputs by up to"):
        check(load_detector(tmp_path / "b.pt"), theirs, pictures)


def test_nothing_compared_is_no_parity(exported: Callable[[str, str, bool], Pair], pictures: list[Picture]) -> None:
    _, ours, theirs = exported("yolov5n", "onnx", False)
    for other, photos in ((Broken(theirs, none), pictures), (theirs, [])):
        with pytest.raises(ModelError, match="nothing could be compared"):
            check(ours, other, photos)


def test_the_command_says_what_was_compared(
    exported: Callable[[str, str, bool], Pair], squares: Dataset, tmp_path: Path
) -> None:
    photo = str(squares.images[0].path)
    file, _, _ = exported("yolov5n", "onnx", False)
    words = ["export", str(file), "--to", "torchscript", "--photos", photo, "--out"]
    answer = CliRunner().invoke(main, [*words, str(tmp_path / "a.torchscript")])
    assert answer.exit_code == 0, answer.output
    assert "no box is found in 1 photo, so the raw outputs of the network were compared" in answer.stdout
