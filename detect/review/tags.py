"""The tags that mean something, and what was probably meant by one that does not.

Of a true box: `fix:class=LABEL`, `fix:drop`. Of a prediction: `fix:add`, as it is, or `fix:add=LABEL`. Of an image:
`fix:drop`. `ok` anywhere: it was looked at and is right. `disputed`: somebody has to look again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from detect.errors import Problems, nearest

FIX, OK, DISPUTED = "fix:", "ok", "disputed"
ON_IMAGE, ON_TRUTH, ON_PREDICTION = ("drop",), ("class", "drop"), ("add",)  # the verbs after `fix:`
WITH_LABEL = {"class": "=LABEL", "drop": "", "add": "[=LABEL]"}  # what may follow
LIKE = 0.75  # likeness, as difflib has it, from which a tag is a misspelt one


class Asked(NamedTuple):
    """What the tags of one thing ask for: a verb, "" for nothing, and the label after it."""

    verb: str = ""
    label: str = ""

    def __str__(self) -> str:
        return f"{FIX}{self.verb}={self.label}" if self.label else f"{FIX}{self.verb}"


class Place(NamedTuple):
    """The image and the box that is looked at ("box 3", "" for the image itself), and where its problems go."""

    image: str
    box: str
    problems: Problems

    def refuse(self, kind: str, what: str, remedy: str = "") -> None:
        """Note something that a person did and that cannot be used."""
        self.problems.add("error", kind, what, file=self.image, where=self.box, remedy=remedy)


def tags_of(document: Mapping[str, Any]) -> Sequence[str]:
    """The tags of a photo or a box."""
    return document.get("tags") or ()


def asked(document: Mapping[str, Any], verbs: Sequence[str], classes: Sequence[str], place: Place) -> Asked:
    """What the tags of a thing ask for, to which these verbs can be done; nothing where they contradict each other."""
    found: list[Asked] = []
    clash = False
    for tag in tags_of(document):
        if tag in (OK, DISPUTED):
            continue
        one = _parsed(tag, verbs)
        if one is None:
            place.refuse("tag", f"{tag!r} means nothing here", _meant(tag, verbs, classes))
            continue
        if found and one not in found:
            place.refuse("tags", f"{tag!r} contradicts another tag")
            clash = True
        if not one.label or is_class(one.label, classes, place):
            found.append(one)
    if Asked("drop") in found and OK in tags_of(document):
        place.refuse("tags", f"{OK!r} contradicts '{FIX}drop'", "take one of them away")
        clash = True
    return found[0] if found and not clash else Asked()


def is_class(label: str | None, classes: Sequence[str], place: Place) -> bool:
    """Whether it is a class of the data; a problem where it is not."""
    if label in classes:
        return True
    near = nearest(label, classes) if label else None
    what = f"{label!r} is no class of the data" if label else "a box has no label"
    remedy = f"did you mean {near!r}?" if near else f"the classes are {', '.join(classes)}"
    place.problems.add("error", "label", what, file=place.image, remedy=remedy)
    return False


def _parsed(tag: str, verbs: Sequence[str]) -> Asked | None:
    """The tag in its parts; None where it is none of these verbs', or has a label too many or too few."""
    verb, equals, label = tag.removeprefix(FIX).partition("=")
    right = {"class": bool(label), "drop": not equals, "add": bool(label) == bool(equals)}
    return Asked(verb, label) if tag.startswith(FIX) and verb in verbs and right[verb] else None


def _meant(tag: str, verbs: Sequence[str], classes: Sequence[str]) -> str:
    """The remedy for a tag that means nothing: the one that was meant, or those that there are."""
    spelt, letters = dict(_spellings(verbs, classes)), _letters(tag)
    known = "it can be " + " or ".join(f"{FIX}{verb}{WITH_LABEL[verb]}" for verb in verbs)
    meant = spelt.get(letters)
    if meant is None and not tag.startswith(FIX):
        meant = next((spelt[one] for one in get_close_matches(letters, spelt, n=1, cutoff=LIKE)), None)
    if meant is None:
        return known if tag.startswith(FIX) else f"{known}, {OK} or {DISPUTED}"
    if meant.removeprefix(FIX).partition("=")[0] in (*verbs, OK, DISPUTED):
        return f"did you mean {meant!r}?"
    return f"{meant} cannot be used here; {known}"


def _spellings(verbs: Sequence[str], classes: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The letters of what people type, and the tag that they mean."""
    yield "okay", OK
    for tag in (*(f"{FIX}{verb}" for verb in WITH_LABEL if verb != "class"), OK, DISPUTED):
        yield from ((_letters(text), tag) for text in (tag, tag.removeprefix(FIX)))
    for verb in verbs:
        for label in classes if WITH_LABEL[verb] else ():
            tag = f"{FIX}{verb}={label}"
            yield from ((_letters(text), tag) for text in (tag, f"{verb}{label}", f"{FIX}{label}", label))


def _letters(text: str) -> str:
    """Letters and digits alone, whatever their case."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
