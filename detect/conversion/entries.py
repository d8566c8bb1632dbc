"""What formats that list their images share: an entry per image is collected from the files, a dataset made of all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from detect.conversion import stated
from detect.conversion.names import split_name
from detect.conversion.sizes import Size, settle_size
from detect.conversion.source import Source
from detect.conversion.tidy import NEW, Found, Labels, gathered, is_named, leave_out, rounded, tidy
from detect.conversion.unread import undamaged
from detect.data import NO_QUESTIONS, NONE, UNLABELLED, Attributes, Box, Dataset, Image
from detect.errors import Level
from detect.questions import Question

Corners = tuple[float, float, float, float]


class Entry(NamedTuple):
    """One image as a file lists it, at `where`; `unit` is what its boxes are counted in ("image 1.jpg: shape").

    `id` is the image's own in that file, where it has one that means something to other files.
    """

    listed: stated.Stated
    split: str | None
    size: Size | None
    boxes: Found
    file: str
    unit: str = "shape"
    attributes: Attributes = NONE
    labels: Mapping[str, str] = UNLABELLED
    where: str = ""
    id: float | str | None = None


def assemble(
    entries: list[Entry], labels: Labels, source: Source, questions: Mapping[str, Question] = NO_QUESTIONS
) -> Dataset:
    """The dataset of all entries, with the size of each photo settled and the boxes tidied.

    An image whose annotation could not be read whole is left out, also where another entry has it again. The entries
    are taken out of the list one by one, so that no box is held twice.
    """
    problems, photos = source.problems, source.photos
    images: list[Image] = []
    files: list[str] = []
    lost: set[str] = set()
    names = stated.names_of([entry.listed for entry in entries])
    entries.reverse()
    for name in names:
        entry = entries.pop()
        path = photos.path(entry.listed.photo) if entry.listed.photo else None
        if not is_named(name, entry.file, problems):
            continue
        if size := settle_size(path, entry.size, entry.file, problems, entry.where):
            boxes = tidy(entry.boxes, *size, entry.file, entry.unit, problems)
            if entry.boxes.whole and not entry.listed.candidates:
                place = Path(path) if path else None
                images.append(Image(name, *size, boxes, entry.split, entry.attributes, place, entry.labels, entry.id))
                files.append(f"{entry.file}: {entry.where}" if entry.where else entry.file)
            elif name not in lost:
                leave_out(path or name, entry.file, problems)
                lost.add(name)
    if lost:
        files = [file for file, image in zip(files, images, strict=True) if image.name not in lost]
        images = [image for image in images if image.name not in lost]
    return gathered(labels.classes, images, problems, questions, files)


def without_annotations(
    entries: Sequence[Entry], source: Source, own: Collection[str], lost: Mapping[str, str]
) -> list[Entry]:
    """An entry without boxes for every photo below a folder that has none, for tools that write a file per photo.

    `own` are the files of that tool; `lost` are the photos of those that could not be read, each with its file.
    """
    taken = {entry.listed.photo or "" for entry in entries}
    unclear = {photo: entry.file for entry in entries for photo in entry.listed.candidates}
    kept = undamaged(source, taken, own, {**unclear, **lost})
    return [Entry(stated.Stated(photo, "", photo), None, None, Found(), source.photos.path(photo)) for photo in kept]


@dataclass(frozen=True)
class FileReader:
    """One annotation file while it is read: where its problems are noted and its images looked for."""

    source: Source
    file: str
    labels: Labels

    @cached_property
    def path(self) -> str:
        """The file as messages name it."""
        return str(self.source.root / self.file)

    def add(self, level: Level, kind: str, what: str, where: str = "", remedy: str = "") -> None:
        """Note a problem of this file."""
        self.source.problems.add(level, kind, what, file=self.path, where=where, remedy=remedy)

    def box(
        self, label: str | None, corners: Corners, where: str, attributes: Attributes = NONE, became: str = ""
    ) -> Box | None:
        """A box of this file, None where it has no label; `became`: it is the extent of a shape of that kind."""
        found = self.labels(label, self.path, where)
        if found is None:
            return None
        if became:
            kind = "rotation" if became == "rotated box" else "outline"
            self.add("lost", kind, f"the {became} became its upright box", where)
        return rounded(NEW(Box, (found, *corners, None, attributes)))

    def entry(
        self,
        name: str,
        boxes: Found,
        unit: str,
        *,
        where: str = "",
        split: str = "",
        size: Size | None = None,
        attributes: Attributes = NONE,
    ) -> Entry:
        """The entry of an image called `name` in this file; `split` is the word that the file has for it."""
        folder = self.file.rpartition("/")[0]
        problems = self.source.problems
        listed = stated.find(name, split or folder, [split, folder], self.source.photos, (self.path, where), problems)
        return Entry(listed, split_name(split) if split else None, size, boxes, self.path, unit, attributes)
