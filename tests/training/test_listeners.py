"""Listeners hear of a training and can stop it; a run is reopened, and resumed with what may change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detect.data import Dataset
from detect.errors import ConfigError, DataError, ModelError
from detect.recipes import Augment, Recipe, load_recipe
from detect.training import Listener, Run, train
from detect.training.job import Job
from tests.training.pretended import RECIPE, pretend, train_with


def test_a_run_is_reopened_from_its_folder(tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    train_with(monkeypatch, pretend)
    run = train(RECIPE, pair, tmp_path / "run")
    again = Run.load(tmp_path / "run")
    assert again == run
    assert (again.recipe, again.best["epoch"], again.weights) == (RECIPE, 2, tmp_path / "run" / "weights" / "best.pt")
    assert again.data["classes"] == ["dent"] and len(again.fingerprint) == 32
    assert again.finished and again.verdict == run.verdict
    assert repr(again) == f"Run('{tmp_path / 'run'}', yolov5n, best: epoch 2 of 2 with AP50 0.800 mAP 0.400)"
    with pytest.raises(DataError, match="is no run folder"):
        Run.load(tmp_path)
    (tmp_path / "run" / "log.jsonl").write_text('{"event": "start"}\n')
    with pytest.raises(DataError, match="no whole epoch yet"):
        Run.load(tmp_path / "run")


@pytest.mark.parametrize("when", ["batch", "epoch"])
def test_a_listener_hears_all_and_can_stop(
    when: str, tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopper(Listener):
        def __init__(self) -> None:
            self.heard = list[Any]()

        def start(self, epoch: int, weights: str) -> None:
            self.heard.append(("start", epoch, weights))

        def batch(self, epoch: int, batches: int) -> bool | None:
            return when == "batch"

        def epoch(self, event: dict[str, Any]) -> bool | None:
            self.heard.append(("epoch", event["epoch"], event["val"]["map50"]))
            return when == "epoch"

        def unreadable(self, names: Sequence[str]) -> None:
            self.heard.append(("unreadable", *names))

        def end(self, error: BaseException | None) -> None:
            self.heard.append(("end", error))

    def loop(job: Job, *, resume: bool) -> None:
        job.listeners.unreadable(["x.png", "x.png"])
        pretend(job, resume=resume)

    train_with(monkeypatch, loop)
    listener = Stopper()
    run = train(RECIPE, pair, tmp_path / "run", listeners=[listener])
    assert listener.heard == [("unreadable", "x.png"), ("start", 1, "nothing"), ("epoch", 1, 0.2), ("end", None)]
    assert len(run.epochs) == 1
    assert run.verdict.endswith("Stopped after 1 of 2 epochs.")
    assert len(train(RECIPE, pair, tmp_path / "run", resume=True).epochs) == 2, "it can go on"


def test_listeners_learn_what_ended_a_training(tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(job: Job, *, resume: bool) -> None:
        raise ModelError("no good")

    class Last(Listener):
        def end(self, error: BaseException | None) -> None:
            ends.append(error)

    ends = list[BaseException | None]()
    train_with(monkeypatch, fails)
    with pytest.raises(ModelError) as raised:
        train(RECIPE, pair, tmp_path / "run", listeners=[Last()])
    assert ends == [raised.value]


def test_a_resume_may_change_what_keeps_the_meaning(
    tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_with(monkeypatch, pretend)
    first = train(RECIPE, pair, tmp_path / "run")
    assert json.loads((first.folder / "summary.json").read_text())["changes"] == []
    longer = RECIPE.model_copy(update={"epochs": 3, "threads": 1, "workers": 0, "device": "cpu", "patience": 9})
    run = train(longer, pair, tmp_path / "run", resume=True)
    assert [event["epoch"] for event in run.epochs] == [1, 2, 3]
    assert load_recipe(run.folder / "recipe.yaml") == longer
    changes = json.loads((run.folder / "summary.json").read_text())["changes"]
    assert set(changes) == {
        f"from epoch 3 on: {change}"
        for change in (
            "epochs: 2 -> 3",
            "threads: 0 -> 1",
            "workers: 4 -> 0",
            "device: auto -> cpu",
            "patience: 50 -> 9",
        )
    }
    events = [json.loads(line)["event"] for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert events == ["start", "epoch", "epoch", "resume", "epoch", "end"]
    assert train(longer, pair, tmp_path / "run", resume=True) == run
    with pytest.raises(ConfigError, match="the run has 3 epochs, and `epochs` is 2; a resume can only add some"):
        train(RECIPE, pair, tmp_path / "run", resume=True)


def test_other_photos_under_the_same_names_are_other_data(
    tmp_path: Path, pair: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size stays, and so do the boxes: one byte in the middle is another."""
    path = tmp_path / "a.png"
    path.write_bytes(path.read_bytes() + bytes(100_000))  # after the picture, as some cameras do
    train_with(monkeypatch, pretend)
    before = train(RECIPE, pair, tmp_path / "run").fingerprint
    content = bytearray(path.read_bytes())
    content[len(content) // 2] = 1
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"other data \(other photos, boxes or classes\)"):
        train(RECIPE.model_copy(update={"epochs": 3}), pair, tmp_path / "run", resume=True)
    assert train(RECIPE, pair, tmp_path / "other").fingerprint != before


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("model", ["yolov5n", "fasterrcnn_resnet18_fpn"])
def test_a_finished_run_is_prolonged_as_if_it_had_been_longer(model: str, squares: Dataset, tmp_path: Path) -> None:
    """With a rate that does not depend on the number of epochs, to the last digit."""
    recipe = Recipe(
        model=model, imgsz=64, epochs=1, batch=8, workers=0, threads=1, optimizer="adamw", lr=0.001, lr_final=1,
        warmup=0, augment=Augment(mosaic=0), anchors="default", watch="map50",
    )  # fmt: skip
    longer = recipe.model_copy(update={"epochs": 2})
    few = replace(squares, images=(*squares.only("train").images[:16], *squares.only("val").images[:4]))
    train(recipe, few, tmp_path / "prolonged")
    prolonged = train(longer, few, tmp_path / "prolonged", resume=True)
    whole = train(longer, few, tmp_path / "whole")
    assert [{**event, "seconds": 0} for event in prolonged.epochs] == [
        {**event, "seconds": 0} for event in whole.epochs
    ]
