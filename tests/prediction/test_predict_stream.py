"""Boxes are written and drawn while they are found: memory stays level, and an interruption leaves what was there."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from detect.cli import main
from detect.conversion import read_predictions
from detect.models.detector import Picture
from detect.models.nms import MOST, Candidates
from detect.prediction import draw_predictions, predict
from tests.prediction.brightest import Brightest, photo


class Finds(Brightest):
    """Finds the most boxes that there may be in every picture."""

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        left, top = (axis.ravel() * 2.0 for axis in np.meshgrid(np.arange(20), np.arange(MOST // 20)))
        rows = np.stack([left, top, left + 1, top + 1], axis=1)
        return [Candidates(rows, np.linspace(0.9, 0.3, MOST), np.zeros(MOST, np.int64)) for _ in pictures]


class Stops(Brightest):
    """Is interrupted, or fails, at its third look."""

    def __init__(self, how: type[BaseException]) -> None:
        super().__init__()
        self.how = how

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        if len(self.batches) == 2:
            raise self.how
        return super().candidates(pictures, confidence)


def run(detector: Brightest, folder: Path, monkeypatch: pytest.MonkeyPatch, *more: object) -> Result:
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: detector)
    words = ["predict", "run", folder / "photos", "--out", folder / "p.json", *more]
    return CliRunner().invoke(main, [*map(str, words)])


def test_memory_does_not_grow_with_the_photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held until the end, four times the photos take four times the memory: 300 boxes take 250 kB."""
    peaks = []
    for count in (8, 32):
        folder = tmp_path / str(count)
        for number in range(count):
            photo(folder / "photos" / f"{number}.png", size=(40, 30))
        tracemalloc.start()
        answer = run(Finds(), folder, monkeypatch, "--batch", "2")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert answer.exit_code == 0, answer.output
        assert len(json.loads((folder / "p.json").read_bytes())["annotations"]) == count * MOST
    assert peaks[1] < 1.2 * peaks[0]


def test_what_is_written_on_the_way_is_what_predict_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        photo(tmp_path / "photos" / f"{number}.png", 50 * number)
    answer = run(
        Brightest(), tmp_path, monkeypatch, "--batch", "2", "--draw", tmp_path / "drawn", "--confidence", 0.001
    )
    assert answer.exit_code == 0, answer.output
    found = predict(Brightest(), tmp_path / "photos", confidence=0.001)
    assert read_predictions(tmp_path / "p.json") == found
    draw_predictions(found, tmp_path / "photos", tmp_path / "again")
    one, other = ({path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("drawn", "again"))
    assert one == other and len(one) == 5


@pytest.mark.parametrize(("how", "code"), [(KeyboardInterrupt, 130), (MemoryError, 1)])
def test_a_prediction_that_ends_early_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: type[BaseException], code: int
) -> None:
    for number in range(5):
        photo(tmp_path / "photos" / f"{number}.png")
    (tmp_path / "p.json").write_text("old")
    answer = run(Stops(how), tmp_path, monkeypatch, "--batch", "1", "--draw", tmp_path / "drawn")
    assert answer.exit_code == code
    assert (tmp_path / "p.json").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.json", "photos"]


def test_photos_that_cannot_be_read_are_all_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once one is known the rest is only read: a network of hours would be for nothing."""
    for number in range(6):
        photo(tmp_path / "photos" / f"{number}.png", size=(64, 64))
    for number in (2, 4):  # the header is whole
        path = tmp_path / "photos" / f"{number}.png"
        path.write_bytes(path.read_bytes()[:60])
    detector = Brightest()
    answer = run(detector, tmp_path, monkeypatch, "--batch", "1")
    assert answer.exit_code == 1
    assert "2.png" in answer.stderr and "4.png" in answer.stderr
    assert detector.batches == [1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    skipped = run(Brightest(), tmp_path, monkeypatch, "--on-error", "skip")
    assert skipped.exit_code == 0, skipped.output
    assert list(read_predictions(tmp_path / "p.json").images) == ["0.png", "1.png", "3.png", "5.png"]
    assert len((tmp_path / "rejects.jsonl").read_text().splitlines()) == 2
