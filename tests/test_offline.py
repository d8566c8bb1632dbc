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
        "PYTHONPATH": str(tmp_path / "hooks"),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }


def detect(arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "detect", *arguments.split()], cwd=cwd, env=env, capture_output=True, text=True
    )


def test_the_watch_catches(tmp_path: Path, watched: dict[str, str]) -> None:
    for code in (
        "import urllib.request as u; u.urlopen('http://localhost:9/')",
        "import socket; socket.socket().connect(('127.0.0.1', 9))",
        "import subprocess; subprocess.run(['curl', 'x'], check=True)",
    ):
        assert subprocess.run([sys.executable, "-c", code], env=watched, capture_output=True).returncode != 0
    assert len(Path(watched["CAUGHT"]).read_text().splitlines()) == 3


def test_train_predict_and_evaluate_try_no_host(tmp_path: Path, watched: dict[str, str]) -> None:
    (tmp_path / "recipe.yaml").write_text("model: yolo11n\nimgsz: 64\nepochs: 2\nbatch: 4\n")
    for step in (
        "sample sample --images 12 --size 160 --format voc",
        "split sample data --ratios 60/40",
        "train recipe.yaml --data data --out run",
        "predict run data --split val --out predictions.json --draw drawn",
        "evaluate data predictions.json --split val --out report",
    ):
        done = detect(step, tmp_path, watched)
        assert done.returncode == 0, f"{step}\n{done.stderr}"
    assert (tmp_path / "report" / "report.html").is_file()
    caught = Path(watched["CAUGHT"])
    assert not caught.exists(), caught.read_text()
    left = {path.name for path in tmp_path.iterdir()} - {"hooks", "bin", "recipe.yaml", "caught.txt"}
    # nothing is left in HOME either, but the user's outputs and the usual caches
    assert left - {".cache", ".config"} == {"sample", "data", "run", "predictions.json", "drawn", "report"}


def test_the_other_detectors_and_runtimes_try_no_host(tmp_path: Path, watched: dict[str, str]) -> None:
    """DDP talks to itself on this machine, and is not meant."""
    recipe = "model: fasterrcnn_resnet18_fpn\nimgsz: 64\nepochs: 1\nbatch: 4\nroi: {samples: 16, proposals: 50}\n"
    (tmp_path / "recipe.yaml").write_text(f"{recipe}loggers: [tensorboard, mlflow]\n")
    for step in (
        "sample sample --images 12 --size 160 --format voc",
        "split sample data --ratios 60/40",
        "models",
        "anchors data --imgsz 64",
        "train recipe.yaml --data data --preview seen",
        "train recipe.yaml --data data --out run",
        "thresholds run --data data --hard",
        "export run --to onnx --out model.onnx --photos data/images",
        "export run --to openvino --out model --photos data/images",
        "predict run data --split val --out torch.json",
    ):
        done = detect(step, tmp_path, watched)
        # what has learnt next to nothing finds so many boxes alike that two runtimes sort them differently
        assert done.returncode == 0 or "the exported model differs" in done.stderr, f"{step}\n{done.stderr}"
    code = (
        "from pathlib import Path; from detect import load_detector; from detect.models.export import export\n"
        "[export(load_detector('run'), Path(to), to) for to in ('onnx', 'openvino')]\n"
        "Path('onnx').rename('model.onnx')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=watched, check=True)
    for step in (
        "predict model.onnx data --split val --out onnx.json",
        "predict openvino data --split val --out openvino.json --mirror --tiles 100",
    ):
        done = detect(step, tmp_path, watched)
        assert done.returncode == 0, f"{step}\n{done.stderr}"
    caught = Path(watched["CAUGHT"])
    assert not caught.exists(), caught.read_text()


def test_weights_that_are_not_there_are_not_fetched(tmp_path: Path, watched: dict[str, str]) -> None:
    done = detect("predict yolo11n.pt photos/ --out p.json", tmp_path, watched)
    assert done.returncode == 1
    assert not Path(watched["CAUGHT"]).exists()
