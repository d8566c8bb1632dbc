"""How large a photo is when it stands upright: from the header, the pixels are not decoded.

JPEG and PNG, which nearly all photos are, are read here, many times faster than by Pillow; whatever is unusual about
one, and every other format, is left to Pillow (docs/decisions.md, "second readers").
Source: ITU T.81, B.1.1 (JPEG); Exif 2.32, 4.6.2 (orientation); PNG, 5.3 and 11.2.1
"""

from __future__ import annotations

import os
from pathlib import Path
from struct import Struct

from detect.conversion.names import is_image, suffix
from detect.conversion.text import broken_link
from detect.errors import Problem, Problems

Size = tuple[int, int]

_RARE = frozenset({".heic", ".heif", ".avif", ".jp2"})
"""Formats that not every installation of Pillow reads."""

_FIRST, _MORE = 1 << 12, 1 << 18
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_TWO = Struct(">II").unpack_from
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of JPEG that open a frame, in which its size stands."""


def upright_size(path: str | Path) -> Size | None:
    """Width and height in pixels after EXIF rotation; None where the file is missing or no image."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        data = os.read(handle, _FIRST)
        size = _quick_size(data)
        if size is None and data[:2] == b"\xff\xd8" and len(data) == _FIRST:
            size = _quick_size(data + os.read(handle, _MORE))
    except OSError:
        return None
    finally:
        os.close(handle)
    return size or _pillow_size(path)


def _quick_size(data: bytes) -> Size | None:
    """The size that the beginning of a JPEG or PNG states; None where it does not."""
    if data.startswith(_PNG):
        size: Size = _TWO(data, 16) if len(data) >= 24 and b"eXIf" not in data else (0, 0)
        return size if min(size) > 0 else None
    return _jpeg_size(data) if data[:3] == b"\xff\xd8\xff" else None


def _jpeg_size(data: bytes) -> Size | None:
    at, end, turned = 2, len(data) - 9, False
    while at < end and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = data[at + 5] << 8 | data[at + 6], data[at + 7] << 8 | data[at + 8]
            return ((height, width) if turned else (width, height)) if height and width else None
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            orientation = _orientation(data[at + 10 : at + 2 + (data[at + 2] << 8 | data[at + 3])])
            if orientation is None:
                return None
            turned = orientation in (5, 6, 7, 8)
        at += 2 + (data[at + 2] << 8 | data[at + 3])
    return None


def _orientation(tiff: bytes) -> int | None:
    """The orientation in the first directory of EXIF data, 1 where it has none; None where this is not good TIFF."""
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None or len(tiff) < 10:
        return None

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)  # type: ignore[arg-type]

    start = number(4, 4)
    for entry in range(start + 2, start + 2 + 12 * number(start, 2), 12):
        if entry + 12 > len(tiff):
            return None
        if number(entry, 2) == 0x0112:
            return number(entry + 8, 2) if number(entry + 2, 2) == 3 else None
    return 1


def _pillow_size(path: str | Path, *, upright: bool = True) -> Size | None:
    """The size by Pillow, turned by EXIF if `upright`; None where the file is no image."""
    import warnings

    from PIL import Image
    from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as photo:
            size: Size = photo.size
            if isinstance(photo, TiffImageFile):  # newer versions of Pillow have turned `size` already
                size = photo.tag_v2[IMAGEWIDTH], photo.tag_v2[IMAGELENGTH]
            if not upright:
                return size
            try:
                turned = photo.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            except Exception:  # noqa: BLE001  broken EXIF says nothing of the orientation
                turned = False
    except Exception:  # noqa: BLE001  whatever a decoder raises on a broken file, it is no image
        return None
    return size[::-1] if turned else size


def settle_size(
    path: str | Path | None, stated: Size | None, file: str, problems: Problems, where: str = ""
) -> Size | None:
    """The size that counts: the photo's own, else the one stated in `file`, else none, which is an error.

    `where` is the position in the file. A stated size that differs from the photo's is reported; stated sizes of 0
    count as not stated.
    """
    if stated is not None and min(stated) <= 0:
        stated = None
    if path is None:
        if stated is None:
            what, remedy = "the image is missing and the file gives no size", "name the folder of images with --images"
            problems.add("error", "no image", what, file=file, where=where, remedy=remedy)
        return stated
    size = upright_size(path)
    if size is None:
        problems.items.append(_why_none(path))
        return None
    if stated is not None and stated != size:
        _report_contradiction(path, stated, size, file, problems)
    return size


def _why_none(path: str | Path) -> Problem:
    """The error of a file that is called as an image and is none."""
    what, remedy = "cannot be read as an image", ""
    if wrong := broken_link(path):
        what, remedy = wrong, "remove or mend the link"
    elif suffix(str(path)) in _RARE:
        remedy = "save it as JPEG or PNG"
    elif (text := _beginning(path)).startswith(b"version https://git-lfs"):
        what, remedy = "is a pointer of Git LFS, not the photo itself", "fetch the photos with git lfs pull"
    elif is_image(target := text.decode(errors="replace")) and target.isprintable():
        what = f"holds the path {target}: a symbolic link that became a text file when it was copied"
        remedy = "copy the photos themselves"
    return Problem("error", "not an image", what, str(path), remedy=remedy)


def _beginning(path: str | Path) -> bytes:
    """The first bytes of a file without white space around them, none where it cannot be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 also of text
            return file.read(_FIRST).strip()
    except OSError:
        return b""


def _report_contradiction(path: str | Path, stated: Size, size: Size, file: str, problems: Problems) -> None:
    given, own = f"{stated[0]} x {stated[1]}", f"{size[0]} x {size[1]}"
    if _pillow_size(path, upright=False) == stated:
        what = f"gives {given}, the photo stands upright at {own}; boxes are taken as upright"
        problems.add("note", "size before EXIF rotation", what, file=file)
    else:
        problems.add("repaired", "wrong image size", f"gives {given}, the photo is {own}", file=file)
