"""A disk that is full while a model is written: the old file stays, and the message says what to do."""

from __future__ import annotations

import errno
import io
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import torch

from detect.errors import DetectError
from detect.files import require_room, write_text
from detect.models.export import WRITERS, Graph
from detect.models.export_metadata import ExportMetadata
from detect.models.weights import Weights, save_tensors, save_weights
from detect.operating_point import OperatingPoint, write_point
from detect.training.log import Log

LIMIT = 16 * 1024  # bytes of a file
TENSORS = {"a": torch.ones(50_000), "b": torch.ones(50_000)}
POINT = OperatingPoint({f"class {k}": 0.5 for k in range(2000)}, 0.5, {}, "f1", frozenset())


@contextmanager
def no_room(limit: int = LIMIT) -> Iterator[None]:
    """The system writes no more bytes of any file, whichever library asks: to C++ it is as a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Mean(torch.nn.Module):
    """What a family gives `detect export`: boxes (N, 4), scores (N,), labels (N,) of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.corners = torch.nn.Parameter(torch.rand(4000, 2).cumsum(0))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        boxes = torch.cat([self.corners, self.corners + 4 + image.mean()], dim=1)
        return boxes, torch.sigmoid(boxes[:, 0] * 0.001), (boxes[:, 0] * 0).long()


def exported(to: str, path: Path) -> None:
    about = ExportMetadata("yolov5n", ("dent",), 64, True, 0.5, True, {})
    WRITERS[to](Graph(Mean(), about).eval(), path)


WRITE: dict[str, Callable[[Path], None]] = {
    "best.pt": lambda path: save_weights(Weights("yolov5n", ("dent",), 64, TENSORS), path),
    "state.pt": partial(save_tensors, TENSORS),
    "point.json": partial(write_point, POINT),
    "mistakes.csv": lambda path: write_text(path, "a,b\n" * LIMIT),
    "log.jsonl": lambda path: Log(path).add({"event": "epoch", "seen": "x" * LIMIT}),
    "model.onnx": partial(exported, "onnx"),
    "model.torchscript": partial(exported, "torchscript"),
}


@pytest.mark.parametrize("name", WRITE)
def test_the_old_file_stays_and_the_new_one_is_explained(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("old\n")
    with no_room(), pytest.raises(DetectError) as error:
        WRITE[name](path)
    said = str(error.value)
    assert said.startswith(f"{path}: could not be written: File too large (")
    assert "MB are free in" in said and said.endswith("; nothing was changed; make room there, or name another place")
    assert path.read_text() == "old\n"
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_openvino_which_does_not_notice_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("detect.models.export.require_room", full)
    with pytest.raises(DetectError, match=r"model: could not be written: No space left on device \("):
        exported("openvino", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_room_is_asked_for_before(tmp_path: Path) -> None:
    require_room(tmp_path, 100 * LIMIT)
    with no_room(), pytest.raises(OSError, match="File too large"):
        require_room(tmp_path, 100 * LIMIT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [1, 500, 70_000, 390_000, 400_500, 401_500])
def test_wherever_a_disk_is_full_torch_says_why(limit: int, tmp_path: Path) -> None:
    """In the list of contents, in a tensor, or near the end."""
    (tmp_path / "best.pt").touch()
    with no_room(limit), pytest.raises(DetectError, match=r"best\.pt: could not be written: File too large \("):
        save_tensors(TENSORS, tmp_path / "best.pt")
    assert (tmp_path / "best.pt").read_bytes() == b""


def test_ctrl_c_while_torch_writes_is_no_error_of_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch says that the archive is not whole, which would hide it."""

    class Interrupted(io.BytesIO):
        def write(self, data: object) -> int:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "open", lambda *_, **__: Interrupted())
    with pytest.raises(KeyboardInterrupt):
        save_tensors(TENSORS, tmp_path / "best.pt")
    assert list(tmp_path.iterdir()) == []
