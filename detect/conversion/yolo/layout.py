"""Where a YOLO dataset keeps its images, labels, classes and splits: data.yaml, or classes.txt and folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detect.conversion.names import IMAGE_SUFFIXES, folder_splits, posix, suffix
from detect.conversion.source import Source, walk
from detect.conversion.text import lines
from detect.conversion.yaml_file import load
from detect.conversion.yolo.label_files import CLASS_FILES, ClassTables, LabelFiles, label_path, looks_like_labels
from detect.conversion.yolo.row_forms import NO_KEY_POINTS, KeyPoints
from detect.conversion.yolo.splits import NO_PATH, parts_of, splits_of, unlisted
from detect.errors import DataError, Problems

_OTHERS = (".xml", ".json")


@dataclass
class Layout:
    """The parts of a dataset: `images` are relative to `images_root`, label files to `root`."""

    root: Path
    images_root: Path
    images: list[str]
    splits: list[str | None] | None  # as the header lists them; None: by folder
    labels: LabelFiles
    tables: ClassTables
    orphans: list[str]  # label files of images that are not there
    others: list[str]  # files of other tools, which may hold annotations
    key_points: KeyPoints | None = None  # as the header states them
    lists: bool = False  # the header names lists of images

    def split_of(self, names: Sequence[str]) -> Sequence[str | None]:
        """The split of each image: as listed, else by folders called train, val and test, else none."""
        return self.splits or folder_splits(names) or [None] * len(names)

    def report(self, problems: Problems) -> None:
        """Label files without an image are errors; one that two images share is noted."""
        for text in self.orphans:
            try:
                is_one = looks_like_labels(self.root / text, self.tables.known(text))
            except DataError as error:
                problems.items.extend(error.problems)
                continue
            if is_one:
                problems.add("error", "labels without image", "there is no image of this name", file=self.root / text)
        for text, images in self.labels.shared(self.images).items():
            what = f"is read for each of {' and '.join(images)}"
            problems.add("note", "one label file for two images", what, file=self.root / text)


def is_yolo(source: Source) -> bool:
    """A data.yaml with names, or label files; with darknet's header it is another format."""
    if (file := header(source)) is not None:
        return suffix(file.name) != ".data"
    tables = ClassTables(source.root, None, source.problems)
    return any(_is_labels(source.root, text, tables) for text in _label_texts(source.with_suffix(".txt"), ()))


def _is_labels(root: Path, text: str, tables: ClassTables) -> bool:
    try:
        return looks_like_labels(root / text, tables.known(text))
    except DataError:  # one that cannot be read does not tell
        return False


def header(source: Source) -> Path | None:
    """The YAML file (or darknet's .data) with class names: the source itself, or at the top of the folder."""
    files = [f for f in source.with_suffix(".yaml", ".yml", ".data") if "/" not in f]
    found = [source.root / f for f in files if "names" in _load(source.root / f)]
    if len(found) > 1:
        usual = [f for f in found if f.stem in ("data", "dataset", "obj")]
        if len(usual) != 1:
            names = ", ".join(f.name for f in found)
            raise DataError(f"{source.path}: holds several headers: {names} (name the one to read)")
        found = usual
    return found[0] if found else None


def find_layout(source: Source) -> Layout:
    """The layout of a dataset. Raises DataError where it has no images, labels or class names."""
    file = header(source)
    return _by_folders(source) if file is None else _by_header(file, source)


def _by_folders(source: Source) -> Layout:
    photos = source.photos
    texts = _label_texts(source.with_suffix(".txt"), photos.files)
    if not photos.files:
        raise DataError(f"{source.path}: there are no images in it or beside it (name their folder with --images)")
    labels = LabelFiles(texts, photos.files)
    tables = ClassTables(source.root, None, source.problems)
    images = list(photos.files)
    if not any(labels.find(image) for image in images) and not any((source.root / n).is_file() for n in CLASS_FILES):
        raise DataError(f"{source.path}: no image has a label file (looked for labels/NAME.txt and NAME.txt)")
    others = source.with_suffix(*_OTHERS)
    return Layout(source.root, photos.root, images, None, labels, tables, labels.without(images), others)


