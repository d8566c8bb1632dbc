"""What a program holds to look at: paths, annotated data, PIL images, arrays, or a list of these."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Photo

from detect.data import Dataset, Image
from detect.drawing import MAX_PIXELS, as_rgb, decode
from detect.errors import SHOWN, ConfigError, DataError
from detect.prediction.sources import Sources, sources

if TYPE_CHECKING:
    from detect.models.detector import Picture

InMemory = Photo.Image | NDArray[Any]
One = Image | str | Path | InMemory
Given = One | Dataset | Sources | Sequence[One]

TURNED = (5, 6, 7, 8)  # values of the EXIF orientation that swap width and height
ORIENTATION = 0x0112
ACCEPTED = "a path, a pattern, an Image or Dataset of detect, a PIL image, or a uint8 RGB array (height, width, 3)"


def as_sources(given: Given) -> Sources:
    """The images in whatever is given. Pictures in memory are named by their place in the list, from 0: "picture-0".

    Raises ConfigError, naming all of them, for arrays and objects that are no picture; DataError as `sources` does.
    """
    if isinstance(given, Sources):
        return given
    if isinstance(given, Dataset):
        return Sources(given.images)
    items: list[Any] = [given]
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        items = list(given)
    paths = [one for one in items if isinstance(one, str | Path)]
    held = {f"picture-{place}": one for place, one in enumerate(items) if not isinstance(one, Image | str | Path)}
    if wrong := [f"{name}: {problem}" for name, one in held.items() if (problem := _problem(one))]:
        more = [f"... and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise ConfigError("\n".join(wrong[:SHOWN] + more))
    on_disk = sources(paths) if paths else Sources(())
    images = [one for one in items if isinstance(one, Image)]
    if len(paths) + len(images) == len(items):
        return replace(on_disk, images=(*on_disk.images, *images))

    def load(image: Image) -> Picture:
        if image.name in held:
            return _pixels(image.name, held[image.name])
        return on_disk.picture(image)

    in_memory = [Image(name, *_size(one)) for name, one in held.items()]
    return replace(on_disk, images=(*on_disk.images, *images, *in_memory), load=load)


def _problem(one: Any) -> str:
    """What is wrong with it as a picture, and what to do; "" where nothing is."""
    if isinstance(one, Photo.Image):
        pixels = one.width * one.height
        return _wrong_size(pixels, f"{one.width} x {one.height} pixels")
    if not isinstance(one, np.ndarray):
        return f"expected {ACCEPTED}, got {type(one).__name__}"
    shape = f"an array of shape {one.shape}"
    if one.dtype not in (np.uint8, np.uint16):
        remedy = "; of values in 0..1 make (255 * array).round().astype('uint8')" if one.dtype.kind == "f" else ""
        return f"expected an array of uint8, got {one.dtype}{remedy}"
    if one.ndim == 4:
        return f"expected one picture, got {shape}; give several as a list: list(array)"
    if one.ndim == 3 and one.shape[2] not in (3, 4) and one.shape[0] in (3, 4):
        return f"expected (height, width, 3), got {shape}; put the channels last: array.transpose(1, 2, 0)"
    if one.ndim != 2 and not (one.ndim == 3 and one.shape[2] in (3, 4)):
        return f"expected (height, width, 3), got {shape}"
    return _wrong_size(one.shape[0] * one.shape[1], shape)


def _wrong_size(pixels: int, got: str) -> str:
    if pixels == 0:
        return f"expected a picture with pixels, got {got}"
    return f"{got} are more than {MAX_PIXELS:,} pixels" if pixels > MAX_PIXELS else ""


def _size(one: InMemory) -> tuple[int, int]:
    """Width and height, upright."""
    if isinstance(one, np.ndarray):
        return one.shape[1], one.shape[0]
    with suppress(Exception):  # what cannot be read is named when it is looked at
        decode(one)  # a TIFF is turned by this
    return one.size[::-1] if one.getexif().get(ORIENTATION) in TURNED else one.size


def _pixels(name: str, one: InMemory) -> Picture:
    """(height, width, 3) uint8 RGB, upright, as a file of the same picture would be decoded."""
    if isinstance(one, np.ndarray):
        if one.ndim == 3 and one.dtype == np.uint16:
            one = (one >> 8).astype(np.uint8)  # as Pillow reads a colour file of 16 bits
        one = Photo.fromarray(np.ascontiguousarray(one))
    try:
        with warnings.catch_warnings(action="ignore"):
            return np.asarray(as_rgb(one))
    except Exception as error:  # an image that was opened and not yet read may lie in a damaged file
        raise DataError(f"{name}: cannot be read as an image: {error}") from None
