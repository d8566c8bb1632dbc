"""Train, val and test parts and k folds: stratified by class, groups never divided, exact duplicates kept together."""

from __future__ import annotations

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from detect.data import Dataset, Image
from detect.errors import ConfigError, DataError, Problem, Problems
from detect.progress import track

T = TypeVar("T")
Ratios = Mapping[str, float] | Sequence[float]
Counts = dict[str, dict[str, Any]]

SPLIT_NAMES = ("train", "val", "test")

SMALLEST = 1e-9
"""Share of the images, below which a split is asked for by mistake."""

MANY = 8
"""Classes that a note names; more are counted."""


def split(
    dataset: Dataset, ratios: Ratios, *, group: str | None = None, seed: int = 0, problems: Problems | None = None
) -> Dataset:
    """The dataset with `Image.split` set on every image.

    `ratios` are two or three numbers (train, val, test) or a mapping of names to numbers; they are scaled to a sum
    of 1. `group` is a regular expression searched in `Image.name`; images with the same match (its parenthesised
    groups, if it has some) are never divided, nor are images whose files are equal byte for byte. The result
    depends on the seed and the names, not on the order of the images.

    Raises ConfigError for unusable ratios or a broken expression; DataError where an image does not match `group`
    or there are fewer groups than splits.
    """
    wanted = normalised(ratios)
    problems = Problems() if problems is None else problems
    if dataset.splits:
        problems.add("note", "split replaced", f"the data came with {', '.join(dataset.splits)}; divided anew")
    part = _parts(dataset, list(wanted.values()), group, seed, problems)
    names = list(wanted)
    _note_lacking(dataset, part, names, problems)
    return replace(dataset, images=tuple(replace(i, split=names[part[i.name]]) for i in dataset.images))


def folds(
    dataset: Dataset, k: int, *, group: str | None = None, seed: int = 0, problems: Problems | None = None
) -> tuple[Dataset, ...]:
    """The dataset k times; in each, another k-th of the images is "val" and the rest "train". Otherwise as `split`.

    Raises ConfigError for k < 2; DataError as `split`.
    """
    if k < 2:
        raise ConfigError(f"cross-validation needs 2 folds or more, got {k}")
    part = _parts(dataset, [1 / k] * k, group, seed, Problems() if problems is None else problems)

    def fold(held_out: int) -> Dataset:
        sides = ("val" if part[i.name] == held_out else "train" for i in dataset.images)
        return replace(dataset, images=tuple(replace(i, split=s) for i, s in zip(dataset.images, sides, strict=True)))

    return tuple(fold(number) for number in range(k))


def parse_ratios(text: str) -> dict[str, float]:
    """`70/20/10`, `80/20` or `train=70,val=30` as shares that sum to 1. Raises ConfigError for anything else."""
    try:
        if "=" in text:
            pairs = [part.split("=") for part in text.split(",")]
            names = [name.strip() for name, _ in pairs]
            if len(set(names)) < len(names):
                raise ConfigError(f"ratios {text!r}: a split appears twice")
            return normalised({name: float(number) for name, (_, number) in zip(names, pairs, strict=True)})
        return normalised([float(number) for number in text.split("/")])
    except ValueError:
        raise ConfigError(f"ratios {text!r}: expected numbers such as 70/20/10, or train=70,val=30") from None


def normalised(ratios: Ratios) -> dict[str, float]:
    """Ratios by split name, scaled to a sum of 1; see `split`. Raises ConfigError."""
    if not isinstance(ratios, Mapping):
        if len(ratios) not in (2, 3):
            raise ConfigError(f"ratios: 2 (train, val) or 3 numbers (train, val, test) expected, got {len(ratios)}")
        ratios = dict(zip(SPLIT_NAMES, ratios, strict=False))
    if len(ratios) < 2:
        raise ConfigError("ratios: at least two splits are needed")
    for name, ratio in ratios.items():
        if not re.fullmatch(r"[\w-]+", name):
            raise ConfigError(f"ratios: {name!r} is no name for a split (letters, digits, - and _)")
        if not (math.isfinite(ratio) and ratio > 0):
            raise ConfigError(f"ratios: {name} must be a positive number, got {ratio:g}; leave it out if not wanted")
    try:
        total = math.fsum(ratios.values())
    except OverflowError:
        total = math.inf
    for name, ratio in ratios.items():
        if ratio / total < SMALLEST:
            raise ConfigError(f"ratios: the numbers are too large or lie too far apart; {name} would get nothing")
    return {name: ratio / total for name, ratio in ratios.items()}


