"""The scripts of docs/library.md run one after another, as they stand there, and do what they are there for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Photo

import detect

PAGE = Path(__file__).resolve().parents[1] / "docs" / "library.md"
SCRIPTS = dict(re.findall(r"^## (.+?)\n+```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What each script leaves behind by its heading: its variables; and all of them the folder that is current."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("library"))
        left: dict[str, dict[str, Any]] = {}
        for heading, script in SCRIPTS.items():
            left[heading] = {"__name__": heading}
            exec(compile(script, f"{PAGE.name}: {heading}", "exec"), left[heading])  # noqa: S102
        yield left


def test_the_scripts_are_six_and_short() -> None:
    assert len(SCRIPTS) == 6
    assert {heading for heading, script in SCRIPTS.items() if len(script.splitlines()) > 18} == set()
    assert PAGE.read_text("utf-8").count("```python") == 6


def test_from_cvat_to_yolo(ran: dict[str, dict[str, Any]]) -> None:
    parts = ran["From CVAT to YOLO"]["parts"]
    again = detect.read("data")
    assert parts.splits == again.splits == ("train", "val", "test")
    assert (len(again), again.boxes) == (48, parts.boxes) and again.boxes > 0
    assert Path("data/data.yaml").is_file()


def test_the_callback_ends_the_training(ran: dict[str, dict[str, Any]]) -> None:
    run = ran["A training that a callback stops"]["run"]
    assert 1 <= len(run.epochs) < 100
    assert Path("runs/first/weights/best.pt").is_file() and isinstance(run.verdict, str)


def test_predict_in_memory(ran: dict[str, dict[str, Any]]) -> None:
    script = ran["Predict in memory"]
    assert list(script["found"].images) == ["picture-0", "picture-1"]
    pictures = [script["picture"], Photo.fromarray(script["picture"])]
    array, image = detect.predict(script["detector"], pictures, confidence=0).images.values()  # hardly trained
    assert array == image and array


def test_evaluate_in_memory(ran: dict[str, dict[str, Any]]) -> None:
    result = ran["Evaluate predictions held in memory"]["result"]
    dataset = ran["Evaluate predictions held in memory"]["dataset"]
    assert result.outcomes.overall.false_positives == result.outcomes.overall.misses
    assert result.outcomes.overall.true_positives > 0.8 * dataset.boxes
    assert Path("report/report.html").is_file()


def test_compare(ran: dict[str, dict[str, Any]]) -> None:
    comparison = ran["Compare two models"]["comparison"]
    assert comparison.of("map50") is ran["Compare two models"]["difference"]
    assert comparison.units == len(ran["Compare two models"]["dataset"])


def test_draw(ran: dict[str, dict[str, Any]]) -> None:
    image = ran["Draw"]["image"]
    with Photo.open("drawn.png") as drawn:
        assert drawn.size == (image.width, image.height)
