"""Images that an annotation file lists by name: COCO's `file_name`, CVAT's `name`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from detect.conversion.names import image_names, is_foreign, posix
from detect.conversion.source import Photos
from detect.errors import Problems


class Stated(NamedTuple):
    """An image as a file lists it: the name it states, the part of the dataset it is in, the photo if it is there."""

    name: str
    part: str
    photo: str | None
    candidates: tuple[str, ...] = ()
    """The photos that it can be, where that is not clear."""


def find(
    name: str, part: str, near: Sequence[str], photos: Photos, where: tuple[str, str], problems: Problems
) -> Stated:
    """Look for a listed image; a missing or ambiguous one is reported at `where` = (file, position)."""
    if (photo := photos.only(name)) is not None:
        return Stated(name, part, photo)
    file, position = where
    found = photos.find(name, near)
    if len(found) > 1:
        what = f"{name!r} can be {' or '.join(found[:3])}"
        problems.add(
            "error", "ambiguous image", what, file=file, where=position, remedy="name the folder with --images"
        )
    elif not found:
        problems.add("note", "image missing", f"there is no file {name!r}", file=file, where=position)
    if "\\" in name:
        problems.add("repaired", "Windows path", f"{name!r}", file=file, where=position)
    return Stated(name, part, found[0], ()) if len(found) == 1 else Stated(name, part, None, tuple(found))


def names_of(images: Sequence[Stated]) -> list[str]:
    """The name of each image, in order.

    It is what the file states, without folders that only hold things. Where two parts (train and val) have photos of
    the same name, every image is called after its part too.
    """
    names = image_names([i.photo if i.photo and is_foreign(i.name) else posix(i.name) for i in images])
    if len(set(names)) == len(names):
        return names
    owners: dict[str, Stated] = {}
    for name, image in zip(names, images, strict=True):
        other = owners.setdefault(name, image)
        if other.part != image.part and (other.photo is None or other.photo != image.photo):
            return [f"{i.part}/{name}" if i.part else name for name, i in zip(names, images, strict=True)]
    return names
