"""The rules that every format's boxes pass through."""

from __future__ import annotations

import math

import pytest

from detect.conversion.tidy import NEW, Found, Labels, clean_label, tidy
from detect.data import NONE, Attributes, Box
from detect.errors import Problems

NAN, INF = math.nan, math.inf


def raw(label: str, *corners: float, attributes: Attributes = NONE) -> Box:
    """A box as a file may have it."""
    return NEW(Box, (label, *corners, None, attributes))


def found(*boxes: tuple[int, Box]) -> Found:
    collected = Found()
    for place, box in boxes:
        collected.add(place, box)
    return collected


Corners = tuple[float, float, float, float]


@pytest.mark.parametrize(
    ("corners", "kept", "report"),
    [
        ((10, 20, 30, 40), (10, 20, 30, 40), None),  # a good box
        ((0, 0, 100, 50), (0, 0, 100, 50), None),  # the whole image
        ((30, 40, 10, 20), (10, 20, 30, 40), ("repaired", "corners swapped")),
        ((-5, 20, 30, 60), (0, 20, 30, 50), ("repaired", "box clipped")),
        ((-0.004, 0, 100.009, 50), (0, 0, 100, 50), None),  # rounding of the file's digits is cut without a report
        ((0, 0, 100.02, 50), (0, 0, 100, 50), ("repaired", "box clipped")),  # a fiftieth of a pixel is no rounding
        ((10, 20, 10, 40), None, ("dropped", "box without area")),
        ((100, 20, 120, 40), None, ("dropped", "box outside the image")),  # touches the edge from outside
        ((-20, -20, -1, -1), None, ("dropped", "box outside the image")),
        ((NAN, 20, 30, 40), None, ("error", "not a number")),
        ((10, 20, INF, 40), None, ("error", "not a number")),
    ],
)
def test_one_box(corners: Corners, kept: Corners | None, report: tuple[str, str] | None) -> None:
    problems = Problems()
    x1, y1, x2, y2 = map(float, corners)
    boxes = tidy(found((3, raw("dent", x1, y1, x2, y2))), 100, 50, "a.txt", "line", problems)
    assert [box.xyxy for box in boxes] == ([] if kept is None else [kept])
    assert list(problems.counts()) == ([] if report is None else [report])
    assert all(problem.where == "line 3" and problem.file == "a.txt" for problem in problems)


def test_swapped_and_over_the_edge_are_both_reported() -> None:
    problems = Problems()
    assert tidy(found((1, raw("a", 120.0, 10.0, 90.0, 5.0))), 100, 50, "", "line", problems)[0].xyxy == (90, 5, 100, 10)
    assert [problem.kind for problem in problems] == ["corners swapped", "box clipped"]


def test_an_exact_duplicate_is_dropped_with_attributes_in_mind() -> None:
    box = Box("a", 1.0, 1.0, 2.0, 2.0)
    other = box.with_attributes(severity=3)  # no exact duplicate: the severity differs
    problems = Problems()
    assert tidy(found((1, box), (2, other), (3, box)), 9, 9, "a.txt", "line", problems) == (box, other)
    assert [(p.level, p.kind, p.where) for p in problems] == [("dropped", "duplicate box", "line 3")]


def test_no_boxes_give_none() -> None:
    assert tidy(found(), 10, 10, "", "line", Problems()) == ()


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("dent", "dent"),
        (" dent\t", "dent"),
        ("tire\r\nflat", "tire flat"),
        ("a  b", "a  b"),
        ("\n", ""),
        ("划痕", "划痕"),
    ],
)
def test_clean_label(written: str, label: str) -> None:
    assert clean_label(written) == label


def test_labels_keep_the_declared_order_and_report_others() -> None:
    problems = Problems()
    labels = Labels(problems, ["dent", "scratch "])
    assert [labels(name, "a", "1") for name in ("scratch", " dent", "rust", "rust", "", None)] == [
        "scratch", "dent", "rust", "rust", None, None,
    ]  # fmt: skip
    assert labels.classes == ("dent", "scratch", "rust")
    assert problems.counts() == {
        ("repaired", "label white space"): 1,
        ("repaired", "undeclared class"): 1,
        ("dropped", "no label"): 2,
    }


def test_labels_of_a_file_that_declares_none_are_sorted() -> None:
    problems = Problems()
    labels = Labels(problems, closed=False)
    labels("scratch", "", ""), labels("dent", "", "")
    assert labels.classes == ("dent", "scratch")
    assert len(problems) == 0


def test_attributes_survive_a_repair() -> None:
    box = Box("a", -1.0, 0.0, 5.0, 5.0, None, Attributes(severity=3))
    assert tidy(found((1, box)), 9, 9, "", "line", Problems())[0].attributes == {"severity": 3}
