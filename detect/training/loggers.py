"""TensorBoard and MLflow, told every epoch where a recipe asks for it (`loggers: [tensorboard, mlflow]`).

Both stay on this machine: events in RUN/tensorboard, and MLflow's store in RUN/mlruns unless MLFLOW_TRACKING_URI names
a server.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from detect.errors import DetectError, MissingExtra
from detect.files import write_text
from detect.progress import say
from detect.recipes import Recipe

Tell = Callable[[int, dict[str, float]], None]


class Loggers(ExitStack):
    """The loggers of a recipe, open within a `with` block."""

    def __init__(self, recipe: Recipe, out: Path) -> None:
        super().__init__()
        openers = {"tensorboard": _tensorboard, "mlflow": _mlflow}
        self._tells: list[tuple[str, Tell]] = []
        for name in recipe.loggers:
            try:
                tell, close = openers[name](recipe, out)
            except DetectError:
                raise
            except Exception as error:
                raise DetectError(f"{name} cannot be used: {_first_line(error)}; leave it out of `loggers`") from None
            self.push(_closing(name, close))
            self._tells.append((name, tell))

    def tell(self, event: dict[str, Any]) -> None:
        """An epoch's numbers, under names such as train/box_loss and val/map50."""
        if self._tells:
            values = dict(_flat(event))
            for name, tell in list(self._tells):
                try:
                    tell(int(event["epoch"]), values)
                except Exception as error:  # a server that went away must not cost the training
                    say(f"{name} is told no more: {_first_line(error)}")
                    self._tells.remove((name, tell))


def _closing(name: str, close: Callable[[bool], None]) -> Callable[..., None]:
    """At the end: told whether all went well; what goes wrong there is said, and costs nothing."""

    def end(kind: type[BaseException] | None, *_: object) -> None:
        try:
            close(kind is None)
        except Exception as error:
            say(f"{name} was not closed: {_first_line(error)}")

    return end


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0]


def _flat(event: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in event.items():
        if isinstance(value, dict):
            yield from ((f"{name}/{inner}", number) for inner, number in _flat(value))
        elif name != "epoch" and isinstance(value, int | float):
            yield name, float(value)


def _tensorboard(recipe: Recipe, out: Path) -> tuple[Tell, Callable[[bool], None]]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("tensorboard", "loggers") from None
    writer: Any = SummaryWriter(str(out / "tensorboard"))

    def tell(epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    return tell, lambda well: writer.close()


def _mlflow(recipe: Recipe, out: Path) -> tuple[Tell, Callable[[bool], None]]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder needs no server and no database
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise MissingExtra("mlflow-skinny", "loggers") from None
    client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI") or (out.resolve() / "mlruns").as_uri())
    run = _mlflow_run(client, recipe, out)

    def tell(epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            client.log_metric(run, _allowed(name), value, step=epoch)

    return tell, lambda well: client.set_terminated(run, status="FINISHED" if well else "FAILED")


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
