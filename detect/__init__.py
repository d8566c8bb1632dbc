"""From photos annotated in LabelImg or CVAT to a damage detector you can trust.

    import detect

    dataset = detect.split(detect.read("photos/"), (80, 10, 10))
    run = detect.train("yolo11n.yaml", dataset, "runs/first")
    found = detect.predict(run.folder, "new/*.jpg")

Each name of `__all__` is a plain function or type that is loaded when it is first used: `import detect` costs nothing.
docs/library.md shows them at work, docs/api.md lists them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from detect.version import __version__ as __version__

if TYPE_CHECKING:
    from detect.conversion import read, read_predictions, write, write_predictions
    from detect.data import Attributes, Box, Dataset, Image, Predictions
    from detect.drawing import draw
    from detect.errors import ConfigError, DataError, DetectError, MissingExtra, ModelError, Problem, Problems
    from detect.evaluation import Comparison, Evaluation, compare, evaluate, write_report
    from detect.models import load_detector
    from detect.operating_point import OperatingPoint, read_point, write_point
    from detect.prediction import draw_predictions, predict
    from detect.questions import Answer, Question
    from detect.recipes import Recipe, load_recipe
    from detect.splitting import folds, split
    from detect.training import Listener, Run, train

_HOMES = {
    "detect.conversion": ("read", "read_predictions", "write", "write_predictions"),
    "detect.data": ("Attributes", "Box", "Dataset", "Image", "Predictions"),
    "detect.drawing": ("draw",),
    "detect.errors": ("ConfigError", "DataError", "DetectError", "MissingExtra", "ModelError", "Problem", "Problems"),
    "detect.evaluation": ("Comparison", "Evaluation", "compare", "evaluate", "write_report"),
    "detect.models": ("load_detector",),
    "detect.operating_point": ("OperatingPoint", "read_point", "write_point"),
    "detect.prediction": ("draw_predictions", "predict"),
    "detect.questions": ("Answer", "Question"),
    "detect.recipes": ("Recipe", "load_recipe"),
    "detect.splitting": ("folds", "split"),
    "detect.training": ("Listener", "Run", "train"),
}

__all__ = [
    "Answer",
    "Attributes",
    "Box",
    "Comparison",
    "ConfigError",
    "DataError",
    "Dataset",
    "DetectError",
    "Evaluation",
    "Image",
    "Listener",
    "MissingExtra",
    "ModelError",
    "OperatingPoint",
    "Predictions",
    "Problem",
    "Problems",
    "Question",
    "Recipe",
    "Run",
    "compare",
    "draw",
    "draw_predictions",
    "evaluate",
    "folds",
    "load_detector",
    "load_recipe",
    "predict",
    "read",
    "read_point",
    "read_predictions",
    "split",
    "train",
    "write",
    "write_point",
    "write_predictions",
    "write_report",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return globals().setdefault(name, getattr(import_module(home), name))
    raise AttributeError(f"module 'detect' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
