"""The main job tries no host: name resolution and connections fail loudly, and so do programs that would fetch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

WATCH = """
import os, socket
def _caught(what):
    def refuse(*args, **kwargs):
        with open(os.environ["CAUGHT"], "a") as file:
            file.write(f"{what} {args!r}\\n")
        raise socket.gaierror(f"no network here: {what} {args!r}")
    return refuse
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "create_connection"):
    setattr(socket, name, _caught(name))
_connect = socket.socket.connect
def connect(self, address):
    if self.family == socket.AF_UNIX:
        return _connect(self, address)
    return _caught("connect")(address)
socket.socket.connect = connect
socket.socket.connect_ex = connect
"""
FETCHERS = ("curl", "wget", "git", "pip", "pip3", "uv", "ping", "nslookup", "aws", "gsutil")


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python process, and every program that fetches, is caught."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "sitecustomize.py").write_text(WATCH)
    (tmp_path / "bin").mkdir()
    for name in FETCHERS:
        (tmp_path / "bin" / name).write_text('#!/bin/sh\necho "$0 $*" >> "$CAUGHT"\nexit 1\n')
        (tmp_path / "bin" / name).chmod(0o755)
    return {
        **os.environ,
        "CAUGHT": str(tmp_path / "caught.txt"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path / "hooks"), os.environ.get("PYTHONPATH")])),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }


YOLO = "model: yolo11n\nimgsz: 64\nepochs: 1\nbatch: 4\n"
YOLOX = "model: yolox-nano\nimgsz: 64\nepochs: 1\nbatch: 4\n"
FASTER = """model: fasterrcnn_mobilenet_v3_large_320_fpn
imgsz: 64
epochs: 1
batch: 4
optimizer: adamw
lr: 0.001
warmup: 0
nms_iou: 0.5
roi: {samples: 16, proposals: 50}
loggers: [tensorboard, mlflow]
"""
STEPS = """
sample sample --images 10 --size 96 --format voc
split sample data --ratios 60/40
models
anchors data --imgsz 64
train yolo.yaml --data data --out yolo
predict yolo data --split val --out predictions.json --draw drawn
evaluate data predictions.json --split val --out report
train faster.yaml --data data --preview seen
train yolox.yaml --data data --out yolox
train faster.yaml --data data --out faster
thresholds faster --data data --hard
export faster --to onnx --out model.onnx --photos data/images
export yolox --to openvino --out openvino --photos data/images
predict faster data --split val --out torch.json
predict model.onnx data --split val --out onnx.json
predict openvino data --split val --out openvino.json --mirror --tiles 64
"""
# All commands in one process: each by itself would spend most of its time on importing torch.
DRIVER = """
import sys
from detect.cli import main
for line in sys.stdin.read().split("\\n"):
    try:
        main(line.split(), prog_name="detect") if line else None
    except SystemExit as end:
        if end.code:
            sys.exit(f"detect {line}: exit status {end.code}")
"""


def detect(steps: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run commands, a line each, until one fails."""
    return subprocess.run([sys.executable, "-c", DRIVER], input=steps, cwd=cwd, env=env, capture_output=True, text=True)


def test_the_watch_catches(tmp_path: Path, watched: dict[str, str]) -> None:
    for code in (
        "import urllib.request as u; u.urlopen('http://localhost:9/')",
        "import socket; socket.socket().connect(('127.0.0.1', 9))",
        "import subprocess; subprocess.run(['curl', 'x'], check=True)",
    ):
        assert subprocess.run([sys.executable, "-c", code], env=watched, capture_output=True).returncode != 0
    assert len(Path(watched["CAUGHT"]).read_text().splitlines()) == 3


def test_no_command_tries_a_host(tmp_path: Path, watched: dict[str, str]) -> None:
    """DDP talks to itself on this machine, and is not meant."""
    (tmp_path / "yolo.yaml").write_text(YOLO)
    (tmp_path / "yolox.yaml").write_text(YOLOX)
    (tmp_path / "faster.yaml").write_text(FASTER)
    there = {path.name for path in tmp_path.iterdir()}
    done = detect(STEPS, tmp_path, watched)
    assert done.returncode == 0, done.stderr
    caught = Path(watched["CAUGHT"])
    assert not caught.exists(), caught.read_text()
    assert (tmp_path / "report" / "report.html").is_file()
    # nothing is left in HOME either, but the user's outputs and the usual caches
    assert {path.name for path in tmp_path.iterdir()} - there - {".cache", ".config"} == {
        "sample", "data", "yolo", "predictions.json", "drawn", "report", "seen", "yolox", "faster", "model.onnx",
        "openvino", "torch.json", "onnx.json", "openvino.json",
    }  # fmt: skip


def test_weights_that_are_not_there_are_not_fetched(tmp_path: Path, watched: dict[str, str]) -> None:
    done = detect("predict yolo11n.pt photos/ --out p.json", tmp_path, watched)
    assert done.returncode == 1
    assert not Path(watched["CAUGHT"]).exists()
