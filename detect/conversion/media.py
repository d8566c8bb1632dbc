"""Images beside the annotations that are written: hard links, or copies where the file system has none."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Literal

from detect.data import Dataset, Image
from detect.errors import Problems
from detect.files import link_or_copy
from detect.progress import track

Media = Literal["link", "none"]


def lay(
    dataset: Dataset,
    folder: Path,
    media: Media,
    problems: Problems,
    place: Callable[[Image], str] = attrgetter("name"),
) -> None:
    """Put every image into `folder` under its name, or at another `place`; one whose file is not known is reported."""
    if media == "none":
        return
    for image in track(dataset.images, "Linking images"):
        if image.path is None:
            problems.add("lost", "image file missing", "annotated, but there is no file to link", file=image.name)
        else:
            link_or_copy(image.path, folder / place(image))
