"""Two processes share a training: each sees its half, and one of them writes the run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from detect.convert import write
from detect.data import Dataset

RECIPE = """
model: fasterrcnn_resnet18_fpn
imgsz: 64
epochs: 2
batch: 4
accumulate: 2
optimizer: adamw
lr: 0.0003
workers: 0
threads: 1
device: cpu
augment: {mirror: 0, zoom: 0, shift: 0}
loggers: [tensorboard]
accept: {map50: 1, retries: 0}
"""


@pytest.mark.parametrize("devices", [1, 2])
def test_every_photo_is_seen_once_an_epoch(devices: int, squares: Dataset, tmp_path: Path) -> None:
    write(squares, tmp_path / "data", "yolo")
    (tmp_path / "recipe.yaml").write_text(f"{RECIPE}devices: {devices}\n")
    words = ["train", str(tmp_path / "recipe.yaml"), "--data", str(tmp_path / "data"), "--out", str(tmp_path / "run")]
    words.append("--json")
    done = subprocess.run([sys.executable, "-m", "detect", *words], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["accepted"] is False
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 1
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "epoch", "epoch", "end"]
    for event in events[1:3]:
        assert event["seen"] == {"red": 18, "blue": 18}
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["epochs"] == 2
    assert (tmp_path / "run" / "weights" / "best.pt").is_file()
