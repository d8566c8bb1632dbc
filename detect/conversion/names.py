"""What an image is called, and which split a folder means.

An image is named by its path below the images, with `/`, whatever the tool or the system wrote. Folders that only
hold things are no part of the name::

    images/a/1.jpg         -> a/1.jpg          JPEGImages/1.jpg      -> 1.jpg
    train/images/1.jpg     -> train/1.jpg      Annotations/a/1.xml   -> a/1.xml

Accents may be stored in one character with their letter (Unicode NFC) or, as macOS does, beside it (NFD): such names
are found by one another. An image is called as its annotation file spells it, else as the disk does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from unicodedata import normalize

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif"}
    | {".ppm", ".pgm", ".pbm", ".jp2", ".avif", ".heic", ".heif"}
)

_CONTAINER = re.compile(
    r"((train|training|val|valid|validation|test|testing)[ _-])?"
    r"(jpeg)?(images?|imgs?|photos?|pictures?|annotations?|labels?|xmls?)|obj_\w+_data",
    re.IGNORECASE,
)
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
_SPLITS |= {"test": "test", "testing": "test"}
_YEAR = re.compile(r"[ _-]?(19|20)\d\d([_-]\w+)?$")


def is_image(path: str) -> bool:
    """Tell whether this file name ends as an image's does."""
    return suffix(path) in IMAGE_SUFFIXES


def suffix(path: str) -> str:
    """The ending in lower case with its dot; "" where there is none."""
    dot = path.rfind(".")
    return path[dot:].lower() if dot > path.rfind("/") + 1 else ""


def stem(path: str) -> str:
    """The path without the ending of an image or annotation file: `a/1.jpg` -> `a/1`, `v1.2` -> `v1.2`."""
    end = suffix(path)
    known = end in IMAGE_SUFFIXES or end in {".xml", ".txt", ".json"}
    return path[: -len(end)] if known else path


def composed(text: str) -> str:
    """The text with accents and their letters as one character each (Unicode NFC): the same for both spellings."""
    return text if text.isascii() else normalize("NFC", text)


def folded(path: str) -> str:
    """What all spellings of one file name have in common: accents composed, in lower case."""
    return path.lower() if path.isascii() else composed(path).lower()


def posix(path: str) -> str:
    r"""A path as some tool wrote it, as a relative one with `/`: `C:\photos\.\1.jpg` -> `photos/1.jpg`.

    Steps upwards are left out, so that no name points outside the folder it belongs to.
    """
    if "\\" not in path and "/" not in path:
        return "" if path in (".", "..") else path
    path = path.replace("\\", "/")
    if has_drive(path):
        path = path[2:]
    return "/".join(part for part in path.split("/") if part not in ("", ".", ".."))


def is_foreign(path: str) -> bool:
    r"""Is this an absolute path, of this machine or another (`C:\...`)? Its folders then say nothing."""
    return path.startswith(("/", "\\")) or has_drive(path)


def has_drive(path: str) -> bool:
    """Tell whether a path begins with a drive of Windows: `C:`."""
    return path[1:2] == ":" and path[0].isascii() and path[0].isalpha()


def split_word(word: str) -> str | None:
    """The split that a word means, a year aside: `Valid`, `val2017`, `val2014_100` -> `val`; None for others."""
    return _SPLITS.get(_YEAR.sub("", word).casefold())


def split_name(word: str) -> str | None:
    """A split as a file states it: known words in their usual spelling, `default` is none, others as they are."""
    return None if word.casefold() in ("default", "") else split_word(word) or word


def is_container(folder: str) -> bool:
    """Tell whether a folder only holds things: images, JPEGImages, Annotations, labels, Validation_Images."""
    return _CONTAINER.fullmatch(folder) is not None


def image_names(paths: Sequence[str]) -> list[str]:
    """The names of images from their paths, in the same order.

    A container that all of them share is no part of the names. Containers further down are left out as well,
    unless that would give two images one name.
    """
    if not any("/" in path for path in paths):
        return list(paths)
    heads = {path.partition("/")[0] if "/" in path else "" for path in paths}
    if len(heads) == 1 and is_container(head := heads.pop()):
        paths = [path[len(head) + 1 :] for path in paths]
    bare = [without_containers(path) for path in paths]
    return bare if len(set(bare)) == len(bare) else list(paths)


def without_containers(path: str) -> str:
    """The path without every folder that only holds things."""
    folder, slash, base = path.rpartition("/")
    if not slash:
        return path
    folder = _open_folder(folder)
    return f"{folder}/{base}" if folder else base


@lru_cache(maxsize=4096)
def _open_folder(folder: str) -> str:
    return "/".join(part for part in folder.split("/") if not is_container(part))


def folder_splits(names: Iterable[str]) -> list[str] | None:
    """The split of each image where every one lies in a folder called train, val(id) or test; else None."""
    found = [split_word(name.partition("/")[0]) if "/" in name else None for name in names]
    splits = [split for split in found if split is not None]
    return splits if splits and len(splits) == len(found) else None
