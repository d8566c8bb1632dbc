"""Do the predictions speak of this data? Absent is not "found nothing", and nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Literal

import numpy as np

from detect.data import Dataset, Predictions
from detect.errors import DataError, Problem

Missing = Literal["fail", "ignore", "empty"]

NAMES_SHOWN = 5  # names spelled out in a message


def only_split(dataset: Dataset, predictions: Predictions, split: str) -> tuple[Dataset, Predictions]:
    """The data and the predictions of one split. Raises DataError as `known_images`, or without such a split."""
    known_images(dataset, predictions)
    part = dataset.only(split)
    names = {image.name for image in part.images}
    return part, replace(predictions, images={n: b for n, b in predictions.images.items() if n in names})


def known_images(dataset: Dataset, predictions: Predictions) -> None:
    """Raise DataError where the predictions name images that the data does not have."""
    names = {image.name for image in dataset.images}
    unknown = [name for name in predictions.images if name not in names]
    if not unknown:
        return
    by_file = {PurePosixPath(name).name: name for name in names}
    same = by_file.get(PurePosixPath(unknown[0]).name)
    hint = f"the data has {same!r}; both must name it alike, relative to the data's folder" if same else ""
    raise DataError(
        Problem(
            "error",
            "unknown image",
            f"{_count(len(unknown), 'image')} not in the data: {_some(unknown)}",
            file="predictions",
            remedy=hint or "were they made on other data?",
        )
    )


def covered(dataset: Dataset, predictions: Predictions, missing: Missing = "fail") -> tuple[Dataset, tuple[str, ...]]:
    """The data to evaluate on, and remarks about what does not fit.

    Images that the predictions do not name were not looked at: `missing` says whether that is an error ("fail"), they
    are left out ("ignore") or count as looked at with nothing found ("empty"). Raises DataError for images that
    the data does not have, and where not one predicted class is a class of the data.
    """
    known_images(dataset, predictions)
    _some_class_in_common(dataset, predictions)
    absent = [image.name for image in dataset.images if image.name not in predictions.images]
    notes = []
    if absent and missing == "fail":
        remedy = "predict them too, choose a part with --split, or say what they mean with --missing ignore|empty"
        verb = "is" if len(absent) == 1 else "are"
        what = f"{len(absent)} of the data's {len(dataset)} images {verb} not in them: {_some(absent)}"
        raise DataError(Problem("error", "missing image", what, "predictions", "", remedy))
    if absent and missing == "empty":
        notes.append(f"{_count(len(absent), 'image')} not in the predictions: counted as looked at with nothing found.")
    if absent and missing == "ignore":
        dataset = replace(dataset, images=tuple(i for i in dataset.images if i.name in predictions.images))
        notes.append(
            f"{_count(len(absent), 'image')} not in the predictions: left out; the metrics hold for the "
            f"other {len(dataset)}."
        )
    return dataset, (*notes, *_other_classes(dataset, predictions))


def _some_class_in_common(dataset: Dataset, predictions: Predictions) -> None:
    if not dataset.classes or not predictions.classes or set(dataset.classes) & set(predictions.classes):
        return
    what = f"no class in common: the data has {_some(dataset.classes)}, the predictions {_some(predictions.classes)}"
    remedy = "were they made by a model of other classes?"
    raise DataError(Problem("error", "no class in common", what, "predictions", "", remedy))


def _other_classes(dataset: Dataset, predictions: Predictions) -> list[str]:
    """A remark about predicted classes that the data does not have."""
    columns = predictions.columns()
    counts = np.bincount(columns.label, minlength=len(columns.classes)).tolist()
    known = set(dataset.classes)
    others = {c: n for c, n in zip(columns.classes, counts, strict=True) if c not in known}
    if not others:
        return []
    boxes = sum(others.values())
    return [
        f"Predicted {_plural(len(others), 'class', 'classes')} that the data does not have: {_some(list(others))}; "
        f"{_plural(boxes, 'detection', 'detections')} left out. As in COCO they count nowhere, "
        "not even as false alarms."
    ]


def _plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _count(count: int, noun: str) -> str:
    return f"{_plural(count, noun, noun + 's')} {'is' if count == 1 else 'are'}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:NAMES_SHOWN])
    return f"{shown} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown
