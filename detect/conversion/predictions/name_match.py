r"""Names in predictions, matched with those of the data: images by the end of their path, classes but for case.

::

    C:\neu\test\a\1.png     -> a/1.jpg       the longest end that one image of the data has; endings of files aside
    1                       -> a/1.jpg       a name without its ending
    1.jpg                   -> a/1.jpg or b/1.jpg: an error that names both
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple
from unicodedata import normalize
from urllib.parse import parse_qs, unquote, urlsplit

from detect.conversion.names import image_names, is_image, posix, stem, suffix
from detect.data import Dataset
from detect.errors import Problems

_ADDED = re.compile(r"^[0-9a-f]{8}-|_(?:jpe?g|png|bmp|webp|tiff?)\.rf\.\w+$")
"""What Label Studio puts before the name of an upload, and Roboflow behind it."""

_CLOSE = 0.75
"""How alike two class names must be, to ask whether one was meant: difflib's ratio, `patch` and `patches` have 0.83."""

SHOWN = 6


class _Match(NamedTuple):
    """The name in the data, and the parts of the two paths that differ: folders in front, ending behind."""

    name: str
    folders: tuple[str, str]
    endings: tuple[str, str]


class Ends:
    """Finds each of some names by the end of a path."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = dict.fromkeys(names)
        self._by_base: dict[str, list[str]] = {}
        for name in self._names:
            self._by_base.setdefault(_folded(name)[-1], []).append(name)
        self._by_number: dict[int, list[str]] = {}
        for base, some in self._by_base.items():
            if base.isdecimal():
                self._by_number.setdefault(int(base), []).extend(some)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def numbered(self, number: int) -> list[str]:
        """The names that are this number, but for zeros in front: 241 -> 000241.jpg."""
        return self._by_number.get(number, [])

    def find(self, path: str) -> list[_Match]:
        """What `path` can mean, the likely ones only: one where it is clear, several where it is not."""
        wanted = _folded(path)
        found = self._by_base.get(wanted[-1], [])
        if not found and (bare := _ADDED.sub("", wanted[-1])) != wanted[-1]:
            wanted = [*wanted[:-1], bare]
            found = self._by_base.get(bare, [])
        ends = [(_common(wanted, parts := _folded(name)), len(parts), name) for name in found]
        longest = max((common for common, _, _ in ends), default=0)
        ends = [one for one in ends if one[0] == longest]
        ends = [one for one in ends if one[0] == one[1]] or ends  # all of the name is in the path
        ends = [one for one in ends if suffix(one[2]) == suffix(path)] or ends
        ends = [one for one in ends if posix(path).endswith(one[2])] or ends  # the same case, too
        return [_match(path, wanted, name, common) for common, _, name in ends]


def _match(path: str, wanted: Sequence[str], name: str, common: int) -> _Match:
    parts = _folded(name)
    folders = "/".join(wanted[: len(wanted) - common]), "/".join(parts[: len(parts) - common])
    return _Match(name, folders, (suffix(path) if is_image(path) else "", suffix(name)))


def _folded(path: str) -> list[str]:
    return normalize("NFC", stem(posix(path))).casefold().split("/")


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts at the end are the same."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((count for count, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def file_in(link: str) -> str:
    """The path of an image in an address, or the text itself: https://host/a/1.jpg?x=1 -> a/1.jpg."""
    if "?" not in link and "://" not in link:
        return link
    try:
        parts = urlsplit(link)
    except ValueError:  # "http://[" and the like: no address
        return link
    local = parse_qs(parts.query).get("d") if parts.path.endswith("/local-files/") else None
    return local[0] if local else unquote(parts.path)


def match_images(stated: Mapping[str, str], data: Ends, file: str, problems: Problems) -> dict[str, str]:
    """From each stated name to the image of the data that it means; names that mean none are not in it.

    `stated`: from the name as a file has it to what a reader of annotations would call the image.

    One that means several, or several that mean one, is an error that names them. A path in other folders than the
    image of the data counts only where all such lie in one folder: another root.
    """
    found = {name: _Match(plain, ("", ""), ("", "")) for name, plain in stated.items() if plain in data}
    elsewhere: dict[str, _Match] = {}
    for name in stated:
        if name in found:
            continue
        matches = data.find(file_in(name))
        if len(matches) > 1:
            what = f"the image {name!r} can be {' or '.join(repr(one.name) for one in matches[:3])} of the data"
            remedy = "name images by their path below the data's folder"
            problems.add("error", "ambiguous image", what, file=file, remedy=remedy)
        elif matches:
            (elsewhere if all(matches[0].folders) else found)[name] = matches[0]
    taken = {match.name for match in found.values()}
    elsewhere = {name: match for name, match in elsewhere.items() if match.name not in taken}
    if len({match.folders[0] for match in elsewhere.values()}) == 1:
        found |= elsewhere
    _report_twice(found, file, problems)
    _report_matched(found, file, problems)
    return {name: match.name for name, match in found.items()}


