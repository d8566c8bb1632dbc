"""The embedded sample: photos of damaged cars, drawn and annotated here, since real ones cannot be shipped."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from detect.data import Dataset, Image
from detect.errors import ConfigError
from detect.files import refuse_to_overwrite
from detect.progress import track
from detect.sample.damage import CLASSES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CLASSES", "FORMATS", "GROUP", "draw_sample", "write_sample"]

FORMATS = ("voc", "yolo", "cvat", "coco")
GROUP = r"(claim-\d+)"
"""What names the claim in a file name, for `detect split --group`."""
WORTH_A_POOL = 24  # fewer photos than this are drawn sooner than other processes have started


def draw_sample(images: int = 300, *, width: int = 640, seed: int = 0) -> Iterator[tuple[NDArray[np.uint8], Image]]:
    """Draw photos one after another: the upright pixels (H, W, 3) RGB and the image with its boxes.

    `width` is the longer side in pixels. Photo k of a seed is the same whatever the number of images; each box has
    the attributes `severity` (int, 1 to 5) and `place` (str). Raises ConfigError for a number below 0 or a width
    outside 64..4096.
    """
    from detect.sample.claims import photos
    from detect.sample.photos import take

    _check(images, width, seed)
    for photo in islice(photos(seed, width), images):
        yield take(photo)


def write_sample(
    dest: str | Path,
    *,
    images: int = 300,
    width: int = 640,
    format: str = "voc",  # noqa: A002 the word for it
    seed: int = 0,
) -> Dataset:
    """Draw photos and write them to the folder `dest` as LabelImg ("voc", "yolo") or CVAT ("cvat", "coco") would.

    The same seed gives the same bytes, whatever the number of processes, which is that of the cores. About one photo
    in ten is stored turned, with an EXIF orientation. Raises DetectError where `dest` is a file or not empty, and
    ConfigError for an unknown format or a number out of range.
    """
    from detect.conversion import write

    if format not in FORMATS:
        raise ConfigError(f"format is {format!r}; the sample can be written as {', '.join(FORMATS)}")
    dest = Path(dest)
    refuse_to_overwrite(dest)
    _check(images, width, seed)
    dest.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{dest.name}.", suffix=".tmp", dir=dest.parent) as folder:
        drawn = tuple(track(_drawn(images, width, seed, Path(folder)), "drawing", total=images))
        dataset = Dataset(CLASSES, drawn)
        write(dataset, dest, format, media="link")
    return dataset


def _check(images: int, width: int, seed: int) -> None:
    wrong = []
    if images < 0:
        wrong.append(f"images is {images}; give 0 or more")
    if not 64 <= width <= 4096:
        wrong.append(f"width is {width}; give a number of pixels from 64 to 4096")
    if seed < 0:
        wrong.append(f"seed is {seed}; give 0 or more")
    if wrong:
        raise ConfigError("\n".join(wrong))


def _drawn(images: int, width: int, seed: int, folder: Path) -> Iterator[Image]:
    """Draw and save all photos, in their order, on all cores when they are many."""
    workers = min(os.cpu_count() or 1, images // (WORTH_A_POOL // 2))
    if workers > 1:
        from detect.sample.worker_pool import draw_together

        yield from draw_together(images, width, seed, folder, workers)
        return
    from detect.sample.claims import photos
    from detect.sample.photos import save

    for photo in islice(photos(seed, width), images):
        yield save(photo, folder)
