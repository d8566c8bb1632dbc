"""What becomes of an image when one of its boxes cannot be read: it is no part of the dataset, and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from detect.conversion import read
from detect.errors import Problems

Report = tuple[str, str]
Corners = tuple[float, ...]

LEFT_OUT = ("dropped", "image left out")


def corners_and_reports(root: Path) -> tuple[Mapping[str, Sequence[Corners]], list[Report]]:
    """The corners of each image's boxes, to the millionth of a pixel, and the kinds of problems, read with skip."""
    problems = Problems()
    images = read(root, on_error="skip", problems=problems).images
    found = {image.name: [rounded(box.xyxy) for box in image.boxes] for image in images}
    return found, list(problems.counts())


def reports(report: Report | None) -> list[Report]:
    """The kinds of problems of an image whose last box is reported so."""
    if report is None:
        return []
    return [report, LEFT_OUT] if report[0] == "error" or report == ("dropped", "no label") else [report]


def remains(first: Corners, box: Corners | None, report: Report | None) -> list[Corners] | None:
    """The boxes of an image with one good box before the reported one; None where the image is left out."""
    return None if LEFT_OUT in reports(report) else [first, *([] if box is None else [rounded(box)])]


def rounded(corners: Corners) -> Corners:
    """To the millionth of a pixel."""
    return tuple(round(corner, 6) for corner in corners)
