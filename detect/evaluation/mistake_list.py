"""Every mistake at the operating point, a row each, for a spreadsheet: mistakes.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

import numpy as np

from detect.evaluation.mistakes import Kind
from detect.evaluation.outcomes import Outcomes
from detect.evaluation.pairs import overlap
from detect.evaluation.worst_images import overlooked
from detect.geometry import Boxes

COLUMNS = (
    "image", "mistake", "class", "confidence", "x1", "y1", "x2", "y2",  # of the detection
    "true_class", "true_x1", "true_y1", "true_x2", "true_y2",  # of the true box that it means
    "iou", "missed", "photo",
)  # fmt: skip
PIXELS, SHARES = 2, 4  # decimals
Cell = str | float
Row = tuple[Cell, ...]
NOTHING: Row = ("",) * 4


def mistake_list(outcomes: Outcomes, links: Mapping[str, str]) -> list[Row]:
    """Rows of COLUMNS, image by image; in each the wrong detections, the surest first, then what was overlooked.

    Every false alarm has one row, and every missed true box one or more. Corners are pixels of the upright photo, `iou`
    is the overlap of the two boxes, `missed` is "yes" where no detection found that true box, and `photo` the entry of
    the image in `links`. "" stands for what a row has not.
    """
    rows = [*_wrong(outcomes, links), *_overlooked(outcomes, links)]
    return [row for _, _, row in sorted(rows, key=lambda one: one[:2])]


def as_csv(rows: list[Row]) -> str:
    """The rows below the names of their columns, separated by commas."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([COLUMNS, *rows])
    return text.getvalue()


def _wrong(outcomes: Outcomes, links: Mapping[str, str]) -> Iterator[tuple[int, float, Row]]:
    """Place of the image, place in it, and the row of each wrong detection."""
    table, places = outcomes.table, np.flatnonzero(outcomes.wrong)
    ours, true, means = table.detections.take(outcomes.rows[places]), table.truths, outcomes.truth[places]
    iou = np.zeros(len(places))
    iou[means >= 0] = overlap(ours.xyxy[means >= 0], true.xyxy[means[means >= 0]])
    for n, g in enumerate(means.tolist()):
        image, score = int(ours.image[n]), float(ours.score[n])
        box = (table.classes[ours.label[n]], round(score, SHARES), *_corners(ours.xyxy[n]))
        meant: Row = ("", *NOTHING, "", "")
        if g >= 0:
            missed = "yes" if outcomes.missed[g] else "no"
            meant = (table.classes[true.label[g]], *_corners(true.xyxy[g]), round(float(iou[n]), SHARES), missed)
        name, kind = table.images[image], Kind(outcomes.kind[places[n]]).name.lower()
        yield image, -score, (name, kind, *box, *meant, links.get(name, ""))


def _overlooked(outcomes: Outcomes, links: Mapping[str, str]) -> Iterator[tuple[int, float, Row]]:
    table, true = outcomes.table, outcomes.table.truths
    for g in np.flatnonzero(overlooked(outcomes)).tolist():
        image = int(true.image[g])
        name, box = table.images[image], (table.classes[true.label[g]], *_corners(true.xyxy[g]))
        yield image, 1.0, (name, "overlooked", "", "", *NOTHING, *box, "", "yes", links.get(name, ""))


def _corners(xyxy: Boxes) -> Row:
    return tuple(round(float(edge), PIXELS) for edge in xyxy)
