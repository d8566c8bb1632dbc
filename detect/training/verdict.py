"""What a training did, in words: whether it learnt, levelled off, or learnt its photos by heart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from detect.recipes import TASKS, Recipe
from detect.training.stopping import EarlyStopping

GAIN = 0.01  # change of a metric that counts
FALL = 0.02  # share of the train loss that counts as still falling
ENOUGH = 5  # epochs from which a trend can be seen


def verdict(epochs: Sequence[dict[str, Any]], recipe: Recipe) -> str:
    """One to three sentences on how the watched metric on val and the losses went."""
    metrics = [float(event["val"][recipe.watch]) for event in epochs]
    name, peak = TASKS[recipe.task].metrics[recipe.watch], max(range(len(metrics)), key=metrics.__getitem__)
    sentences = [f"val {name} peaked at epoch {epochs[peak]['epoch']} of {len(epochs)} ({metrics[peak]:.3f})"]
    if len(epochs) < ENOUGH:
        sentences.append("too few epochs to say more")
    elif overfits(epochs, metrics, peak):
        sentences[0] += "; the train loss kept falling: overfitting from there"
    else:
        sentences.append(_trend(epochs, metrics))
    if len(epochs) < recipe.epochs:
        waited = EarlyStopping(recipe.patience, metrics).over
        why = f"early: no better {name} in {recipe.patience}" if waited else f"after {len(epochs)} of {recipe.epochs}"
        sentences.append(f"stopped {why} epochs")
    return ". ".join(part[0].upper() + part[1:] if place else part for place, part in enumerate(sentences)) + "."


def overfits(epochs: Sequence[dict[str, Any]], metrics: Sequence[float], peak: int) -> bool:
    """Whether after its peak the metric fell while the train loss kept falling.

    Both by the mean of the last tenth of the epochs, not by one of them.
    """
    tail = max(1, len(epochs) // 10)
    if peak >= len(epochs) - tail:
        return False
    train = _totals(epochs, "train")
    still_falling = _mean(train[-tail:]) < train[peak] * (1 - FALL)
    return still_falling and metrics[peak] - _mean(metrics[-tail:]) >= GAIN


def gap(epochs: Sequence[dict[str, Any]]) -> int | None:
    """The epoch from which the val loss rises while the train loss falls; None without one, or without a val loss."""
    val = _totals(epochs, "val")
    train = _totals(epochs, "train")
    lowest = min(range(len(val)), key=val.__getitem__)
    tail = max(1, len(val) // 10)
    rises = val[lowest] > 0 and _mean(val[-tail:]) > val[lowest] * (1 + FALL)
    return int(epochs[lowest]["epoch"]) if rises and train[-1] < train[lowest] * (1 - FALL) else None


def _trend(epochs: Sequence[dict[str, Any]], metrics: Sequence[float]) -> str:
    """What else there is to say of a training that does not overfit by its metric."""
    tail = max(1, len(epochs) // 5)
    train = _totals(epochs, "train")
    if max(metrics) < GAIN:
        return "it found next to nothing: more epochs, another lr, or pretrained weights"
    if (first := gap(epochs)) is not None:
        return f"the val loss rises from epoch {first} on while the train loss falls; the metric does not suffer yet"
    if max(metrics[-tail:]) - max(metrics[:-tail]) >= GAIN:
        return "it was still rising: more epochs would help"
    if train[-1] > train[0] * 0.95:
        return "the train loss hardly fell: it learnt little"
    return "it levelled off; no overfitting in sight"


def _totals(epochs: Sequence[dict[str, Any]], where: str) -> list[float]:
    """The loss of each epoch on "train" or "val": of its parts those that every epoch has (a YOLOX adds one late)."""
    names = [name for name in epochs[0]["train"] if all(name in event["train"] for event in epochs)]
    return [sum(event[where].get(name, 0.0) for name in names) for event in epochs]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
