"""TensorBoard and MLflow are told every epoch, and stay on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from detect.errors import DetectError, MissingExtra
from detect.recipes import Recipe
from detect.training.listeners import Listeners
from detect.training.loggers import open_loggers

EVENT = {
    "epoch": 3, "seconds": 1.5, "lr": 0.01, "train": {"box_loss": 0.7}, "val": {"map50": 0.6}, "seen": {"dent": 12},
}  # fmt: skip
NAMES = {"seconds": 1.5, "lr": 0.01, "train/box_loss": 0.7, "val/map50": 0.6, "seen/dent": 12.0}


def recipe(*loggers: Any) -> Recipe:
    return Recipe(model="yolov5n", loggers=loggers)


@contextmanager
def opened(given: Recipe, out: Path) -> Iterator[Listeners]:
    """The loggers of a recipe; they learn how the block ends."""
    loggers = Listeners(open_loggers(given, out))
    try:
        yield loggers
    except BaseException as error:
        loggers.end(error)
        raise
    loggers.end(None)


def test_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with opened(recipe("tensorboard"), tmp_path) as loggers:
        loggers.epoch(EVENT)
    written = EventAccumulator(str(tmp_path / "tensorboard"))
    written.Reload()
    told = {tag: written.Scalars(tag)[0] for tag in written.Tags()["scalars"]}
    assert {tag: one.value for tag, one in told.items()} == pytest.approx(NAMES)
    assert {one.step for one in told.values()} == {3}


def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with opened(recipe("mlflow"), tmp_path / "run") as loggers:
        loggers.epoch(EVENT)
    client = MlflowClient((tmp_path / "run" / "mlruns").as_uri())
    experiment = client.get_experiment_by_name("damage-detect")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "run"
    assert run.data.metrics == pytest.approx(NAMES)
    assert run.data.params["model"] == "yolov5n"


def test_a_training_that_fails_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(KeyError), opened(recipe("mlflow"), tmp_path / "run"):
        raise KeyError
    client = MlflowClient((tmp_path / "run" / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("damage-detect").experiment_id])
    assert run.info.status == "FAILED"


def test_a_server_that_goes_away_costs_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route to mlflow.example")

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with opened(recipe("mlflow"), tmp_path / "run") as loggers:
        monkeypatch.setattr("mlflow.tracking.MlflowClient.log_metric", gone)
        monkeypatch.setattr("mlflow.tracking.MlflowClient.set_terminated", gone)
        loggers.epoch(EVENT)
        loggers.epoch(EVENT)
    said = capsys.readouterr().err
    assert said.count("mlflow gets no more metrics: no route to mlflow.example") == 1
    monkeypatch.setattr("mlflow.tracking.MlflowClient.get_experiment_by_name", gone)
    with pytest.raises(DetectError, match=r"mlflow cannot be used: no route to mlflow\.example; leave it out of"):
        open_loggers(recipe("mlflow"), tmp_path / "run")


def test_none_asked_for_loads_none(tmp_path: Path) -> None:
    with opened(recipe(), tmp_path) as loggers:
        loggers.epoch(EVENT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_missing_package_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for module in [*(m for m in sys.modules if m.split(".")[0] == name), "torch.utils.tensorboard"]:
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"damage-detect\[loggers\]"):
        open_loggers(recipe(name), tmp_path)


def runs(store: Path) -> list[Any]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(store.as_uri())
    return list(client.search_runs([client.get_experiment_by_name("damage-detect").experiment_id]))


def test_a_resumed_training_is_the_same_mlflow_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(KeyboardInterrupt), opened(recipe("mlflow"), tmp_path / "run") as loggers:
        loggers.epoch({**EVENT, "epoch": 1})
        raise KeyboardInterrupt
    with opened(recipe("mlflow"), tmp_path / "run") as loggers:
        loggers.epoch({**EVENT, "epoch": 2, "lr": 0.5})
    (run,) = runs(tmp_path / "run" / "mlruns")
    assert run.info.status == "FINISHED"
    assert run.data.metrics["lr"] == 0.5


@pytest.mark.parametrize("name", ["dent (small)", "crack, long", "a&b", "a//b", "..", "groß", "划痕"])
def test_every_class_can_be_told_to_mlflow(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with opened(recipe("mlflow"), tmp_path / "run") as loggers:
        loggers.epoch({**EVENT, "seen": {name: 12}})
        loggers.epoch({**EVENT, "epoch": 4, "seen": {name: 13}})
    (run,) = runs(tmp_path / "run" / "mlruns")
    assert 13 in run.data.metrics.values()
    assert run.data.metrics["val/map50"] == 0.6
