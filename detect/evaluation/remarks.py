"""Notes beside the metrics: what is empty, undefined, left out or improbable, and where metrics are too high."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from detect.data import Dataset, Predictions
from detect.evaluation.match import MatchTable

OUTSIDE = 1.0  # pixels over the edge that are rounding, not a mistake
PLACES = {"corners", "centres", "swapped", "sizes", "shares", "another size", "mirrored", "upside down", "turned"}


class Finding(NamedTuple):
    """One way in which a result cannot be right: the kind in a word or two, and the note about it."""

    kind: str
    text: str


def texts(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The notes alone."""
    return tuple(finding.text for finding in findings)


def about_table(table: MatchTable) -> list[str]:
    """What is empty, undefined or left out."""
    counted = table.truths.label[~table.truth_ignored[0]]
    if not table.images:
        return ["There are no images to evaluate on: every metric is undefined."]
    notes = []
    if not len(counted):
        notes.append("There are no true boxes that count: AP, AR and recall are undefined.")
    elif without := [name for k, name in enumerate(table.classes) if k not in set(counted.tolist())]:
        notes.append(f"No true boxes of {', '.join(without)}: AP undefined, shown as -, and left out of the means.")
    if not len(table.detections.score):
        notes.append("There are no detections: nothing was found.")
    if table.dropped:
        noun = "detection" if table.dropped == 1 else "detections"
        notes.append(f"{table.dropped:,} {noun} beyond the best 100 per image and class left out, as in COCO.")
    return notes


def about_boxes(dataset: Dataset, predictions: Predictions, explained: Iterable[Finding] = ()) -> list[str]:
    """Detections that stand twice or reach outside their photo: counted as they are, but hardly meant.

    The latter where no finding explains it already.
    """
    columns = predictions.columns()
    if not len(columns.score):
        return []
    notes = []
    rows = np.column_stack([columns.image, columns.label, columns.xyxy, columns.score])
    if twice := len(rows) - len(np.unique(rows, axis=0)):
        notes.append(f"{_are(twice, 'detection')} the exact copy of another; counted as {_a(twice, 'duplicate')}.")
    sizes = {image.name: (image.width, image.height) for image in dataset.images}
    limit = np.array([sizes.get(name, (np.inf, np.inf)) for name in columns.names], dtype=np.float64)[columns.image]
    outside = (columns.xyxy[:, :2] < -OUTSIDE).any(axis=1) | (columns.xyxy[:, 2:] > limit + OUTSIDE).any(axis=1)
    if (number := int(outside.sum())) and not any(finding.kind in PLACES for finding in explained):
        first = columns.names[columns.image[np.flatnonzero(outside)[0]]]
        verb = "reaches" if number == 1 else "reach"
        noun = "detection" if number == 1 else "detections"
        notes.append(f"{number} {noun} {verb} outside the photo, first in {first!r}: was it predicted at another size?")
    return notes


def about_choice(seen: int, images: int) -> tuple[str, ...]:
    """The warning where the data has chosen its own confidence: `seen` of the `images` took part in the choice."""
    if not seen:
        return ()
    which = "this same data" if seen == images else f"{seen} of these {images} images"
    return (
        f"The confidences were chosen on {which}, so precision, recall and F1 are higher than on new data. "
        "Choose on validation data, and report on test data with the point.json of that report: --point.",
    )


def _are(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"


def _a(number: int, noun: str) -> str:
    return f"a {noun}" if number == 1 else f"{noun}s"
