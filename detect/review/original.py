"""An image's annotation as text, kept beside what the reviewer edits: nothing that was not touched can change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from detect.data import Attributes, Box, Dataset, Image, Value

TRUTHS = "ground_truth"  # the field of the true boxes
PROPOSED = "proposed"  # of a box that was drawn: the class that the App gave it, until somebody chooses another
Relative = list[float]  # x, y, width, height as shares of the image: FiftyOne's bounding box
Document = Mapping[str, Any]


def to_text(image: Image) -> str:
    """All of an image but its file: name, size, split, attributes, boxes, labels. Numbers come back to the last bit."""
    boxes = [[box[:5], dict(box.attributes)] for box in image.boxes]
    rest = [image.name, image.width, image.height, image.split, dict(image.attributes)]
    return json.dumps([*rest, boxes, dict(image.labels)], ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> Image:
    """The image that `to_text` wrote, without its file."""
    name, width, height, split, attributes, boxes, labels = json.loads(text)
    found = tuple(Box(label, x1, y1, x2, y2, attributes=Attributes(given)) for (label, x1, y1, x2, y2), given in boxes)
    return Image(name, width, height, found, split, Attributes(attributes), labels=labels)


def boxes_in(sample: Document, field: str) -> Sequence[Document]:
    """The boxes in a field of a sample; none where somebody cleared it."""
    return (sample.get(field) or {}).get("detections") or ()


def predictions_in(sample: Document, models: Sequence[str]) -> Iterator[tuple[str, Document]]:
    """What these models say, whether it counts or is too unsure to, and which one says it."""
    for model in models:
        yield from ((model, one) for field in (model, f"{model}_unsure") for one in boxes_in(sample, field))


def relative(box: Box, image: Image) -> Relative:
    """The bounding box as FiftyOne has it."""
    return [box.x1 / image.width, box.y1 / image.height, box.width / image.width, box.height / image.height]


def absolute(bounding_box: Relative, width: int, height: int) -> tuple[float, float, float, float]:
    """The corners in pixels, inside the image, to a millionth."""
    x, y, w, h = bounding_box
    x1, y1, x2, y2 = (round(v, 6) for v in (x * width, y * height, (x + w) * width, (y + h) * height))
    return max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)


class Attribute(NamedTuple):
    """An attribute of boxes or images as a field: its name in the data, that of the field, and what it holds."""

    name: str
    field: str
    type: type[str] | type[int] | type[float] | type[bool]

    def shown(self, value: Value) -> Value:
        """The value as the field holds it."""
        return self.type(value)


Fields = Sequence[Attribute]


def attributes(
    dataset: Dataset, reserved: frozenset[str], of_images: Fields = (), of_boxes: Fields = ()
) -> tuple[list[Attribute], list[Attribute]]:
    """The attributes of the images and of the boxes as fields, after those known; mixed types are shown as text.

    One that is known, and comes with another type now, gets another field.
    """
    on_images, on_boxes = dict[str, set[type]](), dict[str, set[type]]()
    for image in dataset.images:
        for name, value in image.attributes.items():
            on_images.setdefault(name, set()).add(_kind(value))
        for box in image.boxes:
            if box.attributes:
                for name, value in box.attributes.items():
                    on_boxes.setdefault(name, set()).add(_kind(value))
    return _fields(on_images, of_images, reserved, "image_"), _fields(on_boxes, of_boxes, reserved, "")


def _fields(found: dict[str, set[type]], held: Fields, reserved: frozenset[str], prefix: str) -> list[Attribute]:
    rows = {one.name: one for one in held}
    taken = {*reserved, *(one.field for one in held)}
    for name in sorted(found):
        kind = _type(found[name] | ({rows[name].type} if name in rows else set()))
        if name in rows and rows[name].type is kind:
            continue
        field = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).strip("_").lower()
        field = prefix + (field if field and not field[0].isdigit() else f"attribute_{field}".strip("_"))
        while field in taken:
            field += "_"
        taken.add(field)
        rows[name] = Attribute(name, field, kind)
    return list(rows.values())


def _kind(value: Value) -> type:
    """Its type; text for a whole number that a database cannot hold."""
    return str if isinstance(value, int) and not -(2**63) <= value < 2**63 else type(value)


def _type(kinds: set[type]) -> Any:
    if len(kinds) == 1:
        return next(iter(kinds))
    return float if kinds == {int, float} else str
