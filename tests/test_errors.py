"""Problems: file, position, problem, remedy, and all of them at once."""

from __future__ import annotations

import pytest

from detect.errors import (
    SHOWN,
    ConfigError,
    DataError,
    DetectError,
    MissingExtra,
    ModelError,
    Problem,
    Problems,
    did_you_mean,
)

TEXTS = [
    # what is known of a problem, how it reads
    (Problem("error", "k", "no size"), "no size"),  # nothing but the finding
    (Problem("error", "k", "no size", "a.xml"), "a.xml: no size"),  # the file
    (Problem("error", "k", "no size", "a.xml", "line 3"), "a.xml: line 3: no size"),  # file and position
    (Problem("error", "k", "no size", "", "line 3"), "line 3: no size"),  # no file, as for standard input
    (Problem("error", "k", "no size", "a.xml", "", "give --images"), "a.xml: no size (give --images)"),  # a remedy
]


@pytest.mark.parametrize(("problem", "text"), TEXTS)
def test_a_problem_reads_file_position_problem_remedy(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_one_error_carries_every_problem_and_notes_are_no_errors() -> None:
    problems = Problems()
    problems.add("note", "fine", "nothing wrong", file="n.xml")
    for number in range(3):
        problems.add("error", "broken", f"bad row {number}", file="a.txt", where=f"line {number}")
    with pytest.raises(DataError) as caught:
        problems.raise_errors()
    assert [p.what for p in caught.value.problems] == ["bad row 0", "bad row 1", "bad row 2"]
    assert str(caught.value) == "\n".join(f"a.txt: line {n}: bad row {n}" for n in range(3))


@pytest.mark.parametrize("level", ["repaired", "dropped", "note", "lost"])
def test_what_is_no_error_does_not_raise(level: str) -> None:
    problems = Problems([Problem(level, "k", "w")])  # type: ignore[arg-type]
    problems.raise_errors()
    assert len(problems) == 1


@pytest.mark.parametrize(("number", "last"), [(SHOWN, f"row {SHOWN - 1}"), (SHOWN + 5, "... and 5 more")])
def test_a_long_message_is_cut_but_nothing_is_lost(number: int, last: str) -> None:
    error = DataError([Problem("error", "k", f"row {n}") for n in range(number)])
    assert str(error).splitlines()[-1] == last
    assert len(error.problems) == number


MANY = [
    # how many of each kind, lines of the message
    ({"a": 30, "b": 1, "c": 2}, ["a 0", "a 1", "a 2", "a 3", "a 4", "a 5", "... and 24 more (a)", "b 0", "c 0", "c 1"]),
    ({"a": 19, "b": 1}, [*(f"a {n}" for n in range(19)), "b 0"]),  # few: all of them
    ({"a": 1_500, "b": 1_500}, [*(f"a {n}" for n in range(10)), "... and 1,490 more (a)",
                                *(f"b {n}" for n in range(10)), "... and 1,490 more (b)"]),
    ({f"k{n}": 1 for n in range(25)}, [f"k{n} 0" for n in range(25)]),  # more kinds than lines: one of each
    ({f"k{n}": 2 for n in range(25)}, [line for n in range(25) for line in (f"k{n} 0", f"... and 1 more (k{n})")]),
]  # fmt: skip


@pytest.mark.parametrize(("counts", "lines"), MANY, ids=range(len(MANY)))
def test_many_of_one_kind_hide_no_other(counts: dict[str, int], lines: list[str]) -> None:
    error = DataError([Problem("error", kind, f"{kind} {n}") for kind, count in counts.items() for n in range(count)])
    assert str(error).splitlines() == lines
    assert len(error.problems) == sum(counts.values())


def test_texts_are_one_kind_however_they_differ() -> None:
    texts = [f"{n}.json: is no JSON" for n in range(1000)]
    problems = Problems([problem for text in texts for problem in DataError(text).problems])
    assert problems.summary() == ["1000 error: bad input, first: 0.json: is no JSON"]


LISTED = [
    # what was raised, the kind of its one problem
    (DetectError("reason"), "refused"),
    (ConfigError("reason"), "configuration"),
    (ModelError("reason"), "model"),
    (DataError("reason"), "bad input"),
    (DataError(Problem("error", "no size", "reason", "a.xml")), "no size"),
]


@pytest.mark.parametrize(("error", "kind"), LISTED)
def test_every_error_lists_its_problems(error: DetectError, kind: str) -> None:
    (problem,) = error.listed()
    assert (problem.level, problem.kind, problem.what) == ("error", kind, "reason")


NEAR = [
    # what was typed, what there is, what is meant
    ("mAP", ["map50", "map"], "map"),  # the case alone
    ("f2", ["f1", "recall"], "f1"),  # one letter of two
    ("labellme", ["label-studio", "labelme"], "labelme"),
    ("Coco", ["COCO"], "COCO"),  # as it is written
    ("xyzzy", ["map", "f1"], ""),
    ("", ["map", "f1"], ""),
    ("map", [], ""),
]


@pytest.mark.parametrize(("word", "known", "meant"), NEAR)
def test_a_wrong_word_is_answered_with_the_nearest(word: str, known: list[str], meant: str) -> None:
    assert did_you_mean(word, known) == (f"; did you mean {meant}?" if meant else "")


def test_the_summary_counts_each_family_and_shows_its_first_case() -> None:
    problems = Problems()
    problems.add("repaired", "box clipped", "x2 is 210", file="a.xml", where="object 3")
    problems.add("dropped", "no area", "0 x 5", file="b.xml")
    problems.add("repaired", "box clipped", "x2 is 999", file="c.xml")
    assert problems.counts() == {("repaired", "box clipped"): 2, ("dropped", "no area"): 1}
    assert problems.summary() == [
        "2 repaired: box clipped, first: a.xml: object 3: x2 is 210",
        "1 dropped: no area: b.xml: 0 x 5",
    ]


def test_a_text_makes_one_problem() -> None:
    assert DataError("empty folder").problems == (Problem("error", "bad input", "empty folder"),)


def test_a_missing_extra_names_the_line_to_type() -> None:
    assert str(MissingExtra("torch", "train")) == "this needs torch: pip install 'damage-detect[train]'"


@pytest.mark.parametrize("kind", [DataError, ConfigError, ModelError])
def test_one_except_clause_catches_them_all(kind: type[DetectError]) -> None:
    with pytest.raises(DetectError, match="reason"):
        raise kind("reason")
