"""A second look in the mirror, and both looks fused (weighted boxes fusion, Solovyev et al., 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detect.geometry import iou
from detect.models.nms import Candidates, suppress

if TYPE_CHECKING:
    from detect.models.detector import Detector, Picture

SAME = 0.55  # IoU from which two boxes of one class are one thing, as in the paper


class Mirrored:
    """A detector that looks at every picture twice, the second time mirrored, and fuses what it sees."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.name, self.classes, self.imgsz = detector.name, detector.classes, detector.imgsz
        self.suppression, self.point = detector.suppression, detector.point

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """See Detector."""
        straight = self.detector.candidates(pictures, confidence)
        turned = self.detector.candidates([np.ascontiguousarray(one[:, ::-1]) for one in pictures], confidence)
        answer = []
        for picture, one, other in zip(pictures, straight, turned, strict=True):
            back = other._replace(xyxy=other.xyxy[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [picture.shape[1], 0] * 2)
            answer.append(fuse([suppress(look, self.suppression, confidence) for look in (one, back)]))
        return answer


def fuse(looks: Sequence[Candidates]) -> Candidates:
    """One box for all that mean the same thing: their mean by score, and the mean score over all looks."""
    every = Candidates(*(np.concatenate(column) for column in zip(*looks, strict=True)))
    every = every.at(np.argsort(-every.score, kind="stable"))
    left, groups = np.ones(len(every.score), bool), []
    overlaps = iou(every.xyxy, every.xyxy) * (every.label[:, None] == every.label[None])
    for best in range(len(every.score)):
        if left[best]:
            same = np.flatnonzero(left & (overlaps[best] >= SAME) | (np.arange(len(left)) == best))
            left[same] = False
            groups.append(same)
    boxes = [np.average(every.xyxy[same], axis=0, weights=every.score[same]) for same in groups]
    score = [min(1.0, every.score[same].sum() / max(len(looks), len(same))) for same in groups]
    label = np.array([every.label[same[0]] for same in groups], dtype=np.int64)
    return Candidates(np.array(boxes).reshape(-1, 4), np.array(score), label)
