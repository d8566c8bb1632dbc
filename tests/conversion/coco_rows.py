"""Rows of a small COCO document, one photo of 100 x 50 pixels, for tests."""

from __future__ import annotations

import json
from typing import Any

Row = dict[str, Any]

CATEGORIES = [{"id": 1, "name": "dent"}, {"id": 4, "name": "scratch"}]


def image(number: Any = 1, file: str = "1.jpg", **more: Any) -> Row:
    return {"id": number, "file_name": file, "width": 100, "height": 50, **more}


def annotation(number: Any = 1, bbox: Any = (10, 20, 30, 10), **more: Any) -> Row:
    return {"id": number, "image_id": 1, "category_id": 1, "bbox": list(bbox), **more}


def coco(annotations: Any = (), images: Any = None, categories: Any = CATEGORIES) -> str:
    document = {"images": [image()] if images is None else images, "categories": categories}
    return json.dumps({**document, "annotations": list(annotations) if isinstance(annotations, tuple) else annotations})
