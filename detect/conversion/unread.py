"""Photos that no annotation speaks of: undamaged, unless a file of their name was not read and may say otherwise."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from detect.conversion import json_file, safe_xml
from detect.conversion.names import folded, stem, suffix, without_containers
from detect.conversion.source import Photos, Source
from detect.conversion.text import read_bytes
from detect.conversion.tidy import leave_out
from detect.errors import DataError, Problems

ENDINGS = (".xml", ".json", ".txt")
"""Those of files that tools write beside each photo."""

_NUMBERS = re.compile(rb"(?<![\w.])-?\d*\.?\d+(?:[ \t,;]+-?\d*\.?\d+(?:e-?\d+)?){3}")
"""Four numbers in a row: a box, in whatever format."""


class FilesBeside:
    """Annotation files, found by the photo whose name they have."""

    def __init__(self, root: Path, files: Iterable[str], photos: Photos) -> None:
        """`files` are relative to `root`."""
        self.root, self._files, self.photos = root, files, photos

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for file in self._files:
            base = folded(stem(file.rpartition("/")[2]))
            found.setdefault(stem(base), []).append(file)  # of 1.jpg.xml, too
        return found

    def of(self, photo: str) -> list[str]:
        """The files of this photo's name."""
        named = self._by_name.get(folded(stem(photo.rpartition("/")[2])), ())
        return [file for file in named if photo in photos_called(file, self.photos)]

    def unread(self, photo: str, problems: Problems) -> bool:
        """Whether one of them, none of which was read, may hold annotations: an error that names both.

        The photo can then not be called undamaged.
        """
        file = next((file for file in self.of(photo) if may_hold_annotations(self.root / file)), None)
        if file is not None:
            what = f"has no annotation that was read, but {self.root / file} has its name and was not read"
            remedy = "name its format with --from; if it holds no annotations, move it elsewhere"
            problems.add("error", "annotations not read", what, file=self.photos.path(photo), remedy=remedy)
        return file is not None


def undamaged(source: Source, taken: Collection[str], own: Collection[str], lost: Mapping[str, str]) -> list[str]:
    """The photos below a folder that no annotation speaks of; each is noted as kept without boxes.

    `taken` have annotations; `own` are the annotation files that were read, well or badly. Left out are the photos in
    `lost`, each with the file that could not be read, and as errors those beside which lies another file of their
    name, and those that share a file with a photo of their name: tools that call it `1.xml` keep one for both.
    """
    if source.path.is_file():
        return []
    photos, problems = source.photos, source.problems
    read = FilesBeside(source.root, own, photos)
    others = FilesBeside(source.root, (file for file in source.with_suffix(*ENDINGS) if file not in own), photos)
    rest = [photo for photo in photos.files if photo not in taken]
    stems = {folded(stem(photo)) for photo in taken} if rest else set()
    kept: list[str] = []
    for photo in rest:
        if photo in lost:
            leave_out(photos.path(photo), lost[photo], problems)
        elif folded(stem(photo)) in stems and (shared := read.of(photo)):
            what = f"shares {source.root / shared[0]} with a photo that has the same name but for its ending"
            remedy = "rename one of the two photos, with an annotation file of its own"
            problems.add("error", "annotation file of two photos", what, file=photos.path(photo), remedy=remedy)
        elif not others.unread(photo, problems):
            kept.append(photo)
            what = "has no annotation file; kept as an image without boxes"
            problems.add("note", "image without annotations", what, file=photo)
    return kept


def photos_called(file: str, photos: Photos) -> list[str]:
    """The photos that have the name of an annotation file, `1.xml` or `1.jpg.xml`; those of its folder, if any are."""
    base, near = file.rpartition("/")[2], [without_containers(file).rpartition("/")[0]]
    return photos.find(base, near, by_stem=True) or photos.find(stem(base), near)


def lost_photos(file: str, named: str, source: Source) -> dict[str, str]:
    """The photos whose annotation an unreadable file may have held, by its own name and by what can be seen in it.

    Each with the path of the file. `named` is the pattern of an image's name in such files.
    """
    path = source.root / file
    try:
        says = re.search(named, read_bytes(path).decode("utf-8", errors="replace"))
    except DataError:
        says = None
    near = [without_containers(file).rpartition("/")[0]]
    found = [*photos_called(file, source.photos), *(source.photos.find(says[1], near) if says else ())]
    return dict.fromkeys(found, str(path))


def may_hold_annotations(path: Path) -> bool:
    """Whether a file of a photo's name can hold its annotations; one that cannot be read can.

    None are held by a text without four numbers in a row (a caption), by JSON in which no list and no mapping holds
    anything, and by an <annotation> without objects.
    """
    try:
        if suffix(path.name) == ".txt":
            return _NUMBERS.search(read_bytes(path).replace(b"\0", b"")) is not None
        if suffix(path.name) == ".json":
            return _holds(json_file.load(path))
        root = safe_xml.parse(read_bytes(path))
    except (DataError, safe_xml.BrokenXML):
        return True
    return root.tag != "annotation" or root.find(".//object") is not None


def _holds(document: Any) -> bool:
    if isinstance(document, dict):
        return any(isinstance(value, dict | list) and value for value in document.values())
    return isinstance(document, list) and len(document) > 0
