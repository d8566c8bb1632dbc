"""The centre of the house: what a box, an image, a dataset and predictions are.

Values are frozen, so a round trip through a file is tested with `==`. Labels are names everywhere; integer ids
exist only at the two edges, in a file and in a tensor. What is wrong with a value is refused where it is made, with
all problems at once, so that nobody has to ask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from detect.errors import DataError, Problem
from detect.frozen import Frozen
from detect.invariants import box_problems, content_problems, is_plain, name_problems, repeated, size_problems
from detect.questions import Answer, Question, answer_problems, label_problems

if TYPE_CHECKING:
    from detect.arrays import Columns
    from detect.decoding import PilImage

Value = str | int | float | bool

FIND_THEM = "was it moved? read the data with its photos in place, or name their folder with --images"


class Attributes(Frozen[str, Value]):
    """A dict that cannot be changed, hence hashable and safe to share: severity, occluded, track id ..."""

    __slots__ = ()

    REMEDY = "make a new box with box.with_attributes(severity=3)"


NONE = Attributes()
UNLABELLED: Frozen[str, str] = Frozen()
NO_QUESTIONS: Frozen[str, Question] = Frozen()
NO_ANSWERS: Frozen[str, Mapping[str, Answer]] = Frozen()
NO_SECONDS: Frozen[str, float] = Frozen()


class _Fields(NamedTuple):
    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    score: float | None = None
    attributes: Attributes = NONE


class Box(_Fields):
    """One labelled rectangle, in pixels of the upright image (after EXIF rotation), float64, far edges exclusive.

    ::

        (x1, y1) ┌────────┐
                 │        │  width = x2 - x1
                 └────────┘ (x2, y2)

    `score` is the confidence of a prediction in 0..1 and None in ground truth. A named tuple and not a dataclass: a
    million of them must be made in a second.

    Raises DataError where a corner is NaN or infinite, the corners are swapped, the score is outside 0..1, or a box of
    the ground truth has no area (a prediction may have none).
    """

    __slots__ = ()

    def __new__(
        cls,
        label: str,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        score: float | None = None,
        attributes: Attributes = NONE,
    ) -> Self:
        """Check and make."""
        # Comparisons one by one: chained ones take twice the time. With NaN none is true.
        if score is None:
            if x1 < x2 and y1 < y2 and x1 > LOWEST and y1 > LOWEST and x2 < inf and y2 < inf:
                return _made(cls, (label, x1, y1, x2, y2, None, attributes))
        elif x1 <= x2 and y1 <= y2 and x1 > LOWEST and y1 > LOWEST and x2 < inf and y2 < inf and 0 <= score <= 1:
            return _made(cls, (label, x1, y1, x2, y2, score, attributes))
        raise DataError(list(box_problems(label, (x1, y1, x2, y2), score)))

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> Self:  # type: ignore[override]  # typeshed gives no type to inherit
        """A box from its fields; `_replace` makes its boxes with this."""
        return cls(*iterable)

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


_made = tuple.__new__
LOWEST = -inf


@dataclass(frozen=True, slots=True)
class Image:
    """One photo, its boxes, and what is true of it as a whole. An image without boxes is data too: an undamaged car.

    `name` is the POSIX path relative to the dataset's root, and the identity: two files called `1.jpg` in two
    folders are two images. `path` is where the file lies on this machine (None: it was not found) and takes no
    part in `==`. Width and height are those of the upright image, in pixels. `labels` answer questions about the whole
    photo: {"damaged": "yes", "severity": "light"}; one that is absent was not asked of it. `id` is its id in the COCO
    file it was read from; it takes no part in `==` and only orders detections of equal score, as in COCO's evaluation.

    Raises DataError where the name is no such path (absolute, with a drive, `..` or an empty part) or a side is not 1
    pixel or more.
    """

    name: str
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    split: str | None = None
    attributes: Attributes = NONE
    path: Path | None = field(default=None, compare=False)
    labels: Mapping[str, str] = UNLABELLED
    id: float | str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if type(self.boxes) is not tuple:
            object.__setattr__(self, "boxes", tuple(self.boxes))
        if type(self.labels) is not Frozen:
            object.__setattr__(self, "labels", Frozen(self.labels))
        if not (1 <= self.width < inf and 1 <= self.height < inf and is_plain(self.name)):
            _refuse([*name_problems(self.name), *size_problems(self.name, self.width, self.height)])

    def open(self, *, longest: int | None = None, enough: int | None = None) -> PilImage:
        """The photo as a PIL image: upright, RGB of 8 bits, at most `longest` pixels on its longer side.

        With `enough` a JPEG may come smaller than it is, at 1/2, 1/4 or 1/8, if its longer side still has so many
        pixels. Raises DataError naming the file where it is not there or cannot be read.
        """
        from detect.decoding import open_upright

        if self.path is None:
            raise DataError(Problem("error", "photo missing", "the photo is not there", self.name, remedy=FIND_THEM))
        return open_upright(self.path, longest=longest, enough=enough)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images with their true boxes. `classes` fixes the order, and so the integer ids in files and tensors.

    `questions` are those that labels of whole photos answer, by name, each with its labels in their order.

    Raises DataError, with all of them, where an image name or class stands twice, a box has a label outside
    `classes` or a score, or a photo a label that answers none of the questions.
    """

    classes: tuple[str, ...]
    images: tuple[Image, ...]
    questions: Mapping[str, Question] = NO_QUESTIONS

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        object.__setattr__(self, "images", tuple(self.images))
        object.__setattr__(self, "questions", Frozen(self.questions))
        names = [image.name for image in self.images]
        wrong = [*repeated("class", self.classes), *repeated("image", names)]
        wrong += label_problems(self.questions, ((image.name, image.labels) for image in self.images if image.labels))
        _refuse([*wrong, *content_problems(self.classes, names, [image.boxes for image in self.images], scored=False)])

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Image]:
        return iter(self.images)

    def __repr__(self) -> str:
        first = next((image for image in self.images if image.path is not None), None)
        root = str(first.path).removesuffix(first.name).rstrip("/\\") if first else ""
        known = f", root={root!r}" if first and root != str(first.path) else ""
        return f"Dataset({_line(len(self), self.boxes, len(self.classes), self.questions)}{known})"

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
            what = f"there are no images in split {split!r}; the data has: {have}"
            raise DataError(Problem("error", "split missing", what))
        return replace(self, images=images)

    def require_photos(self, remedy: str = "") -> Self:
        """The dataset itself. Raises DataError where photos are not there, with their number and the first of them."""
        lost = [image.name for image in self.images if image.path is None or not image.path.is_file()]
        if lost:
            are = "is" if len(lost) == 1 else "are"
            what = f"{len(lost)} of {len(self)} photos {are} not there, first {', '.join(lost[:3])}"
            raise DataError(Problem("error", "photo missing", what, remedy=remedy or FIND_THEM))
        return self

    def columns(self) -> Columns:
        """All boxes as arrays, see Columns."""
        from detect.arrays import columns

        return columns(self.classes, ((image.name, image.boxes) for image in self.images))


