"""The same evaluation by pycocotools, and the way between its dicts and our values."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detect.data import Attributes, Box, Dataset, Image, Predictions


class IgnoringCOCOeval(COCOeval):
    """COCOeval as its own comments describe it: `ignore` is honoured (it reads the key, then overwrites it)."""

    def _prepare(self) -> None:
        wanted = {g["id"]: bool(g.get("ignore", 0)) for g in self.cocoGt.anns.values()}
        super()._prepare()
        for truths in self._gts.values():
            for truth in truths:
                truth["ignore"] = bool(truth["ignore"]) or wanted[truth["id"]]


def coco_truth(dataset: Dataset) -> dict[str, Any]:
    """A COCO ground truth; ids count from 1 in the order of images, boxes and classes."""
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(dataset.images, start=1):
        for box in image.boxes:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": dataset.classes.index(box.label) + 1,
                    "bbox": _bbox(box),
                    "area": box.attributes.get("area", _bbox(box)[2] * _bbox(box)[3]),
                    "iscrowd": int(box.attributes.get("iscrowd", 0)),
                    "ignore": int(box.attributes.get("ignore", 0)),
                }
            )
    return {
        "images": [
            {"id": number, "file_name": image.name, "width": image.width, "height": image.height}
            for number, image in enumerate(dataset.images, start=1)
        ],
        "categories": [{"id": k, "name": name} for k, name in enumerate(dataset.classes, start=1)],
        "annotations": annotations,
    }


def coco_results(dataset: Dataset, predictions: Predictions) -> list[dict[str, Any]]:
    """COCO results, image by image in the order of the data."""
    return [
        {
            "image_id": number,
            "category_id": dataset.classes.index(box.label) + 1,
            "bbox": _bbox(box),
            "score": box.score,
        }
        for number, image in enumerate(dataset.images, start=1)
        for box in predictions.images.get(image.name, ())
    ]


def from_coco(truth: dict[str, Any], results: list[dict[str, Any]]) -> tuple[Dataset, Predictions]:
    """The same data as our values, images by rising id."""
    names = {c["id"]: c["name"] for c in truth["categories"]}
    boxes: dict[str, list[Box]] = {str(i["id"]): [] for i in truth["images"]}
    found: dict[str, list[Box]] = {str(i["id"]): [] for i in truth["images"]}
    for a in truth["annotations"]:
        given = {k: a[k] for k in ("area", "iscrowd", "ignore") if k in a}
        boxes[str(a["image_id"])].append(_box(a, names)._replace(attributes=Attributes(given)))
    for r in results:
        found[str(r["image_id"])].append(_box(r, names)._replace(score=r["score"]))
    ordered = sorted(truth["images"], key=lambda i: int(i["id"]))
    images = [Image(str(i["id"]), i["width"], i["height"], tuple(boxes[str(i["id"])])) for i in ordered]
    classes = tuple(name for _, name in sorted(names.items()))
    return Dataset(classes, tuple(images)), Predictions(classes, {n: tuple(b) for n, b in found.items()})


def peer(truth: dict[str, Any], results: list[dict[str, Any]], evaluator: type[COCOeval] = COCOeval) -> COCOeval:
    """pycocotools' own evaluation, quietly."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        detected = coco.loadRes(results) if results else COCO()
        run = evaluator(coco, detected, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run


def undefined(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """pycocotools' -1 as NaN."""
    return np.where(np.asarray(values) == -1, np.nan, values)


def _bbox(box: Box) -> list[float]:
    """x, y, width and height in the digits they were made with, without what subtracting corners adds."""
    return [box.x1, box.y1, round(box.width, 9), round(box.height, 9)]


def _box(item: dict[str, Any], names: dict[int, str]) -> Box:
    x, y, w, h = item["bbox"]
    return Box(names[item["category_id"]], x, y, x + w, y + h)
