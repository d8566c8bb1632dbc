"""Two processes share a training: each sees its half, one of them writes the run, and none outlives the other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from detect.cli import main
from detect.conversion import read, write
from detect.data import Dataset
from detect.evaluation import evaluate
from detect.models.families import build
from detect.models.weights import load_weights
from detect.prediction import predict
from detect.recipes import Recipe
from tests.training.forked import Forked

RECIPE = """
model: fasterrcnn_resnet18_fpn
imgsz: 64
epochs: 2
batch: 4
accumulate: 2
optimizer: adamw
lr: 0.004
workers: 0
threads: 1
device: cpu
augment: {mirror: 0, zoom: 0, shift: 0}
roi: {samples: 16, proposals: 50}
loggers: [tensorboard]
accept: {map50: 1, retries: 0}
"""


Start = Callable[..., Forked]
pytestmark = pytest.mark.usefixtures("narrow")


def command(folder: Path, lines: str, *words: str, data: str = "data", out: str = "run") -> list[str]:
    """A training in `folder`/run with more lines in its recipe and more words."""
    (folder / "recipe.yaml").write_text(f"{RECIPE}{lines}\n")
    places = ["--data", str(folder / data), "--out", str(folder / out)]
    return ["train", str(folder / "recipe.yaml"), *places, *words]


@pytest.fixture(scope="module")
def few(squares: Dataset) -> Dataset:
    """Twenty-four training photos with a square each, four without, and six of val."""
    return replace(squares, images=(*squares.only("train").images[:28], *squares.only("val").images[:6]))


@pytest.fixture
def start(few: Dataset, tmp_path: Path) -> Start:
    """Starts a `command` in a process of its own, with more variables in its environment."""
    write(few, tmp_path / "data", "yolo")

    def start(*words: str, data: str = "data", out: str = "run", **variables: str) -> Forked:
        return Forked(command(tmp_path, *words, data=data, out=out), narrow=True, **variables)

    return start


@pytest.fixture(scope="module", params=[1, 2])
def whole(request: pytest.FixtureRequest, narrow: None, few: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training by so many processes that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    write(few, folder / "data", "yolo")
    words = command(folder, f"devices: {request.param}", "--json")
    if request.param == 1:  # needs no process of its own, which would spend most of its time on importing torch
        done = CliRunner().invoke(main, words)
        status, told, remarks = done.exit_code, done.stdout, done.stderr
    else:
        process = subprocess.run(
            [sys.executable, "-m", "tests.training.narrow", *words], capture_output=True, text=True
        )
        status, told, remarks = process.returncode, process.stdout, process.stderr
    assert status == 3, remarks
    assert json.loads(told)["accepted"] is False
    return folder / "run"


def check(folder: Path) -> None:
    """The run saw every photo once an epoch, and is whole."""
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "epoch", "epoch", "end"]
    for event in events[1:3]:
        assert event["seen"] == {"red": 12, "blue": 12}
        assert event["val"]["loss_classifier"] > 0
    assert json.loads((folder / "summary.json").read_text())["epochs"] == 2
    assert (folder / "weights" / "best.pt").is_file()
    assert len(list((folder / "tensorboard").iterdir())) == 1


def test_every_photo_is_seen_once_an_epoch(whole: Path) -> None:
    check(whole)
    best = json.loads((whole / "summary.json").read_text())["best"]["val"]
    val = read(whole.parent / "data").only("val")
    values = evaluate(val, predict(whole, val.images), replicates=0).values
    assert values["map50"] > 0, "a comparison of zeros proves nothing"  # how much is learnt depends on the processor
    for name in ("map", "map50", "precision", "recall"):
        assert values[name] == pytest.approx(best[name], abs=1e-6), "what was measured is what was kept"


def test_the_command_starts_its_second_process(few: Dataset, tmp_path: Path) -> None:
    """As a user gives it, and for another family."""
    write(few, tmp_path / "data", "yolo")
    words = command(tmp_path, "devices: 2", "model=yolox-nano", "roi=auto", "imgsz=32", "epochs=1")
    done = subprocess.run([sys.executable, "-m", "detect", *words], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [event["seen"] for event in events if event["event"] == "epoch"] == [{"red": 12, "blue": 12}]


def test_two_devices_make_the_step_of_one(start: Start, squares: Dataset, tmp_path: Path) -> None:
    """Each has half of the photos, and RetinaNet's loss is the mean over photos; frozen norms are as they are."""
    eight = [image for image in squares.images if image.boxes and image.split == "train"][:8]
    write(replace(squares, images=(*eight, replace(eight[0], name="val.png", split="val"))), tmp_path / "eight", "yolo")
    model = {"model": "retinanet_resnet50_fpn", "imgsz": 64}
    torch.manual_seed(0)
    torch.save(before := build(Recipe.model_validate(model), 2).state_dict(), tmp_path / "start.pt")
    plain = {"optimizer": "sgd", "lr": 0.01, "lr_final": 1, "momentum": 0, "warmup": 0, "weight_decay": 0, "epochs": 1}
    plain |= {
        "anchors": "default",
        "roi": "auto",
        "accumulate": 1,
        "loggers": [],
        "weights": tmp_path / "start.pt",
        **model,
    }
    words = [f"{key}={value}" for key, value in plain.items()]
    moved = []
    for devices in (1, 2):
        out = tmp_path / f"on-{devices}"
        more = [*words, f"devices={devices}", f"batch={8 // devices}"]
        if devices == 1:
            done = CliRunner().invoke(main, command(tmp_path, "", *more, data="eight", out=out.name))
            assert done.exit_code == 3, done.stderr
        else:
            status, remarks = start("", *more, data="eight", out=out.name).end()
            assert status == 3, remarks
        after = load_weights(out / "weights" / "last.pt").tensors
        moved.append({name: after[name] - value for name, value in before.items() if value.is_floating_point()})
    largest = max(float(change.abs().max()) for change in moved[0].values())
    apart = max(float((change - moved[1][name]).abs().max()) for name, change in moved[0].items())
    assert apart < 0.01 * largest