@dataclass(frozen=True, slots=True)
class Predictions:
    """What models found, by image name: boxes in `images`, answers to questions about the whole photo in `answers`.

    In both, absent means not run. An empty tuple of boxes: looked and found nothing; an answer says where the model
    abstained. A photo may be in one of the two or in both. `seconds`: when frames are shown, from the start of a video.

    Raises DataError, with all of them, where a class stands twice, a box has a label outside `classes` or no score, a
    name is no path below a root, see Image, or an answer is to none of the questions or not for each of its labels.
    """

    classes: tuple[str, ...]
    images: Mapping[str, tuple[Box, ...]]
    questions: Mapping[str, Question] = NO_QUESTIONS
    answers: Mapping[str, Mapping[str, Answer]] = NO_ANSWERS
    seconds: Mapping[str, float] = NO_SECONDS

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))
        images = dict(self.images)
        if {*map(type, images.values())} - {tuple}:
            images = {name: tuple(boxes) for name, boxes in images.items()}
        answers = {name: Frozen(given) for name, given in self.answers.items()}
        given = {"images": images, "questions": self.questions, "answers": answers, "seconds": self.seconds}
        for name, value in given.items():
            object.__setattr__(self, name, Frozen(value))
        wrong = [*repeated("class", self.classes), *answer_problems(self.questions, answers.items())]
        if not all(map(is_plain, self.names)):
            wrong += [problem for name in self.names for problem in name_problems(name)]
        _refuse([*wrong, *content_problems(self.classes, self.images, self.images.values(), scored=True)])

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        boxes = sum(map(len, self.images.values()))
        return f"Predictions({_line(len(self), boxes, len(self.classes), self.questions)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all images that a model looked at, those with boxes first."""
        return (*self.images, *(name for name in self.answers if name not in self.images))

    def columns(self) -> Columns:
        """All boxes as arrays, see Columns."""
        from detect.arrays import columns

        return columns(self.classes, self.images.items())


def _line(images: int, boxes: int, classes: int, questions: Iterable[str]) -> str:
    names = ", ".join(questions)
    return f"{images} images, {boxes} boxes, {classes} classes" + (f", questions {names}" if names else "")


def _refuse(wrong: list[Problem]) -> None:
    if wrong:
        raise DataError(wrong)
