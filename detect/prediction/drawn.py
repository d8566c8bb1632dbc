"""Photos with the boxes that were found in them, in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from detect.data import Box, Image, Predictions
from detect.drawing import class_colours, draw
from detect.files import atomic_folder
from detect.operating_point import DEFAULT_CONFIDENCE
from detect.prediction.pictures import Given, as_sources
from detect.progress import track

if TYPE_CHECKING:
    from detect.models.detector import Picture

    Draw = Callable[[str, Image | Picture, Sequence[Box]], None]


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
    with drawing_into(Path(folder), found.classes, least) as drawn:
        for image in track(chosen.images, "drawing"):
            if image.name in found.images and chosen.there(image):
                drawn(image.name, image if image.path else chosen.picture(image), found.images[image.name])


@contextmanager
def drawing_into(folder: Path, classes: Sequence[str], above: Mapping[str, float]) -> Iterator[Draw]:
    """A block that draws pictures one by one, each by its name and boxes; where it fails there is no new folder.

    `above` is the score of each class from which boxes are drawn. Raises DetectError where the folder has something in
    it or cannot be written.
    """
    colours = class_colours(classes)
    with atomic_folder(folder) as temporary:

        def drawn(name: str, picture: Image | Picture, boxes: Sequence[Box]) -> None:
            shown = [box for box in boxes if box.score is not None and box.score >= above.get(box.label, 0)]
            target = temporary / (name if name.lower().endswith(".jpg") else f"{name}.jpg")
            target.parent.mkdir(parents=True, exist_ok=True)
            draw(picture, shown, colours=colours).save(target, quality=90)

        yield drawn
