"""The embedded sample: photos of damaged cars, drawn and annotated here, since real ones cannot be shipped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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

    from detect.sample.claims import Photo

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
    from detect.sample.photos import take

    for photo in _planned(images, width, seed):
        yield take(photo)


def write_sample(dest: Path, *, images: int = 300, width: int = 640, format: str = "voc", seed: int = 0) -> Dataset:  # noqa: A002
    """Draw photos and write them to the folder `dest` as LabelImg ("voc", "yolo") or CVAT ("cvat", "coco") would.

    The same seed gives the same bytes, whatever the number of processes, which is that of the cores. About one photo
    in ten is stored turned, with an EXIF orientation. Raises DetectError where `dest` is a file or not empty, and
    ConfigError for an unknown format or a number out of range.
    """
    from detect.convert import write

    if format not in FORMATS:
        raise ConfigError(f"format is {format!r}; the sample can be written as {', '.join(FORMATS)}")
    dest = Path(dest)
    refuse_to_overwrite(dest)
    planned = _planned(images, width, seed)
    dest.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{dest.name}.", suffix=".tmp", dir=dest.parent) as folder:
        drawn = tuple(track(_drawn(planned, Path(folder)), "drawing", total=images))
        dataset = Dataset(CLASSES, drawn)
        write(dataset, dest, format, media="link")
    return dataset


def _planned(images: int, width: int, seed: int) -> list[Photo]:
    from detect.sample.claims import photos

    wrong = []
    if images < 0:
        wrong.append(f"images is {images}; give 0 or more")
    if not 64 <= width <= 4096:
        wrong.append(f"width is {width}; give a number of pixels from 64 to 4096")
    if seed < 0:
        wrong.append(f"seed is {seed}; give 0 or more")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return list(islice(photos(seed, width), images))


def _drawn(planned: list[Photo], folder: Path) -> Iterator[Image]:
    """Draw and save all photos, in their order, on all cores when they are many."""
    from detect.sample.photos import save

    workers = min(os.cpu_count() or 1, len(planned) // (WORTH_A_POOL // 2))
    if workers < 2:
        for photo in planned:
            yield save(photo, folder)
        return
    with _pool(workers) as pool:
        yield from pool.imap(_Save(folder), planned, chunksize=4)


class _Save:
    """`save` bound to a folder, fit to be sent to another process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, photo: Photo) -> Image:
        from detect.sample.photos import save

        return save(photo, self.folder)


@contextmanager
def _pool(workers: int) -> Iterator[multiprocessing.pool.Pool]:
    """Processes that draw; gone when the block ends, also by Ctrl-C."""
    # Spawning runs the caller's script again, which breaks one without a __main__ guard; forking does not.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with context.Pool(workers, initializer=_alone) as pool:
        yield pool


def _alone() -> None:
    """One thread per process, and Ctrl-C is left to the parent."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
