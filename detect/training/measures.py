"""The metrics of an epoch, for each task."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from detect.data import Dataset, Predictions
from detect.errors import DataError
from detect.evaluation import evaluate
from detect.recipes import DETECT

Measure = Callable[[Dataset, Predictions], dict[str, float]]


def measure_detection(truth: Dataset, found: Predictions) -> dict[str, float]:
    """The metrics of what was found in val; 0 where one is undefined, so that epochs can be compared.

    A photo that cannot be read is left out. Raises DataError without any.
    """
    if not found.images:
        raise DataError("none of the photos of split 'val' can be read as an image")
    seen = replace(truth, images=tuple(image for image in truth.images if image.name in found.images))
    values = evaluate(seen, found, replicates=0).values
    return {name: 0.0 if math.isnan(values[name]) else values[name] for name in DETECT.metrics}


MEASURES: dict[str, Measure] = {DETECT.name: measure_detection}
