"""Which photos somebody has to look at again."""

from __future__ import annotations

from collections.abc import Sequence

from detect.geometry import as_boxes, iou
from detect.review.original import TRUTHS, Document, boxes_in, predictions_in
from detect.review.tags import DISPUTED, FIX, OK, tags_of

ANSWERED = 0.5  # overlap from which a box that was added answers the label issue that one is missing
Corners = tuple[float, float, float, float]


def is_disputed(sample: Document, models: Sequence[str], front: str | None) -> bool:
    """Whether it or a box is tagged so, or has a likely label issue, by the model in `front`, that no tag answers."""
    truths, found = boxes_in(sample, TRUTHS), [one for _, one in predictions_in(sample, models)]
    if any(DISPUTED in tags_of(one) for one in (sample, *truths, *found)):
        return True
    if front is None or OK in tags_of(sample):
        return False
    added = [_edges(one) for one in found if any(tag.startswith(FIX) for tag in tags_of(one))]
    missing = [one for one in boxes_in(sample, front) if one.get("label_issue") and not _is_answered(one)]
    wrong = [one for one in truths if one.get(f"{front}_label_issue") and not _is_answered(one)]
    return bool(wrong) or any(_overlap(_edges(one), added) < ANSWERED for one in missing)


def _is_answered(document: Document) -> bool:
    return any(tag == OK or tag.startswith(FIX) for tag in tags_of(document))


def _overlap(box: Corners, others: Sequence[Corners]) -> float:
    """The highest with any of them."""
    return float(iou(as_boxes([box]), as_boxes(others)).max()) if others else 0.0


def _edges(document: Document) -> Corners:
    x, y, width, height = document["bounding_box"]
    return x, y, x + width, y + height
