"""How large a photo is when it stands upright: from the header, the pixels are not decoded."""

from __future__ import annotations

from pathlib import Path

from detect.errors import Problems

Size = tuple[int, int]


def upright_size(path: str | Path) -> Size | None:
    """Width and height in pixels after EXIF rotation; None where the file is missing or no image."""
    import imagesize

    width, height = imagesize.get(str(path))
    return (int(width), int(height)) if width > 0 and height > 0 else _slow_size(path)


def settle_size(path: Path | None, stated: Size | None, file: str, problems: Problems) -> Size | None:
    """The size that counts: the photo's own, else the one stated in `file`, else none, which is an error.

    A stated size that differs from the photo's is reported; stated sizes of 0 count as not stated.
    """
    if stated is not None and min(stated) <= 0:
        stated = None
    if path is None:
        if stated is None:
            what, remedy = "the image is missing and the file gives no size", "name the folder of images with --images"
            problems.add("error", "no image", what, file=file, remedy=remedy)
        return stated
    size = upright_size(path)
    if size is None:
        problems.add("error", "not an image", "cannot be read as an image", file=path)
        return None
    if stated is not None and stated != size:
        _report_contradiction(path, stated, size, file, problems)
    return size


def _report_contradiction(path: Path, stated: Size, size: Size, file: str, problems: Problems) -> None:
    import imagesize

    given, own = f"{stated[0]} x {stated[1]}", f"{size[0]} x {size[1]}"
    if imagesize.get(str(path), exif_rotation=False) == stated:
        what = f"gives {given}, the photo stands upright at {own}; boxes are taken as upright"
        problems.add("note", "size before EXIF rotation", what, file=file)
    else:
        problems.add("repaired", "wrong image size", f"gives {given}, the photo is {own}", file=file)


def _slow_size(path: str | Path) -> Size | None:
    """For the kinds of file that the header reader does not know."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as photo:
                width, height = photo.size
                turned = photo.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except Exception:  # whatever a decoder raises on a broken file, it is no image
        return None
    return (height, width) if turned else (width, height)