def _by_header(file: Path, source: Source) -> Layout:
    problems, document = source.problems, _load(file)
    root = _root(document, file, problems)
    tree = source.files if root == source.root and source.path.is_dir() else sorted(walk(root))
    endings = [(f, suffix(f)) for f in tree]
    on_disk = [f for f, end in endings if end in IMAGE_SUFFIXES]
    tables = ClassTables(root, _names(document, file, problems), problems)
    key_points = key_points_of(document, file)
    others = [f for f, end in endings if end in _OTHERS]
    texts = _label_texts((f for f, end in endings if end == ".txt"), on_disk)
    if source.images is not None:
        photos = source.photos
        labels = LabelFiles(texts, photos.files)
        orphans = labels.without(photos.files)
        return Layout(root, photos.root, list(photos.files), None, labels, tables, orphans, others, key_points)
    parts = parts_of(document, file, root, on_disk, problems)
    lists = {os.path.relpath(part.path, root) for part in parts if suffix(part.path) == ".txt"}
    labels = LabelFiles([text for text in texts if text not in lists], on_disk)
    splits = splits_of(parts, root, on_disk, problems)
    splits |= unlisted(splits, on_disk, labels, file, problems)
    declared = list(splits.values()) if any(splits.values()) else None
    orphans = labels.without([*on_disk, *splits])
    return Layout(root, root, list(splits), declared, labels, tables, orphans, others, key_points, lists=bool(lists))


def _load(file: Path) -> dict[str, Any]:
    """The header as a mapping: YAML, or darknet's `key = value` with a file of names."""
    if suffix(file.name) != ".data":
        return load(file)
    pairs = (line.partition("=") for line in lines(file) if not line.startswith("#"))
    document: dict[str, Any] = {key.strip(): value.strip() for key, equals, value in pairs if equals}
    if "names" in document:
        parts = posix(document["names"]).split("/")
        tails = [file.parent / "/".join(parts[i:]) for i in range(len(parts))]
        there = next((place for place in tails if place.is_file()), None)
        if there is None:
            raise DataError(f"{file}: names = {document['names']} is not there")
        document["names"] = lines(there)
    return document


def _root(document: dict[str, Any], file: Path, problems: Problems) -> Path:
    """The folder that the splits are relative to: `path` where it exists, else that of the file."""
    stated = next((value for key, value in document.items() if key.lower() == "path"), "")
    if not isinstance(stated, str) or stated.lower() in NO_PATH:
        return file.parent
    if (file.parent / stated).is_dir():
        return file.parent / stated
    what = f"path {stated!r} is not on this machine; read from the folder of this file"
    problems.add("repaired", "foreign path", what, file=file)
    return file.parent


def _names(document: dict[str, Any], file: Path, problems: Problems) -> dict[int, str]:
    names = document.get("names")
    if isinstance(names, str) and (file.parent / names).is_file():
        names = lines(file.parent / names)
    rows = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(rows, dict) or not rows or not all(isinstance(name, str) for name in rows.values()):
        hint = f" (write names: [{names}])" if isinstance(names, str) and names else ""
        raise DataError(f"{file}: names: must be a list of class names, or a mapping from number to name{hint}")
    count = document.get("nc", document.get("classes", ""))
    if isinstance(count, str) and count.isdecimal() and int(count) != len(rows):
        what = f"says {count} classes and names {len(rows)}; the names count"
        problems.add("note", "number of classes", what, file=file)
    try:
        return {int(index): name for index, name in sorted(rows.items(), key=lambda row: int(row[0]))}
    except ValueError:
        raise DataError(f"{file}: names: the keys must be whole numbers") from None


def key_points_of(document: dict[str, Any], file: Path) -> KeyPoints | None:
    """What kpt_shape states: how many key points, and how many numbers each; null: none."""
    shape = document.get("kpt_shape")
    if shape is None:
        return None
    if not shape or (isinstance(shape, str) and shape.lower() in NO_PATH):
        return NO_KEY_POINTS
    try:
        points, each = map(int, shape)
    except (TypeError, ValueError):
        points, each = 0, 0
    if points < 1 or each not in (2, 3):
        raise DataError(f"{file}: kpt_shape: must be how many key points a box has, and 2 or 3: [17, 3]")
    return points, each


def _label_texts(texts: Iterable[str], images: Sequence[str]) -> list[str]:
    """The text files that may hold labels: no lists of a split, nor of classes.

    But labels/classes.txt holds labels where there is an image images/classes.jpg.
    """
    texts = list(texts)
    doubtful = [text for text in texts if _base(text) in CLASS_FILES and "/labels/" in f"/{text}"]
    expected = {label_path(image) for image in images} if doubtful else set()
    return [text for text in texts if text in expected or (_base(text) not in CLASS_FILES and "ImageSets/" not in text)]


def _base(text: str) -> str:
    return text.rpartition("/")[2].lower()
