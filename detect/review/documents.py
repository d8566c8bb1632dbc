"""What is written to the database about a photo and its boxes: plain values under the names that the reviewer sees."""

from __future__ import annotations

import math
import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from bson import ObjectId

from detect.data import Dataset, Image, Value
from detect.errors import Problem
from detect.evaluation import Evaluation
from detect.review.findings import FALSE, UNSURE, Findings
from detect.review.original import Attribute, relative

Document = dict[str, Any]

PREDICTION: dict[str, tuple[type, str]] = {
    "status": (str, "right, false, ignored, or unsure: below the confidence of its class"),
    "mistake": (str, "what is wrong with a false one: wrong_class, poor_box, both, duplicate or background"),
    "iou": (float, "overlap with the true box that it found or means"),
    "truth": (int, "number of that true box"),
    "cost": (float, "points of mean AP that this one mistake costs"),
    "label_issue": (str, "missing: probably right, and not annotated"),
    "label_issue_score": (float, "how likely, 0 to 1"),
}
TRUTH: dict[str, tuple[type, str]] = {
    "status": (str, "found, missed or ignored"),
    "reason": (str, "why missed: wrong_class, poor_box, both, unsure (found, but below the confidence) or nothing"),
    "score": (float, "confidence of the prediction that found or means it"),
    "iou": (float, "overlap with that prediction"),
    "cost": (float, "points of mean AP that this one miss costs"),
    "label_issue": (str, "what is probably wrong with the annotation: class, box, or extra (nothing is there)"),
    "label_issue_score": (float, "how likely, 0 to 1"),
    "label_issue_class": (str, "the label that it should probably have"),
}
IMAGE: dict[str, tuple[type, str]] = {
    "mistakes": (int, "false predictions and missed boxes"),
    "f1": (float, "F1 of this image at the operating point"),
    "worst": (float, "points of mean AP that its worst mistake costs"),
    "label_issue": (float, "the score of its likeliest label issue, 0 to 1"),
    "wrong_class": (list, "each prediction of a wrong class: true class → predicted class, and its confidence"),
}
WRONG_CLASS = ("wrong_class", "both")  # mistakes that are about the class


def image_document(image: Image) -> Document:
    """The photo itself."""
    metadata: Document = {
        "_cls": "ImageMetadata",
        "mime_type": mimetypes.guess_type(image.name)[0],
        "width": image.width,
        "height": image.height,
        "num_channels": 3,
    }
    path = str(image.path.resolve()) if image.path is not None else ""
    rest = {"name": image.name, **({"split": image.split} if image.split else {})}
    return {"filepath": path, "tags": [], "metadata": metadata, "_media_type": "image", **rest}


def image_fields(dataset: Dataset, result: Evaluation, problems: Sequence[Problem]) -> dict[str, Document]:
    """The claim of each image, where photos are grouped, and the problems of its annotation, by its name."""
    fields: dict[str, Document] = {}
    if result.groups:
        for name, unit in zip(result.table.images, result.measured.units.tolist(), strict=True):
            fields.setdefault(name, {})["claim"] = result.groups[unit]
    named_so: dict[str, list[str]] = {}
    for image in dataset.images:
        named_so.setdefault(PurePosixPath(image.name).stem, []).append(image.name)
    for problem in problems:
        names = named_so.get(PurePosixPath(problem.file.replace("\\", "/")).stem, [])
        if len(names) == 1:  # of two photos of one name in two folders nobody knows which is meant
            what = ": ".join(part for part in (problem.kind, problem.where, problem.what) if part)
            fields.setdefault(names[0], {}).setdefault("problems", []).append(what)
    return fields


def truth_documents(image: Image, attributes: list[Attribute]) -> list[Document]:
    """The true boxes, numbered from 1."""
    return [
        {**_detection(box.label, relative(box, image)), "number": number, **named(box.attributes, attributes)}
        for number, box in enumerate(image.boxes, 1)
    ]


def named(values: Mapping[str, Value], attributes: list[Attribute]) -> Document:
    """Attributes under the names of their fields."""
    return {one.field: one.shown(values[one.name]) for one in attributes if one.name in values}


def found_documents(images: Sequence[Image], found: Findings, model: str) -> Iterator[Document]:
    """For each image its `fields` with the boxes of this model, and the fields of its `truths` by their numbers."""
    rows, truths = found.detections, found.truths
    columns = [column.tolist() for column in (
        rows.xyxy, rows.label, rows.score, rows.status, rows.mistake, rows.truth, rows.iou, rows.cost, rows.issue,
        rows.issue_score,
    )]  # fmt: skip
    truth_columns = [column.tolist() for column in truths]
    starts, truth_starts = found.starts.tolist(), found.truth_starts.tolist()
    for number, image in enumerate(images):
        w, h = image.width, image.height
        sure: list[Document] = []
        unsure: list[Document] = []
        confused: list[str] = []
        likeliest = 0.0
        for row in range(starts[number], starts[number + 1]):
            (x1, y1, x2, y2), label, score, status, mistake, truth, iou, cost, issue, issue_score = (
                column[row] for column in columns
            )
            document = _detection(label, [x1 / w, y1 / h, (x2 - x1) / w, (y2 - y1) / h])
            document |= {"confidence": score, "status": status}
            if status == FALSE:
                document |= {"mistake": mistake, "cost": _points(cost)}
            if truth >= 0:
                document |= {"truth": truth + 1, "iou": round(iou, 3)}
            if mistake in WRONG_CLASS and truth >= 0:
                confused.append(f"{image.boxes[truth].label} → {label} {score:.2f}")
            if issue:
                document |= {"label_issue": issue, "label_issue_score": round(issue_score, 3)}
                likeliest = max(likeliest, issue_score)
            (unsure if status == UNSURE else sure).append(document)
        first, last = truth_starts[number], truth_starts[number + 1]
        of_truths = {k - first + 1: _truth([column[k] for column in truth_columns]) for k in range(first, last)}
        likeliest = max([likeliest, *(one.get("label_issue_score", 0.0) for one in of_truths.values())])
        fields = {
            model: {"_cls": "Detections", "detections": sure},
            f"{model}_unsure": {"_cls": "Detections", "detections": unsure},
            f"{model}_mistakes": int(found.mistakes[number]),
            f"{model}_f1": None if math.isnan(found.f1[number]) else round(float(found.f1[number]), 3),
            f"{model}_worst": _points(float(found.worst[number])),
            f"{model}_label_issue": round(likeliest, 3),
            f"{model}_wrong_class": confused,
        }
        yield {"fields": fields, "truths": of_truths}


def _truth(values: list[Any]) -> Document:
    status, reason, score, iou, cost, issue, issue_score, other = values
    document: Document = {"status": status}
    if reason:
        document |= {"reason": reason, "cost": _points(cost)}
    if not math.isnan(score):
        document |= {"score": round(score, 3), "iou": round(iou, 3)}
    if issue:
        document |= {"label_issue": issue, "label_issue_score": round(issue_score, 3)}
    if other:
        document["label_issue_class"] = other
    return document


def _detection(label: str, bounding_box: list[float]) -> Document:
    return {
        "_id": ObjectId(), "_cls": "Detection", "attributes": {}, "tags": [],
        "label": label, "bounding_box": bounding_box,
    }  # fmt: skip


def _points(cost: float) -> float:
    return round(100 * cost, 3)
