"""From which score on boxes are kept where nobody says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from detect.operating_point import DEFAULT_CONFIDENCE

if TYPE_CHECKING:
    from detect.data import Box
    from detect.models.detector import Detector

CONFIDENCE = 0.001  # keep weak boxes too: the area under a precision-recall curve needs its whole length


class Kept(NamedTuple):
    """From which score boxes of each class are kept, and why."""

    above: dict[str, float]
    reason: Literal["annotated", "fitted", "default", "given", "point"]


def kept_by_default(detector: Detector, annotated: bool) -> Kept:
    """Nearly all where photos are annotated, since what is found in them will be measured; else what counts."""
    return Kept(dict.fromkeys(detector.classes, CONFIDENCE), "annotated") if annotated else counting(detector)


def counting(detector: Detector) -> Kept:
    """What counts as found: from the confidences that `detect thresholds` fitted to the detector, or from 0.25."""
    usual = dict.fromkeys(detector.classes, DEFAULT_CONFIDENCE)
    if detector.point is None or detector.point.calibration:  # those are confidences of calibrated scores
        return Kept(usual, "default")
    return Kept({**usual, **detector.point.confidence}, "fitted")


def least(above: Mapping[str, float]) -> float:
    """What to ask a detector for: a little less, since it leaves out what is equal, and that reaches a confidence."""
    return 0.999 * min(above.values(), default=0.0)


def reaching(boxes: tuple[Box, ...], above: Mapping[str, float]) -> tuple[Box, ...]:
    """Those that reach the confidence of their class."""
    return tuple(box for box in boxes if box.score is not None and box.score >= above[box.label])
