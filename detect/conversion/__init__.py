"""Read and write what LabelImg, CVAT, Ultralytics and COCO write, without losing or inventing a box.

>>> dataset = read("photos/")                      # any format, recognised by its content
>>> write(dataset, Path("data"), "yolo")
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from detect.conversion.description import is_description, read_description
from detect.conversion.formats import FORMATS, Format, by_name, recognised
from detect.conversion.lost_content import without_photo_labels
from detect.conversion.predictions.writer import write_predictions
from detect.conversion.rejects import write_rejects
from detect.conversion.source import Source
from detect.conversion.taxonomy import merge, relabel
from detect.conversion.text import broken_link
from detect.conversion.tidy import LEFT_OUT, NO_LABEL
from detect.data import Dataset
from detect.errors import ConfigError, DataError, Problem, Problems
from detect.files import atomic_folder

if TYPE_CHECKING:
    from detect.conversion.predictions.reader import read_predictions

__all__ = [
    "FORMATS",
    "Format",
    "check_dest",
    "gc_paused",
    "merge",
    "read",
    "read_predictions",
    "relabel",
    "write",
    "write_predictions",
    "write_rejects",
]


def __getattr__(name: str) -> Any:
    """What reads predictions of other tools is loaded by those who need it: a third of all that reads and writes."""
    if name != "read_predictions":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from detect.conversion.predictions.reader import read_predictions

    return read_predictions


def read(
    source: str | Path,
    *,
    format: str | None = None,  # noqa: A002 the word for it
    images: str | Path | None = None,
    on_error: Literal["fail", "skip"] = "fail",
    problems: Problems | None = None,
    voc_origin: int = 0,
    ids: str | Path | None = None,
) -> Dataset:
    """The dataset in a folder, a zip, an annotation file (.json, .xml, data.yaml) or a description (datasets/*.yaml).

    `format` is a name from FORMATS; None: recognised by the content. `images` is the folder of the images where
    they lie apart. Images are in the order of their names. Repairs and whatever is left out are added to
    `problems`, or logged where that is None. `voc_origin` 1: VOC's corners are pixels counted from 1, the far ones
    included, as in the VOC devkit. `ids`: the COCO file that the ids of COCO results refer to. The files of a zip lie
    in a temporary folder until this process ends.

    Raises DataError with every error found, or with `on_error` "skip" leaves out just the bad items; DataError
    also where nothing is left; ConfigError for an unknown format.
    """
    path, found = Path(source), Problems()
    row = by_name(format) if format is not None else None
    if not path.exists():
        what = broken_link(path) or "there is no such file or folder"
        raise DataError(Problem("error", "not there", what, str(path)))
    if path.name == "classes.txt":
        path = path.parent
    try:
        with gc_paused():
            dataset = _read(Source(path, _path(images), found, voc_origin, _path(ids)), row)
        if on_error == "fail":
            found.raise_errors()
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise DataError(Problem("error", "cannot be read", what, str(error.filename or path))) from error
    finally:
        if problems is not None:
            problems.items.extend(found)
        else:
            _log(found)
    if not dataset.images:
        lost = [problem for problem in found if problem.kind in (NO_LABEL, LEFT_OUT)]
        raise DataError(found.errors or lost or Problem("error", "no images", "holds no images", str(path)))
    return dataset


def write(
    dataset: Dataset,
    dest: str | Path,
    format: str,  # noqa: A002 the word for it
    *,
    media: Literal["link", "none"] = "link",
    problems: Problems | None = None,
    ids: str | Path | None = None,
) -> Path:
    """Write a dataset to a new folder `dest`, or to one file where `dest` ends in .json; returns `dest`.

    `format` is a name from FORMATS (`detect formats`). The images are hard-linked (copied where links fail), or left
    out with `media` "none". What the format cannot hold is added to `problems` as "lost", or logged where that is None.
    `ids`: the COCO file whose ids COCO results are to have; other formats do not look at it. Atomic: after a failure
    nothing is there.

    Raises ConfigError for a format that cannot be written, DataError for names that no file can have, and for boxes of
    images and classes that are not in `ids`, DetectError where `dest` exists or cannot be written.
    """
    row, dest, found = by_name(format), Path(dest), Problems()
    check_dest(row, dest)
    _check_names(dataset)
    if not row.photo_labels:
        dataset = without_photo_labels(dataset, row.name, found)
    if row.write_for is not None and ids is not None:
        row.write_for(dataset, dest, found, Path(ids))
    elif row.write_file is not None and dest.suffix.lower() == ".json":
        with gc_paused():
            row.write_file(dataset, dest, found)
    elif row.write is not None:
        with atomic_folder(dest) as folder, gc_paused():
            row.write(dataset, folder, media, found)
    if problems is None:
        _log(found)
    else:
        problems.items.extend(found)
    return dest


def check_dest(row: Format, dest: Path) -> None:
    """Raise ConfigError where a format cannot be written, or not to such a place."""
    if not row.written:
        raise ConfigError(f"{row.title} can be read but not written")
    if dest.suffix.lower() == ".json" and row.write_file is None:
        files = " and ".join(name for name, row in FORMATS.items() if row.write_file is not None)
        raise ConfigError(f"{dest}: only {files} can be written to one .json file; name a folder for {row.name}")
    if dest.suffix.lower() != ".json" and row.write is None:
        raise ConfigError(f"{dest}: {row.name} is one file; give it a name that ends in .json")


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _read(source: Source, row: Format | None) -> Dataset:
    path = source.path
    if path.suffix.lower() == ".zip" and path.is_file():
        return _read_archive(source, row)
    if is_description(path):
        if source.images is not None:
            raise ConfigError(f"{path}: a description names its images itself; change its key `images`")

        def part(place: Path, photos: Path | None, name: str) -> Dataset:
            return _read(replace(source, path=place, images=photos), by_name(name))

        return read_description(path, part, source.problems)
    return (row or recognised(source)).read(source)


def _read_archive(source: Source, row: Format | None) -> Dataset:
    """The dataset in a zip; messages name the zip, not the folder it is unpacked to."""
    import atexit
    import shutil

    from detect.conversion.archive import moved, unpacking

    inner = Problems()
    with unpacking(source.path) as (folder, place):
        try:
            dataset = _read(replace(source, path=place, problems=inner), row)
        except DataError as error:
            raise DataError([moved(problem, folder, source.path) for problem in error.problems]) from None
        finally:
            source.problems.items.extend(moved(problem, folder, source.path) for problem in inner)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return dataset


@contextmanager
def gc_paused() -> Iterator[None]:
    """No search for cycles in this block while a million boxes are made, which have none: a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _check_names(dataset: Dataset) -> None:
    """Raise DataError for names that would break a line of text or are no name of a file."""
    problems = Problems()
    of_photos = [text for name, question in dataset.questions.items() for text in (name, *question.labels)]
    texts = [*dataset.classes, *of_photos, *dataset.splits, *(image.name for image in dataset.images)]
    for text in texts:
        if not text.isprintable():
            problems.add("error", "name", f"{text!r} holds a character that cannot be printed")
    for split in dataset.splits:
        if "/" in split:
            problems.add("error", "split name", f"{split!r} cannot be the name of a file")
    problems.raise_errors()


def _log(problems: Problems) -> None:
    import logging

    log = logging.getLogger("detect")
    levels = [level for level, _ in problems.counts()]
    for level, line in zip(levels, problems.summary(), strict=True):
        log.log(logging.INFO if level == "note" else logging.WARNING, "%s", line)