def _report_twice(found: Mapping[str, _Match], file: str, problems: Problems) -> None:
    owners: dict[str, str] = {}
    for stated, match in found.items():
        if (other := owners.setdefault(match.name, stated)) != stated:
            what = f"the images {other!r} and {stated!r} are both {match.name!r} of the data"
            problems.add("error", "image twice", what, file=file)


def _report_matched(found: Mapping[str, _Match], file: str, problems: Problems) -> None:
    moved = [(stated, match.name) for stated, match in found.items() if any(match.folders)]
    if moved:
        stated, name = moved[0]
        what = f"{_count(moved)} matched by the end of their path, first {stated!r} as {name!r}"
        problems.add("repaired", "image names", what, file=file)
    ended = [match.endings for match in found.values() if match.endings[0] != match.endings[1] and match.endings[0]]
    if ended:
        theirs, ours = ended[0]
        what = f"{_count(ended)} matched without their extension: {theirs} in the predictions, {ours} in the data"
        problems.add("repaired", "image extensions", what, file=file)


def _count(some: Sequence[object]) -> str:
    return f"{len(some):,} image name{'s' if len(some) > 1 else ''}"


def plain_names(stated: Iterable[str]) -> dict[str, str]:
    """What images are called that no data is known of: as the readers of annotations call them."""
    once = list(dict.fromkeys(stated))
    return dict(zip(once, image_names([posix(name) for name in once]), strict=True))


def match_classes(names: Sequence[str], data: Sequence[str], file: str, problems: Problems) -> dict[str, str]:
    """From the name of each predicted class to that of the data; case, and what parts words, do not count.

    A name that means no class, or one that another has too, stays as it is.
    """
    ours: dict[str, list[str]] = {}
    for label in data:
        ours.setdefault(_words(label), []).append(label)
    theirs = Counter(map(_words, names))
    renamed = {
        name: ours[words][0]
        for name in names
        if name not in data and theirs[words := _words(name)] == 1 and len(ours.get(words, ())) == 1
    }
    if renamed:
        pairs = ", ".join(f"{old!r} is {new!r}" for old, new in list(renamed.items())[:SHOWN])
        more = f" and {len(renamed) - SHOWN} more" if len(renamed) > SHOWN else ""
        what = f"class names that differ in case or in what parts words are the same: {pairs}{more}"
        problems.add("repaired", "class names", what, file=file)
    return {name: renamed.get(name, name) for name in names}


def _words(label: str) -> str:
    return re.sub(r"[\s_-]+", " ", normalize("NFC", label).casefold()).strip()


def report_unknown(counts: Mapping[str, int], dataset: Dataset, file: str, problems: Problems) -> None:
    """Say what predicted classes may be that the data does not have; an error where it has none of them.

    `counts`: the number of detections of each predicted class.
    """
    if not counts or not dataset.classes:
        return
    unknown = [label for label in counts if label not in dataset.classes]
    if len(unknown) == len(counts):
        example = f"--map {_quoted(unknown[0])}={_quoted(dataset.classes[0])}"
        what = f"no class in common: the data has {_some(dataset.classes)}, the predictions {_some(unknown)}"
        remedy = f"say which is which, such as {example}; or were they made by a model of other classes?"
        problems.add("error", "no class in common", what, file=file, remedy=remedy)
        return
    never = [label for label in dataset.classes if not counts.get(label)]
    for label in unknown:
        close = get_close_matches(label, never, n=1, cutoff=_CLOSE) if counts[label] else []
        if close:
            true = sum(box.label == close[0] for image in dataset for box in image.boxes)
            what = f"class {label!r} ({counts[label]:,} detections) is not in the data, whose class {close[0]!r} "
            what += f"({true:,} true boxes) is never predicted"
            remedy = f"did you mean --map {_quoted(label)}={_quoted(close[0])}?"
            problems.add("note", "unknown class", what, file=file, remedy=remedy)


def _quoted(label: str) -> str:
    return label if re.fullmatch(r"[\w.-]+", label) else f"'{label}'"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:SHOWN]))
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
