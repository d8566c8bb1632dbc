"""The operating point as a file and applied to predictions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detect.data import Box, Image, Predictions
from detect.errors import ConfigError, DataError
from detect.operating_point import Curve, OperatingPoint, Temperature, fingerprint, read_point, write_point

CURVE = Curve((0.0, 0.5, 1.0), (0.0, 0.2, 0.9))
POINT = OperatingPoint(
    {"dent": 0.3, "scratch": 0.6}, 0.5, {"dent": CURVE, "scratch": Temperature(2.0)}, "f1", frozenset({"ab", "cd"})
)
PLAIN = replace(POINT, calibration={})
FOUND = Predictions(
    ("dent", "scratch"),
    {
        "a.jpg": (Box("dent", 0, 0, 9, 9, 0.5), Box("dent", 0, 0, 9, 9, 0.75), Box("scratch", 0, 0, 9, 9, 0.9)),
        "b.jpg": (),
    },
)


@pytest.mark.parametrize("point", [POINT, PLAIN], ids=["calibrated", "plain"])
def test_what_is_written_is_read(point: OperatingPoint, tmp_path: Path) -> None:
    write_point(point, tmp_path / "point.json")
    assert read_point(tmp_path / "point.json") == point


def test_curves_and_temperatures() -> None:
    np.testing.assert_allclose(CURVE.apply(np.array([0.0, 0.25, 0.75, 1.0])), [0, 0.1, 0.55, 0.9])
    np.testing.assert_allclose(Temperature(1.0).apply(np.array([0.2, 0.9])), [0.2, 0.9])
    np.testing.assert_allclose(Temperature(2.0).apply(np.array([0.9, 0.1])), [0.75, 0.25], atol=1e-6)  # odds 9: 3
    assert 0 < Temperature(2.0).apply(np.array([0.0]))[0] < Temperature(2.0).apply(np.array([1.0]))[0] < 1
    assert len(CURVE.apply(np.empty(0))) == len(Temperature(2.0).apply(np.empty(0))) == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("temperature", [1e-300, 0.05, 1.0, 20.0])
def test_no_temperature_makes_two_scores_equal(temperature: float) -> None:
    """Even at the ends, where probabilities saturate: detectors give float32 scores."""
    score = np.array([0, 1e-9, 1e-7, 0.3, 0.5, 0.99, 0.999999, 1 - 2**-22, 1 - 2**-23, 1 - 2**-24, 1])
    scaled = Temperature(temperature).apply(score)
    assert (np.diff(scaled) > 0).all()
    assert scaled.min() >= 0
    assert scaled.max() <= 1


def test_scores_are_calibrated_before_they_are_cut() -> None:
    kept = POINT.apply(FOUND)
    assert kept.images["b.jpg"] == ()  # looked at, and nothing found: still there
    assert [(box.label, round(box.score or 0, 6)) for box in kept.images["a.jpg"]] == [
        ("dent", 0.55),
        ("scratch", 0.75),
    ]
    assert [box.score for box in PLAIN.apply(FOUND).images["a.jpg"]] == [0.5, 0.75, 0.9]
    assert len(POINT.calibrated(FOUND).images["a.jpg"]) == 3
    assert PLAIN.calibrated(FOUND) == FOUND


def test_a_score_exactly_at_the_confidence_counts() -> None:
    point = replace(PLAIN, confidence={"dent": 0.5, "scratch": 0.91})
    assert [box.score for box in point.apply(FOUND).images["a.jpg"]] == [0.5, 0.75]


def test_a_class_that_it_does_not_know_is_refused() -> None:
    other = Predictions(("dent", "crack"), {"a.jpg": (Box("crack", 0, 0, 9, 9, 0.9),)})
    with pytest.raises(ConfigError, match="has no crack; it was chosen for dent, scratch"):
        POINT.apply(other)
    unused = Predictions(("dent", "crack"), {"a.jpg": (Box("dent", 0, 0, 9, 9, 0.9),)})
    assert len(POINT.apply(unused).images["a.jpg"]) == 1


def test_a_fingerprint_tells_images_apart() -> None:
    image = Image("a.jpg", 100, 80, (Box("dent", 1, 2, 3, 4),))
    assert fingerprint(image) == fingerprint(replace(image, path=Path("elsewhere"), split="val"))
    others = [
        replace(image, name="b.jpg"),
        replace(image, width=101),
        replace(image, boxes=()),
        replace(image, boxes=(Box("dent", 1, 2, 3, 4.2),)),
        replace(image, boxes=(Box("scratch", 1, 2, 3, 4),)),
    ]
    assert len({fingerprint(i) for i in (image, *others)}) == 6
    assert len(fingerprint(Image("\udcff.jpg", 1, 1))) == 16  # a name that is no text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"schema": "other"}, "is no operating point", id="another file"),
        pytest.param({"version": 2}, "is of version 2", id="a later version"),
        pytest.param({"iou": "much"}, "iou: expected a number in 0..1, got 'much'", id="text"),
        pytest.param({"iou": True}, "iou: expected a number", id="yes is no number"),
        pytest.param(
            {"confidence": {"dent": 1.5}}, "confidence: dent: expected a number in 0..1, got 1.5", id="above 1"
        ),
        pytest.param({"confidence": [0.5]}, "confidence: expected an object", id="a list"),
        pytest.param(
            {"calibration": {"dent": {"temperature": 0}}}, "calibration: dent: expected a temperature", id="0"
        ),
        pytest.param(
            {"calibration": {"dent": {"score": [0, 1], "probability": [0.9, 0.1]}}}, "that never fall", id="falling"
        ),
        pytest.param(
            {"calibration": {"dent": {"score": [0, 0], "probability": [0, 1]}}}, "rising scores", id="not rising"
        ),
        pytest.param({"calibration": {"dent": {"temperature": 2}}}, "calibration: lacks the class 'scratch'", id="gap"),
        pytest.param({"images": "all"}, "images: expected a list", id="images"),
    ],
)
def test_a_broken_file_is_explained(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    write_point(POINT, tmp_path / "point.json")
    document = json.loads((tmp_path / "point.json").read_text(encoding="utf-8")) | change
    (tmp_path / "point.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_point(tmp_path / "point.json")
    assert "point.json" in str(error.value)
    assert message in str(error.value)


def test_all_mistakes_at_once_and_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "point.json"
    path.write_text(
        json.dumps({"schema": "damage-detect operating point", "version": 1, "iou": 2, "confidence": {"a": 3}})
    )
    with pytest.raises(DataError) as error:
        read_point(path)
    assert len(error.value.problems) == 2
    path.write_text("{")
    with pytest.raises(DataError, match="is no JSON"):
        read_point(path)
    path.write_text("[]")
    with pytest.raises(DataError, match="is no operating point"):
        read_point(path)
    with pytest.raises(DataError, match="No such file"):
        read_point(tmp_path / "absent.json")
