"""Test-time augmentation: the picture again mirrored or upside down, and the boxes of both fused.

As in weighted boxes fusion (Solovyev et al., 2021), but of each pass at most one box goes into a fused one: what one
pass finds twice is left to suppression, since its average is in neither place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detect.geometry import iou
from detect.models.nms import Candidates, candidates, suppress
from detect.operating_point import Suppression
from detect.prediction import CONFIDENCE

if TYPE_CHECKING:
    from detect.models.detector import Detector, Picture

SAME_DAMAGE_IOU = 0.55  # IoU from which two boxes of one class are one thing, as in the paper
PASS_IOU = 0.7  # of suppression within a pass, before both are fused


class Mirrored:
    """A detector that passes every picture twice, the second time mirrored, and fuses the boxes.

    With `flip` it is upside down then. A mirrored one can be mirrored again: four passes.
    """

    def __init__(self, detector: Detector, *, flip: bool = False) -> None:
        self.detector, self.flip = detector, flip
        self.name, self.classes, self.imgsz = detector.name, detector.classes, detector.imgsz
        self.suppression, self.point = detector.suppression, detector.point

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector."""
        least = min(confidence, CONFIDENCE)  # what is weak in one pass may be sure in the other
        straight = self.detector.candidates(pictures, least)
        axis = 0 if self.flip else 1
        low, high = 1 - axis, 3 - axis  # columns of xyxy
        turned = self.detector.candidates([np.ascontiguousarray(np.flip(one, axis)) for one in pictures], least)
        how = Suppression(PASS_IOU, 0.0, self.suppression.per_class)
        answer = []
        for picture, one, other in zip(pictures, straight, turned, strict=True):
            xyxy = other.xyxy.copy()
            xyxy[:, [low, high]] = picture.shape[axis] - other.xyxy[:, [high, low]]
            back = other._replace(xyxy=xyxy)
            fused = fuse(suppress(one, how), suppress(back, how))
            answer.append(fused.at(fused.score > confidence))
        return answer


def augmented(detector: Detector, *, mirror: bool = False, flip: bool = False) -> Detector:
    """The detector with a second pass in the mirror, upside down, or with both: four passes."""
    detector = Mirrored(detector) if mirror else detector
    return Mirrored(detector, flip=True) if flip else detector


def fuse(first: Candidates, second: Candidates) -> Candidates:
    """Pairs become their mean by score, with the mean score; what only one pass finds keeps half of its score.

    The surest of the first pass chooses its partner first.
    """
    overlaps = iou(first.xyxy, second.xyxy) * (first.label[:, None] == second.label[None])
    partner = np.full(len(first.score), -1)
    for mine in np.argsort(-first.score, kind="stable"):
        if len(second.score) and overlaps[mine].max() >= SAME_DAMAGE_IOU:
            partner[mine] = overlaps[mine].argmax()
            overlaps[:, partner[mine]] = 0
    a, b = np.flatnonzero(partner >= 0), partner[partner >= 0]
    weight = np.stack([first.score[a], second.score[b]])
    corners = np.stack([first.xyxy[a], second.xyxy[b]])
    together = (corners * weight[..., None]).sum(axis=0) / weight.sum(axis=0)[:, None]
    unpaired = [first.at(partner < 0), second.at(~np.isin(np.arange(len(second.score)), b))]
    return candidates(
        np.vstack([together, *(one.xyxy for one in unpaired)]),
        np.concatenate([weight.mean(axis=0), *(one.score / 2 for one in unpaired)]),
        np.concatenate([first.label[a], *(one.label for one in unpaired)]),
    )
