"""What a training did, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detect.recipes import Recipe
from detect.training.curves import draw_curves
from detect.training.verdict import gap, verdict

RECIPE = Recipe(model="yolov5n", epochs=20, patience=5)
TWENTY = np.arange(20)


def epochs(metrics: Any, train: Any = None, val: Any = None) -> list[dict[str, Any]]:
    """Events with these metrics, a train loss that falls unless given, and a val loss if given."""
    train = 3 * 0.9 ** np.arange(len(metrics)) if train is None else train
    return [
        {
            "epoch": n + 1,
            "train": {"box_loss": float(train[n])},
            "val": {"map": float(f), **({} if val is None else {"box_loss": float(val[n])})},
        }
        for n, f in enumerate(metrics)
    ]


RISING = 0.03 * TWENTY
PEAK = np.where(TWENTY <= 8, 0.05 * TWENTY, 0.4 - 0.01 * (TWENTY - 8))
FLAT = 0.5 * (1 - np.exp(-TWENTY / 2))


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (epochs(PEAK), "val mAP peaked at epoch 9 of 20 (0.400); the train loss kept falling: overfitting from there."),
        (epochs(RISING), "val mAP peaked at epoch 20 of 20 (0.570). It was still rising: more epochs would help."),
        (epochs(FLAT), "val mAP peaked at epoch 20 of 20 (0.500). It levelled off; no overfitting in sight."),
        # the metric fell, but so did not the train loss: something else than overfitting
        (epochs(PEAK, np.full(20, 3.0)), "val mAP peaked at epoch 9 of 20 (0.400). The train loss hardly fell: "
         "it learnt little."),
        (epochs(0 * TWENTY), "val mAP peaked at epoch 1 of 20 (0.000). It found next to nothing: more epochs, another "
         "lr, or pretrained weights."),
        (epochs(FLAT, val=2 + abs(TWENTY - 6) / 10), "val mAP peaked at epoch 20 of 20 (0.500). The val loss rises "
         "from epoch 7 on while the train loss falls; the metric does not suffer yet."),
        (epochs(PEAK[:14]), "val mAP peaked at epoch 9 of 14 (0.400); the train loss kept falling: overfitting from "
         "there. Stopped early: no better mAP in 5 epochs."),
        (epochs([0.1]), "val mAP peaked at epoch 1 of 1 (0.100). Too few epochs to say more. Stopped after 1 of 20 "
         "epochs."),
    ],
)  # fmt: skip
def test_words(events: list[dict[str, Any]], said: str) -> None:
    assert verdict(events, RECIPE) == said


def test_a_part_of_the_loss_that_comes_late_is_no_rise(tmp_path: Path) -> None:
    """A YOLOX counts offsets in its last epochs; they are drawn from there on."""
    events = epochs(FLAT, val=2.5 * 0.9**TWENTY)
    for event in events[-5:]:
        event["train"]["offsets"] = event["val"]["offsets"] = 2.0
    assert verdict(events, RECIPE) == verdict(epochs(FLAT, val=2.5 * 0.9**TWENTY), RECIPE)
    assert gap(events) is None
    for event in events:
        event["val"].update(map50=0.5, precision=0.5, recall=0.5)
    for name, shown in (("with", events), ("without", [{**one, "train": events[0]["train"]} for one in events])):
        draw_curves(shown, tmp_path / f"{name}.png", RECIPE)
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "without.png").read_bytes()


@pytest.mark.parametrize(("fall", "overfitting"), [(0.05, True), (0.01, False)])
def test_the_train_loss_must_fall_by_more_than_noise(fall: float, overfitting: bool) -> None:
    """After the peak at epoch 9 a loss that stays within 2 % does not fall."""
    train = np.where(TWENTY <= 8, 3 - TWENTY / 8, 2 * (1 - fall))
    assert ("overfitting from there" in verdict(epochs(PEAK, train), RECIPE)) == overfitting
    val = np.where(TWENTY <= 8, 2, 2 * (1 + fall))
    steady = np.where(TWENTY <= 0, 3, 3 * (1 - 2 * fall))
    assert gap(epochs(FLAT, steady, val)) == (1 if overfitting else None)


def test_a_gap_needs_a_val_loss_that_rises() -> None:
    assert gap(epochs(FLAT, val=2 + abs(TWENTY - 6) / 10)) == 7
    assert gap(epochs(FLAT, val=3 * 0.9**TWENTY)) is None
    assert gap(epochs(FLAT)) is None
