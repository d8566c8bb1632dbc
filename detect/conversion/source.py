"""What the user pointed at: a file or a folder, the files below it, and the photos that belong to it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from detect.conversion.names import (
    IMAGE_SUFFIXES,
    composed,
    folded,
    is_container,
    is_foreign,
    is_image,
    posix,
    split_word,
    stem,
    suffix,
    without_containers,
)
from detect.conversion.text import broken_link
from detect.errors import DataError, Problem, Problems

NOISE = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})
"""Names of what systems leave beside files."""

_LOOK = 1 << 16
_READ = IMAGE_SUFFIXES | {".xml", ".json", ".txt", ".csv", ".yaml", ".yml", ".data", ".names"}
"""The endings of files that readers open; a link among these is named when it is opened."""

_MASKS = re.compile(r"(^|/)(segmentation(class|object)\w*|masks?|scribbles?)/", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """An annotation file or a folder, perhaps with a separate folder of images; problems are noted on the way."""

    path: Path
    images: Path | None
    problems: Problems
    voc_origin: int = 0
    """What VOC's corners count from: 0, edges, as LabelImg; 1, pixels and inclusive, as the VOC devkit."""
    ids: Path | None = None
    """The COCO file that the ids of COCO results refer to."""

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every file below the folder, relative to it and sorted; of a single file its own name."""
        return (self.path.name,) if self.path.is_file() else self._below(self.root)

    def _below(self, root: Path) -> tuple[str, ...]:
        """Every file below a folder, sorted. A link to a folder that is not there is an error."""
        links: list[str] = []
        files = tuple(sorted(walk(root, links)))
        for file in links:
            if suffix(file) not in _READ and (wrong := broken_link(root / file)):
                self.problems.add("error", "broken link", wrong, file=root / file, remedy="remove or mend the link")
        return files

    @cached_property
    def root(self) -> Path:
        """The folder that `files` are relative to."""
        return self.path.parent if self.path.is_file() else self.path

    def with_suffix(self, *endings: str) -> list[str]:
        """The files that end so (lower case, with the dot)."""
        return [file for ending in endings for file in self._by_suffix.get(ending, ())]

    def head(self, file: str) -> str:
        """The beginning of one of `files` as text."""
        with (self.root / file).open("rb") as stream:
            data = stream.read(_LOOK)
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        return data.decode(encoding, errors="replace")

    @cached_property
    def json_kinds(self) -> dict[str, str]:
        """What each of the JSON files that were looked at holds (json_kinds.py)."""
        return {}

    @cached_property
    def _by_suffix(self) -> dict[str, list[str]]:
        return _index(self.files, suffix)

    @cached_property
    def photos(self) -> Photos:
        """The images: below `images` where that is given, else beside the annotations."""
        if self.images is not None:
            if not self.images.is_dir():
                what = broken_link(self.images) or "no such folder of images"
                raise DataError(Problem("error", "not there", what, str(self.images)))
            return Photos(self.images, tuple(filter(is_image, self._below(self.images))))
        if self.path.is_dir():
            images = [file for file in self.files if is_image(file)]
            masks = tuple(file for file in images if _MASKS.search(file))
            if images:
                return Photos(self.root, tuple(file for file in images if not _MASKS.search(file)), masks)
        home = self.root.parent if is_container(self.root.name) else self.root
        return Photos(home, tuple(sorted(filter(is_image, _usual_places(home)))))


@dataclass(frozen=True)
class Photos:
    """The image files below a folder, found by what an annotation calls them."""

    root: Path
    files: tuple[str, ...]
    masks: tuple[str, ...] = ()
    """Files in folders of masks: images only where an annotation names them."""

    @cached_property
    def _by_base(self) -> dict[str, list[str]]:
        return _index((*self.files, *self.masks), lambda file: folded(file.rpartition("/")[2]))

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return _index((*self.files, *self.masks), lambda file: folded(stem(file.rpartition("/")[2])))

    def only(self, name: str) -> str | None:
        """The file of this very name in some folder, where no other file is called so; else None."""
        return self._alone.get(name)

    @cached_property
    def _alone(self) -> dict[str, str]:
        return {found[0].rpartition("/")[2]: found[0] for found in self._by_base.values() if len(found) == 1}

    def find(self, wanted: str, near: Sequence[str] = (), *, by_stem: bool = False) -> list[str]:
        """The files that `wanted` can mean, the likely ones only: one where it is clear, several where it is not.

        `wanted` may have folders, backslashes, another case, accents in another spelling; with `by_stem` its ending
        does not count. `near` are folders (without containers) to prefer: they decide between files of the same name.
        """
        name = posix(wanted)
        base = name.rpartition("/")[2]
        index = self._by_stem if by_stem else self._by_base
        found = index.get(folded(stem(base) if by_stem else base), [])
        if "/" in name and not is_foreign(wanted):
            found = [file for file in found if _agree(without_containers(file), without_containers(name))]
        if len(found) < 2:
            return found
        own = _folder(without_containers(name))
        folders = {folded(folder) for folder in ([own] if own else near)}
        name, base = composed(name), composed(base)
        for test in (
            lambda file: composed(file) == name,
            lambda file: folded(_folder(without_containers(file))) in folders,
            lambda file: composed(file.rpartition("/")[2]) == base,
            lambda file: composed(without_containers(file)) == name,
            lambda file: file == posix(wanted),
        ):
            if fewer := [file for file in found if test(file)]:
                found = fewer
        return found

    def path(self, file: str) -> str:
        """Where one of `files` lies."""
        return f"{self._start}{file}"

    @cached_property
    def _start(self) -> str:
        return f"{self.root}{os.sep}"


def walk(root: Path, links: list[str] | None = None) -> Iterator[str]:
    """Every file below `root` as a relative path with `/`; hidden ones and folders already seen are passed over.

    Those that are symbolic links, perhaps broken, are added to `links`, too.
    """
    seen: set[tuple[int, int]] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        here = os.path.join(root, folder)  # noqa: PTH118 pathlib takes 10 x longer, and there may be a million
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name in NOISE:
                    continue
                try:  # in place, since a call for each of a million is felt
                    is_folder = entry.is_dir()
                except OSError:
                    is_folder = False
                if not is_folder:
                    if links is not None and entry.is_symlink():
                        links.append(folder + entry.name)
                    yield folder + entry.name
                elif (key := _key(entry)) not in seen:
                    seen.add(key)
                    folders.append(f"{folder}{entry.name}/")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _key(entry: os.DirEntry[str]) -> tuple[int, int]:
    status = entry.stat()
    return status.st_dev, status.st_ino


def _usual_places(home: Path) -> Iterator[str]:
    """Images of a single annotation file: beside it, and in folders called images, train and so on; no further."""
    with os.scandir(home) as entries:
        for entry in entries:
            if not _is_folder(entry):
                yield entry.name
            elif is_container(entry.name) or split_word(entry.name):
                yield from (f"{entry.name}/{file}" for file in walk(home / entry.name))


def _index(files: Sequence[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for file in files:
        index.setdefault(key(file), []).append(file)
    return index


def _agree(one: str, other: str) -> bool:
    """Tell whether these can be the same file, one of them seen from further up."""
    one, other = f"/{folded(one)}", f"/{folded(other)}"
    return stem(one).endswith(stem(other)) or stem(other).endswith(stem(one))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
