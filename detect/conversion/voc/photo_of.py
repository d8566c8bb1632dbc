"""Which photo an XML file of VOC belongs to: the one in its <filename>, or the one of its own name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from detect.conversion.names import composed, is_foreign, posix, stem, without_containers
from detect.conversion.sizes import Size
from detect.conversion.source import Photos, Source
from detect.conversion.tidy import Found
from detect.conversion.unread import lost_photos, undamaged

_NAMED = r"<filename>\s*([^<]*?)\s*</filename>"
"""What tells the image of a file that is no good XML."""


class VocFile(NamedTuple):
    """One XML file: its path below the folder and as messages name it, the image and size it states, its objects."""

    file: str
    path: str
    name: str
    size: Size | None
    objects: Found

    @property
    def near(self) -> str:
        """The folder that its image is expected in, without containers."""
        return without_containers(self.file).rpartition("/")[0]

    @property
    def expected(self) -> str:
        """Where its image would lie, for an XML file whose image is missing."""
        name = posix(self.name) or stem(self.file).rpartition("/")[2]
        if is_foreign(self.name):
            name = name.rpartition("/")[2]
        return name if "/" in name else f"{self.file.rpartition('/')[0]}/{name}".lstrip("/")

    def spelled(self, photo: str) -> str:
        """The path of its photo, its name with accents as the file spells them."""
        if photo.isascii() and self.name.isascii():
            return photo
        folder, slash, base = photo.rpartition("/")
        own = posix(self.name).rpartition("/")[2]
        return f"{folder}{slash}{own}" if base != own and composed(base) == composed(own) else photo


Pair = tuple[VocFile, str | None]
"""An XML file and the photo it belongs to; None: the photo is missing."""


def pairs(files: Sequence[VocFile], xmls: Sequence[str], source: Source) -> list[Pair]:
    """Each XML file with its image, and each image that has none with an empty file.

    `files` are those of `xmls` that could be read. Images whose annotation is in doubt are left out: an XML file that
    cannot be read may be theirs, or one may be theirs or another's.
    """
    read = {voc.file for voc in files}
    lost = {
        photo: path for file in xmls if file not in read for photo, path in lost_photos(file, _NAMED, source).items()
    }
    found = _match(files, source, lost)
    for voc, photo in found:
        voc.objects.whole &= photo not in lost
    taken = {photo for _, photo in found if photo is not None}
    kept = undamaged(source, taken, set(xmls), lost)
    return found + [(VocFile(photo, source.photos.path(photo), "", None, Found()), photo) for photo in kept]


def _match(files: Sequence[VocFile], source: Source, lost: dict[str, str]) -> list[Pair]:
    """Each XML file with its image: by <filename>, else by the name of the XML file; None where it is missing.

    One whose <filename> names an image that has an XML file of its own belongs to the image of its own name.
    Those that stay ambiguous, or whose image is taken, are errors; their images are then added to `lost`.
    """
    photos, problems = source.photos, source.problems
    own = [_own(voc, photos) for voc in files]
    owned = {found[0] for found in own if len(found) == 1}
    matched: list[Pair] = []
    taken: dict[str, str] = {}
    for voc, mine in zip(files, own, strict=True):
        photo = photos.only(voc.name)
        if photo is not None and mine == [photo] and photo not in taken:  # named and called alike, as nearly all are
            taken[photo] = voc.file
            matched.append((voc, photo))
            continue
        named = photos.find(voc.name, [voc.near]) if voc.name else []
        if len(named) == 1 and (named == mine or not mine or named[0] not in owned):
            found = named
        elif len(mine) == 1:
            found = mine
            what = f"<filename> says {voc.name!r}; taken for {mine[0]} by the name of the XML file"
            problems.add("repaired", "wrong <filename>", what, file=voc.path)
        else:
            found = named or mine or (photos.find(voc.name, [voc.near], by_stem=True) if voc.name else [])
        if len(found) > 1:
            problems.add("error", "ambiguous image", f"its image can be {' or '.join(found[:3])}", file=voc.path,
                         remedy="keep XML files in the same sub-folders as their images")  # fmt: skip
            lost |= dict.fromkeys(found, voc.path)
        elif found and found[0] in taken:
            what = f"{found[0]} already has {taken[found[0]]}"
            problems.add("error", "image twice", what, file=voc.path, remedy="remove one of the two XML files")
            lost[found[0]] = voc.path
        elif found:
            taken[found[0]] = voc.file
            matched.append((voc, found[0]))
        else:
            problems.add("note", "image missing", f"there is no image {voc.name or stem(voc.file)!r}", file=voc.path)
            matched.append((voc, None))
    return matched


def _own(voc: VocFile, photos: Photos) -> list[str]:
    """The images that have the XML file's own name; the one in <filename>, where that is one of them."""
    base = voc.file.rpartition("/")[2]
    photo = photos.only(voc.name)
    if photo is not None and stem(voc.name) == stem(base):
        return [photo]
    return photos.find(base, [voc.near], by_stem=True)
