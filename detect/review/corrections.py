"""What the reviewer tagged and edited, turned into a corrected dataset and a list of the changes.

Tags of a true box: `fix:class=LABEL`, `fix:drop`. Of a prediction: `fix:add`, as it is, or `fix:add=LABEL`; tagged
twice, in the fields of two models, it is added once. Of an image: `fix:drop`. `ok` anywhere: it was looked at and is
right. `disputed`: somebody has to look again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from detect.data import NO_QUESTIONS, Attributes, Box, Dataset, Image
from detect.errors import Problems
from detect.geometry import as_boxes, iou
from detect.questions import Question
from detect.review.original import TRUTHS, Attribute, absolute, from_text, relative

FIX, OK, DISPUTED = "fix:", "ok", "disputed"
SAME = 0.9  # overlap from which two added boxes of a class are one
ANSWERED = 0.5  # overlap from which a box that was added answers the label issue that one is missing
Document = Mapping[str, Any]
Corners = tuple[float, float, float, float]


class Change(NamedTuple):
    """One change: `box` is its number in the data, 0 for a new one and for the image; `by` the tag, or "edit"."""

    image: str
    box: int
    change: str  # class, drop, add, move, attributes, drop image
    before: str
    after: str
    by: str


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrected dataset, what was changed, and the names of the images that somebody has to look at again."""

    dataset: Dataset
    changes: tuple[Change, ...]
    disputed: frozenset[str]


@dataclass(slots=True)
class _Reading:
    """What is known while samples are read: the classes, the fields of attributes, the changes and problems so far."""

    classes: tuple[str, ...]
    attributes: Sequence[Attribute]
    changes: list[Change]
    problems: Problems


def collect(
    samples: Iterable[Document],
    classes: Sequence[str],
    models: Sequence[str],
    front: str | None,
    attributes: Sequence[Attribute] = (),
    questions: Mapping[str, Question] = NO_QUESTIONS,
) -> Corrections:
    """Read the samples of a review, as documents of the database with the predictions of these models.

    Of the label issues those of the model in `front` count. `questions` are those that the photos' labels answer.

    Raises DataError, with all of them, where a tag is unknown, tags contradict each other, a label is not among the
    classes, or a box was drawn without a label or outside its image.
    """
    reading = _Reading(tuple(classes), attributes, [], Problems())
    images, disputed = [], set()
    for sample in samples:
        image = _image(sample, models, reading)
        if image is None:
            continue
        images.append(image)
        if _is_disputed(sample, models, front):
            disputed.add(image.name)
    reading.problems.raise_errors()
    return Corrections(Dataset(reading.classes, tuple(images), questions), tuple(reading.changes), frozenset(disputed))


def _image(sample: Document, models: Sequence[str], reading: _Reading) -> Image | None:
    """The corrected image; None where the reviewer dropped it."""
    before = from_text(sample["original"])
    path = Path(sample["filepath"])
    fixes = _fixes(sample, before.name, 0, ("drop",), reading)
    if fixes:
        reading.changes.append(Change(before.name, 0, "drop image", f"{len(before.boxes)} boxes", "", "fix:drop"))
        return None
    kept: dict[int, Box | None] = {}
    new: list[Box] = []
    for document in _boxes(sample, TRUTHS):
        number = document.get("number")
        if number is None or number in kept:  # drawn by hand, or a copy
            new += _drawn(document, before, reading)
        else:
            kept[number] = _corrected(document, before, number, reading)
    for number, gone in enumerate(before.boxes, 1):
        if number not in kept:
            reading.changes.append(Change(before.name, number, "drop", _text(gone), "", "edit"))
    for document in _predictions(sample, models):
        new += _added(document, before, new, reading)
    boxes = [box for number in sorted(kept) if (box := kept[number]) is not None]
    return replace(before, boxes=(*boxes, *new), path=path)


def _boxes(sample: Document, field: str) -> Sequence[Document]:
    """The boxes in a field; none where somebody cleared it."""
    return (sample.get(field) or {}).get("detections") or ()


def _predictions(sample: Document, models: Sequence[str]) -> Iterator[Document]:
    """What these models say, whether it counts or is too unsure to."""
    for model in models:
        yield from _boxes(sample, model)
        yield from _boxes(sample, f"{model}_unsure")


def _corrected(document: Document, image: Image, number: int, reading: _Reading) -> Box | None:
    """A box of the data as it is to be now: the very same where nothing was done; None where it was dropped."""
    before = image.boxes[number - 1]
    fixes = _fixes(document, image.name, number, ("class", "drop"), reading)
    if "drop" in fixes:
        reading.changes.append(Change(image.name, number, "drop", _text(before), "", "fix:drop"))
        return None
    box = before
    if document["bounding_box"] != relative(before, image):
        x1, y1, x2, y2 = _corners(document, image, reading)
        box = box._replace(x1=x1, y1=y1, x2=x2, y2=y2)
        reading.changes.append(Change(image.name, number, "move", _text(before), _text(box), "edit"))
    label, by = (fixes["class"], f"fix:class={fixes['class']}") if "class" in fixes else (document.get("label"), "edit")
    if label != before.label:
        box = box._replace(label=_known(label, image.name, reading))
        reading.changes.append(Change(image.name, number, "class", before.label, box.label, by))
    given = _given(document, before.attributes, reading.attributes)
    if given != before.attributes:
        box = box._replace(attributes=given)
        reading.changes.append(
            Change(image.name, number, "attributes", str(dict(before.attributes)), str(dict(given)), "edit")
        )
    return box


