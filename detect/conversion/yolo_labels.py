"""Which label file belongs to which image, and which classes count in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from detect.conversion.names import stem, without_containers
from detect.conversion.text import lines, read_bytes
from detect.conversion.tidy import clean_label
from detect.errors import DataError, Problems

CLASS_FILES = ("classes.txt", "obj.names")

_ROW = re.compile(rb"(?:\xef\xbb\xbf)?\s*\d+(?:\.0+)?(?:[ \t]+-?[\d.]+(?:e-?\d+)?){4,}\s", re.IGNORECASE)


def label_path(image: str) -> str:
    """Where Ultralytics looks for the labels of an image: the last folder images/ becomes labels/."""
    head, slash, tail = f"/{image}".rpartition("/images/")
    return f"{stem(f'{head}/labels/{tail}' if slash else tail)}.txt".lstrip("/")


def looks_like_labels(path: Path) -> bool:
    """Tell whether this text file begins with a row of labels."""
    return _ROW.match(read_bytes(path)[:4096] + b"\n") is not None


class LabelFiles:
    """The label files below a folder, found by their image."""

    def __init__(self, texts: Iterable[str], images: Sequence[str]) -> None:
        """`texts` and `images` are relative paths, perhaps of different folders."""
        self._images = images
        self._exact = {stem(text): text for text in texts}
        self._found: dict[str, str | None] = {}

    @cached_property
    def _bare(self) -> dict[str, str]:
        return {without_containers(key): text for key, text in self._exact.items()}

    @cached_property
    def _alone(self) -> dict[str, str]:
        """Label files by the base of their name, where neither another label file nor two images are called so."""
        often = Counter(map(_base, self._exact))
        images = Counter(_base(stem(image)) for image in self._images)
        named = ((_base(key), text) for key, text in self._exact.items())
        return {base: text for base, text in named if often[base] == 1 and images[base] == 1}

    def find(self, image: str) -> str | None:
        """The labels of an image: images/ -> labels/, or beside it, or the same path but for containers.

        Failing that, by name alone where neither another image nor another label file is called so.
        """
        if image not in self._found:
            self._found[image] = self._search(image)
        return self._found[image]

    def _search(self, image: str) -> str | None:
        bare = stem(image)
        for key in (stem(label_path(image)), bare):
            if key in self._exact:
                return self._exact[key]
        if found := self._bare.get(without_containers(bare)):
            return found
        return self._alone.get(_base(bare))

    def without(self, images: Iterable[str]) -> list[str]:
        """The label files that belong to none of these images."""
        taken = {self.find(image) for image in images}
        return [text for text in self._exact.values() if text not in taken]


class ClassTables:
    """From the class index in a row, as text, to the label: one table for all, or one per class file."""

    def __init__(self, root: Path, names: dict[int, str] | None, problems: Problems) -> None:
        """`names` are those of data.yaml; None: the nearest class file at or above each label file counts."""
        self._root, self._problems = root, problems
        self._common = None if names is None else self._table(names, "data.yaml")
        self._folders: dict[str, dict[str, str]] = {}
        self._files: dict[Path, dict[str, str]] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes of the tables used so far, in their order."""
        tables = self._files.values() if self._common is None else [self._common]
        return tuple(dict.fromkeys(label for table in tables for label in table.values()))

    def of(self, text: str) -> dict[str, str]:
        """The table for a label file. Raises DataError where there is no class file."""
        if self._common is not None:
            return self._common
        folder = text.rpartition("/")[0]
        if folder not in self._folders:
            file = self._nearest(self._root / folder)
            if file not in self._files:
                self._files[file] = self._table(dict(enumerate(lines(file))), str(file))
            self._folders[folder] = self._files[file]
        return self._folders[folder]

    def _nearest(self, folder: Path) -> Path:
        folder = folder.absolute()  # not resolved: a link to a folder of labels has its class file beside the link
        top = self._root.absolute().parent
        for place in (folder, *folder.parents):
            for name in CLASS_FILES:
                if (place / name).is_file():
                    return place / name
            if place == top:
                break
        raise DataError(
            f"{folder}: there is no classes.txt beside or above the labels, and no data.yaml "
            "(put the class names there, one per line, in the order of their numbers)"
        )

    def _table(self, names: dict[int, str], file: str) -> dict[str, str]:
        table: dict[str, str] = {}
        for index, name in names.items():
            label = clean_label(name)
            if label != name:
                what = f"class {index}: {name!r} is read as {label!r}"
                self._problems.add("repaired", "label white space", what, file=file)
            if label in table.values():
                what = f"{label!r} is listed twice; both numbers mean the same class"
                self._problems.add("repaired", "class listed twice", what, file=file)
            if label:
                table[str(index)] = label
        return table


def _base(path: str) -> str:
    return path.rpartition("/")[2]
