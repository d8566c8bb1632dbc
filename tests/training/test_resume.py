"""A training that is killed and resumed ends where an uninterrupted one does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image as Photo

from detect.cli import main
from detect.conversion import write
from detect.data import Box, Dataset, Image
from detect.models.weights import load_weights
from tests.training.forked import Forked

EPOCHS = 4
RECIPE = f"""
imgsz: 64
epochs: {EPOCHS}
optimizer: adamw
lr: 0.006
warmup: 0.5
workers: 2
augment: {{mosaic: 0.3, mosaic_off: 2, zoom: 0.1, shift: 0.05}}
"""

MODELS = {"yolov5n": "batch: 2", "yolox-nano": "batch: 4\nmultiscale: 0.5"}  # one for each loop


@pytest.fixture(scope="module", params=MODELS)
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-two grey photos with one red or blue square each, in YOLO layout."""
    folder = tmp_path_factory.mktemp("squares")
    rng = np.random.default_rng(0)
    images = []
    for k in range(32):
        pixels = rng.integers(90, 120, (64, 64, 3)).astype(np.uint8)
        (x, y), (w, h) = rng.integers(2, 30, 2), rng.integers(16, 32, 2)
        label = ("red", "blue")[k % 2]
        pixels[y : y + h, x : x + w] = {"red": (220, 30, 30), "blue": (30, 30, 220)}[label]
        path = folder / f"{k}.png"
        Photo.fromarray(pixels).save(path)
        box = Box(label, float(x), float(y), float(x + w), float(y + h))
        images.append(Image(path.name, 64, 64, (box,), "train" if k < 24 else "val", path=path))
    write(Dataset(("red", "blue"), tuple(images)), folder / "data", "yolo")
    (folder / "recipe.yaml").write_text(f"model: {request.param}\n{MODELS[request.param]}{RECIPE}")
    return folder


def command(data: Path, out: str, *more: str) -> list[str]:
    return ["train", str(data / "recipe.yaml"), "--data", str(data / "data"), "--out", str(data / out), *more]


def run(arguments: list[str]) -> Result:
    """The command in this process: another one would spend most of its time on importing torch."""
    done = CliRunner().invoke(main, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def epochs(folder: Path) -> list[dict[str, Any]]:
    """The epoch events of a log, without the seconds."""
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in e.items() if k != "seconds"} for e in events if e["event"] == "epoch"]


@pytest.fixture(scope="module")
def whole(data: Path) -> Path:
    done = run(command(data, "whole"))
    assert done.exit_code == 0, done.stderr
    return data / "whole"


def test_killed_and_resumed_equals_uninterrupted(data: Path, whole: Path) -> None:
    out = data / "killed"
    process = Forked(command(data, "killed"))
    while process.runs and (not (out / "log.jsonl").exists() or len(epochs(out)) < 2):
        time.sleep(0.02)
    time.sleep(0.3)  # well into the third epoch
    os.kill(process.pid, signal.SIGKILL)  # not its workers, which end with it: what they say ends with the last one
    assert process.end()[0] == -signal.SIGKILL
    before = epochs(out)
    assert 2 <= len(before) < EPOCHS

    resumed = run(command(data, "killed", "--resume"))
    assert resumed.exit_code == 0, resumed.stderr
    first = next(
        json.loads(line)["epoch"] for line in (out / "log.jsonl").read_text().splitlines() if '"resume"' in line
    )
    assert first >= len(before)  # at most the epoch in whose saving it was killed is repeated
    assert epochs(out) == epochs(whole)
    assert [e["epoch"] for e in epochs(out)] == list(range(1, EPOCHS + 1))
    # Losses: whether so short a training finds anything yet depends on the processor.
    loss = "box_loss" if "yolov5n" in (data / "recipe.yaml").read_text() else "box"
    assert all(e["val"][loss] > 0 for e in epochs(out)), "a comparison of zeros proves nothing"
    assert (
        json.loads((out / "summary.json").read_text())["best"]["val"]
        == (json.loads((whole / "summary.json").read_text())["best"]["val"])
    )


