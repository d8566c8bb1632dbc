"""What people do in the App beside corrections is listed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("bson", reason="needs pymongo (the extra review)")

from detect.data import Attributes
from detect.errors import Problems
from detect.review.original import Attribute
from detect.review.unused import Known, noted
from tests.review.documents import IMAGE, SEVERITY, said, sample

KNOWN = Known(["model"], [Attribute("weather", "image_weather", str)], [SEVERITY])
WET = replace(IMAGE, attributes=Attributes({"weather": "wet"}))


def listed(change: dict[str, Any], box: dict[str, Any], *predictions: dict[str, Any]) -> list[str]:
    one = {**sample(*predictions, image=WET), "split": "val", "image_weather": "wet", **change}
    one["ground_truth"]["detections"][0] |= box
    problems = Problems()
    assert list(noted([one], KNOWN, problems)) == [one]
    return [str(problem).partition(" (")[0] for problem in problems]


@pytest.mark.parametrize(
    ("change", "box"),
    [
        ({}, {}),
        ({}, {"severity": 5, "tags": ["ok"], "model_status": "found", "model_iou": 0.9}),  # corrections and findings
        ({"mine": None, "score": 0.5, "other": {"_cls": "Detections", "detections": []}}, {"mask": None}),
        ({"metadata": {"_cls": "ImageMetadata", "width": 100}}, {"attributes": {}, "index": 7}),
        ({"model_unsure": {"_cls": "Detections", "detections": [said("dent", 1, 1, 2, 2, status="unsure")]}}, {}),
    ],
)
def test_what_a_review_uses_or_wrote_is_not_listed(change: dict[str, Any], box: dict[str, Any]) -> None:
    assert listed(change, box, said("dent", 1, 1, 2, 2)) == []


@pytest.mark.parametrize(
    ("change", "box", "line"),
    [
        ({"split": "test"}, {}, "claim/a.jpg: split is 'test' now, was 'val'"),
        ({"image_weather": "dry"}, {}, "claim/a.jpg: weather is 'dry' now, was 'wet'"),
        ({"image_weather": None}, {}, "claim/a.jpg: weather is None now, was 'wet'"),
        ({"mine": {"_cls": "Detections", "detections": [{}, {}]}}, {}, "claim/a.jpg: 2 labels are in the field 'mine'"),
        ({"view": {"_cls": "Classification", "label": "x"}}, {}, "claim/a.jpg: 1 labels are in the field 'view'"),
        ({}, {"mask": b"x"}, "claim/a.jpg: box 1: a mask was drawn; only its box counts"),
        ({}, {"note": "deep"}, "claim/a.jpg: box 1: note = 'deep' is no attribute of the data"),
        ({}, {"note": False}, "claim/a.jpg: box 1: note = False is no attribute of the data"),
    ],
)
def test_what_has_no_use_is_listed(change: dict[str, Any], box: dict[str, Any], line: str) -> None:
    assert listed(change, box) == [line]


def test_a_box_that_was_drawn_among_the_predictions_is_listed() -> None:
    drawn = {"label": "dent", "bounding_box": [0.1, 0.1, 0.1, 0.1]}
    assert listed({}, {}, drawn) == ["claim/a.jpg: a box of model: a dent was drawn among the boxes of a model"]
