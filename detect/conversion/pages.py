"""What formats that list their images share: a page per image is collected from the files, a dataset made of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from detect.conversion import stated
from detect.conversion.names import split_name
from detect.conversion.sizes import Size, settle_size
from detect.conversion.source import Source
from detect.conversion.tidy import Found, Labels, gathered, rounded, tidy
from detect.data import NONE, Attributes, Box, Dataset, Image
from detect.errors import Level

Corners = tuple[float, float, float, float]


class Page(NamedTuple):
    """One image as a file lists it; `unit` is what its boxes are counted in ("image 1.jpg: shape")."""

    listed: stated.Stated
    split: str | None
    size: Size | None
    boxes: Found
    file: str
    unit: str = "shape"
    attributes: Attributes = NONE


def assemble(pages: list[Page], labels: Labels, source: Source) -> Dataset:
    """The dataset of all pages, with the size of each photo settled and the boxes tidied.

    The pages are taken out of the list one by one, so that no box is held twice.
    """
    problems, photos = source.problems, source.photos
    images: list[Image] = []
    names = stated.names_of([page.listed for page in pages])
    pages.reverse()
    for name in names:
        page = pages.pop()
        path = photos.path(page.listed.photo) if page.listed.photo else None
        if size := settle_size(path, page.size, page.file, problems):
            boxes = tidy(page.boxes, *size, page.file, page.unit, problems)
            images.append(Image(name, *size, boxes, page.split, page.attributes, Path(path) if path else None))
    return gathered(labels.classes, images, problems)


def undrawn(pages: Sequence[Page], source: Source) -> list[Page]:
    """A page without boxes for every photo below a folder that has none, for tools that write a file per photo."""
    if source.path.is_file():
        return []
    taken = {page.listed.photo for page in pages}
    alone = [photo for photo in source.photos.files if photo not in taken]
    for photo in alone:
        what = "has no annotation file; kept as an image without boxes"
        source.problems.add("note", "image without annotations", what, file=photo)
    return [Page(stated.Stated(photo, "", photo), None, None, Found(), source.photos.path(photo)) for photo in alone]


@dataclass(frozen=True)
class Sheet:
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
            self.add("loss", kind, f"the {became} became its upright box", where)
        return rounded(Box(found, *corners, None, attributes))

    def page(
        self,
        name: str,
        boxes: Found,
        unit: str,
        *,
        where: str = "",
        split: str = "",
        size: Size | None = None,
        attributes: Attributes = NONE,
    ) -> Page:
        """The page of an image called `name` in this file; `split` is the word that the file has for it."""
        folder = self.file.rpartition("/")[0]
        problems = self.source.problems
        listed = stated.find(name, split or folder, [split, folder], self.source.photos, (self.path, where), problems)
        return Page(listed, split_name(split) if split else None, size, boxes, self.path, unit, attributes)
