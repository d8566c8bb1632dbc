"""From photos annotated in LabelImg or CVAT to a damage detector you can trust.

    from detect import read, write
    from detect.evaluation import evaluate

    dataset = read("photos/")
    write(dataset, "data", "yolo")

The names below are loaded when they are first used, so that `import detect` costs nothing. The rooms hold the rest:
detect.splitting, detect.training, detect.prediction, detect.evaluation, each with a function of its own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detect.conversion import read, read_predictions, write, write_predictions
    from detect.data import Attributes, Box, Dataset, Image, Predictions
    from detect.errors import ConfigError, DataError, DetectError, MissingExtra, ModelError, Problem, Problems
    from detect.models import load_detector
    from detect.prediction import predict
    from detect.recipes import Recipe, load_recipe
    from detect.training import Run, train

__version__ = "0.1.0"

_HOMES = {
    "detect.recipes": ("Recipe", "load_recipe"),
    "detect.conversion": ("read", "read_predictions", "write", "write_predictions"),
    "detect.data": ("Attributes", "Box", "Dataset", "Image", "Predictions"),
    "detect.errors": (
        "ConfigError",
        "DataError",
        "DetectError",
        "MissingExtra",
        "ModelError",
        "Problem",
        "Problems",
    ),
    "detect.models": ("load_detector",),
    "detect.prediction": ("predict",),
    "detect.training": ("Run", "train"),
}

__all__ = [
    "Attributes",
    "Box",
    "ConfigError",
    "DataError",
    "Dataset",
    "DetectError",
    "Image",
    "MissingExtra",
    "ModelError",
    "Predictions",
    "Problem",
    "Problems",
    "Recipe",
    "Run",
    "load_detector",
    "load_recipe",
    "predict",
    "read",
    "read_predictions",
    "train",
    "write",
    "write_predictions",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'detect' has no attribute {name!r}")
