"""Where a YOLO dataset keeps its images, labels, classes and splits: data.yaml, or classes.txt and folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detect.conversion.names import IMAGE_SUFFIXES, folder_splits, is_image, posix, split_name, split_word, suffix
from detect.conversion.source import Source, walk
from detect.conversion.text import lines
from detect.conversion.yaml_file import load
from detect.conversion.yolo_labels import CLASS_FILES, ClassTables, LabelFiles, label_path, looks_like_labels
from detect.errors import DataError, Level, Problems

Splits = dict[str, str | None]
_SPLIT_KEYS = ("train", "val", "valid", "validation", "test")


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

    def split_of(self, names: Sequence[str]) -> Sequence[str | None]:
        """The split of each image: as listed, else by folders called train, val and test, else none."""
        return self.splits or folder_splits(names) or [None] * len(names)


def is_yolo(source: Source) -> bool:
    """A data.yaml with names, or label files; with darknet's header it is another format."""
    if (file := header(source)) is not None:
        return suffix(file.name) != ".data"
    texts = _label_texts(source.with_suffix(".txt"), ())
    return any(looks_like_labels(source.root / file) for file in texts[:50])


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
    return Layout(source.root, photos.root, images, None, labels, tables, labels.without(images))


def _by_header(file: Path, source: Source) -> Layout:
    problems, document = source.problems, _load(file)
    root = _root(document, file, problems)
    tree = source.files if root == source.root and source.path.is_dir() else sorted(walk(root))
    endings = [(f, suffix(f)) for f in tree]
    on_disk = [f for f, end in endings if end in IMAGE_SUFFIXES]
    tables = ClassTables(root, _names(document, file), problems)
    texts = _label_texts((f for f, end in endings if end == ".txt"), on_disk)
    if source.images is not None:
        photos = source.photos
        labels = LabelFiles(texts, photos.files)
        return Layout(root, photos.root, list(photos.files), None, labels, tables, labels.without(photos.files))
    entries = [entry for key, value in _entries(document) for entry in _resolve(key, value, file, root, problems)]
    lists = {os.path.relpath(entry, root) for _, entry in entries}
    labels = LabelFiles([text for text in texts if text not in lists], on_disk)
    splits = _listed(entries, root, on_disk, problems)
    splits |= _unlisted(splits, on_disk, labels, file, problems)
    declared = list(splits.values()) if any(splits.values()) else None
    return Layout(root, root, list(splits), declared, labels, tables, labels.without([*on_disk, *splits]))


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
    if not isinstance(stated, str) or not stated:
        return file.parent
    if (file.parent / stated).is_dir():
        return file.parent / stated
    what = f"path {stated!r} is not on this machine; read from the folder of this file"
    problems.add("repaired", "foreign path", what, file=file)
    return file.parent


def _names(document: dict[str, Any], file: Path) -> dict[int, str]:
    names = document.get("names")
    rows = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(rows, dict) or not rows or not all(isinstance(name, str) for name in rows.values()):
        raise DataError(f"{file}: names: must be a list of class names, or a mapping from number to name")
    try:
        return {int(index): name for index, name in sorted(rows.items(), key=lambda row: int(row[0]))}
    except ValueError:
        raise DataError(f"{file}: names: the keys must be whole numbers") from None


def _entries(document: dict[str, Any]) -> list[tuple[str, str]]:
    """(key, path) of every split: the usual ones, and others that name a list of images."""
    found: list[tuple[str, str]] = []
    for key, value in document.items():
        paths = value if isinstance(value, list) else [value]
        for path in paths:
            if isinstance(path, str) and path and (key.lower() in _SPLIT_KEYS or path.endswith(".txt")):
                found.append((key.lower() if key.lower() in _SPLIT_KEYS else key, path))
    return found


def _resolve(key: str, stated: str, file: Path, root: Path, problems: Problems) -> list[tuple[str, str]]:
    """[(key, path)] of a folder or list that exists, however the exporting machine called it; else []."""
    parts = posix(stated).split("/")
    tails = ["/".join(parts[i:]) for i in range(len(parts))]
    tails += [re.sub(r"\b(valid|validation|val)\b", word, tails[0]) for word in ("val", "valid", "validation")]
    for place in (root / stated, *(root / tail for tail in tails)):
        if place.exists():
            return [(key, os.path.normpath(place))]
    level: Level = "note" if key == "test" else "error"
    what = f"{stated!r} is neither a folder nor a list of images below {root}"
    problems.add(level, "missing split", what, file=file, where=key)
    return []


def _listed(entries: Sequence[tuple[str, str]], root: Path, on_disk: Sequence[str], problems: Problems) -> Splits:
    """The split of each listed image; one listed to train on and to measure with is kept to measure with."""
    keys: dict[str, list[str]] = {}
    for key, place in entries:
        keys.setdefault(place, []).append(key)
    splits: Splits = {}
    known = set(on_disk)
    for place, names in keys.items():
        is_list = Path(place).is_file()
        split = split_name(names[-1])
        if len(names) > 1 and is_list:  # val: train.txt stands in for a list that there is not
            split = split_name(Path(place).stem)
        elif len(names) > 1 and len(keys) == 1:  # one folder for everything says nothing
            split = None
        images = _images_of_list(Path(place), root, known, problems) if is_list else _images_below(place, root, on_disk)
        for image in images:
            if splits.get(image, split) != split:
                what = f"is in {splits[image]} and in {split}; kept in {split}"
                problems.add("repaired", "image in two splits", what, file=image)
            splits[image] = split
    return splits


def _images_below(folder: str, root: Path, on_disk: Sequence[str]) -> list[str]:
    inside = os.path.relpath(folder, root).replace(os.sep, "/")
    if inside == ".":
        return list(on_disk)
    if inside.startswith("../"):
        return sorted(f"{inside}/{file}" for file in walk(Path(folder)) if is_image(file))
    return [file for file in on_disk if file.startswith(f"{inside}/")]


def _images_of_list(file: Path, root: Path, known: set[str], problems: Problems) -> list[str]:
    """The images of a list such as train.txt, one path per line, relative to it or of another machine."""
    here = "" if file.parent == root else f"{os.path.relpath(file.parent, root)}/"
    found: list[str] = []
    for place, line in enumerate(lines(file), 1):
        parts = posix(line).split("/")
        tails = ["/".join(parts[i:]) for i in range(len(parts))]
        match = next((path for tail in tails for path in (here + tail, tail) if path in known), None)
        if match is not None:
            found.append(match)
        elif (file.parent / line).is_file():
            found.append(os.path.relpath(file.parent / line, root))
        elif line:
            problems.add("error", "listed image missing", f"{line!r} is not there", file=file, where=f"line {place}")
    return found


def _unlisted(splits: Splits, on_disk: Sequence[str], labels: LabelFiles, file: Path, problems: Problems) -> Splits:
    """Images beside the listed ones that no split names, where their folder holds labels: Roboflow forgets test/."""
    inside = [image for image in splits if not image.startswith("../")]
    top = os.path.commonpath({image.rpartition("/")[0] for image in inside}) if inside else ""
    others = [image for image in on_disk if image not in splits and (not top or image.startswith(f"{top}/"))]
    folders = {image.rpartition("/")[0] for image in others if labels.find(image)}
    found: Splits = {}
    for image in others:
        if image.rpartition("/")[0] in folders:
            words = (split_word(part) for part in image.split("/")[:-1])
            found[image] = next((word for word in words if word), None)
            what = f"is in no split of this file; kept{f' in {found[image]}' if found[image] else ' without a split'}"
            problems.add("note", "image in no split", f"{image} {what}", file=file)
    return found


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
