"""Pictures from files that may be anything, and from what a program holds: upright, RGB of 8 bits."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from detect.errors import DataError, Problem

PilImage = Image.Image
InMemory = PilImage | NDArray[Any]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_PIXELS = 100_000_000  # more is refused before decoding: a few kB can claim gigabytes
ACCEPTED = "a path, a pattern, an Image or Dataset of detect, a PIL image, or a uint8 RGB array (height, width, 3)"


def open_upright(path: Path, *, longest: int | None = None, enough: int | None = None) -> PilImage:
    """The photo as RGB, turned as its EXIF orientation says, at most `longest` pixels on its longer side.

    With `enough` a JPEG may come smaller than it is, at 1/2, 1/4 or 1/8, if its longer side still has so many pixels.
    Only JPEG, PNG, WebP, BMP and TIFF of at most 100 megapixels are decoded. Raises DataError naming the file where
    it is absent, no such image, cut short or too large.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _unreadable(path, f"{image.width} x {image.height} pixels is more than {MAX_PIXELS:,}")
            if (side := longest or enough) is not None:
                share = side / max(image.size)  # a JPEG is decoded at 1/2, 1/4 or 1/8: up to five times faster
                image.draft("RGB", (max(1, int(image.width * share)), max(1, int(image.height * share))))
            upright = as_rgb(image, in_place=True)  # a copy costs half as much as decoding
            upright.load()  # before the file is closed
    except FileNotFoundError:
        raise _unreadable(path, "no such file") from None
    except UnidentifiedImageError:
        damaged = "cannot be read as an image: its header is damaged"
        wrong = "not an image (JPEG, PNG, WebP, BMP and TIFF are read)"
        raise _unreadable(path, damaged if _begins_well(path) else wrong) from None
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001  a damaged file can make a decoder stumble anywhere
        raise _unreadable(path, f"cannot be read as an image: {error}") from None
    if longest is not None and max(upright.size) > longest:
        upright.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return upright


def _unreadable(name: str | Path, what: str) -> DataError:
    return DataError(Problem("error", "unreadable image", what, str(name)))


def as_rgb(picture: PilImage, *, in_place: bool = False) -> PilImage:
    """The picture as RGB of 8 bits, turned as its EXIF orientation says; `in_place` may turn `picture` itself."""
    decode(picture)
    upright = _eight_bits(picture)
    if in_place or upright is not picture:
        ImageOps.exif_transpose(upright, in_place=True)
    else:
        upright = ImageOps.exif_transpose(upright)
    return upright if upright.mode == "RGB" else upright.convert("RGB")


def decode(picture: PilImage) -> None:
    """Read the pixels of a picture that PIL has opened. Raises what its decoder raises on a damaged file.

    PIL (11 to 13 at least) maps grey TIFF into memory, in the shape that it has after turning: a picture that
    lies on its side comes out with its rows mixed up. Without the file's name it is read, and comes out whole.
    """
    name = getattr(picture, "filename", "")
    if picture.format == "TIFF":
        picture.filename = ""  # type: ignore[attr-defined]
    try:
        picture.load()
    finally:
        if picture.format == "TIFF":
            picture.filename = name  # type: ignore[attr-defined]


def _begins_well(path: Path) -> bool:
    """Whether the first bytes are those of a format that is read."""
    with path.open("rb") as file:
        first = file.read(16)
    accepts = [Image.OPEN[name][1] for name in FORMATS if name in Image.OPEN]
    return any(accept is not None and accept(first) is True for accept in accepts)


def as_picture(one: InMemory, name: str) -> PilImage:
    """A picture in memory as RGB of 8 bits, upright, as a file of the same content is decoded; `one` stays as it is.

    Raises DataError under this `name` where it was opened from a damaged file, and not yet read.
    """
    if isinstance(one, np.ndarray):
        if one.ndim == 3 and one.dtype == np.uint16:
            one = (one >> 8).astype(np.uint8)  # as Pillow reads a colour file of 16 bits
        one = Image.fromarray(np.ascontiguousarray(one))
    try:
        with warnings.catch_warnings(action="ignore"):
            return as_rgb(one)
    except Exception as error:  # noqa: BLE001  a damaged file can make a decoder stumble anywhere
        raise _unreadable(name, f"cannot be read as an image: {error}") from None


def picture_problem(one: Any) -> str:
    """What is wrong with it as a picture, and what to do; "" where nothing is."""
    if isinstance(one, PilImage):
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


def _eight_bits(image: PilImage) -> PilImage:
    """The same picture in 8 bits per channel: PIL clips 16-bit grey instead of scaling it."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;"):
        return image
    grey = np.asarray(image, dtype=np.float64)
    scaled = np.clip(grey / (257.0 if grey.max(initial=0) > 255 else 1.0), 0, 255).astype(np.uint8)
    result = Image.fromarray(scaled)
    result.info.update(image.info)
    result.getexif().update(image.getexif())
    return result
