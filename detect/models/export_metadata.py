"""The metadata in the file of an exported model. Without torch, since runtimes do without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from detect.errors import ModelError
from detect.models.model_header import header_problems, is_share, shown
from detect.operating_point import OperatingPoint, Suppression, from_document

KEY = "detect"  # under which it is kept in a file


@dataclass(frozen=True)
class ExportMetadata:
    """What is needed beside the graph: the model, its classes in order, its input and its thresholds."""

    model: str
    classes: tuple[str, ...]
    imgsz: int
    padded: bool
    iou: float
    per_class: bool
    point: dict[str, Any]

    @property
    def suppression(self) -> Suppression:
        """What is in the graph."""
        return Suppression(self.iou, 0.0, self.per_class)

    @property
    def operating_point(self) -> OperatingPoint | None:
        """What `detect thresholds` fitted. Raises DataError where it is damaged."""
        return from_document(self.point, "the operating point in the model") if self.point else None

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self))


def read_metadata(text: str | None, path: Path) -> ExportMetadata:
    """The metadata in a file. Raises ModelError where there is none, or it makes no sense."""
    try:
        read = json.loads(text or "")
        values = {field.name: read[field.name] for field in fields(ExportMetadata)}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ModelError(
            f"{path}: was not written by `detect export`, and its classes and input are not known; export a run"
        ) from None
    if wrong := [*header_problems(values), *_problems(values)]:
        raise ModelError(f"{path}: is damaged: {'; '.join(wrong)}; copy or export it again")
    return ExportMetadata(**{**values, "classes": tuple(values["classes"])})


def _problems(values: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the rest."""
    for key in ("padded", "per_class"):
        if not isinstance(values[key], bool):
            yield f"`{key}` is {shown(values[key])}, not true or false"
    if not is_share(values["iou"]):
        yield f"`iou` is {shown(values['iou'])}, not a number in 0..1"