def counts(dataset: Dataset, group: str | None = None) -> Counts:
    """What each split holds: images, negatives (images without boxes), groups (if asked for), boxes, classes."""
    keys = group_keys([image.name for image in dataset.images], group) if group else {}
    result: Counts = {}
    for name in dataset.splits:
        part = dataset.only(name)
        boxes = np.bincount(part.columns().label, minlength=len(dataset.classes)).tolist()
        result[name] = {
            "images": len(part),
            "negatives": sum(not image.boxes for image in part.images),
            **({"groups": len({keys[image.name] for image in part.images})} if group else {}),
            "boxes": part.boxes,
            "classes": dict(zip(dataset.classes, boxes, strict=True)),
        }
    return result


def deviation(found: Counts, wanted: Mapping[str, float]) -> tuple[float, str, str]:
    """The largest gap between a split's share of something and its ratio: (percentage points, what, split).

    Looks at images, negatives and the boxes of each class.
    """
    gaps = [(0.0, "images", next(iter(wanted)))]
    for row, by_split in rows(found).items():
        total = sum(by_split.values())
        if total and row not in ("groups", "boxes"):
            gaps += [(100 * abs(by_split.get(s, 0) / total - share), row, s) for s, share in wanted.items()]
    return max(gaps, key=lambda gap: gap[0])


def rows(found: Counts) -> dict[str, dict[str, int]]:
    """`counts` turned: first what is counted, classes as "class NAME", then the split."""
    turned: dict[str, dict[str, int]] = {}
    for name, part in found.items():
        flat = {key: n for key, n in part.items() if key != "classes"}
        flat |= {f"class {label}": n for label, n in part["classes"].items()}
        for row, number in flat.items():
            turned.setdefault(row, {})[name] = number
    return turned


def group_keys(names: Iterable[str], pattern: str) -> dict[str, Hashable]:
    """The group of each name. Raises ConfigError for a broken pattern, DataError with all names that it misses."""
    wanted, problems = expression(pattern), Problems()
    keys: dict[str, Hashable] = {}
    for name in names:
        if match := wanted.search(name):
            keys[name] = match.groups() or match.group()
        else:
            problems.add("error", "no group", f"group '{pattern}' does not match", file=name)
    problems.raise_errors()
    return keys


def expression(pattern: str) -> re.Pattern[str]:
    """The regular expression of a group. Raises ConfigError for a broken one."""
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"group '{pattern}' is no regular expression: {error}") from None


def duplicates(images: Sequence[Image]) -> list[list[str]]:
    """The names of images whose files are equal byte for byte, set by set. Images without a file take no part."""
    paths = {image.name: image.path for image in images if image.path is not None}
    try:
        same_size = _alike(paths, lambda name: paths[name].stat().st_size)
        same_sized = [name for names in same_size for name in names]
        digests: dict[str, bytes] = {}
        for name in track(same_sized, "looking for duplicates"):
            with paths[name].open("rb") as file:
                digests[name] = hashlib.file_digest(file, "blake2b").digest()
    except OSError as error:
        problem = Problem("error", "unreadable image", error.strerror or str(error), str(error.filename))
        raise DataError(problem) from None
    return _alike(same_sized, digests.__getitem__)


def _note_lacking(dataset: Dataset, part: Mapping[str, int], names: Sequence[str], problems: Problems) -> None:
    """Name the classes of which a split has no box, and how many there are: it cannot learn or measure them."""
    columns = dataset.columns()
    of_image = np.array([part[image.name] for image in dataset.images], dtype=np.int64)
    boxes = np.zeros((len(names), len(dataset.classes)), dtype=np.int64)
    np.add.at(boxes, (of_image[columns.image], columns.label), 1)
    total = boxes.sum(axis=0)
    lines = []
    for name, row in zip(names, boxes, strict=True):
        lacking = [f"{dataset.classes[c]} ({total[c]} in the data)" for c in np.flatnonzero((row == 0) & (total > 0))]
        if lacking:
            more = f" and {len(lacking) - MANY} more classes" if len(lacking) > MANY else ""
            lines.append(f"{name} has no box of {', '.join(lacking[:MANY])}{more}")
    if lines:
        problems.add("note", "class missing in a split", "; ".join(lines))