def test_two_nodes_share_a_training(start: Start, tmp_path: Path) -> None:
    """One command on each, which differ in NODE_RANK alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    ends = [node.end() for node in [start("nodes: 2", NODE_RANK=str(rank), **where) for rank in (0, 1)]]
    assert [status for status, _ in ends] == [3, 0], ends  # the one that writes the run says that it is not accepted
    check(tmp_path / "run")


def test_photos_that_cannot_be_read_count_over_all_processes(start: Start, tmp_path: Path) -> None:
    broken = [next(tmp_path.glob(f"data/images/**/{name}")) for name in ("03.png", "20.png")]
    for photo in broken:
        content = photo.read_bytes()[:60]  # its size can still be read
        photo.unlink()  # it may be one file with that of the fixture
        photo.write_bytes(content)
    status, remarks = start("devices: 2\nunreadable: 1").end()
    assert status == 1, remarks
    assert "Traceback" not in remarks
    assert (
        remarks.count("error: 2 photos cannot be read, more than `unreadable` allows") == remarks.count("error:") == 1
    )
    for photo in broken:
        assert remarks.count(f"{photo.name}: cannot be read as an image, and is left out") == 1


@pytest.mark.parametrize("whole", [2], indirect=True)
def test_a_killed_process_takes_the_other_along_and_the_run_can_be_resumed(
    whole: Path, start: Start, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    saved, resumed = (run / "state.pt").is_file, lambda: '"event":"resume"' in (run / "log.jsonl").read_text()
    for rank, words, begun in ((0, (), saved), (1, ("--resume",), resumed)):
        process = start("devices: 2", *words)
        while not begun():
            assert process.runs
            time.sleep(0.05)
        (other,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill((process.pid, int(other))[rank], signal.SIGKILL)
        status, remarks = process.end()
        assert status in (1, -signal.SIGKILL), remarks
        assert "Traceback" not in remarks
    status, remarks = start("devices: 2", "--resume").end()
    assert status == 3, remarks
    assert json.loads((run / "summary.json").read_text())["epochs"] == 2
    ends = [json.loads((folder / "summary.json").read_text())["best"] for folder in (run, whole)]
    assert {**ends[0], "seconds": 0} == {**ends[1], "seconds": 0}
