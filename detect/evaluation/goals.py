"""What the operating point is chosen for: the best F1, a precision, a recall, or the least cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from detect.errors import ConfigError, did_you_mean
from detect.evaluation.bootstrap import Floats

GOALS = ("f1", "precision", "recall", "cost")
KINDS = "f1, precision=0.9, recall=0.8 or cost=FILE"
PARTS = {"miss", "false_alarm", "confusion"}


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """`target` in 0..1 for a precision or a recall; `cost` (K + 1, K + 1) as the confusion matrix, for a cost."""

    kind: Literal["f1", "precision", "recall", "cost"]
    target: float = 0.0
    cost: Floats | None = None
    has_confusions: bool = False
    file: str = ""

    def __str__(self) -> str:
        if self.kind == "f1":
            return "f1"
        return f"cost={self.file}" if self.kind == "cost" else f"{self.kind}={self.target:g}"


F1 = Goal("f1")


def parse_goal(text: str, classes: tuple[str, ...]) -> Goal:
    """`f1`, `precision=0.9`, `recall=0.8` or `cost=FILE`. Raises ConfigError for anything else, and as `read_cost`."""
    kind, _, value = text.partition("=")
    if text == "f1":
        return F1
    if kind == "cost" and value:
        return read_cost(Path(value), classes)
    try:
        target = float(value)
    except ValueError:
        target = -1.0
    if kind == "precision" and 0 < target <= 1:
        return Goal("precision", target)
    if kind == "recall" and 0 < target <= 1:
        return Goal("recall", target)
    hint = "" if kind in GOALS else did_you_mean(kind, GOALS)
    raise ConfigError(f"cannot choose by {text!r}: {KINDS} (shares above 0 and at most 1){hint}")


def read_cost(path: Path, classes: tuple[str, ...]) -> Goal:
    """A cost table in YAML, in any unit of money.

    ::

        miss: 900                   # a true box not found; one number, or one per class:
        false_alarm: {dent: 40, default: 60}
        confusion: {scratch: {dent: 15}}   # true class, then what it was taken for

    A confusion that is not named costs a miss and a false alarm. Raises ConfigError, with all that is wrong.
    """
    import yaml

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(given, dict):
        raise ConfigError(f"{path}: expected `miss:`, `false_alarm:` and perhaps `confusion:`")
    wrong = [f"{name!r} is not one of miss, false_alarm, confusion" for name in given if name not in PARTS]
    miss = _per_class(given.get("miss"), "miss", classes, wrong)
    alarm = _per_class(given.get("false_alarm"), "false_alarm", classes, wrong)
    cost = np.zeros((len(classes) + 1, len(classes) + 1))
    cost[:-1, :-1] = miss[:, None] + alarm[None, :]
    cost[:-1, -1], cost[-1, :-1] = miss, alarm
    _confusions(given.get("confusion", {}), cost, classes, wrong)
    np.fill_diagonal(cost, 0)
    if wrong:
        raise ConfigError("\n".join(f"{path}: {line}" for line in wrong))
    return Goal("cost", cost=cost, has_confusions="confusion" in given, file=path.name)


def _per_class(given: Any, name: str, classes: tuple[str, ...], wrong: list[str]) -> Floats:
    """One cost per class, (K,)."""
    if given is None:
        wrong.append(f"{name}: is missing; a number, or one per class")
    if not isinstance(given, dict):
        given = {"default": given}
    named = {str(key): value for key, value in given.items()}
    _unknown(named, classes, name, wrong)
    lacking = [c for c in classes if c not in named]
    if lacking and "default" not in named:
        wrong.append(f"{name}: nothing for {', '.join(lacking)}; add them, or `default:`")
    return np.array([_number(named.get(c, named.get("default", 0)), f"{name}: {c}", wrong) for c in classes])


def _confusions(given: Any, cost: Floats, classes: tuple[str, ...], wrong: list[str]) -> None:
    """Write what is given for confusions into the table."""
    if not isinstance(given, dict):
        cost[:-1, :-1] = _number(given, "confusion", wrong)
        return
    _unknown(given, classes, "confusion", wrong)
    for i, true in enumerate(classes):
        row = given.get(true, given.get("default"))
        if row is None:
            continue
        if not isinstance(row, dict):
            cost[i, :-1] = _number(row, f"confusion: {true}", wrong)
            continue
        _unknown(row, classes, f"confusion: {true}", wrong)
        for j, taken in enumerate(classes):
            if taken in row or "default" in row:
                cost[i, j] = _number(row.get(taken, row.get("default")), f"confusion: {true}: {taken}", wrong)


def _unknown(given: dict[Any, Any], classes: tuple[str, ...], where: str, wrong: list[str]) -> None:
    wrong += [f"{where}: {name!r} is not a class of the data" for name in given if name not in (*classes, "default")]


def _number(value: Any, where: str, wrong: list[str]) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return float(value)
    if value is not None or where.startswith("confusion"):
        wrong.append(f"{where}: a cost is a number from 0, got {value!r}")
    return 0.0