def test_interrupted_in_its_last_epoch_it_goes_on_without_mosaic(data: Path, whole: Path) -> None:
    """Ctrl-C reaches the workers, too, and SIGTERM does not. Mosaic ended an epoch before."""
    end, meant = (os.killpg, 130) if "yolov5n" in (data / "recipe.yaml").read_text() else (os.kill, 143)
    out = data / "interrupted"
    process = Forked(command(data, "interrupted"))
    while process.runs and (not (out / "log.jsonl").exists() or len(epochs(out)) < EPOCHS - 1):
        time.sleep(0.02)
    time.sleep(0.2)
    end(process.pid, signal.SIGINT if meant == 130 else signal.SIGTERM)
    status, said = process.end()
    assert status == meant, said
    assert f"stopped; the same command with --resume goes on from the last whole epoch of {out}" in said
    assert "Traceback" not in said
    (out / "weights" / ".best.pt.1.tmp").write_text("half of it")  # as a kill in mid-writing leaves it
    (out / ".attempt-2.xyz.tmp").mkdir()
    resumed = run(command(data, "interrupted", "--resume"))
    assert resumed.exit_code == 0, resumed.stderr
    assert epochs(out) == epochs(whole)
    assert {path.name for path in (out / "weights").iterdir()} == {"best.pt", "last.pt"}
    assert not (out / ".attempt-2.xyz.tmp").exists()


def test_a_finished_run_says_so(data: Path, whole: Path) -> None:
    """The result is told again, and nothing is written."""
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    again = run(command(data, "whole", "--resume"))
    assert again.exit_code == 0
    assert f"the training is finished ({EPOCHS} epochs)" in again.stderr
    assert f"{whole / 'weights' / 'best.pt'}: best of {EPOCHS} epochs" in again.stdout
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before


def test_without_its_state_a_finished_run_is_left_alone(data: Path, whole: Path) -> None:
    kept = shutil.copytree(whole, data / "kept")
    (kept / "state.pt").unlink()
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    again = run(command(data, "kept", "--resume"))
    assert again.exit_code == 0
    assert f"the training is finished ({EPOCHS} epochs)" in again.stderr
    lines = (kept / "log.jsonl").read_text().splitlines()
    (kept / "log.jsonl").write_text("\n".join(lines[:-1]) + "\n")  # as if it had been killed before its end
    before[kept / "log.jsonl"] = (kept / "log.jsonl").read_bytes()
    again = run(command(data, "kept", "--resume"))
    assert again.exit_code == 1
    assert "state.pt is gone" in again.stderr
    assert "weights=" in again.stderr
    assert before == {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}


def test_killed_after_the_last_epoch_it_trains_no_further(data: Path, whole: Path) -> None:
    late = shutil.copytree(whole, data / "late")
    lines = (late / "log.jsonl").read_text().splitlines()
    (late / "log.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    (late / "weights" / "last.pt").unlink()
    (late / "curves.png").unlink()
    again = run(command(data, "late", "--resume"))
    assert again.exit_code == 0, again.stderr
    assert epochs(late) == epochs(whole)
    for name in ("best.pt", "last.pt"):
        ours, theirs = (load_weights(folder / "weights" / name) for folder in (late, whole))
        assert all(torch.equal(tensor, theirs.tensors[key]) for key, tensor in ours.tensors.items())
        assert (ours.recipe, set(ours.tensors)) == (theirs.recipe, set(theirs.tensors))
    assert (late / "weights" / "best.pt").read_bytes() == (whole / "weights" / "best.pt").read_bytes()
    assert (late / "curves.png").is_file()
    assert json.loads((late / "log.jsonl").read_text().splitlines()[-1])["event"] == "end"


def test_an_existing_run_is_never_overwritten(data: Path, whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    again = run(command(data, "whole"))
    assert again.exit_code == 1
    assert "there is a run already" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("*")} == before


def test_resuming_with_another_recipe_or_other_data_is_refused(data: Path, whole: Path) -> None:
    other = run(command(data, "whole", "--resume", "lr=0.5"))
    assert (other.exit_code, "lr: 0.006 -> 0.5" in other.stderr) == (1, True)
    label = next((data / "data" / "labels").glob("*.txt"))
    text = label.read_text()
    label.write_text("")
    try:
        changed = run(command(data, "whole", "--resume"))
    finally:
        label.write_text(text)
    assert (changed.exit_code, "other data" in changed.stderr) == (1, True)


def test_a_failed_start_leaves_no_run_folder(data: Path) -> None:
    failed = run(command(data, "failed", "weights=absent.pt"))
    assert failed.exit_code == 1
    assert "absent.pt: no such weights file" in failed.stderr
    assert not (data / "failed").exists()
