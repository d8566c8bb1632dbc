"""TensorBoard and MLflow as listeners, where a recipe asks for them (`loggers: [tensorboard, mlflow]`).

Both stay on this machine: events in RUN/tensorboard, and MLflow's store in RUN/mlruns unless MLFLOW_TRACKING_URI names
a server.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from detect.errors import DetectError, MissingExtra
from detect.files import write_text
from detect.progress import remark
from detect.recipes import Recipe
from detect.training.listeners import Event, Listener

Write = Callable[[int, dict[str, float]], None]  # an epoch from 1, its numbers by name


class Logger(Listener):
    """A logger outside the run: it writes the numbers of each epoch. A server that goes away costs no training."""

    def __init__(self, name: str, write: Write, close: Callable[[bool], None]) -> None:
        self.name, self.write, self.close = name, write, close
        self.open = True

    def epoch(self, event: Event) -> None:
        """The numbers of an epoch, under names such as train/box_loss and val/map50."""
        if not self.open:
            return
        try:
            self.write(int(event["epoch"]), dict(_flat(event)))
        except Exception as error:  # noqa: BLE001  a logger must not cost the training
            remark(f"{self.name} gets no more metrics: {_first_line(error)}")
            self.open = False

    def end(self, error: BaseException | None) -> None:
        """Close it, as finished or as failed."""
        try:
            self.close(error is None)
        except Exception as problem:  # noqa: BLE001  a logger must not cost the training
            remark(f"{self.name} was not closed: {_first_line(problem)}")


def open_loggers(recipe: Recipe, out: Path) -> list[Logger]:
    """The loggers of a recipe. Raises MissingExtra where one is not installed, DetectError where one cannot be used."""
    openers = {"tensorboard": _tensorboard, "mlflow": _mlflow}
    opened = list[Logger]()
    for name in recipe.loggers:
        try:
            opened.append(Logger(name, *openers[name](recipe, out)))
        except BaseException as error:
            for logger in opened:
                logger.end(error)
            if isinstance(error, DetectError) or not isinstance(error, Exception):
                raise
            raise DetectError(f"{name} cannot be used: {_first_line(error)}; leave it out of `loggers`") from None
    return opened


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0]


def _flat(event: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in event.items():
        if isinstance(value, dict):
            yield from ((f"{name}/{inner}", number) for inner, number in _flat(value))
        elif name != "epoch" and isinstance(value, int | float):
            yield name, float(value)


def _tensorboard(_recipe: Recipe, out: Path) -> tuple[Write, Callable[[bool], None]]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("tensorboard", "loggers") from None
    writer: Any = SummaryWriter(str(out / "tensorboard"))

    def write(epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    return write, lambda _well: writer.close()


def _mlflow(recipe: Recipe, out: Path) -> tuple[Write, Callable[[bool], None]]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder needs no server and no database
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise MissingExtra("mlflow-skinny", "loggers") from None
    client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI") or (out.resolve() / "mlruns").as_uri())
    run = _mlflow_run(client, recipe, out)

    def write(epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            client.log_metric(run, _allowed(name), value, step=epoch)

    return write, lambda well: client.set_terminated(run, status="FINISHED" if well else "FAILED")


def _mlflow_run(client: Any, recipe: Recipe, out: Path) -> str:
    """The run's number with MLflow: that of the training which is resumed, or a new one with every key."""
    from mlflow.exceptions import MlflowException

    known, note = client.get_experiment_by_name("damage-detect"), out / "mlflow.txt"
    experiment = known.experiment_id if known else client.create_experiment("damage-detect")
    if note.is_file():
        run = note.read_text(encoding="utf-8").strip()
        with suppress(MlflowException):  # its store is another one now, or gone
            client.update_run(run, status="RUNNING")
            return run
    run = str(client.create_run(experiment, run_name=out.name).info.run_id)
    for key, value in recipe.model_dump(mode="json").items():
        client.log_param(run, key, value)
    write_text(note, run)
    return run


def _allowed(name: str) -> str:
    """A metric's name as MLflow takes it: classes may be called `dent (small)`."""
    return re.sub(r"[^\w\-. :/]|(?<=/)/|(?<=\.)\.", "_", name)
