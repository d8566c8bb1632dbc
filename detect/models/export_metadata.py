"""The metadata in the file of an exported model. Without torch, since runtimes do without it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detect.errors import ModelError
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
    """The metadata in a file. Raises ModelError where there is none, or it is broken."""
    try:
        values = json.loads(text or "")
        return ExportMetadata(**{**values, "classes": tuple(values["classes"])})
    except (ValueError, TypeError, KeyError):
        raise ModelError(f"{path}: was not written by `detect export`; its classes and input are not known") from None
