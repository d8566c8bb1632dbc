"""What the reviewer tagged and edited as a corrected dataset, a list of the changes, and one of what cannot be used."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detect.data import NO_QUESTIONS, Dataset, Image
from detect.errors import Problem, Problems
from detect.questions import Question
from detect.review.additions import add, draw
from detect.review.changes import Change
from detect.review.disputed import is_disputed
from detect.review.edits import Edits
from detect.review.original import TRUTHS, Attribute, Document, boxes_in, from_text, predictions_in

__all__ = ["Change", "Corrections", "collect"]


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrected dataset, what was changed, and the names of the images that somebody has to look at again.

    `unused`: what people did in the App that could not be used, by image; empty unless that was allowed.
    """

    dataset: Dataset
    changes: tuple[Change, ...]
    disputed: frozenset[str]
    unused: tuple[Problem, ...] = ()


def collect(
    samples: Iterable[Document],
    classes: Sequence[str],
    models: Sequence[str],
    front: str | None,
    attributes: Sequence[Attribute] = (),
    questions: Mapping[str, Question] = NO_QUESTIONS,
    problems: Problems | None = None,
) -> Corrections:
    """Read the samples of a review, as documents of the database with the predictions of these models.

    Of the label issues those of the model in `front` count. `questions` are those that the photos' labels answer.
    `problems` collects what people did that cannot be used: a tag is unknown, tags contradict each other, a label is
    not among the classes, a box was drawn without a label, outside its image or over another of its class. It is left
    out of the dataset.

    Raises DataError, with all of it, where there is such a thing and no `problems` is given.
    """
    unused = Problems() if problems is None else problems
    images: dict[str, Image | None] = {}
    changes: list[Change] = []
    disputed: set[str] = set()
    for sample in samples:
        before = _loaded(sample, images, unused)
        if before is None:
            continue
        edits = Edits(before, tuple(classes), attributes, unused)
        _read(sample, models, edits)
        if edits.is_dropped(sample):
            images[before.name] = None
            changes.append(_dropped(edits))
            continue
        images[before.name] = replace(before, boxes=edits.after(), path=Path(sample["filepath"]))
        changes += edits.changes
        if is_disputed(sample, models, front):
            disputed.add(before.name)
    if problems is None:
        unused.raise_errors()
    kept = tuple(image for image in images.values() if image is not None)
    return Corrections(Dataset(tuple(classes), kept, questions), tuple(changes), frozenset(disputed), tuple(unused))


def _loaded(sample: Document, seen: Collection[str], unused: Problems) -> Image | None:
    """The photo as it was loaded; None, and a problem, for one that was added to the review by other means."""
    if not sample.get("original"):
        what = "the photo was added in the App, and is none of the data"
        unused.add("error", "photo", what, file=str(sample.get("filepath")), remedy="delete it there")
        return None
    before = from_text(sample["original"])
    if before.name in seen:
        what = "a copy of the photo was made in the App"
        unused.add("error", "photo", what, file=before.name, remedy="delete it there")
        return None
    return before


def _read(sample: Document, models: Sequence[str], edits: Edits) -> None:
    """Read the tags and boxes of a photo: first those of the data, then the new ones."""
    drawn = []
    for document in boxes_in(sample, TRUTHS):
        number = document.get("number") or 0
        if number in edits.boxes or not 1 <= number <= len(edits.before.boxes):  # drawn by hand, or a copy
            drawn.append(document)
        else:
            edits.correct(number, document)
    edits.end_corrections()
    for document in drawn:
        draw(edits, document)
    for model, document in predictions_in(sample, models):
        add(edits, document, model)


def _dropped(edits: Edits) -> Change:
    """The photo is left out, and with it whatever else was done to it: that is a problem."""
    for change in edits.changes:
        if change.change == "drop":
            continue
        place = edits.place(f"box {change.box}" if change.box else "a new box")
        what = f"{change.change} by {change.by} is of no use: the photo is tagged fix:drop"
        place.refuse("photo dropped", what, "take one of the tags away")
    return Change(edits.before.name, 0, "drop image", f"{len(edits.before.boxes)} boxes", "", "fix:drop")
