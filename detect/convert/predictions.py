"""Predictions as a COCO document that carries its own names."""

from __future__ import annotations

from pathlib import Path

from detect.data import Dataset, Predictions


def read_predictions(path: str | Path, *, ids: Path | None = None) -> Predictions:
    """Read predictions.json, or a bare COCO results list together with `ids`."""
    raise NotImplementedError


def write_predictions(predictions: Predictions, path: Path, *, dataset: Dataset | None = None) -> Path:
    """Write predictions.json."""
    raise NotImplementedError
