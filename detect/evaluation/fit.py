"""How well detections lie on the true boxes: as given, with their numbers read in another way, and by chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.evaluation.columns import Detections, Truths
from detect.evaluation.pairs import Rows, overlap, same_key
from detect.geometry import Boxes

Floats = NDArray[np.float64]

PHOTOS = 2000  # photos that are looked at, at most: more say the same
FEWEST = 5  # photos from which on anything is concluded
GOOD = 0.3  # the share of the surest detections from which on, at the higher IoU, boxes mean what they seem to
OVERLAPS = (0.5, 0.75)  # IoU from which a detection lies on a true box
TIMES = 2.0  # by how much another reading must fit better than the one as given, and than chance
DEVIATIONS = 5.0  # and by how many standard deviations
LEAST = 0.05  # a share that any reading may reach by chance


class Sample(NamedTuple):
    """The surest detections of some photos, as many in each as it has true boxes.

    K detections: xyxy (K, 4) pixels, label and image (K,). G true boxes of the same photos: truth (G, 4), truth_label
    and truth_image (G,). size (I, 2): width and height of all photos of the data. pairs: the detection and the true
    box of each pair within one photo.

    The surest ones alone, because a detector also gives hundreds of boxes that it does not believe in, of which some
    lie well on anything.
    """

    xyxy: Boxes
    label: Rows
    image: Rows
    truth: Boxes
    truth_label: Rows
    truth_image: Rows
    size: Floats
    pairs: tuple[Rows, Rows]

    @property
    def photos(self) -> Rows:
        """The photos that have both, ascending."""
        return np.unique(self.image)

    def of(self, photos: Rows) -> Sample:
        """The part in these photos."""
        kept = np.zeros(len(self.size), dtype=bool)
        kept[photos] = True
        mine, theirs = kept[self.image], kept[self.truth_image]
        image, truth_image = self.image[mine], self.truth_image[theirs]
        return Sample(
            self.xyxy[mine], self.label[mine], image,
            self.truth[theirs], self.truth_label[theirs], truth_image, self.size, same_key(image, truth_image),
        )  # fmt: skip

    @property
    def fits(self) -> bool:
        """Whether so many lie so well that the boxes mean what they seem to."""
        return bool(len(self.image)) and float((self.best(self.xyxy) >= OVERLAPS[-1]).mean()) >= GOOD

    def some(self, number: int) -> Sample:
        """The part in at most so many photos, drawn by lot, always the same."""
        return self.of(_drawn(self.photos, number))

    def best(self, xyxy: Boxes) -> Floats:
        """The best IoU of each detection with a true box of its photo (..., K), were its box this one (..., K, 4)."""
        return best_overlap(xyxy, self.truth, self.pairs)

    def by_chance(self, xyxy: Boxes) -> Floats:
        """The same with the true boxes of other photos (3, K), the boxes stretched to their sizes."""
        photos, answer = self.photos, []
        # Far apart: neighbours may be frames of one video, in which boxes lie alike.
        for step in {max(1, len(photos) // part) for part in (2, 3, 5)}:
            other = np.zeros(len(self.size), dtype=np.int64)
            other[photos] = np.roll(photos, step)
            stretch = self.size[other[self.image]] / self.size[self.image]
            pairs = same_key(other[self.image], self.truth_image)
            answer.append(best_overlap(xyxy * np.tile(stretch, 2), self.truth, pairs))
        return np.array(answer)


def best_overlap(xyxy: Boxes, truth: Boxes, pairs: tuple[Rows, Rows]) -> Floats:
    """The best IoU of each box (..., K, 4) with a true one, of these pairs in the order of the boxes; 0 without any."""
    mine, theirs = xyxy[..., pairs[0], :], truth[pairs[1]]
    best = np.zeros(xyxy.shape[:-1])
    if len(theirs):
        shared = overlap(mine.reshape(-1, 4), np.broadcast_to(theirs, mine.shape).reshape(-1, 4))
        first = np.flatnonzero(np.append(True, np.diff(pairs[0]) > 0))
        best[..., pairs[0][first]] = np.maximum.reduceat(shared.reshape(mine.shape[:-1]), first, axis=-1)
    return best


def surest(truths: Truths, detections: Detections, size: Floats, photos: int = PHOTOS) -> Sample:
    """The surest detections of at most so many photos, which are drawn by lot, always the same."""
    counted = np.flatnonzero(~(truths.ignored | truths.crowd))
    wanted = np.bincount(truths.image[counted], minlength=len(size))
    seen = np.flatnonzero((wanted > 0) & (np.bincount(detections.image, minlength=len(size)) > 0))
    drawn = np.zeros(len(size), dtype=bool)
    drawn[_drawn(seen, photos)] = True
    rows = np.flatnonzero(drawn[detections.image])
    rows = rows[np.lexsort((-detections.score[rows], detections.image[rows]))]
    image = detections.image[rows]
    rows = rows[np.arange(len(rows)) - np.searchsorted(image, image) < wanted[image]]
    kept = counted[drawn[truths.image[counted]]]
    image, theirs = detections.image[rows], truths.image[kept]
    return Sample(
        detections.xyxy[rows], detections.label[rows], image,
        truths.xyxy[kept], truths.label[kept], theirs, size, same_key(image, theirs),
    )  # fmt: skip


def _drawn(photos: Rows, number: int) -> Rows:
    """At most so many of them, by lot, always the same; neighbours may show one thing."""
    return photos if len(photos) <= number else np.random.default_rng(0).choice(photos, number, replace=False)


class Gain(NamedTuple):
    """What another reading is worth: the shares of the surest detections on a true box of at least this IoU."""

    iou: float
    given: float
    read: float


def gain(given: Floats, read: Floats, chance: Floats, photos: int) -> Gain | None:
    """How much better detections lie under another reading, or None where that may be luck.

    The best IoU of each, as given (K,), under the reading (K,), and by chance (any). What is given and what is chance
    both have to be surpassed: a detector that puts the same box into every photo says nothing about them, and by luck
    that box lies better after some shift. Photos and not boxes are counted, since boxes of one photo go together.
    """
    if photos < FEWEST:
        return None
    for iou in OVERLAPS:
        shares = [float((x >= iou).mean()) for x in (given, read, chance)]
        null = max(shares[0], shares[2], LEAST)
        if shares[1] >= max(TIMES * null, null + DEVIATIONS * float(np.sqrt(null * (1 - null) / photos))):
            return Gain(iou, shares[0], shares[1])
    return None
