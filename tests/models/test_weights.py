"""Weights are read without running what is in them, and only where they fit."""

from __future__ import annotations

import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from detect.errors import ModelError
from detect.models import load_detector
from detect.models.weights import Weights, load_tensors, load_weights, save_tensors, save_weights, state_dict, take_over
from detect.models.yolo.network import network, read_tensors


class Evil:
    """Unpickling this creates a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@cache
def built(classes: int = 2) -> Any:
    """A network that nobody changes."""
    torch.manual_seed(0)
    return network("yolov5n", classes)


def small() -> Weights:
    return Weights("yolov5n", ("dent", "scratch"), 64, dict(built().state_dict()), {"model": "yolov5n"})


def test_weights_survive_the_disk(tmp_path: Path) -> None:
    weights = small()
    save_weights(weights, tmp_path / "w.pt")
    back = load_weights(tmp_path / "w.pt")
    assert (back.model, back.classes, back.imgsz, back.recipe) == ("yolov5n", ("dent", "scratch"), 64, weights.recipe)
    assert all(torch.equal(back.tensors[name], value) for name, value in weights.tensors.items())


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
@pytest.mark.parametrize("pack", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_pickle_in_weights_is_never_run(tmp_path: Path, pack: Any) -> None:
    mark, path = tmp_path / "ran", tmp_path / "evil.pt"
    pack({"model": Evil(mark), "tensors": {}}, path)
    for load in (load_tensors, load_weights, read_tensors, load_detector):
        with pytest.raises(ModelError, match=r"evil\.pt: (holds more than tensors \(|is no readable)"):
            load(path)
    assert not mark.exists()
    with pytest.raises(Exception):  # noqa: B017  the guard is needed: plain loading does run it
        torch.load(path, weights_only=False)["model"].boom()
    assert mark.exists()


REFUSED = [
    # nothing there: where weights come from is said
    (None, "no such weights file. Weights are never downloaded"),
    # not a zip, not a pickle
    (b"hello", "no readable weights file"),
    # text that begins like a pickle
    (b"# a README", "no readable weights file"),
    # empty
    (b"", "no readable weights file"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED)
def test_files_that_are_no_weights(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "w.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=said):
        load_detector(path)


def test_a_plain_state_dict_is_no_detector(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="holds no trained detector"):
        load_detector(tmp_path / "w.pt")


def test_weights_of_another_size_do_not_fit(tmp_path: Path) -> None:
    weights = small()
    wrong = Weights("yolov8n", weights.classes, 64, weights.tensors)
    save_weights(wrong, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt: does not fit yolov8n with 2 classes: only \d+ of \d+ tensors do"):
        load_detector(tmp_path / "w.pt")


def test_weights_that_lack_a_tensor_are_refused(tmp_path: Path) -> None:
    """Else it would keep the numbers that it was built with, and the detector would look like a trained one."""
    weights = small()
    del weights.tensors["model.0.conv.weight"]
    save_weights(weights, tmp_path / "w.pt")
    total = len(weights.tensors) + 1
    with pytest.raises(ModelError, match=rf"does not fit yolov5n with 2 classes: only \d+ of {total} tensors do"):
        load_detector(tmp_path / "w.pt")


def test_a_truncated_file_is_said_to_be_broken(tmp_path: Path) -> None:
    save_weights(small(), tmp_path / "w.pt")
    data = (tmp_path / "w.pt").read_bytes()
    (tmp_path / "w.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="no readable weights file"):
        load_weights(tmp_path / "w.pt")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
def test_a_file_with_a_damaged_byte_is_said_to_be_broken_or_read(tmp_path: Path) -> None:
    """Its list of contents, a pickle, is some hundred bytes; flipped ones make its reader stumble in many ways."""
    save_tensors({"a": torch.zeros(3), "b": {"c": [1, 2.5, "d"]}}, tmp_path / "w.pt")
    whole = (tmp_path / "w.pt").read_bytes()
    start, refused = whole.index(b"data.pkl"), 0
    for place in range(start, start + 400, 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0x15
        (tmp_path / "w.pt").write_bytes(damaged)
        try:
            load_tensors(tmp_path / "w.pt")
        except ModelError:
            refused += 1
    assert refused > 20


def test_a_recipe_of_another_version_is_named(tmp_path: Path) -> None:
    recipe = {"model": "fasterrcnn_resnet18_fpn", "imgsz": 64, "novelty": 3, "roi": {"samples": 64, "room": 1}}
    save_weights(Weights("fasterrcnn_resnet18_fpn", ("dent",), 64, {}, recipe), tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt: the recipe in it does not suit this version \(`novelty`, `roi"):
        load_detector(tmp_path / "w.pt")


def test_take_over_copies_what_fits_and_counts_it() -> None:
    source, target = built(3), network("yolov5n", 2)
    fitted = take_over(target, source.state_dict())
    # of the 3 class branches, the last convolution (weight and bias) depends on the number of classes; their
    # hidden width too, where it is chosen from it
    assert 0 < fitted.taken < fitted.total == len(target.state_dict())
    own, given = target.state_dict(), source.state_dict()
    assert torch.equal(own["model.0.conv.weight"], given["model.0.conv.weight"])


def test_coco_weights_fit_all_but_the_head(shared_data: Path) -> None:
    tensors = read_tensors(shared_data / "weights" / "yolov5n_coco80_state_dict_fp32.pt")
    assert str(take_over(network("yolov5n", 6), tensors)) == "342 of 427 tensors"


def test_an_ultralytics_checkpoint_is_read_safely(tmp_path: Path) -> None:
    model = built()
    torch.save({"model": model, "epoch": 3}, tmp_path / "ultralytics.pt")
    tensors = read_tensors(tmp_path / "ultralytics.pt")
    assert torch.equal(tensors["model.0.conv.weight"], model.state_dict()["model.0.conv.weight"])


@pytest.mark.parametrize("name", ["yolov5n.pt", "yolo11n.pt"])
def test_a_file_with_an_official_name_is_neither_deleted_nor_fetched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def refuse(*given: Any, **_: Any) -> Any:
        tried.append(given)
        raise OSError("no network here")

    for function in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(f"socket.{function}", refuse)
    monkeypatch.chdir(tmp_path)
    model = built()
    torch.save({"model": model}, name)
    tensors = read_tensors(Path(name))
    assert torch.equal(tensors["model.0.conv.weight"], model.state_dict()["model.0.conv.weight"])
    whole = Path(name).read_bytes()
    Path(name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=name):
        read_tensors(Path(name))
    assert Path(name).stat().st_size == len(whole) // 2 and tried == []


def test_state_dict_looks_under_the_usual_keys() -> None:
    tensor = torch.ones(1)
    for values in ({"a": tensor}, {"state_dict": {"a": tensor}, "epoch": 1}, {"tensors": {"a": tensor}}):
        assert list(state_dict(values)) == ["a"]


@pytest.mark.parametrize("name", ["yolo99n", "yolo11", "yolo11q", "", "../yolo11n", "resnet50"])
def test_unknown_models_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match=r"no such detector.*`detect models` lists them"):
        network(name, 2)


def test_other_libraries_are_as_before() -> None:
    """ultralytics replaces functions of PIL, torch and OpenCV, and environment variables; none of it stays."""
    code = (
        "import os, cv2, torch, PIL.Image as P; before = (P.open, torch.save, cv2.imread, dict(os.environ));"
        "import detect.models.yolo.library; assert before == (P.open, torch.save, cv2.imread, dict(os.environ))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
