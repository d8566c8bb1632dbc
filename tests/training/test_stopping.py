"""When a training ends before its last epoch, and that a resumed one, a finished one and the summary agree on it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from detect.errors import ConfigError
from detect.recipes import Recipe
from detect.training.folder import is_finished
from detect.training.stopping import EarlyStopping
from detect.training.verdict import verdict

NAN = math.nan
STOPS: list[tuple[list[float], int | None, int]] = [
    # metrics of the epochs, after which of them a patience of 3 ends, which one is the best
    ([0.1, 0.2, 0.3, 0.4, 0.5], None, 5),
    ([0.1, 0.3, 0.2, 0.2, 0.2, 0.2], 5, 2),
    ([0.3, 0.3, 0.3, 0.3], 4, 1),  # as good as the best is not better
    ([0.0] * 60, None, 1),  # nothing yet: it goes on
    ([0.0] * 40 + [0.01] * 4, 44, 41),  # from the first gain on it counts
    ([0.0, 0.0, 1e-9, 0.0, 0.0, 0.0], 6, 3),  # the least gain is one
    ([0.0, 0.3, 0.0, 0.0, 0.0, 0.0], 5, 2),  # back to 0: what was learnt is lost, and that counts
    ([0.0, 0.0, 0.3, 0.0, 0.0, 0.4, 0.0, 0.0, 0.0], 9, 6),
    ([NAN] * 10 + [0.2, NAN, 0.0, 0.1], 14, 11),  # undefined is as good as 0
    ([0.2, NAN, NAN, NAN], 4, 1),
    ([NAN, 0.0, NAN, 0.0, NAN], None, 1),
    ([-9.0, -5.0, -6.0, -5.0, -7.0], 5, 2),  # a loss, turned so that higher is better, is never 0
]


@pytest.mark.parametrize(("metrics", "end", "best"), STOPS)
def test_patience(metrics: list[float], end: int | None, best: int) -> None:
    stopping, better, over = EarlyStopping(3), list[int](), list[int]()
    for epoch, metric in enumerate(metrics, start=1):
        if stopping.update(metric):
            better.append(epoch)
        if stopping.over:
            over.append(epoch)
    assert next(iter(over), None) == end
    assert better[0] == 1, "there are always weights of a best epoch"
    assert max(one for one in better if end is None or one <= end) == best


@pytest.mark.parametrize(("metrics", "end", "best"), STOPS)
def test_a_resumed_training_decides_alike(metrics: list[float], end: int | None, best: int) -> None:
    """Whatever epoch it was killed after: by the state that it keeps (best, since), and by its log."""
    whole = EarlyStopping(3)
    for epoch, metric in enumerate(metrics, start=1):
        resumed = EarlyStopping(3)
        resumed.best, resumed.since = whole.best, whole.since
        assert resumed.update(metric) == whole.update(metric)
        logged = EarlyStopping(3, metrics[:epoch])
        assert (resumed.best, resumed.since, resumed.over) == (whole.best, whole.since, whole.over)
        assert (logged.best, logged.since, logged.over) == (whole.best, whole.since, whole.over)


@pytest.mark.parametrize(("metrics", "end", "best"), [row for row in STOPS if not any(map(math.isnan, row[0]))])
def test_a_finished_run_and_its_summary_know_it(
    metrics: list[float], end: int | None, best: int, tmp_path: Path
) -> None:
    recipe, metrics = Recipe(model="yolov5n", epochs=99, patience=3), metrics[:end]
    events = [{"event": "epoch", "epoch": k, "train": {"a": 1.0}, "val": {"map": m}} for k, m in enumerate(metrics, 1)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in [*events, {"event": "end"}]))
    assert is_finished(tmp_path, recipe) == (end is not None)
    assert is_finished(tmp_path, recipe.model_copy(update={"epochs": len(metrics)}))
    why = "early: no better mAP in 3 epochs" if end else f"after {len(metrics)} of 99 epochs"
    assert verdict(events, recipe).endswith(f"topped {why}.")


def test_a_loss_cannot_be_watched() -> None:
    with pytest.raises((ConfigError, ValueError), match="expected precision or recall or map50 or map"):
        Recipe(model="yolov5n", watch="box_loss")
