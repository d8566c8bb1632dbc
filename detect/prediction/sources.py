"""What there is to look at: photos, folders, patterns, videos, annotated data."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect.conversion import FORMATS, read
from detect.conversion.names import is_image
from detect.conversion.sizes import upright_size
from detect.conversion.source import Source
from detect.data import Image
from detect.decoding import open_upright
from detect.errors import DataError, Problem, Problems

if TYPE_CHECKING:
    from detect.models.detector import Picture

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")


@dataclass(frozen=True)
class Sources:
    """Images, and how to get the picture of one that is no file of its own, such as a frame of a video.

    `unreadable` says which of the photos cannot be looked at; they are not among the images.
    """

    images: tuple[Image, ...]
    load: Callable[[Image], Picture] | None = None
    unreadable: tuple[Problem, ...] = ()

    def picture(self, image: Image) -> Picture:
        """The image upright, (height, width, 3) uint8 RGB. Raises DataError."""
        import numpy as np

        if self.load is not None and image.path is None:
            return self.load(image)
        return np.asarray(image.open())

    def there(self, image: Image) -> bool:
        """Whether there is a picture of it."""
        return image.path is not None or self.load is not None


def sources(
    source: str | Path | Sequence[str | Path], split: str | None = None, *, every: int = 1, **reading: Any
) -> Sources:
    """The images to look at: a photo, a folder of photos, a pattern, a video, or annotated data as `convert` reads it.

    Several of them may be photos, folders and patterns. Of a video every so many frames are taken. `reading` are
    arguments of `detect.read`, for annotated data; with a `format` it is such. Raises DataError when there is nothing
    to look at, or no such split.
    """
    given = [source] if isinstance(source, str | Path) else list(source)
    path = Path(given[0])
    several = len(given) > 1 or (not path.exists() and glob.has_magic(str(path)))
    stated = reading.get("format") is not None
    if not several and (stated or (_is_annotated(path) if path.is_dir() else not _is_picture(path))):
        dataset = read(path, **reading)
        return Sources(dataset.only(split).images if split else dataset.images)
    if split:
        remedy = "leave the split out, or name annotated data"
        raise DataError(Problem("error", "no split", "has no splits", ", ".join(map(str, given)), remedy=remedy))
    if several:
        return _several([Path(one) for one in given])
    if path.is_dir():
        return _photos(_below(path), path)
    if is_image(path.name):
        return _photos([path], path.parent)
    from detect.prediction.video import Video

    video = Video(path, every)
    return Sources(video.images, video.picture)


def _several(given: Sequence[Path]) -> Sources:
    """Photos from many places, named by their path below the last folder that they share."""
    files: list[Path] = []
    for one in given:
        matching = [] if one.exists() else sorted(glob.glob(str(one), recursive=True))  # noqa: PTH207 (absolute ones)
        paths = [Path(name) for name in matching] or [one] * one.exists()
        found = [file for path in paths for file in (_below(path) if path.is_dir() else [path])]
        if wrong := [str(path) for path in found if not is_image(path.name)]:
            raise DataError(f"{wrong[0]}: no photo; of several arguments each is a photo, a folder or a pattern")
        if not found:
            raise DataError(f"{one}: no photos there")
        files += found
    # Without `..`, which would name a place outside of a folder; links stay, since they may be all that names a photo.
    files = list(dict.fromkeys(Path(os.path.normpath(path.absolute())) for path in files))
    root = Path(os.path.commonpath([path.parent for path in files]))
    return _photos(files, root)


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if is_image(path.name) and path.is_file())


def _is_picture(path: Path) -> bool:
    return path.is_file() and (is_image(path.name) or path.suffix.lower() in VIDEOS)


def _is_annotated(folder: Path) -> bool:
    source = Source(folder, None, Problems())
    return any(row.recognise(source) for row in FORMATS.values())


def _photos(files: Sequence[Path], root: Path) -> Sources:
    """The photos, named by their path below `root`. Raises DataError where there are none."""
    if not files:
        raise DataError(f"{root}: there are no photos in it or below it")
    images: list[Image] = []
    unreadable: list[Problem] = []
    for path in files:
        try:
            size = upright_size(path) or open_upright(path).size  # which says what is wrong with it
            images.append(Image(path.relative_to(root).as_posix(), *size, path=path))
        except DataError as error:
            unreadable.extend(error.problems)
    return Sources(tuple(images), unreadable=tuple(unreadable))