def _alike(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Those items that share their key with another."""
    found: dict[Hashable, list[T]] = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return [alike for alike in found.values() if len(alike) > 1]


def _parts(
    dataset: Dataset, shares: Sequence[float], group: str | None, seed: int, problems: Problems
) -> dict[str, int]:
    """The number of the part, 0 to len(shares) - 1, of each image by name."""
    images = sorted(dataset.images, key=lambda image: image.name)
    together = duplicates(images)
    for names in together:
        problems.add("note", "exact duplicates kept in one split", " = ".join(names))
    if group:
        keys = group_keys([image.name for image in images], group)
        together += _alike(keys, keys.__getitem__)
    first = _joined([image.name for image in images], together)
    heads = sorted(set(first.values()), key=lambda name: hashlib.blake2b(f"{seed}/{name}".encode()).digest())
    if len(heads) < len(shares):
        raise DataError(
            f"{len(images)} images in {len(heads)} groups cannot fill {len(shares)} splits: "
            "ask for fewer splits or for smaller groups"
        )
    number = {name: i for i, name in enumerate(heads)}
    part = _assign(_contents(dataset, [number[first[image.name]] for image in dataset.images]), np.array(shares))
    return {name: int(part[number[head]]) for name, head in first.items()}


def _joined(names: Sequence[str], together: Iterable[Sequence[str]]) -> dict[str, str]:
    """The first name of the set each name belongs to, once overlapping sets are joined (union-find)."""
    parent = {name: name for name in names}

    def first(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for one, *others in together:
        for other in others:
            low, high = sorted((first(one), first(other)))
            parent[high] = low
    return {name: first(name) for name in names}


def _contents(dataset: Dataset, group: Sequence[int]) -> NDArray[np.float64]:
    """(G, C + 2): for each group its boxes of each class, its images and its images without boxes."""
    of_image = np.array(group, dtype=np.int64)
    columns = dataset.columns()
    classes = len(dataset.classes)
    contents = np.zeros((of_image.max() + 1, classes + 2))
    np.add.at(contents, (of_image[columns.image], columns.label), 1)
    empty = np.array([not image.boxes for image in dataset.images])
    contents[:, classes] = np.bincount(of_image)
    contents[:, classes + 1] = np.bincount(of_image[empty], minlength=len(contents))
    return contents


def _assign(contents: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """The part (G,) of each group, given its contents (G, C) and the parts' shares (S,), which sum to 1.

    Iterative stratification (Sechidis, Tsoumakas, Vlahavas: On the stratification of multi-label data, ECML 2011)
    carried over to groups: the groups that hold most of what is rare come first, each goes where it is missed most.
    "Missed" is measured by chi-square: with a (S, C) the contents so far, each column in units of its total, the
    group goes to the part that keeps the sum of a² / share least, so every prefix is balanced, not the end alone.
    Groups alike within a factor of two keep the order they came in, which is how the seed has its say.
    """
    totals = contents.sum(axis=0)
    amounts = contents[:, totals > 0] / totals[totals > 0]
    so_far = np.zeros((len(shares), amounts.shape[1]))
    part = np.zeros(len(contents), dtype=np.int64)
    filled = np.zeros(len(shares), dtype=bool)
    order = np.argsort(-np.frexp(amounts.sum(axis=1))[1], kind="stable")
    for left, g in zip(range(len(order), 0, -1), order, strict=True):
        cost = (amounts[g] * (2 * so_far + amounts[g])).sum(axis=1) / shares
        if (~filled).sum() >= left:  # no part may stay empty
            cost[filled] = np.inf
        best = int(np.argmin(cost))
        part[g], filled[best] = best, True
        so_far[best] += amounts[g]
    return part
