"""The worst images, with the true and the predicted boxes drawn and a line saying what is wrong."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.data import Box, Dataset, Image
from detect.errors import DataError
from detect.evaluate.outcomes import Outcomes, Verdict
from detect.evaluate.pairs import Rows
from detect.geometry import Boxes

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MOST = 24  # images shown
SAID = 6  # mistakes spelled out below one of them
LONGEST, SHORTEST = 640, 440  # pixels of the longer side; small photos are enlarged, so that tags can be read

TRUTH_FOUND, TRUTH_MISSED = "#009E73", "#D55E00"
RIGHT, WRONG = "#56B4E9", "#E69F00"
LEGEND = (  # colour, dashed, meaning
    (TRUTH_FOUND, False, "true box, found"),
    (TRUTH_MISSED, False, "true box, missed"),
    (RIGHT, True, "prediction, right"),
    (WRONG, True, "prediction, wrong"),
)


class _Mark(NamedTuple):
    box: Box
    colour: str
    tag: str


class Case(NamedTuple):
    """One image of the gallery: its name, what is wrong, and the picture as a data URI ("" where it has none)."""

    name: str
    line: str
    picture: str


def gallery(point: Outcomes, dataset: Dataset, most: int = MOST) -> Iterator[Case]:
    """The images with the most mistakes, the worst first; none where there is no mistake."""
    images = {image.name: image for image in dataset.images}
    for number in worst(point, most):
        image = images[point.table.images[number]]
        yield Case(image.name, what_is_wrong(point, number), _picture(point, number, image))


def worst(point: Outcomes, most: int) -> Rows:
    """The places of at most `most` images, by falling number of misses plus the scores of wrong detections."""
    table = point.table
    wrong = point.rows[_is_wrong(point)]
    images = len(table.images)
    cost = np.bincount(table.truths.image[point.missed], minlength=images).astype(np.float64)
    cost += np.bincount(table.detections.image[wrong], table.detections.score[wrong], minlength=images)
    order = np.argsort(-cost, kind="stable")[:most]
    return order[cost[order] > 0]


def what_is_wrong(point: Outcomes, image: int) -> str:
    """One line: "missed 2 dent; took crack for scratch (0.81); false alarm: dent (0.67)"."""
    table, classes = point.table, point.table.classes
    here = (table.detections.image[point.rows] == image) & _is_wrong(point)
    explained = set(point.truth[here].tolist())
    missed = np.flatnonzero(point.missed & (table.truths.image == image)).tolist()
    lost = Counter(classes[table.truths.label[g]] for g in missed if g not in explained)
    parts = [f"missed {name if n == 1 else f'{n} {name}'}" for name, n in lost.items()]
    for place in np.flatnonzero(here).tolist():
        row, truth = point.rows[place], point.truth[place]
        name, score = classes[table.detections.label[row]], table.detections.score[row]
        true = classes[table.truths.label[truth]] if truth >= 0 else ""
        parts.append(f"{_said(Verdict(point.verdict[place]), name, true)} ({score:.2f})")
    more = [f"and {len(parts) - SAID} more"] if len(parts) > SAID else []
    return "; ".join(parts[:SAID] + more)


def _said(verdict: Verdict, name: str, true: str) -> str:
    if verdict is Verdict.WRONG_CLASS:
        return f"took {true} for {name}"
    if verdict is Verdict.DUPLICATE:
        return f"{name} a second time"
    if verdict is Verdict.POOR_BOX:
        return f"poor box around {name}"
    return f"false alarm: {name}"


def _is_wrong(point: Outcomes) -> NDArray[np.bool_]:
    return np.asarray((point.verdict != Verdict.FOUND) & (point.verdict != Verdict.IGNORED))


def _picture(point: Outcomes, number: int, image: Image) -> str:
    """The photo with its boxes as a JPEG data URI; "" where there is no readable photo."""
    from detect.draw import draw, open_upright

    if image.path is None:
        return ""
    try:
        photo = open_upright(image.path, longest=LONGEST)
    except DataError:
        return ""
    photo = _enlarged(photo)
    scale = (photo.width / image.width, photo.height / image.height)
    marks = [*_truths(point, number, scale), *_detections(point, number, scale)]
    drawn = draw(
        photo,
        [mark.box for mark in marks],
        colours=[mark.colour for mark in marks],
        tags=[mark.tag for mark in marks],
        dashed=[mark.box.score is not None for mark in marks],
    )
    file = io.BytesIO()
    drawn.save(file, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _enlarged(photo: Picture) -> Picture:
    from PIL.Image import Resampling

    factor = SHORTEST / max(photo.size)
    if factor <= 1:
        return photo
    size = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
    return photo.resize(size, Resampling.BICUBIC)


def _truths(point: Outcomes, image: int, scale: tuple[float, float]) -> Iterator[_Mark]:
    truths = point.table.truths
    for g in np.flatnonzero((truths.image == image) & ~point.table.truth_ignored[0]):
        box = _box(point, truths.label[g], truths.xyxy[g], scale)
        missed = point.missed[g]
        yield _Mark(box, TRUTH_MISSED if missed else TRUTH_FOUND, f"missed {box.label}" if missed else "")


def _detections(point: Outcomes, image: int, scale: tuple[float, float]) -> Iterator[_Mark]:
    ours = point.table.detections
    for place in np.flatnonzero((ours.image[point.rows] == image) & (point.verdict != Verdict.IGNORED)):
        d = point.rows[place]
        box = _box(point, ours.label[d], ours.xyxy[d], scale)._replace(score=float(ours.score[d]))
        right = point.verdict[place] == Verdict.FOUND
        yield _Mark(box, RIGHT if right else WRONG, f"{box.label} {box.score:.2f}")


def _box(point: Outcomes, label: int, xyxy: Boxes, scale: tuple[float, float]) -> Box:
    x1, y1, x2, y2 = (float(v) for v in xyxy * np.array([*scale, *scale]))
    return Box(point.table.classes[label], x1, y1, x2, y2)
