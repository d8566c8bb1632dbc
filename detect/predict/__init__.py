"""Weights and photos in, Predictions out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detect.convert import FORMATS, read
from detect.convert.names import is_image
from detect.convert.sizes import upright_size
from detect.convert.source import Source
from detect.data import Box, Image, Predictions
from detect.draw import class_colours, draw, open_upright
from detect.errors import DataError, Problems
from detect.files import atomic_folder
from detect.progress import track

if TYPE_CHECKING:
    from detect.models.detector import Detector, Picture

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


def sources(source: str | Path, split: str | None = None) -> tuple[Image, ...]:
    """The images to look at: a photo, a folder of photos, or annotated data as `convert` reads it.

    Raises DataError when there is nothing to look at, or no such split.
    """
    path = Path(source)
    if path.is_file() and is_image(path.name):
        return (_photo(path, path.parent),)
    if split is None and path.is_dir() and not _is_annotated(path):
        return photos(path)
    dataset = read(source)
    return dataset.only(split).images if split else dataset.images


def photos(folder: str | Path) -> tuple[Image, ...]:
    """The photos in a folder, recursively, named by their path in it. Raises DataError when there are none."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    files = sorted(path for path in folder.rglob("*") if is_image(path.name) and path.is_file())
    if not files:
        raise DataError(f"{folder}: there are no photos in it or below it")
    return tuple(_photo(path, folder) for path in files)


def draw_predictions(found: Predictions, images: Sequence[Image], folder: Path, *, above: float = 0.25) -> None:
    """Write each photo with its boxes of score `above` or more into a new folder, as JPEG under its name."""
    with atomic_folder(folder) as temporary:
        for image in track(images, "drawing"):
            if image.path is None or image.name not in found.images:
                continue
            boxes = [box for box in found.images[image.name] if box.score is not None and box.score >= above]
            target = temporary / (image.name if image.name.lower().endswith(".jpg") else f"{image.name}.jpg")
            target.parent.mkdir(parents=True, exist_ok=True)
            draw(open_upright(image.path), boxes, colours=class_colours(found.classes)).save(target, quality=90)


def _is_annotated(folder: Path) -> bool:
    source = Source(folder, None, Problems())
    return any(row.recognise(source) for row in FORMATS.values())


def _photo(path: Path, root: Path) -> Image:
    width, height = upright_size(path) or (0, 0)
    return Image(path.relative_to(root).as_posix(), width, height, path=path)


def _batches(images: Sequence[Image], size: int, unreadable: Problems) -> Iterator[tuple[list[str], list[Picture]]]:
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