def _given(document: Document, before: Attributes, attributes: Sequence[Attribute]) -> Attributes:
    """The attributes of a box; one whose field is as it was at first keeps its value and type."""
    after = dict(before)
    for one in attributes:
        value = document.get(one.field)
        if value is None:
            after.pop(one.name, None)
        elif one.name not in before or one.shown(before[one.name]) != value:
            after[one.name] = value
    return Attributes(after)


def _drawn(document: Document, image: Image, reading: _Reading) -> list[Box]:
    label = _known(document.get("label"), image.name, reading)
    if "drop" in (fixes := _fixes(document, image.name, 0, ("class", "drop"), reading)):
        return []
    label = fixes.get("class", label)
    given = _given(document, Attributes(), reading.attributes)
    box = Box(label, *_corners(document, image, reading), attributes=given)
    reading.changes.append(Change(image.name, 0, "add", "", _text(box), "edit"))
    return [box]


def _added(document: Document, image: Image, there: Sequence[Box], reading: _Reading) -> list[Box]:
    """The prediction as a true box, where the reviewer says so, and the same is not `there` already."""
    fixes = _fixes(document, image.name, 0, ("add",), reading)
    if "add" not in fixes:
        return []
    label = fixes["add"] or _known(document.get("label"), image.name, reading)
    box = Box(label, *_corners(document, image, reading))
    if _overlap(box.xyxy, [one.xyxy for one in there if one.label == label]) >= SAME:
        return []
    by = f"fix:add={fixes['add']}" if fixes["add"] else "fix:add"
    reading.changes.append(Change(image.name, 0, "add", "", _text(box), by))
    return [box]


def _fixes(document: Document, image: str, number: int, allowed: Sequence[str], reading: _Reading) -> dict[str, str]:
    """What the tags ask for, by verb; the label after `=`, or ""."""
    fixes: dict[str, str] = {}
    where = f"box {number}" if number else ""
    for tag in document.get("tags") or ():
        if not tag.startswith(FIX):
            continue
        verb, _, label = tag.removeprefix(FIX).partition("=")
        if verb not in allowed or (verb == "class" and not label) or (verb == "drop" and label):
            known = " or ".join(f"fix:{one}{'=LABEL' if one == 'class' else ''}" for one in allowed)
            what = f"{tag!r} means nothing here"
            reading.problems.add("error", "tag", what, file=image, where=where, remedy=f"it can be {known}")
            continue
        if fixes and fixes != {verb: label}:
            reading.problems.add("error", "tags", f"{tag!r} contradicts another tag", file=image, where=where)
        fixes[verb] = _known(label, image, reading) if label else ""
    return fixes


def _known(label: str | None, image: str, reading: _Reading) -> str:
    if label in reading.classes:
        return str(label)
    near = get_close_matches(label or "", reading.classes, n=1)
    what = f"{label!r} is no class of the data" if label else "a box has no label"
    remedy = f"did you mean {near[0]!r}?" if near else f"the classes are {', '.join(reading.classes)}"
    reading.problems.add("error", "label", what, file=image, remedy=remedy)
    return reading.classes[0]


def _corners(document: Document, image: Image, reading: _Reading) -> Corners:
    x1, y1, x2, y2 = absolute(document["bounding_box"], image.width, image.height)
    if not (x1 < x2 and y1 < y2):
        reading.problems.add("error", "empty box", "a box lies outside the image or has no size", file=image.name)
        return 0.0, 0.0, float(image.width), float(image.height)  # any good one: the problem is raised at the end
    return x1, y1, x2, y2


def _is_disputed(sample: Document, models: Sequence[str], front: str | None) -> bool:
    """Whether it or a box is tagged so, or has a likely label issue that no tag answers."""
    truths, found = _boxes(sample, TRUTHS), list(_predictions(sample, models))
    tagged = [tags for one in (sample, *truths, *found) if (tags := one.get("tags"))]
    if any(DISPUTED in tags for tags in tagged):
        return True
    if front is None or OK in (sample.get("tags") or ()):
        return False
    added = [_edges(one) for one in found if any(tag.startswith(FIX) for tag in one.get("tags") or ())]
    missing = [one for one in _boxes(sample, front) if one.get("label_issue") and not _answered(one)]
    wrong = [one for one in truths if one.get(f"{front}_label_issue") and not _answered(one)]
    return bool(wrong) or any(_overlap(_edges(one), added) < ANSWERED for one in missing)


def _answered(document: Document) -> bool:
    return any(tag == OK or tag.startswith(FIX) for tag in document.get("tags") or ())


def _overlap(box: Corners, others: Sequence[Corners]) -> float:
    """The highest with any of them."""
    return float(iou(as_boxes([box]), as_boxes(others)).max()) if others else 0.0


def _edges(document: Document) -> Corners:
    x, y, width, height = document["bounding_box"]
    return x, y, x + width, y + height


def _text(box: Box) -> str:
    x1, y1, x2, y2 = (f"{value:g}" for value in box.xyxy)
    return f"{box.label} {x1},{y1} {x2},{y2}"
