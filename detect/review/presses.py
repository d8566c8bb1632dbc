"""What one press of a key or button does to the tags of a photo or a box: the tags that `--collect` reads, no others.

A press is tried on everything that is selected and done to all of it or to nothing: it can be refused, with the reason,
or has to ask something first. Whatever is asked, the person may leave it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from detect.review.original import TRUTHS
from detect.review.tags import DISPUTED, FIX, OK

Kind = Literal["photo", "truth", "prediction"]
Document = Mapping[str, Any]
MEANT = 0.5  # overlap from which a prediction lies where a true box does
FROM_FIX = {"class": "another class", "drop": "left out", "add": "added"}


class Press(NamedTuple):
    """A key and a button: `name` of its operator, what the button says, and what it does."""

    name: str
    key: str
    label: str
    about: str


PRESSES = (
    Press("right", "o", "Right", "the box or photo is right: ok"),
    Press("wrong_class", "w", "Wrong class", "asks for the class: fix:class=LABEL, of a prediction fix:add=LABEL"),
    Press("drop", "d", "Drop", "leave the true box out: fix:drop; the whole photo only after asking"),
    Press("add", "a", "Add", "the prediction becomes a true box: fix:add"),
    Press("disputed", "q", "Disputed", "somebody has to look again: disputed"),
)
NEXT = Press("next", "n", "Next", "opens the next photo or box that nobody has looked at")
UNDO = Press("undo", "u", "Undo", "takes the last press back")


class Tag(NamedTuple):
    """The press gives this tag."""

    tag: str


class Ask(NamedTuple):
    """A question comes first: the tags that can be meant, with their words, and the likeliest of them."""

    question: str
    choices: dict[str, str]
    likely: str = ""


class Refusal(NamedTuple):
    """The press means nothing here: why."""

    why: str


Meaning = Tag | Ask | Refusal


def kind_of(field: str) -> Kind:
    """What lies in a field of a review: "" is the photo itself."""
    return "truth" if field == TRUTHS else "prediction" if field else "photo"


def meaning(
    press: str, field: str, document: Document, classes: Sequence[str], truth: Document | None = None
) -> Meaning:
    """What a press (by its name) means for a box in this field, or for the photo, as the database has them.

    `truth`: of a prediction, the true box that it found or means.
    """
    kind = kind_of(field)
    if press == "right":
        return Tag(OK)
    if press == "disputed":
        return Tag(DISPUTED)
    if press == "drop":
        return _drop(kind, document)
    if kind == "photo":
        return Refusal("no box is selected: click one first")
    if press == "wrong_class":
        return _wrong_class(kind, document, classes)
    return _add(kind, document, truth)


def together(meanings: Sequence[Meaning]) -> Meaning:
    """What a press means for all that is selected: something is done to everything, or to nothing."""
    for one in meanings:
        if isinstance(one, Refusal):
            return one
    asked = [one for one in meanings if isinstance(one, Ask)]
    if len(meanings) <= 1 or not asked:
        return meanings[0] if meanings else Refusal("nothing is selected: open a photo, or select some")
    common = {tag: words for tag, words in asked[0].choices.items() if all(tag in one.choices for one in asked)}
    if len(asked) < len(meanings) or not common:
        return Refusal("the boxes ask for different things: select one at a time")
    return Ask(f"{asked[0].question} (the same for all {len(asked)} that are selected)", common)


def _drop(kind: Kind, document: Document) -> Meaning:
    if kind == "truth":
        return Tag(f"{FIX}drop")
    if kind == "prediction":
        return Refusal("a prediction is no box of the data: there is nothing to leave out")
    name = document.get("name", "")
    return Ask(f"No box is selected. Leave the whole photo {name} out?", {f"{FIX}drop": "leave the photo out"})


def _wrong_class(kind: Kind, document: Document, classes: Sequence[str]) -> Meaning:
    verb = "class" if kind == "truth" else "add"
    choices = {f"{FIX}{verb}={label}": label for label in classes if label != document.get("label")}
    if not choices:
        return Refusal("the data have no other class")
    issues = [f"{FIX}{verb}={value}" for key, value in document.items() if key.endswith("_label_issue_class")]
    likely = next((tag for tag in issues if tag in choices), "")
    end = "" if kind == "truth" else ", and to be added"
    return Ask(f"{document.get('label')}: which class is it{end}?", choices, likely)


def _add(kind: Kind, document: Document, truth: Document | None) -> Meaning:
    if kind == "truth":
        return Refusal("a box of the data is there already; to add is for predictions")
    there = None if truth is None or document.get("iou", 0.0) < MEANT else label_now(truth)
    if truth is None or there is None:
        return Tag(f"{FIX}add")
    label, number = document.get("label"), truth.get("number")
    if there == label:
        return Refusal(f"box {number} of the data is this {label} already")
    return Ask(
        f"Box {number} of the data lies here and is a {there}. What is meant?",
        {f"{FIX}class={label}": f"box {number} is a {label}", f"{FIX}add={label}": f"there is a {label}, too"},
    )


def label_now(truth: Document) -> str | None:
    """The label of a true box as its tags want it; None where they want it left out."""
    tags = truth.get("tags") or ()
    if f"{FIX}drop" in tags:
        return None
    wanted = [tag.removeprefix(f"{FIX}class=") for tag in tags if tag.startswith(f"{FIX}class=")]
    return str(wanted[0] if wanted else truth.get("label"))


def tagged(tags: Iterable[str] | None, tag: str) -> list[str]:
    """The tags after one more: it takes the place of what was said before, only `disputed` stands beside anything."""
    before = list(tags or ())
    kept = before if tag == DISPUTED else [one for one in before if one == DISPUTED or not is_collected(one)]
    return kept if tag in kept else [*kept, tag]


def is_collected(tag: str) -> bool:
    """Whether a tag is one of those by which a person says something to `--collect`."""
    return tag in {OK, DISPUTED} or tag.startswith(FIX)


def looked_at(tags: Iterable[Sequence[str] | None]) -> bool:
    """Whether somebody said something about a photo or one of its boxes, by the tags of all of them."""
    return any(is_collected(tag) for some in tags for tag in some or ())


def summary(tags: Iterable[Sequence[str] | None]) -> str:
    """What was said so far, counted, from the tags of all photos and boxes: "2 left out, 1 added, 5 right"."""
    counts = Counter(_word(tag) for some in tags for tag in some or () if is_collected(tag))
    return ", ".join(f"{count} {word}" for word, count in counts.most_common()) or "nothing yet"


def _word(tag: str) -> str:
    if tag in {OK, DISPUTED}:
        return "right" if tag == OK else "disputed"
    verb = tag.removeprefix(FIX).partition("=")[0]
    return FROM_FIX.get(verb, tag)
