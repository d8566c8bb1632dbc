"""Weights that are damaged, or of another kind: file, problem and remedy are said, and no box is found with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from detect.errors import DetectError, ModelError
from detect.models import load_detector, load_point
from detect.models.embed import embedder
from detect.models.weights import FORMAT, load_tensors, load_weights, save_tensors, take_over
from detect.models.yolo.network import network, read_tensors
from detect.operating_point import OperatingPoint, to_document
from detect.recipes import Recipe
from detect.training.transfer import given

POINT = to_document(OperatingPoint({"dent": 0.3}, 0.5, {}, "f1", frozenset()))


def content(**changes: Any) -> dict[str, Any]:
    """What is in a weights file. Nobody looks whether the tensors fit before all else is right."""
    recipe = {"model": "yolov5n", "imgsz": 64, "nms_iou": 0.6}
    whole = {"format": FORMAT, "model": "yolov5n", "classes": ("dent", "scratch"), "imgsz": 64, "recipe": recipe}
    return {**whole, "tensors": {"a": torch.ones(3), "n": torch.tensor(4)}, "point": POINT, **changes}


def test_without_a_change_it_is_read(tmp_path: Path) -> None:
    save_tensors(content(), tmp_path / "w.pt")
    weights = load_weights(tmp_path / "w.pt")
    assert (weights.classes, weights.imgsz, weights.suppression.iou) == (("dent", "scratch"), 64, 0.6)
    save_tensors({key: value for key, value in content().items() if key != "point"}, tmp_path / "w.pt")
    assert load_weights(tmp_path / "w.pt").point == {}  # as older ones are


NAN, INF = float("nan"), float("inf")
WRONG = [
    # the size of the input: none, below nothing, more than any memory, text, a switch, a fraction
    ({"imgsz": 0}, "`imgsz` is 0, not a number of pixels from 32 to 32768"),
    ({"imgsz": -640}, "`imgsz` is -640, not a number of pixels"),
    ({"imgsz": 10**9}, "`imgsz` is 1000000000, not a number of pixels"),
    ({"imgsz": "640"}, "`imgsz` is '640', not a number of pixels"),
    ({"imgsz": True}, "`imgsz` is True, not a number of pixels"),
    ({"imgsz": 640.0}, "`imgsz` is 640.0, not a number of pixels"),
    ({"imgsz": torch.tensor(64)}, "`imgsz` is a Tensor, not a number of pixels"),
    # one that the model cannot have, and one that it was not trained with
    ({"imgsz": 100, "recipe": {}}, "`imgsz` is 100: must be a multiple of 32"),
    ({"imgsz": 640}, "`imgsz` is 640, and 64 in its recipe"),
    # classes: one text, numbers, nothing, twice the same
    ({"classes": "dent"}, "`classes` is 'dent', not a list of names"),
    ({"classes": (1, 2)}, "`classes` is (1, 2), not a list of names"),
    ({"classes": ("dent", " ")}, "`classes` is ('dent', ' '), not a list of names"),
    ({"classes": ()}, "`classes` is (): expected one or more, all different"),
    ({"classes": ["dent", "dent"]}, "expected one or more, all different"),
    # the model
    ({"model": 5, "recipe": {}}, "`model` is 5, not the name of a detector"),
    ({"model": "yolo99n", "recipe": {}}, "'yolo99n': no such detector"),
    ({"model": "yolov8n"}, "`model` is 'yolov8n', and 'yolov5n' in its recipe"),
    # the recipe, and the one key of it that every detector needs
    ({"recipe": ["lr"]}, "`recipe` is ['lr'], not the keys of a recipe"),
    ({"recipe": None}, "`recipe` is None, not the keys of a recipe"),
    ({"recipe": {"nms_iou": NAN}}, "`recipe.nms_iou` is nan, not a number in 0..1"),
    ({"recipe": {"nms_iou": "0.7"}}, "`recipe.nms_iou` is '0.7', not a number in 0..1"),
    # the operating point
    ({"point": 0.5}, "`point` is 0.5, not an operating point"),
    ({"point": None}, "`point` is None, not an operating point"),
    ({"point": {"dent": 0.5}}, "`point`: is no operating point"),
    (
        {"point": {**POINT, "confidence": {"dent": NAN}}},
        "`point`: confidence: dent: expected a number in 0..1, got nan",
    ),
    ({"point": {**POINT, "confidence": {1: 0.5}}}, "`point`: confidence: expected an object"),
    ({"point": {**POINT, "calibration": {"dent": {"temperature": INF}}}}, "expected a temperature above 0"),
    ({"point": {**POINT, "suppression": {"iou": 0.5, "sigma": INF, "per_class": True}}}, "expected an iou in 0..1"),
    # tensors: none, by number, something else among them
    ({"tensors": None}, "`tensors` are not tensors by name"),
    ({"tensors": {0: torch.ones(2)}}, "`tensors` are not tensors by name"),
    ({"tensors": {"a": [1.0, 2.0]}}, "`tensors` are not tensors by name"),
    # numbers that are none: all of them would look like a detector that finds nothing
    ({"tensors": {"a": torch.tensor([1, NAN])}}, "NaN or infinite numbers in 1 of 1 tensors, the first a; take other"),
    ({"tensors": {"a": torch.ones(1), "b": torch.tensor(-INF)}}, "in 1 of 2 tensors, the first b"),
    ({"tensors": {"a": torch.tensor([INF]).half(), "b": torch.tensor([NAN]).bfloat16()}}, "in 2 of 2 tensors"),
    ({"tensors": {"a": torch.tensor(1e300, dtype=torch.float64)}}, "in 1 of 1 tensors"),  # in float32
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_what_makes_no_sense_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    save_tensors(content(**change), tmp_path / "w.pt")
    for load in (load_weights, load_detector, load_point, embedder):
        with pytest.raises(ModelError) as error:
            load(tmp_path / "w.pt")
        assert str(error.value).startswith(f"{tmp_path / 'w.pt'}: ")
        assert said in str(error.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    save_tensors({"format": FORMAT}, tmp_path / "w.pt")
    with pytest.raises(
        ModelError, match=r"w\.pt: is damaged: `model` is None.*`classes`.*`imgsz`.*`tensors`.*`recipe`"
    ):
        load_weights(tmp_path / "w.pt")


ADAM = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])
OTHERS = [
    # what `--resume` needs
    ({"epoch": 3, "ema": {}, "model": {}, "optimizer": {}, "best": 0.5, "since": 0}, "but the state of a training"),
    (ADAM.state_dict(), "but the state of an optimizer"),
    (torchvision.models.resnet18(weights=None).state_dict(), "but tensors of some other kind"),
    (content(format="damage-detect weights 9"), "but tensors of some other kind"),
    ({}, "no trained detector of this tool; use the weights/best.pt of a run folder"),
]


@pytest.mark.parametrize(("values", "said"), OTHERS)
def test_a_state_of_another_kind_is_told(values: dict[str, Any], said: str, tmp_path: Path) -> None:
    save_tensors(dict(values), tmp_path / "w.pt")
    with pytest.raises(ModelError, match=rf"w\.pt: holds no trained detector of this tool.*{said}|{said}"):
        load_detector(tmp_path / "w.pt")


def damaged(path: Path, place: bytes) -> Path:
    """The file with one bit turned in a tensor: torch reads it without a word."""
    whole = bytearray(path.read_bytes())
    whole[whole.index(place)] ^= 0x40
    path.write_bytes(whole)
    return path


def test_a_turned_bit_is_noticed_by_whatever_reads_weights(tmp_path: Path) -> None:
    marked = torch.full((64,), 3.25)
    path = damaged_file(marked, tmp_path)
    assert float(torch.load(path, weights_only=True)["a"][0]) != 3.25
    recipe = Recipe(model="ssd300_vgg16", weights=path)
    for load in (load_tensors, load_weights, load_detector, read_tensors, embedder, lambda _: given(recipe)):
        with pytest.raises(ModelError, match=r"w\.pt: is damaged: Bad CRC-32 for file 'archive/data/0'; copy or train"):
            load(path)


def damaged_file(tensor: torch.Tensor, folder: Path) -> Path:
    save_tensors({"format": FORMAT, "a": tensor}, folder / "w.pt")
    return damaged(folder / "w.pt", tensor.numpy().tobytes())


def test_a_file_that_was_saved_without_checksums_is_read(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        save_tensors({"a": torch.ones(2)}, tmp_path / "w.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert torch.equal(load_tensors(tmp_path / "w.pt")["a"], torch.ones(2))


def test_no_training_starts_from_what_is_no_number(tmp_path: Path) -> None:
    save_tensors({"backbone.body.conv1.weight": torch.full((2,), NAN)}, tmp_path / "w.pt")
    said = r"w\.pt: NaN or infinite numbers in 1 of 1 tensors, the first backbone.body.conv1.weight"
    fresh = Recipe(model="fasterrcnn_resnet18_fpn")
    for key in ("weights", "backbone"):
        with pytest.raises(ModelError, match=said):
            given(fresh.model_copy(update={key: tmp_path / "w.pt"}))
    with pytest.raises(ModelError, match=said):
        read_tensors(tmp_path / "w.pt")
    with pytest.raises(ModelError, match=said):
        embedder(tmp_path / "w.pt")


def test_only_numbers_of_the_same_kind_are_taken_over() -> None:
    """Whole numbers, as in a quantized network, would be other weights; a sparse tensor has no place to copy from."""
    own = network("yolov5n", 2)
    name = "model.0.conv.weight"
    tensor = own.state_dict()[name]
    for other in (tensor.to(torch.int8), tensor.to(torch.complex64), tensor.to_sparse(), tensor.to("meta")):
        assert take_over(network("yolov5n", 2), {name: other}).taken == 0
    assert take_over(network("yolov5n", 2), {name: tensor.half()}).taken == 1


def test_a_start_that_fits_nowhere_says_what_to_do() -> None:
    fitted = take_over(network("yolov5n", 2), {1: torch.ones(1), "state": torch.ones(1)})  # type: ignore[dict-item]
    with pytest.raises(DetectError, match=r"not one tensor fits this model.*take weights of the same model, or none"):
        fitted.report("adam.pt")
