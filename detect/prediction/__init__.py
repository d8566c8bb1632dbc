"""Weights and photos in, Predictions out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from detect.data import Box, Image, Predictions
from detect.drawing import class_colours, draw
from detect.errors import DataError, Problems
from detect.files import atomic_folder
from detect.operating_point import DEFAULT_CONFIDENCE
from detect.prediction.pictures import Given, as_sources
from detect.prediction.sources import Sources, sources
from detect.progress import track

if TYPE_CHECKING:
    from detect.models.detector import Detector, Picture
    from detect.operating_point import Suppression

    Load = Callable[[Image], Picture]

CONFIDENCE = 0.001  # keep weak boxes too: the area under a precision-recall curve needs its whole length


def predict(
    detector: Detector | str | Path,
    images: Given,
    *,
    confidence: float = CONFIDENCE,
    suppression: Suppression | None = None,
    batch: int = 8,
    on_error: Literal["fail", "skip"] = "fail",
    problems: Problems | None = None,
) -> Predictions:
    """What the detector finds in the photos, by image name; scores of `confidence` and more, after suppression.

    `detector` may be a run folder or weights file. `images` is a path (a photo, a folder, a video, annotated data), a
    pattern such as "photos/*.jpg", a Dataset, an Image, a PIL image, a uint8 RGB array (height, width, 3), or a list of
    these. Pictures in memory are named by their place in the list, from 0: "picture-0". Grey, RGBA and 16 bits are
    converted as they are in files, and PIL images turned upright. Without `suppression` the detector's own counts:
    fitted, or that of its recipe. Boxes are in pixels of the upright picture. `batch` pictures are looked at together.

    Raises ConfigError for what is no picture: an array of floats, without pixels or of another shape. A photo that
    cannot be read is an error (DataError lists all of them, at the end), or with `on_error="skip"` noted in `problems`
    and absent from the result: it was not looked at. A detector that is a path: ModelError and MissingExtra as
    `load_detector`.
    """
    from detect.models import load_detector
    from detect.models.detector import detect

    chosen = as_sources(images)
    known = load_detector(detector) if isinstance(detector, str | Path) else detector
    found: dict[str, tuple[Box, ...]] = {}
    unreadable = Problems([*chosen.unreadable])
    for names, pictures in _batches(chosen, batch, unreadable):
        for name, boxes in zip(names, detect(known, pictures, confidence, suppression), strict=True):
            found[name] = boxes
    if on_error == "fail":
        unreadable.raise_errors()
    if problems is not None:
        problems.items.extend(unreadable)
    return Predictions(known.classes, found)


def draw_predictions(
    found: Predictions, images: Given, folder: str | Path, *, above: float | dict[str, float] = DEFAULT_CONFIDENCE
) -> None:
    """Write each photo with its boxes into a new folder, as JPEG under its name.

    Boxes of a score of `above` or more are drawn; it may be a number for each class. `images` is as for `predict`;
    those that `found` does not name are left out.

    Raises DetectError where the folder has something in it or cannot be written; DataError for photos that cannot be
    read; ConfigError for what is no picture.
    """
    chosen = as_sources(images)
    least = above if isinstance(above, dict) else dict.fromkeys(found.classes, above)
    with atomic_folder(Path(folder)) as temporary:
        for image in track(chosen.images, "drawing"):
            if image.name not in found.images or not chosen.there(image):
                continue
            boxes = [b for b in found.images[image.name] if b.score is not None and b.score >= least.get(b.label, 0)]
            target = temporary / (image.name if image.name.lower().endswith(".jpg") else f"{image.name}.jpg")
            target.parent.mkdir(parents=True, exist_ok=True)
            picture = image if image.path else chosen.picture(image)
            draw(picture, boxes, colours=class_colours(found.classes)).save(target, quality=90)


def _batches(chosen: Sources, size: int, unreadable: Problems) -> Iterator[tuple[list[str], list[Picture]]]:
    names: list[str] = []
    pictures: list[Picture] = []
    for image in track(chosen.images, "predicting"):
        try:
            pictures.append(chosen.picture(image))
            names.append(image.name)
        except DataError as error:
            unreadable.items.extend(error.problems)
        if len(names) == size:
            yield names, pictures
            names, pictures = [], []
    if names:
        yield names, pictures


__all__ = ["CONFIDENCE", "Sources", "draw_predictions", "predict", "sources"]
