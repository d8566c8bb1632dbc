"""From a planned photo to pixels, boxes and a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.data import Attributes, Box, Image
from detect.sample.claims import Photo
from detect.sample.scene import Found, render_with_truth

EXIF_ORIENTATION = 0x0112
# How an upright picture is turned for storage, in quarters counter-clockwise, so that the tag's rotation rights it.
QUARTERS = {1: 0, 3: 2, 6: 1, 8: 3}


def take(photo: Photo) -> tuple[NDArray[np.uint8], Image]:
    """The upright picture (H, W, 3) RGB and its boxes."""
    with _one_thread():
        picture, found = render_with_truth(photo.scene)
        pixels = photo.sensor.develop(picture)
    boxes = tuple(_box(f) for f in found)
    return pixels, Image(photo.name, pixels.shape[1], pixels.shape[0], boxes)


def save(photo: Photo, folder: Path) -> Image:
    """Take a photo and write it as a JPEG into a folder, turned as its EXIF orientation says."""
    from PIL import Image as Pillow

    pixels, image = take(photo)
    path = folder / photo.name
    stored = Pillow.fromarray(np.ascontiguousarray(np.rot90(pixels, QUARTERS[photo.sensor.orientation])))
    exif = Pillow.Exif()
    if photo.sensor.orientation != 1:
        exif[EXIF_ORIENTATION] = photo.sensor.orientation
    stored.save(path, quality=photo.sensor.quality, exif=exif)
    return replace(image, path=path)


@contextmanager
def _one_thread() -> Iterator[None]:
    """What OpenCV draws depends a little on the number of its threads; the same seed must give the same bytes."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _box(found: Found) -> Box:
    damage = found.damage
    x1, y1, x2, y2 = (float(v) for v in found.box)
    return Box(damage.label, x1, y1, x2, y2, attributes=Attributes(severity=damage.severity, place=damage.place))
