"""What a file of weights or an exported model says of its detector, looked at before anything is built from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from detect.errors import DataError
from detect.input_size import LARGEST, SMALLEST
from detect.operating_point import from_document


def header_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with `model`, `classes`, `imgsz` and `point`, in words; nothing where they make sense."""
    model, classes, imgsz = (values.get(key) for key in ("model", "classes", "imgsz"))
    if not isinstance(model, str) or not model:
        yield f"`model` is {shown(model)}, not the name of a detector"
    if not isinstance(classes, list | tuple) or not all(isinstance(name, str) and name.strip() for name in classes):
        yield f"`classes` is {shown(classes)}, not a list of names"
    elif not classes or len(set(classes)) < len(classes):
        yield f"`classes` is {shown(classes)}: expected one or more, all different"
    if type(imgsz) is not int or not SMALLEST <= imgsz <= LARGEST:
        yield f"`imgsz` is {shown(imgsz)}, not a number of pixels from {SMALLEST} to {LARGEST}"
    yield from _point_problems(values.get("point", {}))


def _point_problems(point: object) -> Iterator[str]:
    if not isinstance(point, dict):
        yield f"`point` is {shown(point)}, not an operating point"
    elif point:
        try:
            from_document(point, "`point`")
        except DataError as error:
            yield from map(str, error.problems)


def is_share(value: object) -> bool:
    """Whether it is a number in 0..1."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def shown(value: object) -> str:
    """A value in a message: what it is where that is short, else its kind."""
    text = repr(value) if isinstance(value, str | int | float | list | tuple | None) else ""
    return text if 0 < len(text) <= 60 else f"a {type(value).__name__}"
