"""Tags that mean something, and the remedy for those that do not."""

from __future__ import annotations

import pytest

from detect.errors import Problems
from detect.review.tags import ON_IMAGE, ON_PREDICTION, ON_TRUTH, Asked, Place, asked

CLASSES = ("dent", "scratch", "tire flat")
VERBS = {"photo": ON_IMAGE, "true box": ON_TRUTH, "prediction": ON_PREDICTION}


def read(of: str, *tags: str) -> tuple[Asked, list[str]]:
    problems = Problems()
    return asked({"tags": tags}, VERBS[of], CLASSES, Place("a.jpg", "", problems)), [p.remedy for p in problems]


@pytest.mark.parametrize(
    ("of", "tag", "verb", "label"),
    [
        ("true box", "fix:drop", "drop", ""),
        ("true box", "fix:class=tire flat", "class", "tire flat"),
        ("photo", "fix:drop", "drop", ""),
        ("prediction", "fix:add", "add", ""),
        ("prediction", "fix:add=dent", "add", "dent"),
        ("true box", "ok", "", ""),
        ("photo", "disputed", "", ""),
    ],
)
def test_what_a_tag_asks_for(of: str, tag: str, verb: str, label: str) -> None:
    assert read(of, tag) == (Asked(verb, label), [])
    assert read(of, tag, tag) == (Asked(verb, label), [])
    assert str(Asked(verb, label)) == tag if verb else True


@pytest.mark.parametrize(
    ("of", "tag", "meant"),
    [
        # the verb alone, another case, other signs, spaces
        ("true box", "drop", "fix:drop"),
        ("true box", "Drop", "fix:drop"),
        ("true box", "Fix:drop", "fix:drop"),
        ("true box", "FIX:DROP", "fix:drop"),
        ("true box", "fix-drop", "fix:drop"),
        ("true box", "fix_drop", "fix:drop"),
        ("true box", "fix.drop", "fix:drop"),
        ("true box", "fix drop", "fix:drop"),
        ("true box", "fix: drop", "fix:drop"),
        ("true box", "fix:drop ", "fix:drop"),
        ("true box", " fix:drop", "fix:drop"),
        ("true box", "fix:drop=", "fix:drop"),
        ("true box", "fix\uff1adrop", "fix:drop"),  # the colon of a Chinese keyboard
        ("true box", "fixdrop", "fix:drop"),
        ("photo", "drop", "fix:drop"),
        ("prediction", "add", "fix:add"),
        ("prediction", "Fix:Add", "fix:add"),
        ("prediction", "fix:add=", "fix:add"),
        # a letter wrong
        ("true box", "fixdorp", "fix:drop"),
        ("true box", "fux:drop", "fix:drop"),
        ("true box", "dropp", "fix:drop"),
        ("prediction", "fox-add", "fix:add"),
        # the words without `fix:`
        ("true box", "OK", "ok"),
        ("true box", "Ok ", "ok"),
        ("photo", "okay", "ok"),
        ("photo", "o.k.", "ok"),
        ("photo", "disputed ", "disputed"),
        ("photo", "Disputed", "disputed"),
        ("true box", "dispute", "disputed"),
        ("prediction", "disptued", "disputed"),
        # classes
        ("true box", "class=dent", "fix:class=dent"),
        ("true box", "Fix:class=dent", "fix:class=dent"),
        ("true box", "fix:class:dent", "fix:class=dent"),
        ("true box", "fix:Class=Tire Flat", "fix:class=tire flat"),
        ("true box", "fix:dent", "fix:class=dent"),
        ("true box", "dent", "fix:class=dent"),
        ("prediction", "dent", "fix:add=dent"),
        ("prediction", "add dent", "fix:add=dent"),
    ],
)
def test_a_near_miss_is_told_what_was_meant(of: str, tag: str, meant: str) -> None:
    assert read(of, tag) == (Asked(), [f"did you mean {meant!r}?"])


@pytest.mark.parametrize(
    ("of", "tag", "remedy"),
    [
        ("true box", "fix:clas=dent", "it can be fix:class=LABEL or fix:drop"),
        ("true box", "fix:class", "it can be fix:class=LABEL or fix:drop"),
        ("true box", "fix:class=scrach", "did you mean 'scratch'?"),
        ("true box", "fix:class=SCRATCH", "did you mean 'scratch'?"),
        ("true box", "fix:class= dent", "did you mean 'dent'?"),
        ("true box", "fix:class=rust", "the classes are dent, scratch, tire flat"),
        ("true box", "fix:add", "fix:add cannot be used here; it can be fix:class=LABEL or fix:drop"),
        ("prediction", "drop", "fix:drop cannot be used here; it can be fix:add[=LABEL]"),
        ("photo", "dent", "it can be fix:drop, ok or disputed"),
        ("photo", "for Monday", "it can be fix:drop, ok or disputed"),  # a tag of somebody's own
        ("photo", "", "it can be fix:drop, ok or disputed"),
    ],
)
def test_others_are_told_what_there_is(of: str, tag: str, remedy: str) -> None:
    assert read(of, tag) == (Asked(), [remedy])


@pytest.mark.parametrize(
    ("of", "tags", "said"),
    [
        ("true box", ("fix:drop", "ok"), ["take one of them away"]),
        ("true box", ("ok", "fix:drop"), ["take one of them away"]),
        ("photo", ("ok", "fix:drop"), ["take one of them away"]),
        ("true box", ("fix:drop", "fix:class=dent"), [""]),
        ("true box", ("fix:class=scratch", "fix:class=dent"), [""]),
        ("prediction", ("fix:add", "fix:add=dent"), [""]),
    ],
)
def test_of_tags_that_contradict_each_other_none_is_used(of: str, tags: tuple[str, ...], said: list[str]) -> None:
    assert read(of, *tags) == (Asked(), said)


@pytest.mark.parametrize(
    ("of", "tags", "wish"),
    [
        ("true box", ("fix:class=dent", "ok"), Asked("class", "dent")),  # right, now that its class is
        ("prediction", ("fix:add", "ok"), Asked("add")),
        ("true box", ("fix:drop", "disputed"), Asked("drop")),  # and somebody has to look again
    ],
)
def test_tags_that_go_together(of: str, tags: tuple[str, ...], wish: Asked) -> None:
    assert read(of, *tags) == (wish, [])
