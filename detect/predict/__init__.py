"""Weights and photos in, Predictions out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detect.data import Box, Image, Predictions
from detect.draw import open_upright
from detect.errors import DataError, Problems
from detect.progress import track

if TYPE_CHECKING:
    from detect.models.detector import Detector, Picture

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
CONFIDENCE = 0.001  # keep weak boxes too: the area under a precision-recall curve needs its whole length
NMS_IOU = 0.7


def predict(
    detector: Detector,
    images: Sequence[Image],
    *,
    confidence: float = CONFIDENCE,
    nms_iou: float = NMS_IOU,
    batch: int = 8,
    on_error: str = "fail",
    problems: Problems | None = None,
) -> Predictions:
    """What the detector finds in the photos, by image name; at least `confidence` sure, after suppression.

    Photos are decoded upright and within limits. One that cannot be read is an error (DataError lists all of them,
    at the end), or with `on_error="skip"` noted in `problems` and absent from the result: it was not looked at.
    """
    found: dict[str, tuple[Box, ...]] = {}
    unreadable = Problems()
    for names, pictures in _batches(images, batch, unreadable):
        for name, boxes in zip(names, detector.detect(pictures, confidence, nms_iou), strict=True):
            found[name] = boxes
    if on_error == "fail":
        unreadable.raise_errors()
    if problems is not None:
        problems.items.extend(unreadable)
    return Predictions(detector.classes, found)


def photos(folder: str | Path) -> list[Image]:
    """The photos in a folder, recursively, named by their path in it; or the one photo that `folder` is.

    Raises DataError when there is nothing to look at. Sizes are those of the files' headers, upright.
    """
    folder = Path(folder)
    if folder.is_file():
        return [_image(folder, folder.parent)]
    if not folder.is_dir():
        raise DataError(f"{folder}: no such file or folder")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        raise DataError(f"{folder}: no photos in it (looked for {', '.join(sorted(SUFFIXES))}, in all sub-folders)")
    return [_image(path, folder) for path in files]


def _image(path: Path, root: Path) -> Image:
    return Image(path.relative_to(root).as_posix(), 0, 0, path=path)


def _batches(
    images: Sequence[Image], size: int, unreadable: Problems
) -> Iterator[tuple[list[str], list[Picture]]]:
    import numpy as np

    names: list[str] = []
    pictures: list[Picture] = []
    for image in track(images, "predicting"):
        try:
            if image.path is None:
                raise DataError(f"{image.name}: the photo is not there")
            pictures.append(np.asarray(open_upright(image.path)))
            names.append(image.name)
        except DataError as error:
            unreadable.items.extend(error.problems)
        if len(names) == size:
            yield names, pictures
            names, pictures = [], []
    if names:
        yield names, pictures
