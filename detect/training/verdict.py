"""What a training did, in words: whether it learnt, levelled off, or learnt its photos by heart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from detect.recipes import Recipe

NAMES = {"map": "mAP", "map50": "AP50", "precision": "precision", "recall": "recall"}
GAIN = 0.01  # change of a metric that is worth a word
FALL = 0.02  # share of the train loss that counts as still falling
FEW = 5  # epochs from which a course can be told


def verdict(epochs: Sequence[dict[str, Any]], recipe: Recipe) -> str:
    """One to three sentences on the course of the watched metric on val and of the losses."""
    metrics = [float(event["val"][recipe.watch]) for event in epochs]
    name, peak = NAMES[recipe.watch], max(range(len(metrics)), key=metrics.__getitem__)
    said = [f"val {name} peaked at epoch {epochs[peak]['epoch']} of {len(epochs)} ({metrics[peak]:.3f})"]
    if len(epochs) < FEW:
        said.append("too few epochs to tell more")
    elif overfits(epochs, metrics, peak):
        said[0] += "; the train loss kept falling: overfitting from there"
    else:
        said.append(_course(epochs, metrics, peak))
    if len(epochs) < recipe.epochs:
        said.append(f"stopped early: no better {name} in {recipe.patience} epochs")
    return ". ".join(part[0].upper() + part[1:] if place else part for place, part in enumerate(said)) + "."


def overfits(epochs: Sequence[dict[str, Any]], metrics: Sequence[float], peak: int) -> bool:
    """Whether after its peak the metric fell while the train loss kept falling.

    Both by the mean of the last tenth of the epochs, not by one of them.
    """
    tail = max(1, len(epochs) // 10)
    if peak >= len(epochs) - tail:
        return False
    train = [sum(event["train"].values()) for event in epochs]
    still_falling = _mean(train[-tail:]) < train[peak] * (1 - FALL)
    return still_falling and metrics[peak] - _mean(metrics[-tail:]) >= GAIN


def gap(epochs: Sequence[dict[str, Any]]) -> int | None:
    """The epoch from which the val loss rises while the train loss falls; None without one, or without a val loss."""
    val = [sum(event["val"].get(name, 0.0) for name in event["train"]) for event in epochs]
    train = [sum(event["train"].values()) for event in epochs]
    lowest = min(range(len(val)), key=val.__getitem__)
    tail = max(1, len(val) // 10)
    rises = val[lowest] > 0 and _mean(val[-tail:]) > val[lowest] * (1 + FALL)
    return int(epochs[lowest]["epoch"]) if rises and train[-1] < train[lowest] * (1 - FALL) else None


def _course(epochs: Sequence[dict[str, Any]], metrics: Sequence[float], peak: int) -> str:
    """What else there is to say of a training that does not overfit by its metric."""
    tail = max(1, len(epochs) // 5)
    train = [sum(event["train"].values()) for event in epochs]
    if max(metrics) < GAIN:
        return "it found next to nothing: more epochs, another lr, or pretrained weights"
    if (first := gap(epochs)) is not None:
        return f"the val loss rises from epoch {first} on while the train loss falls; the metric does not suffer yet"
    if max(metrics[-tail:]) - max(metrics[:-tail]) >= GAIN:
        return "it was still rising: more epochs would help"
    if train[-1] > train[0] * 0.95:
        return "the train loss hardly fell: it learnt little"
    return "it levelled off; no overfitting in sight"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
