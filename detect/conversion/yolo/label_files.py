"""Which label file belongs to which image, and which classes count in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from detect.conversion.names import folded, stem, without_containers
from detect.conversion.text import lines, read_bytes
from detect.conversion.tidy import clean_label
from detect.conversion.yolo.row_text import BadRow, ClassNames
from detect.errors import DataError, Problems

CLASS_FILES = ("classes.txt", "obj.names")

_CVAT_FOLDER = re.compile(r"(?<![^/])(obj_\w+_)data/")
"""CVAT: the labels of obj_train_data/1.jpg may be obj_train_labels/1.txt."""

_ROW = re.compile(r"\s*-?\d+(?:\.0+)?(?:[ \t,;]+(?:-?[\d.]+(?:e[+-]?\d+)?|nan|-?inf)){4,}[\s,;]", re.IGNORECASE)
"""The number of a class and four more."""


def label_path(image: str) -> str:
    """Where Ultralytics looks for the labels of an image: the last folder images/ becomes labels/."""
    head, slash, tail = f"/{image}".rpartition("/images/")
    return f"{stem(f'{head}/labels/{tail}' if slash else tail)}.txt".lstrip("/")


def looks_like_labels(path: Path, table: Mapping[str, str]) -> bool:
    """Tell whether this text file begins with a row of labels, after the number or the name of a class of `table`.

    Raises DataError where it cannot be read.
    """
    data = read_bytes(path)[:4096]
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = data.decode("utf-16" if wide else "utf-8", errors="ignore").lstrip("\ufeff")
    if _ROW.match(f"{text}\n"):
        return True
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        return len(ClassNames(table).row(first).numbers) >= 4
    except BadRow:
        return False


class LabelFiles:
    """The label files below a folder, found by their image."""

    def __init__(self, texts: Iterable[str], images: Sequence[str]) -> None:
        """`texts` and `images` are relative paths, perhaps of different folders."""
        self._images = images
        self._texts = list(texts)
        self._exact = {stem(text): text for text in self._texts}
        self._found: dict[str, str | None] = {}

    @cached_property
    def _bare(self) -> dict[str, str]:
        return {without_containers(key): text for key, text in self._exact.items()}

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(without_containers(stem(image)) for image in self._images)

    @cached_property
    def _alone(self) -> dict[str, str]:
        """Label files by the base of their name, where neither another label file nor two images are called so."""
        return self._unique(_base)

    @cached_property
    def _unquoted(self) -> dict[str, str]:
        """The same by what all spellings of a name have in common: `d%C3%A9cran`, accents apart, other cases."""
        return self._unique(_spelling)

    def _unique(self, key: Callable[[str], str]) -> dict[str, str]:
        often = Counter(map(key, self._exact))
        images = Counter(key(stem(image)) for image in self._images)
        named = ((key(name), text) for name, text in self._exact.items())
        return {name: text for name, text in named if often[name] == 1 and images[name] == 1}

    def find(self, image: str) -> str | None:
        """The labels of an image: images/ -> labels/, or beside it, or the same path but for containers.

        Failing that, by its name with the ending (1.jpg.txt), or by name alone where neither another image nor another
        label file is called so.
        """
        if image not in self._found:
            self._found[image] = self._search(image)
        return self._found[image]

    def _search(self, image: str) -> str | None:
        bare = stem(image)
        usual = stem(label_path(image))
        if usual in self._exact:  # of nearly all, and there may be a million
            return self._exact[usual]
        for key in (bare, _CVAT_FOLDER.sub(r"\1labels/", bare)):
            if key in self._exact:
                return self._exact[key]
        if found := self._bare.get(without_containers(bare)):
            return found
        if (whole := without_containers(image)) not in self._stems and whole in self._bare:
            return self._bare[whole]
        return self._alone.get(_base(bare)) or self._unquoted.get(_spelling(bare))

    def without(self, images: Iterable[str]) -> list[str]:
        """The label files that belong to none of these images."""
        taken = {self.find(image) for image in images}
        return [text for text in self._texts if text not in taken]

    def shared(self, images: Sequence[str]) -> dict[str, list[str]]:
        """The label files that belong to several of these images, with them."""
        found = [self.find(image) for image in images]
        often = {text for text, count in Counter(filter(None, found)).items() if count > 1}
        return {text: [i for i, own in zip(images, found, strict=True) if own == text] for text in sorted(often)}


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

    def known(self, text: str) -> Mapping[str, str]:
        """The same, but empty where there is no class file; nothing is noted, and no class becomes one of `classes`."""
        try:
            return self._aside.of(text)
        except DataError:
            return {}

    @cached_property
    def _aside(self) -> ClassTables:
        aside = ClassTables(self._root, None, Problems())
        aside._common = self._common
        return aside

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
            f"{folder}: there is no classes.txt beside or above the labels, and no data.yaml with names "
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


def _spelling(path: str) -> str:
    return folded(unquote(_base(path)))
