"""Weights and photos in, Predictions out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from detect.data import Box, Image, Predictions
from detect.errors import DataError, Problems
from detect.prediction.confidence import CONFIDENCE, kept_by_default, least, reaching
from detect.prediction.drawn import draw_predictions
from detect.prediction.pictures import Given, as_sources
from detect.prediction.sources import Sources, sources
from detect.progress import track

if TYPE_CHECKING:
    from detect.models.detector import Detector, Picture
    from detect.operating_point import Suppression


def predict(
    detector: Detector | str | Path,
    images: Given,
    *,
    confidence: float | None = None,
    suppression: Suppression | None = None,
    batch: int = 8,
    on_error: Literal["fail", "skip"] = "fail",
    problems: Problems | None = None,
) -> Predictions:
    """What the detector finds in the photos, by image name; scores of `confidence` and more, after suppression.

    Without `confidence`: 0.001 where photos are annotated (a Dataset, annotated data, an Image with boxes), since what
    is found will be measured; else the confidence of each class that `detect thresholds` fitted, or 0.25.

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

    chosen = as_sources(images)
    known = load_detector(detector) if isinstance(detector, str | Path) else detector
    if confidence is None:
        above = kept_by_default(known, chosen.annotated).above
    else:
        above = dict.fromkeys(known.classes, confidence)
    looks = looked_at(known, chosen, above, suppression, batch=batch, on_error=on_error, problems=problems)
    found: dict[str, tuple[Box, ...]] = {}
    seconds: dict[str, float] = {}
    for look in looks:
        found[look.image.name] = look.boxes
        if look.seconds is not None:
            seconds[look.image.name] = look.seconds
    return Predictions(known.classes, found, seconds=seconds)


class Look(NamedTuple):
    """An image, its picture (height, width, 3) uint8 RGB, and what was found in it, best first."""

    image: Image
    picture: Picture
    boxes: tuple[Box, ...]

    @property
    def seconds(self) -> float | None:
        """When a frame is shown, from the start of its video; None for a photo."""
        stated = self.image.attributes.get("seconds")
        return stated if self.image.path is None and isinstance(stated, float) else None


def looked_at(
    detector: Detector,
    chosen: Sources,
    above: Mapping[str, float],
    suppression: Suppression | None = None,
    *,
    batch: int = 8,
    on_error: Literal["fail", "skip"] = "fail",
    problems: Problems | None = None,
) -> Iterator[Look]:
    """As `predict`, one image after another: no more than a batch is held.

    `above` is the score of each class from which its boxes are kept. Once a photo cannot be read, which fails at the
    end, the others are only read, to name all that cannot be.
    """
    from detect.models.detector import detect

    unreadable = Problems([*chosen.problems])
    for images, pictures in _batches(chosen, batch, unreadable):
        if on_error == "skip" or not unreadable.errors:
            found = detect(detector, pictures, least(above), suppression)
            for image, picture, boxes in zip(images, pictures, found, strict=True):
                yield Look(image, picture, reaching(boxes, above))
    if on_error == "fail":
        unreadable.raise_errors()
    if problems is not None:
        problems.items.extend(unreadable)


def _batches(chosen: Sources, size: int, unreadable: Problems) -> Iterator[tuple[list[Image], list[Picture]]]:
    images: list[Image] = []
    pictures: list[Picture] = []
    for image in track(chosen.images, "predicting"):
        try:
            pictures.append(chosen.picture(image))
            images.append(image)
        except DataError as error:
            unreadable.items.extend(error.problems)
        if len(images) == size:
            yield images, pictures
            images, pictures = [], []
    if images:
        yield images, pictures


__all__ = ["CONFIDENCE", "Look", "Sources", "draw_predictions", "looked_at", "predict", "sources"]
