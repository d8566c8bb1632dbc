"""Large photos in overlapping tiles, so that small damage is not lost when they are scaled down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from detect.models.nms import Candidates, candidates, suppress
from detect.operating_point import Suppression

if TYPE_CHECKING:
    from detect.models.detector import Detector, Picture

BORDER = 2.0  # pixels from the edge of a tile within which a box is taken for cut
SHARE = 0.25  # of a tile that it shares with the next one
MERGED = 0.7  # IoU above which boxes of several passes are one thing


class Tiled:
    """A detector that looks at a picture as a whole and again in tiles of `side` pixels.

    A box that ends at the edge of its tile is cut, and left to the next tile or the whole picture: what is smaller than
    the overlap is whole in one of the tiles, and what is larger is seen in the whole picture. What was seen more than
    once is merged here: the detector's own suppression may be fitted to leave much, and to one pass.
    """

    def __init__(self, detector: Detector, side: int, batch: int = 8) -> None:
        """`batch` tiles are looked at together."""
        self.detector, self.side, self.batch = detector, side, batch
        self.name, self.classes, self.imgsz = detector.name, detector.classes, detector.imgsz
        self.suppression, self.point = detector.suppression, detector.point

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector."""
        seen = [[one] for one in self.detector.candidates(pictures, confidence)]
        sizes = [(picture.shape[1], picture.shape[0]) for picture in pictures]
        places = [(number, place) for number, size in enumerate(sizes) for place in windows(*size, self.side)
                  if max(size) > self.side]  # fmt: skip
        for start in range(0, len(places), self.batch):
            some = places[start : start + self.batch]
            tiles = [pictures[number][y1:y2, x1:x2] for number, (x1, y1, x2, y2) in some]
            for (number, place), one in zip(some, self.detector.candidates(tiles, confidence), strict=True):
                seen[number].append(uncut(one, place, *sizes[number]))
        return [self._merged(parts) for parts in seen]

    def _merged(self, parts: Sequence[Candidates]) -> Candidates:
        """What the looks at one picture show, the same thing once."""
        if len(parts) == 1:
            return parts[0]
        together = candidates(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        own = self.suppression
        return suppress(together, Suppression(min(MERGED, own.iou), 0.0, own.per_class), most=len(together.score))


def windows(width: int, height: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    """Tiles x1, y1, x2, y2 of at most `side` pixels that cover a picture, each sharing SHARE of it with the next."""
    for y1 in _starts(height, side):
        for x1 in _starts(width, side):
            yield x1, y1, min(x1 + side, width), min(y1 + side, height)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = int(np.ceil((length - side) / (side * (1 - SHARE)))) + 1
    return [int(start) for start in np.linspace(0, length - side, count).round()]


def uncut(found: Candidates, place: tuple[int, int, int, int], width: int, height: int) -> Candidates:
    """What a tile at `place` shows, in pixels of the picture, without what is cut by an edge inside the picture."""
    x1, y1, x2, y2 = place
    xyxy = found.xyxy + np.array([x1, y1, x1, y1], dtype=np.float64)
    cut = np.zeros(len(xyxy), bool)
    if x1 > 0:
        cut |= xyxy[:, 0] < x1 + BORDER
    if y1 > 0:
        cut |= xyxy[:, 1] < y1 + BORDER
    if x2 < width:
        cut |= xyxy[:, 2] > x2 - BORDER
    if y2 < height:
        cut |= xyxy[:, 3] > y2 - BORDER
    return found._replace(xyxy=xyxy).at(~cut)
