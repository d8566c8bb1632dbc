"""Results that cannot be right are named, with what they look like; good and bad detectors raise nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.data import Box, Dataset, Predictions
from detect.evaluation import evaluate, metrics_document
from detect.evaluation.match import match
from detect.evaluation.plausibility import implausible
from detect.evaluation.remarks import Finding
from tests.evaluation.detectors import CLASSES, Corners, Spoil, boxwise, detector, filed_under, photos, spoilt

PHOTOS = photos()
STRENGTHS: dict[str, dict[str, Any]] = {
    "strong": {"recall": 1.0, "jitter": 0.02, "right": 1.0, "alarms": 1},
    "usual": {},
    "weak": {"recall": 0.5, "jitter": 0.12, "right": 0.7, "alarms": 6, "order": 2.0},
}
FOUND = {name: detector(PHOTOS, **strength) for name, strength in STRENGTHS.items()}
USUAL = FOUND["usual"]


def findings(dataset: Dataset, predictions: Predictions) -> tuple[Finding, ...]:
    return implausible(dataset, predictions, match(dataset, predictions))


def _as_corners(box: Corners, *_: int) -> Corners:
    """Written as x1, y1, x2, y2 and read as x, y, width, height."""
    return np.array([box[0], box[1], box[0] + box[2], box[1] + box[3]])


def _as_centres(box: Corners, *_: int) -> Corners:
    half: Corners = (box[2:] - box[:2]) / 2
    return box + np.tile(half, 2)


def _in(wide: float, high: float) -> Spoil:
    return lambda box, width, height: box * np.tile([wide / width, high / height], 2)


def _letterbox(box: Corners, width: int, height: int) -> Corners:
    scale = 640 / max(width, height)
    moved: Corners = box * scale + np.tile([(640 - width * scale) / 2, (640 - height * scale) / 2], 2)
    return moved


def _turned(box: Corners, width: int, height: int) -> Corners:
    """The photo lay on its side: a quarter turn against the clock."""
    return np.array([box[1], width - box[2], box[3], width - box[0]])


SPOILT: list[tuple[str, Spoil, str, str]] = [
    ("corners as sizes", _as_corners, "corners", r"corners \(x1, y1, x2, y2\).*x2 - x1"),
    ("centres", _as_centres, "centres", r"centres .*cx - width / 2"),
    ("shares", _in(1, 1), "shares", r"shares of the photo \(0 to 1\).*Multiply x and width by the photo's width,"),
    ("percent", _in(100, 100), "shares", "percent of the photo.*width / 100"),
    ("thousandths", _in(1000, 1000), "shares", "thousandths of the photo.*width / 1000"),
    ("corners as shares", lambda b, w, h: _as_corners(_in(1, 1)(b, w, h)), "corners", "corners .*like shares"),
    ("centres as shares, as in YOLO's files", lambda b, w, h: _as_centres(_in(1, 1)(b, w, h)), "centres", "shares"),
    ("y before x", lambda b, *_: b[[1, 0, 3, 2]], "swapped", "y, x, height, width"),
    (
        "y before x, corners, thousandths",
        lambda b, w, h: _as_corners(_in(1000, 1000)(b, w, h)[[1, 0, 3, 2]]),
        "swapped", "y before x .*thousandths",
    ),
    ("the network's size", _in(640, 640), "another size", "640 x 640 pixels.*width / 640"),
    ("the network's size, wide", _in(1333, 800), "another size", "1333 x 800 pixels"),
    ("the network's size with a border", _letterbox, "another size", r"640 x 640 pixels .*letterbox"),
    ("shorter side", lambda b, w, h: b * 800 / min(w, h), "another size", "shorter side of 800 pixels"),
    ("halved", lambda b, *_: b / 2, "another size", "0.5 times as large.*Divide them by 0.5"),
    ("doubled", lambda b, *_: b * 2, "another size", "2 times as large"),
    ("any factor", lambda b, *_: b * 1.72, "another size", r"1\.7\d? times as large"),
    ("corners in the network's size", lambda b, w, h: _as_corners(_in(640, 640)(b, w, h)), "corners", "640 x 640"),
    ("mirrored", lambda b, w, _: np.array([w - b[2], b[1], w - b[0], b[3]]), "mirrored", "mirrored"),
    ("y from below", lambda b, _, h: np.array([b[0], h - b[3], b[2], h - b[1]]), "upside down", "lower edge"),
    ("turned", _turned, "turned", "turned by 90 degrees.*EXIF"),
    ("upright photos turned", lambda b, w, h: _turned(b, w, h) if h > w else b, "turned", "photos higher than wide"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "kind", "text"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_boxes_that_mean_something_else_are_recognised(spoil: Spoil, kind: str, text: str, strength: str) -> None:
    found = findings(PHOTOS, spoilt(PHOTOS, FOUND[strength], spoil))
    assert [one.kind for one in found] == [kind]
    assert re.search(text, found[0].text)


def test_photos_that_have_the_networks_size_already_do_not_hide_the_others() -> None:
    """Boxes in pixels of 640 x 640 are right in most photos here, and wrong in the rest."""
    data = photos(120, sizes=((640, 640), (640, 640), (640, 640), (1024, 768)))
    found = findings(data, spoilt(data, detector(data), _in(640, 640)))
    assert [one.kind for one in found] == ["another size"]
    assert re.search(r"photos of another size than 640 x 640 look like .* 640 x 640 pixels", found[0].text)


def test_shares_are_recognised_in_two_photos() -> None:
    """Nothing else is concluded from so few, but boxes of a pixel are none."""
    data = photos(2)
    found = spoilt(data, detector(data), _in(1, 1))
    assert [one.kind for one in findings(data, found)] == ["shares"]


NAMES = [image.name for image in PHOTOS.images]
ORDERS: list[tuple[str, list[str], list[str], str]] = [
    ("one too early", NAMES[1:] + NAMES[:1], NAMES, "the next photo"),
    ("one too late", NAMES[-1:] + NAMES[:-1], NAMES, "the previous photo"),
    ("numbered by name, 10 before 2", sorted(NAMES), NAMES, "order of names, not in that of the data"),
    ("named by number", NAMES, sorted(NAMES), "order of the data, not in that of names"),
]


@pytest.mark.parametrize(("names", "others", "text"), [row[1:] for row in ORDERS], ids=[row[0] for row in ORDERS])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_detections_of_another_photo(names: list[str], others: list[str], text: str, strength: str) -> None:
    found = findings(PHOTOS, filed_under(FOUND[strength], names, others))
    assert [one.kind for one in found] == ["other photos"]
    assert text in found[0].text


def _named(names: tuple[str, ...]) -> Callable[[Box], Box]:
    """Class k of CLASSES is given this name."""
    return lambda box: box._replace(label=names[CLASSES.index(box.label)])


EXCHANGED: list[tuple[str, tuple[str, ...], str]] = [
    ("one too high", CLASSES[1:] + CLASSES[:1], "one too high.*'scratch' lie on true boxes of 'dent'"),
    ("one too low", CLASSES[-1:] + CLASSES[:-1], "one too low.*'dent' lie on true boxes of 'scratch'"),
    (
        "ids of the alphabet",  # crack, dent, glass shatter, lamp broken, scratch
        tuple(CLASSES[sorted(CLASSES).index(name)] for name in CLASSES),
        "alphabetical order.*'dent' lie on true boxes of 'crack'",
    ),
    ("backwards", CLASSES[::-1], "exchanged.*'dent' lie on true boxes of 'glass shatter'"),
    ("two exchanged", ("scratch", "dent", *CLASSES[2:]), "'dent' lie on .* 'scratch', .*'scratch' lie on .*'dent'"),
]


@pytest.mark.parametrize(("names", "text"), [row[1:] for row in EXCHANGED], ids=[row[0] for row in EXCHANGED])
@pytest.mark.parametrize("strength", ["strong", "usual"])
def test_classes_that_mean_others(names: tuple[str, ...], text: str, strength: str) -> None:
    found = findings(PHOTOS, boxwise(FOUND[strength], _named(names)))
    assert [one.kind for one in found] == ["classes exchanged"]
    assert re.search(text, found[0].text, re.IGNORECASE)


def test_a_class_that_is_never_right_is_named_beside_what_the_predictions_have_instead() -> None:
    """The boxes of the other name lie elsewhere, so nobody knows that it is the same class."""
    other = boxwise(USUAL, lambda b: Box("Kratzer", 0, 0, 9, 9, b.score) if b.label == "scratch" else b)
    (found,) = findings(PHOTOS, other)
    assert found.kind == "class never right"
    assert found.text.endswith("The predictions have 'Kratzer', which the data does not: --map OLD=NEW renames.")


def test_classes_and_boxes_that_mean_others_at_once() -> None:
    found = findings(PHOTOS, spoilt(PHOTOS, boxwise(USUAL, _named(CLASSES[1:] + CLASSES[:1])), _as_corners))
    assert [one.kind for one in found] == ["corners", "classes exchanged"]


RENAMED = [
    ("scratches", "one letter away"),
    ("Scratch", "upper case"),
    ("Kratzer", "another language: its boxes lie on those of the class"),
]


@pytest.mark.parametrize("name", [name for name, _ in RENAMED])
def test_a_class_of_another_name(name: str) -> None:
    found = findings(PHOTOS, boxwise(USUAL, lambda box: box._replace(label=name) if box.label == "scratch" else box))
    boxes = sum(box.label == "scratch" for image in PHOTOS.images for box in image.boxes)
    assert [one.kind for one in found] == ["class renamed"]
    assert f"'scratch' has {boxes} true boxes and no detection" in found[0].text
    assert f"have {name!r}, which the data does not have: did you mean 'scratch'?" in found[0].text


def test_a_class_that_is_never_right() -> None:
    """Without detections, or with such that all lie elsewhere."""
    gone = findings(PHOTOS, boxwise(USUAL, lambda box: None if box.label == "crack" else box))
    moved = findings(
        PHOTOS, boxwise(USUAL, lambda box: box._replace(x1=0, y1=0, x2=9, y2=9) if box.label == "crack" else box)
    )
    assert [one.kind for one in (*gone, *moved)] == ["class never right"] * 2
    boxes = sum(box.label == "crack" for image in PHOTOS.images for box in image.boxes)
    assert gone[0].text.startswith(
        f"'crack' has {boxes} true boxes and no detection, while the surest detections find "
    )
    assert re.match(rf"'crack' has {boxes} true boxes and none of its \d+ detections is right, while", moved[0].text)


def test_a_rare_class_may_well_be_missed() -> None:
    """Five true boxes prove nothing against a detector that finds half of the others."""
    rare = [image.name for image in PHOTOS.images if any(box.label == "crack" for box in image.boxes)][5:]
    data = replace(PHOTOS, images=tuple(image for image in PHOTOS.images if image.name not in rare))
    weak = Predictions(CLASSES, {image.name: FOUND["weak"].images[image.name] for image in data.images})
    assert findings(data, boxwise(weak, lambda box: None if box.label == "crack" else box)) == ()


SCORES: list[tuple[str, Callable[[Box], Box | None], str, str]] = [
    (
        "cut",
        lambda b: b if (b.score or 0) >= 0.25 else None,
        "scores cut",
        r"lowest score is 0\.25.*cut off at a thresh",
    ),
    ("cut high", lambda b: b if (b.score or 0) >= 0.6 else None, "scores cut", r"lowest score is 0\.6.*understated"),
    ("all alike", lambda b: b._replace(score=1.0), "scores equal", "scores are 1:"),
    ("low is sure", lambda b: b._replace(score=1 - (b.score or 0)), "scores inverted", "1 - score"),
]


@pytest.mark.parametrize(("change", "kind", "text"), [row[1:] for row in SCORES], ids=[row[0] for row in SCORES])
def test_scores_that_cannot_be_right(change: Callable[[Box], Box | None], kind: str, text: str) -> None:
    found = findings(PHOTOS, boxwise(USUAL, change))
    assert [one.kind for one in found] == [kind]
    assert re.search(text, found[0].text)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_photos_that_nobody_looked_at(strength: str, share: float) -> None:
    left = NAMES[: int(share * len(NAMES))]
    found = findings(PHOTOS, replace(FOUND[strength], images={**FOUND[strength].images, **dict.fromkeys(left, ())}))
    assert [one.kind for one in found] == ["photos without rows"]
    rows = {**FOUND[strength].images, **dict.fromkeys(left, ())}.values()
    assert f"{sum(not boxes for boxes in rows)} of {len(NAMES)} photos with true boxes" in found[0].text


def test_photos_that_a_high_threshold_has_emptied_were_looked_at() -> None:
    """What is left finds the one box of its photo, so by that recall hardly any photo should be empty."""
    data = replace(PHOTOS, images=tuple(replace(image, boxes=image.boxes[:1]) for image in PHOTOS.images))
    sure = detector(data, recall=1.0, right=1.0, order=2.0, cut=0.85)
    assert sum(not boxes for boxes in sure.images.values()) > len(NAMES) / 3
    assert {one.kind for one in findings(data, sure)} <= {"scores cut"}


def test_the_best_detection_alone_was_kept() -> None:
    best = {n: tuple(sorted(boxes, key=lambda b: -(b.score or 0))[:1]) for n, boxes in FOUND["strong"].images.items()}
    assert "one per photo" in [one.kind for one in findings(PHOTOS, replace(USUAL, images=best))]


@settings(max_examples=40, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**32 - 1),
            "recall": st.sampled_from([0, 0.1, 0.3, 0.6, 0.9, 1]),
            "jitter": st.sampled_from([0, 0.03, 0.1, 0.3]),
            "right": st.sampled_from([0.2, 0.5, 0.8, 1]),  # 0.2: no better than chance
            "alarms": st.sampled_from([0, 1, 5, 20]),
            "order": st.sampled_from([0, 1, 3]),
            "growth": st.sampled_from([-0.2, 0, 0.2, 0.4]),  # boxes too small or too large around their centre
            "cut": st.sampled_from([0, 0, 0.3, 0.6]),
        }
    ),
    st.sampled_from([1, 2, 5, 20, 80]),
)
def test_no_detector_is_blamed_for_being_bad(strength: dict[str, Any], number: int) -> None:
    """From boxes at random to perfect ones, too large, too small, in few photos: nothing but that scores were cut."""
    data = photos(number, seed=strength["seed"])
    assert {one.kind for one in findings(data, detector(data, **strength))} <= {"scores cut"}


def test_a_box_that_is_the_same_in_all_photos_is_no_other_reading() -> None:
    """A detector that has learnt where boxes usually lie: by luck they fit better when they are half as large."""
    data = photos(60, sizes=((400, 400),))
    same = tuple(
        Box("dent", 0.0, 0.0, float(side), float(side), side / 1000 - 0.1) for side in (150, 200, 250, 300, 400)
    )
    assert findings(data, Predictions(CLASSES, {image.name: same for image in data.images})) == ()


@pytest.mark.parametrize("data", [Dataset(CLASSES, ()), photos(1), Dataset(("dent",), photos(9).images[:0])])
def test_nothing_is_concluded_from_nothing(data: Dataset) -> None:
    assert findings(data, Predictions(data.classes, {image.name: () for image in data.images})) == ()


def test_findings_come_before_other_notes_and_replace_the_vague_one() -> None:
    result = evaluate(PHOTOS, spoilt(PHOTOS, USUAL, _as_corners), replicates=0)
    assert [one.kind for one in result.implausible] == ["corners"]
    assert result.notes[0] == result.implausible[0].text
    assert not any("reach outside" in note for note in result.notes)
    document = metrics_document(result)
    assert document["notes"][0] == document["implausible"][0]["text"]
    assert [one["kind"] for one in document["implausible"]] == ["corners"]
