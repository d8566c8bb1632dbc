"""A photo as a review's database holds it, without a database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detect.data import Attributes, Box, Image
from detect.errors import Problems
from detect.review.corrections import Corrections, collect
from detect.review.documents import image_document, truth_documents
from detect.review.original import Attribute, to_text

CLASSES = ("dent", "scratch", "tire flat")
SEVERITY = Attribute("severity", "severity", int)
BOXES = (Box("dent", 10, 20, 30, 40, attributes=Attributes({"severity": 3})), Box("scratch", 50, 20, 90, 60))
IMAGE = Image("claim/a.jpg", 100, 80, BOXES, "val", path=Path("claim/a.jpg"))


def sample(*predictions: dict[str, Any], image: Image = IMAGE, **tags: Any) -> dict[str, Any]:
    """The photo with these predictions; `tags`: of the photo (`photo`) and of the true boxes (`box1`, `box2`)."""
    truths = truth_documents(image, [SEVERITY])
    for number, document in enumerate(truths, 1):
        document["tags"] = list(tags.get(f"box{number}", ()))
    fields = {"original": to_text(image), "ground_truth": {"detections": truths}, "model": {"detections": predictions}}
    return {**image_document(image), **fields, "tags": list(tags.get("photo", ()))}


def said(label: str, x1: float, y1: float, x2: float, y2: float, *tags: str, **more: Any) -> dict[str, Any]:
    """A prediction, or a box that was drawn, with corners in pixels of a photo of 100 x 80."""
    place = [x1 / 100, y1 / 80, (x2 - x1) / 100, (y2 - y1) / 80]
    return {"label": label, "bounding_box": place, "tags": list(tags), "status": "false", **more}


def corrected(*samples: dict[str, Any]) -> tuple[Corrections, list[str]]:
    """What is collected of these, and what is not used."""
    problems = Problems()
    found = collect(samples, CLASSES, ["model"], "model", [SEVERITY], problems=problems)
    return found, [str(problem) for problem in problems]
