"""TensorBoard and MLflow, told every epoch where a recipe asks for it (`loggers: [tensorboard, mlflow]`).

Both stay on this machine: events in RUN/tensorboard, and MLflow's store in RUN/mlruns unless MLFLOW_TRACKING_URI names
a server.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from detect.config import Recipe
from detect.errors import MissingExtra

Tell = Callable[[int, dict[str, float]], None]


class Loggers(ExitStack):
    """The loggers of a recipe, open within a `with` block."""

    def __init__(self, recipe: Recipe, out: Path) -> None:
        super().__init__()
        openers = {"tensorboard": _tensorboard, "mlflow": _mlflow}
        self._tells: list[Tell] = []
        for name in recipe.loggers:
            tell, close = openers[name](recipe, out)
            self.callback(close)
            self._tells.append(tell)

    def tell(self, event: dict[str, Any]) -> None:
        """An epoch's numbers, under names such as train/box_loss and val/map50."""
        if self._tells:
            values = dict(_flat(event))
            for tell in self._tells:
                tell(int(event["epoch"]), values)


def _flat(event: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in event.items():
        if isinstance(value, dict):
            yield from ((f"{name}/{inner}", number) for inner, number in _flat(value))
        elif name != "epoch" and isinstance(value, int | float):
            yield name, float(value)


def _tensorboard(recipe: Recipe, out: Path) -> tuple[Tell, Callable[[], None]]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("tensorboard", "loggers") from None
    writer: Any = SummaryWriter(str(out / "tensorboard"))

    def tell(epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    return tell, writer.close


def _mlflow(recipe: Recipe, out: Path) -> tuple[Tell, Callable[[], None]]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder needs no server and no database
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise MissingExtra("mlflow-skinny", "loggers") from None
    client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI") or (out.resolve() / "mlruns").as_uri())
    known = client.get_experiment_by_name("damage-detect")
    experiment = known.experiment_id if known else client.create_experiment("damage-detect")
    run = client.create_run(experiment, run_name=out.name).info.run_id
    for key, value in recipe.model_dump(mode="json").items():
        client.log_param(run, key, value)

    def tell(epoch: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            client.log_metric(run, name, value, step=epoch)

    return tell, lambda: client.set_terminated(run)
