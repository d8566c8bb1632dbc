"""The worst images, with the true and the predicted boxes drawn and a line saying what is wrong."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detect.data import Box, Dataset, Image
from detect.errors import DataError
from detect.evaluation.mistakes import NAMES, Kind
from detect.evaluation.outcomes import Outcomes
from detect.evaluation.worst_images import what_is_wrong, worst
from detect.geometry import Boxes
from detect.progress import track

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

EACH = 6  # images shown per kind of mistake
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


def gallery(outcomes: Outcomes, dataset: Dataset, each: int = EACH) -> list[Wall]:
    """Per kind of mistake the worst images, surest mistake or most boxes first; kinds that do not occur are left out.

    An image is shown under the rarest of its kinds, where it is most needed, and again only where a kind has no other.
    """
    images = {image.name: image for image in dataset.images}
    ranked = {name: worst(outcomes, name) for name in NAMES}
    shown: set[int] = set()
    picked: dict[str, list[int]] = {}
    for name in sorted(NAMES, key=lambda name: len(ranked[name])):
        ours = ranked[name].tolist()
        picked[name] = [n for n in ours if n not in shown][:each] or ours[:1]
        shown |= set(picked[name])
    drawn = {
        n: Case(
            outcomes.table.images[n],
            what_is_wrong(outcomes, n),
            _picture(outcomes, n, images[outcomes.table.images[n]]),
        )
        for n in track(sorted(shown), "drawing the worst images", len(shown))
    }
    return [Wall(name, len(ranked[name]), tuple(drawn[n] for n in picked[name])) for name in NAMES if picked[name]]


def _picture(outcomes: Outcomes, number: int, image: Image) -> str:
    """The photo with its boxes as a JPEG data URI; "" where there is no readable photo."""
    from detect.drawing import draw

    try:
        photo = image.open(longest=LONGEST)
    except DataError:
        return ""
    photo = enlarged(photo)
    scale = (photo.width / image.width, photo.height / image.height)
    marks = [*_truths(outcomes, number, scale), *_detections(outcomes, number, scale)]
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


def _truths(outcomes: Outcomes, image: int, scale: tuple[float, float]) -> Iterator[_Mark]:
    truths = outcomes.table.truths
    for g in np.flatnonzero((truths.image == image) & ~outcomes.table.truth_ignored[0]):
        box = _box(outcomes, truths.label[g], truths.xyxy[g], scale)
        missed = outcomes.missed[g]
        yield _Mark(box, TRUTH_MISSED if missed else TRUTH_FOUND, f"missed {box.label}" if missed else "")


def _detections(outcomes: Outcomes, image: int, scale: tuple[float, float]) -> Iterator[_Mark]:
    ours = outcomes.table.detections
    for place in np.flatnonzero((ours.image[outcomes.rows] == image) & (outcomes.kind != Kind.IGNORED)):
        d = outcomes.rows[place]
        box = _box(outcomes, ours.label[d], ours.xyxy[d], scale, float(ours.score[d]))
        right = outcomes.kind[place] == Kind.FOUND
        yield _Mark(box, RIGHT if right else WRONG, f"{box.label} {box.score:.2f}")


def _box(outcomes: Outcomes, label: int, xyxy: Boxes, scale: tuple[float, float], score: float | None = None) -> Box:
    x1, y1, x2, y2 = (float(v) for v in xyxy * np.array([*scale, *scale]))
    return Box(outcomes.table.classes[label], x1, y1, x2, y2, score)
