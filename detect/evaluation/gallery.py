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
from detect.evaluation.mistakes import NAMES, Kind
from detect.evaluation.outcomes import Outcomes
from detect.evaluation.pairs import Rows
from detect.geometry import Boxes
from detect.progress import track

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

EACH = 6  # images shown per kind of mistake
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


class Wall(NamedTuple):
    """The images that show one kind of mistake (of `mistakes.NAMES`), and how many images have it."""

    mistake: str
    images: int
    cases: tuple[Case, ...]


def gallery(point: Outcomes, dataset: Dataset, each: int = EACH) -> list[Wall]:
    """Per kind of mistake the worst images, surest mistake or most misses first; kinds that do not occur are left out.

    An image is shown under the rarest of its kinds, where it is most needed, and again only where a kind has no other.
    """
    images = {image.name: image for image in dataset.images}
    ranked = {name: worst(point, name) for name in NAMES}
    shown: set[int] = set()
    picked: dict[str, list[int]] = {}
    for name in sorted(NAMES, key=lambda name: len(ranked[name])):
        ours = ranked[name].tolist()
        picked[name] = [n for n in ours if n not in shown][:each] or ours[:1]
        shown |= set(picked[name])
    drawn = {
        n: Case(point.table.images[n], what_is_wrong(point, n), _picture(point, n, images[point.table.images[n]]))
        for n in track(sorted(shown), "drawing the worst images", len(shown))
    }
    return [Wall(name, len(ranked[name]), tuple(drawn[n] for n in picked[name])) for name in NAMES if picked[name]]


def worst(point: Outcomes, mistake: str) -> Rows:
    """The places of the images with this mistake, the worst first: by number of misses, or by the surest mistake."""
    table, images = point.table, len(point.table.images)
    cost = np.zeros(images)
    if mistake == "missed":
        cost += np.bincount(table.truths.image[unexplained(point)], minlength=images)
    else:
        rows = point.rows[point.kind == Kind[mistake.upper()]]
        np.maximum.at(cost, table.detections.image[rows], table.detections.score[rows])
    order = np.argsort(-cost, kind="stable")
    return order[cost[order] > 0]


def unexplained(point: Outcomes) -> NDArray[np.bool_]:
    """(G,) missed true boxes that no detection means, neither by another class nor by a poor box."""
    missed = point.missed.copy()
    meant = (point.kind == Kind.WRONG_CLASS) | (point.kind == Kind.POOR_BOX) | (point.kind == Kind.BOTH)
    missed[point.truth[meant]] = False
    return missed


def what_is_wrong(point: Outcomes, image: int) -> str:
    """One line: "missed 2 dent; took crack for scratch (0.81); nothing there: dent (0.67)"."""
    table, classes = point.table, point.table.classes
    here = (table.detections.image[point.rows] == image) & point.wrong
    missed = np.flatnonzero(unexplained(point) & (table.truths.image == image)).tolist()
    lost = Counter(classes[table.truths.label[g]] for g in missed)
    parts = [f"missed {name if n == 1 else f'{n} {name}'}" for name, n in lost.items()]
    for place in np.flatnonzero(here).tolist():
        row, truth = point.rows[place], point.truth[place]
        name, score = classes[table.detections.label[row]], table.detections.score[row]
        true = classes[table.truths.label[truth]] if truth >= 0 else ""
        parts.append(f"{_said(Kind(point.kind[place]), name, true)} ({score:.2f})")
    more = [f"and {len(parts) - SAID} more"] if len(parts) > SAID else []
    return "; ".join(parts[:SAID] + more)


def _said(kind: Kind, name: str, true: str) -> str:
    if kind is Kind.WRONG_CLASS:
        return f"took {true} for {name}"
    if kind is Kind.BOTH:
        return f"took {true} for {name}, and a poor box"
    if kind is Kind.DUPLICATE:
        return f"{name} a second time"
    if kind is Kind.POOR_BOX:
        return f"poor box around {name}"
    return f"nothing there: {name}"


def _picture(point: Outcomes, number: int, image: Image) -> str:
    """The photo with its boxes as a JPEG data URI; "" where there is no readable photo."""
    from detect.drawing import draw, open_upright

    if image.path is None:
        return ""
    try:
        photo = open_upright(image.path, longest=LONGEST)
    except DataError:
        return ""
    photo = enlarged(photo)
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


def enlarged(photo: Picture) -> Picture:
    """A small photo made larger, so that tags on it can be read."""
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
    for place in np.flatnonzero((ours.image[point.rows] == image) & (point.kind != Kind.IGNORED)):
        d = point.rows[place]
        box = _box(point, ours.label[d], ours.xyxy[d], scale)._replace(score=float(ours.score[d]))
        right = point.kind[place] == Kind.FOUND
        yield _Mark(box, RIGHT if right else WRONG, f"{box.label} {box.score:.2f}")


def _box(point: Outcomes, label: int, xyxy: Boxes, scale: tuple[float, float]) -> Box:
    x1, y1, x2, y2 = (float(v) for v in xyxy * np.array([*scale, *scale]))
    return Box(point.table.classes[label], x1, y1, x2, y2)
