"""The centre of the house: what a box, an image, a dataset and predictions are.

Values are frozen, so a round trip through a file is tested with `==`. Labels are names everywhere; integer ids
exist only at the two edges, in a file and in a tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from detect.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from detect.geometry import Boxes

Value = str | int | float | bool


class Attributes(dict[str, Value]):
    """A dict that cannot be changed, hence hashable and safe to share: severity, occluded, track id ..."""

    __slots__ = ()

    def _frozen(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("attributes are frozen; make a new box with box.with_attributes(severity=3)")

    __setitem__ = __delitem__ = __ior__ = _frozen
    clear = pop = popitem = setdefault = update = _frozen

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[Attributes], tuple[dict[str, Value]]]:
        return Attributes, (dict(self),)


NONE = Attributes()


class Box(NamedTuple):
    """One labelled rectangle, in pixels of the upright image (after EXIF rotation), float64, far edges exclusive.

    ::

        (x1, y1) ┌────────┐
                 │        │  width = x2 - x1
                 └────────┘ (x2, y2)

    `score` is the confidence of a prediction in 0..1 and None in ground truth. A NamedTuple and not a dataclass:
    a million of them must be made in a second.
    """

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    score: float | None = None
    attributes: Attributes = NONE

    @property
    def width(self) -> float:
        """x2 - x1, pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """y2 - y1, pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Width times height, square pixels."""
        return self.width * self.height

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """The corners (x1, y1, x2, y2)."""
        return self.x1, self.y1, self.x2, self.y2

    def with_attributes(self, **attributes: Value) -> Box:
        """The same box with these attributes added or replaced."""
        return self._replace(attributes=Attributes({**self.attributes, **attributes}))


@dataclass(frozen=True, slots=True)
class Image:
    """One photo and its boxes. An image without boxes is data too: an undamaged car.

    `name` is the POSIX path relative to the dataset's root, and the identity: two files called `1.jpg` in two
    folders are two images. `path` is where the file lies on this machine (None: it was not found) and takes no
    part in `==`. Width and height are those of the upright image, in pixels.
    """

    name: str
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    split: str | None = None
    attributes: Attributes = NONE
    path: Path | None = field(default=None, compare=False)


class Columns(NamedTuple):
    """All boxes of a dataset or of predictions as arrays; N boxes, in the order of the images.

    xyxy (N, 4) float64; label (N,) int64, index into `classes`; image (N,) int64, index into `names`;
    score (N,) float64 (NaN in ground truth).
    """

    xyxy: Boxes
    label: NDArray[np.int64]
    image: NDArray[np.int64]
    score: NDArray[np.float64]
    names: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images with their true boxes. `classes` fixes the order, and so the integer ids in files and tensors.

    Raises DataError, with all of them, where an image name or class stands twice, a box has a label outside
    `classes` or a score.
    """

    classes: tuple[str, ...]
    images: tuple[Image, ...]

    def __post_init__(self) -> None:
        known = set(self.classes)
        wrong = [f"class {c!r} stands twice" for c in _twice(self.classes)]
        wrong += [f"image {n!r} stands twice" for n in _twice(i.name for i in self.images)]
        for image in self.images:
            for box in image.boxes:
                label, _, _, _, _, score, _ = box
                if label not in known:
                    wrong.append(f"{image.name}: label {label!r} is not among the classes")
                if score is not None:
                    wrong.append(f"{image.name}: ground truth has a score; these are predictions")
        if wrong:
            raise DataError("\n".join(wrong[:20]))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def boxes(self) -> int:
        """How many boxes there are."""
        return sum(len(image.boxes) for image in self.images)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits in use, train, val and test first."""
        found = {image.split for image in self.images if image.split is not None}
        usual = [s for s in ("train", "val", "test") if s in found]
        return (*usual, *sorted(found.difference(usual)))

    def only(self, split: str) -> Dataset:
        """The images of one split. Raises DataError, naming the splits there are, when it has none."""
        images = tuple(image for image in self.images if image.split == split)
        if not images:
            have = ", ".join(self.splits) or "no splits; make them with `detect split`"
            raise DataError(f"there are no images in split {split!r}; the data has: {have}")
        return replace(self, images=images)

    def columns(self) -> Columns:
        """All boxes as arrays, see Columns."""
        return _columns(self.classes, ((image.name, image.boxes) for image in self.images))


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model found, by image name. An empty tuple: looked and found nothing; absent: not run.

    Raises DataError where a box has no score in 0..1 or a label outside `classes`.
    """

    classes: tuple[str, ...]
    images: Mapping[str, tuple[Box, ...]]

    def __post_init__(self) -> None:
        known = set(self.classes)
        wrong = [f"class {c!r} stands twice" for c in _twice(self.classes)]
        for name, boxes in self.images.items():
            for box in boxes:
                if box.label not in known:
                    wrong.append(f"{name}: label {box.label!r} is not among the classes")
                if box.score is None or not 0 <= box.score <= 1:
                    wrong.append(f"{name}: a prediction needs a score in 0..1, got {box.score}")
        if wrong:
            raise DataError("\n".join(wrong[:20]))

    def __len__(self) -> int:
        return len(self.images)

    def columns(self) -> Columns:
        """All boxes as arrays, see Columns."""
        return _columns(self.classes, self.images.items())


def _twice(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)


def _columns(classes: tuple[str, ...], images: Iterable[tuple[str, tuple[Box, ...]]]) -> Columns:
    import numpy as np

    from detect.geometry import as_boxes

    index = {label: i for i, label in enumerate(classes)}
    names: list[str] = []
    corners: list[tuple[float, float, float, float]] = []
    labels: list[int] = []
    owners: list[int] = []
    scores: list[float] = []
    for number, (name, boxes) in enumerate(images):
        names.append(name)
        for box in boxes:
            corners.append(box[1:5])
            labels.append(index[box.label])
            owners.append(number)
            scores.append(float("nan") if box.score is None else box.score)
    return Columns(
        as_boxes(corners),
        np.array(labels, dtype=np.int64),
        np.array(owners, dtype=np.int64),
        np.array(scores, dtype=np.float64),
        tuple(names),
        classes,
    )
