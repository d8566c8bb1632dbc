"""What there is to look at: photos, folders, patterns, videos, annotated data."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detect.conversion import FORMATS, read
from detect.conversion.names import suffix
from detect.conversion.sizes import upright_size
from detect.conversion.source import Source, walk
from detect.data import Image
from detect.decoding import open_upright
from detect.errors import ConfigError, DataError, Problem, Problems
from detect.prediction.file_kinds import NEVER_READ, PHOTO, RENAMED, VIDEO, VIDEOS, holds_video, kind_of, passed_over
from detect.prediction.video import Videos

if TYPE_CHECKING:
    from detect.models.detector import Picture

PHONES = (".heic", ".heif", ".avif", ".jp2")  # endings of photos that Pillow may not read


@dataclass(frozen=True)
class Sources:
    """Images, and how to get the picture of one that is no file of its own, such as a frame of a video.

    `problems`: photos and videos that cannot be looked at, and notes of what is passed over; they are not among the
    images. `annotated`: people have drawn boxes in them, so that what is found can be measured.
    """

    images: tuple[Image, ...]
    load: Callable[[Image], Picture] | None = None
    problems: tuple[Problem, ...] = ()
    annotated: bool = False

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
    source: str | Path | Sequence[str | Path], split: str | None = None, *, every: int | None = None, **reading: Any
) -> Sources:
    """The images to look at: photos, folders of photos, patterns, videos, or annotated data as `convert` reads it.

    There may be several, but annotated data are read where they are named alone. Of a video every so many frames are
    taken; without `every` all of one that is named, and none of those in folders. `reading` are arguments of
    `detect.read`, for annotated data; with a `format` it is such. Raises DataError when there is nothing to look at, or
    no such split; ConfigError for an `every` below 1.
    """
    if every is not None and every < 1:
        raise ConfigError(f"every: expected 1 or more, got {every}; 10 takes every tenth frame of a video")
    given = [Path(source)] if isinstance(source, str | Path) else [Path(one) for one in source]
    path = given[0]
    several = len(given) > 1 or (not path.exists() and glob.has_magic(str(path)))
    stated = reading.get("format") is not None
    if not several and (stated or (_is_annotated(path) if path.is_dir() else not _is_viewable(path))):
        _refuse_what_is_never_read(path)
        dataset = read(path, **reading)
        annotated = has_true_boxes(dataset.images)
        if annotated or not dataset.boxes or stated or split or path.is_file():
            images = dataset.only(split).images if split else dataset.images
            return Sources(images, problems=tuple(_beside(path)), annotated=annotated)
        # Else a folder of photos, with what a model found in some of them.
    if split:
        remedy = "leave the split out, or name annotated data"
        raise DataError(Problem("error", "no split", "has no splits", ", ".join(map(str, given)), remedy=remedy))
    if several:
        return _several(given, every)
    return _viewed(_below(path), path, every) if path.is_dir() else _viewed([path], path.parent, every, [path])


def has_true_boxes(images: Iterable[Image]) -> bool:
    """Whether people have drawn boxes in these images; those of predictions read as annotations have a score."""
    return any("score" not in box.attributes for image in images for box in image.boxes)


def _refuse_what_is_never_read(path: Path) -> None:
    if path.is_file() and (kind := kind_of(path)) in NEVER_READ:
        raise DataError([replace(note, level="error") for note in passed_over([(path, kind)], path.parent)])


def _beside(path: Path) -> list[Problem]:
    """Notes of what lies beside annotations, and may have been meant to be looked at."""
    if path.is_file():
        return []
    files = [(file, kind) for file in _below(path) if (kind := kind_of(file)) in (VIDEO, RENAMED, *NEVER_READ)]
    return passed_over(files, path, video="name it alone, and its frames are looked at")


def _several(given: Sequence[Path], every: int | None) -> Sources:
    """Photos and videos from many places, named by their path below the last folder that they share."""
    files: list[Path] = []
    named: list[Path] = []
    for one in given:
        matching = [] if one.exists() else sorted(glob.glob(str(one), recursive=True))  # noqa: PTH207 (absolute ones)
        paths = [Path(name) for name in matching] or [one] * one.exists()
        below = [file for path in paths for file in (_below(path) if path.is_dir() else [path])]
        if one.is_file() and not _is_viewable(one):
            raise DataError(f"{one}: no photo; of several arguments each is a photo, a video, a folder or a pattern")
        if not any(kind_of(file) in (PHOTO, VIDEO, RENAMED) for file in below):
            raise DataError(f"{one}: no photos or videos there")
        if one.is_file() or suffix(one.name) in VIDEOS:  # a pattern that asks for videos
            named += paths
        files += below
    root = Path(os.path.commonpath([_plain(path).parent for path in files]))
    return _viewed(map(_plain, files), root, every, map(_plain, named))


def _plain(path: Path) -> Path:
    """Without `..`, which would name a place outside of a folder; links stay, since they may be all that names it."""
    return Path(os.path.normpath(path.absolute()))


def _below(folder: Path) -> list[Path]:
    """The files in a folder, in order, but for hidden ones and those of systems."""
    return [folder / file for file in sorted(walk(folder), key=lambda file: file.split("/"))]


def _is_viewable(path: Path) -> bool:
    return path.is_file() and kind_of(path) in (PHOTO, VIDEO, RENAMED)


def _is_annotated(folder: Path) -> bool:
    source = Source(folder, None, Problems())
    return any(row.recognise(source) for row in FORMATS.values())


def _viewed(files: Iterable[Path], root: Path, every: int | None, named: Iterable[Path] = ()) -> Sources:
    """The photos and videos among these files, called by their path below `root`.

    Videos, and photos without the ending of one, are looked at where they are `named`; videos with `every`, too. Raises
    DataError where nothing is left to look at.
    """
    videos, wanted = Videos(), set(named)
    images: list[Image] = []
    problems: list[Problem] = []
    others: list[tuple[Path, str]] = []
    for path in dict.fromkeys(files):
        name, kind = path.relative_to(root).as_posix(), kind_of(path)
        try:
            if kind == PHOTO or (kind == RENAMED and path in wanted):
                images.append(_photo(path, name))
            elif kind == VIDEO and (every or path in wanted):
                video = videos.add(path, name, every or 1)
                images += video.images
                problems += video.problems
            else:
                others.append((path, kind))
        except DataError as error:
            problems += error.problems
    problems += passed_over(others, root)
    if not images:
        nothing = Problem("error", "nothing to look at", "there are no photos in it or below it", str(root))
        raise DataError([one for one in problems if one.level == "error"] or [nothing, *problems])
    return Sources(tuple(images), videos.picture if videos.names else None, tuple(problems))


def _photo(path: Path, name: str) -> Image:
    """Raises DataError with what is wrong with it."""
    size = upright_size(path)
    if size is None and holds_video(path):
        remedy = "give it the ending of a video, such as .mp4"
        raise DataError(Problem("error", "video called as a photo", "is a video", str(path), remedy=remedy))
    if size is None and suffix(path.name) in PHONES:
        what, remedy = f"is {suffix(path.name)[1:].upper()}, which is not read", "save it as JPEG or PNG"
        raise DataError(Problem("error", "unreadable image", what, str(path), remedy=remedy))
    return Image(name, *(size or open_upright(path).size), path=path)  # which says what is wrong with it
