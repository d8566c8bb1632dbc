"""Which images the splits of data.yaml name: by folders, by lists of images, or one by one.

Paths of another machine are found below the root by their ends.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from detect.conversion.names import composed, is_image, posix, split_name, split_word
from detect.conversion.source import walk
from detect.conversion.text import lines
from detect.conversion.yolo.label_files import LabelFiles
from detect.errors import Level, Problems

Splits = dict[str, str | None]

_SPLIT_KEYS = ("train", "val", "valid", "validation", "test")
NO_PATH = ("", "~", "null", "none")
"""What stands for no path: YAML's null, and Python's."""


class Part(NamedTuple):
    """What a key names: a folder or list on this machine, or one image by its path below the root."""

    key: str
    path: str
    is_image: bool = False


def parts_of(
    document: Mapping[str, Any], file: Path, root: Path, on_disk: Sequence[str], problems: Problems
) -> list[Part]:
    """What the splits of a header name; a path that is nowhere is an error."""
    known = _known(on_disk)
    found: list[Part] = []
    for key, stated in _stated(document):
        if is_image(stated) and not (root / stated).is_dir():
            if image := _image(stated, root, root, known):
                found.append(Part(key, image, is_image=True))
            else:
                problems.add("error", "listed image missing", f"{stated!r} is not there", file=file, where=key)
        elif place := _resolved(stated, root):
            found.append(Part(key, place))
        else:
            level: Level = "note" if key == "test" else "error"
            what = f"{stated!r} is neither a folder nor a list of images below {root}"
            problems.add(level, "missing split", what, file=file, where=key)
    return found


def _stated(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, path) of the usual splits, and of other keys that name a list of images."""
    for key, value in document.items():
        if key == "names":
            continue
        usual = key.lower() in _SPLIT_KEYS
        for path in value if isinstance(value, list) else [value]:
            if not isinstance(path, str) or path.lower() in NO_PATH:
                continue
            if usual or path.endswith(".txt") or (isinstance(value, list) and is_image(path)):
                yield (key.lower() if usual else key), path


def _resolved(stated: str, root: Path) -> str | None:
    """The path of a folder or list that exists, however the exporting machine called it."""
    parts = posix(stated).split("/")
    tails = ["/".join(parts[i:]) for i in range(len(parts))]
    tails += [re.sub(r"\b(valid|validation|val)\b", word, tails[0]) for word in ("val", "valid", "validation")]
    places = (root / stated, *(root / tail for tail in tails))
    return next((os.path.normpath(place) for place in places if place.exists()), None)


def splits_of(parts: Sequence[Part], root: Path, on_disk: Sequence[str], problems: Problems) -> Splits:
    """The split of each image that is named; one to train on and to measure with is kept to measure with."""
    keys: dict[Part, list[str]] = {}
    for part in parts:
        keys.setdefault(part._replace(key=""), []).append(part.key)
    splits: Splits = {}
    known = _known(on_disk)
    for part, names in keys.items():
        is_list = not part.is_image and Path(part.path).is_file()
        split = split_name(names[-1])
        if len(names) > 1 and is_list:  # val: train.txt stands in for a list that there is not
            split = split_name(Path(part.path).stem)
        elif len(names) > 1 and len(keys) == 1:  # one folder for everything says nothing
            split = None
        if part.is_image:
            images = [part.path]
        elif is_list:
            images = _images_of_list(Path(part.path), root, known, problems)
        else:
            images = _images_below(part.path, root, on_disk)
        for image in images:
            if splits.get(image, split) != split:
                what = f"is in {splits[image]} and in {split}; kept in {split}"
                problems.add("repaired", "image in two splits", what, file=image)
            splits[image] = split
    return splits


def unlisted(splits: Splits, on_disk: Sequence[str], labels: LabelFiles, file: Path, problems: Problems) -> Splits:
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


def _images_below(folder: str, root: Path, on_disk: Sequence[str]) -> list[str]:
    inside = os.path.relpath(folder, root).replace(os.sep, "/")
    if inside == ".":
        return list(on_disk)
    if inside.startswith("../"):
        return sorted(f"{inside}/{file}" for file in walk(Path(folder)) if is_image(file))
    return [file for file in on_disk if file.startswith(f"{inside}/")]


def _images_of_list(file: Path, root: Path, known: Mapping[str, str], problems: Problems) -> list[str]:
    """The images of a list such as train.txt, one path per line, relative to it or of another machine."""
    found: list[str] = []
    for place, line in enumerate(lines(file), 1):
        if image := _image(line, file.parent, root, known):
            found.append(image)
        elif line:
            problems.add("error", "listed image missing", f"{line!r} is not there", file=file, where=f"line {place}")
    return found


def _known(on_disk: Sequence[str]) -> Mapping[str, str]:
    """The files by their names, and by these with accents composed."""
    return {composed(file): file for file in on_disk} | {file: file for file in on_disk}


def _image(stated: str, folder: Path, root: Path, known: Mapping[str, str]) -> str | None:
    """An image below the root by what a file in `folder` calls it, its path relative to the root; None: not there."""
    here = "" if folder == root else f"{os.path.relpath(folder, root)}/"
    name = posix(stated)
    parts = (name if name in known else composed(name)).split("/")
    tails = ["/".join(parts[i:]) for i in range(len(parts))]
    match = next((known[path] for tail in tails for path in (here + tail, tail) if path in known), None)
    if match is None and stated and (folder / stated).is_file():
        return os.path.relpath(folder / stated, root)
    return match
