"""Likely label issues: each kind by hand, and how well planted ones are told from sound annotation."""

from __future__ import annotations

import numpy as np
import pytest

from detect.data import Box, Dataset, Image, Predictions
from detect.evaluation import match
from detect.evaluation.label_issues import LIKELY, Issue, label_issues

CLASSES = ("dent", "scratch")


def judged(truths: tuple[Box, ...], found: tuple[Box, ...]) -> tuple[list[int], list[float], list[int], list[float]]:
    """The issues about these boxes, beside four images in which everything is right."""
    sound = [(label, 10.0 + 40 * k) for k, label in enumerate(CLASSES)]
    good = [Image(f"good{n}", 200, 200, tuple(Box(c, x, 10, x + 30, 40) for c, x in sound)) for n in range(4)]
    dataset = Dataset(CLASSES, (Image("a", 200, 200, truths), *good))
    right = {one.name: tuple(box._replace(score=0.8) for box in one.boxes) for one in good}
    result = label_issues(match(dataset, Predictions(CLASSES, {"a": found, **right})))
    mine, many = slice(0, len(truths)), match(dataset, Predictions(CLASSES, {"a": found, **right}))
    assert (result.truth_score[len(truths) :] < 0.2).all()
    here = many.detections.image == 0
    return (
        result.truth[mine].tolist(), result.truth_score[mine].tolist(), result.other[mine].tolist(),
        result.detection_score[here].tolist(),
    )  # fmt: skip


def test_a_wrong_class() -> None:
    kind, score, other, _ = judged((Box("dent", 10, 10, 50, 50),), (Box("scratch", 10, 10, 50, 50, 0.8),))
    assert kind == [Issue.CLASS] and score == pytest.approx([1.0]) and other == [1]


def test_its_own_class_there_speaks_against_a_wrong_class() -> None:
    found = (Box("scratch", 10, 10, 50, 50, 0.8), Box("dent", 10, 10, 50, 50, 0.8))
    _, score, _, _ = judged((Box("dent", 10, 10, 50, 50),), found)
    assert score[0] < 0.2


def test_a_poor_box() -> None:
    kind, score, _, _ = judged((Box("dent", 10, 10, 50, 50),), (Box("dent", 30, 10, 70, 50, 0.8),))
    assert kind == [Issue.BOX] and score == pytest.approx([1 - 20 / 60])


def test_a_box_around_nothing() -> None:
    kind, score, _, _ = judged((Box("dent", 10, 10, 50, 50),), ())
    # Four of the five dents are met.
    assert kind == [Issue.EXTRA] and score == pytest.approx([0.8])


def test_something_that_nobody_annotated() -> None:
    _, _, _, missing = judged((), (Box("dent", 100, 100, 150, 150, 0.9),))
    assert missing == pytest.approx([0.9])


def test_ignored_boxes_are_not_label_issues() -> None:
    crowd = Box("dent", 10, 10, 50, 50).with_attributes(iscrowd=1)
    kind, score, _, _ = judged((crowd,), ())
    assert kind == [Issue.NONE] and score == [0]


def test_without_boxes() -> None:
    for images, found in (((), {}), ((Image("a", 9, 9),), {"a": ()})):
        result = label_issues(match(Dataset(CLASSES, images), Predictions(CLASSES, found)))
        assert all(len(column) == 0 for column in result)


def test_planted_errors_are_told_from_sound_boxes() -> None:
    """A fair detector: it sees 8 of 10 boxes, with edges off by a few pixels. Of those each kind is told by name."""
    rng, images, found, planted, met = np.random.default_rng(0), [], {}, [], []
    for n in range(300):
        boxes, seen = [], []
        for place in range(2):
            label, x, y = CLASSES[rng.integers(2)], 10 + 120 * place, rng.uniform(10, 120)
            true = Box(label, x, y, x + 50, y + rng.uniform(20, 60))
            met.append(rng.random() < 0.8)
            if met[-1]:
                shift = [rng.normal(0, 2) for _ in range(4)]
                x1, y1, x2, y2 = (a + b for a, b in zip(true.xyxy, shift, strict=True))
                seen.append(Box(label, x1, y1, x2, y2, rng.uniform(0.3, 0.9)))
            error = rng.random()
            other = CLASSES[1 - CLASSES.index(label)]
            if error < 0.05:
                true = true._replace(label=other)
            elif error < 0.1:
                true = true._replace(x1=true.x1 + 25, x2=true.x2 + 25)
            planted.append(Issue.CLASS if error < 0.05 else Issue.BOX if error < 0.1 else Issue.NONE)
            boxes.append(true)
        images.append(Image(f"{n:03}", 260, 200, tuple(boxes)))
        found[f"{n:03}"] = tuple(seen)
    result = label_issues(match(Dataset(CLASSES, tuple(images)), Predictions(CLASSES, found)))
    truth, meant, score = np.array(planted), np.array(met), result.truth_score
    for kind in (Issue.CLASS, Issue.BOX):
        assert (result.truth[meant & (truth == kind)] == kind).mean() > 0.8
        assert area_under_curve(score[meant & (truth == kind)], score[meant & (truth == Issue.NONE)]) > 0.95
    assert (result.truth[~meant] == Issue.EXTRA).all()
    assert (truth[meant & (score >= LIKELY)] != Issue.NONE).mean() > 0.9


def area_under_curve(wrong: np.ndarray, right: np.ndarray) -> float:
    """The share of pairs in which the wrong one has the higher score."""
    return float((wrong[:, None] > right[None]).mean())


def test_the_order_of_the_images_changes_nothing() -> None:
    boxes = (Box("dent", 10, 10, 50, 50), Box("scratch", 80, 80, 120, 120))
    images = [Image(f"{n}", 200, 200, boxes[: n % 3]) for n in range(6)]
    found = {f"{n}": (Box("dent", 12, 10, 52, 50, 0.1 + n / 10),) for n in range(6)}
    forward = label_issues(match(Dataset(CLASSES, tuple(images)), Predictions(CLASSES, found)))
    backward = label_issues(match(Dataset(CLASSES, tuple(images[::-1])), Predictions(CLASSES, found)))
    assert sorted(forward.truth_score) == pytest.approx(sorted(backward.truth_score))
