"""From photos to predictions: what is looked at, what is kept, and what is said of files that are no images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Photo

from detect.cli import main
from detect.conversion import read_predictions, write
from detect.data import Box, Dataset, Image, Predictions
from detect.errors import DataError, Problems
from detect.operating_point import Curve, OperatingPoint, write_point
from detect.prediction import draw_predictions, predict, sources
from tests.prediction.brightest import Brightest, photo


def test_looked_at_and_empty_is_not_absent(tmp_path: Path) -> None:
    images = [photo(tmp_path / "dark.png", 0), photo(tmp_path / "light.png", 255)]
    found = predict(Brightest(), images)
    assert found == Predictions(("light",), {"dark.png": (), "light.png": (Box("light", 0, 0, 20, 10, 1.0),)})


def test_photos_go_in_batches_in_their_order(tmp_path: Path) -> None:
    images = [photo(tmp_path / f"{k}.png", k * 10) for k in range(7)]
    detector = Brightest()
    found = predict(detector, images, batch=3)
    assert detector.batches == [3, 3, 1]
    assert list(found.images) == [image.name for image in images]


def test_no_images_give_no_predictions() -> None:
    assert predict(Brightest(), []) == Predictions(("light",), {})


def test_all_files_that_are_no_images_are_named(tmp_path: Path) -> None:
    images = [photo(tmp_path / f"{k}.png") for k in range(3)]
    (tmp_path / "0.png").write_bytes(b"hello")
    (tmp_path / "2.png").unlink()
    with pytest.raises(DataError) as error:
        predict(Brightest(), images)
    assert "0.png: not an image" in str(error.value)
    assert "2.png: no such file" in str(error.value)
    problems = Problems()
    found = predict(Brightest(), images, on_error="skip", problems=problems)
    assert list(found.images) == ["1.png"]
    assert len(problems) == 2


def test_photos_are_found_in_sub_folders_and_named_by_their_path(tmp_path: Path) -> None:
    photo(tmp_path / "b" / "1.png")
    photo(tmp_path / "a" / "1.PNG")
    (tmp_path / "a" / "notes.txt").write_text("no photo")
    assert [(image.name, image.width, image.height) for image in sources(tmp_path).images] == [
        ("a/1.PNG", 20, 10),
        ("b/1.png", 20, 10),
    ]


def test_sources_takes_a_photo_a_folder_or_annotated_data(tmp_path: Path) -> None:
    one = photo(tmp_path / "plain" / "one.png")
    assert [i.name for i in sources(tmp_path / "plain" / "one.png").images] == ["one.png"]
    assert [i.name for i in sources(tmp_path / "plain").images] == ["one.png"]
    two = photo(tmp_path / "plain" / "two.png")
    box = Box("light", 1, 2, 3, 4)
    images = (
        Image("one.png", 20, 10, (box,), "train", path=one.path),
        Image("two.png", 20, 10, (), "val", path=two.path),
    )
    write(Dataset(("light",), images), tmp_path / "data", "yolo")
    assert [i.name for i in sources(tmp_path / "data").images] == ["one.png", "two.png"]
    assert [i.name for i in sources(tmp_path / "data", "val").images] == ["two.png"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("absent", "no such"),  # a path that is not there
        ("empty", "no photos in it"),  # a folder without photos
        ("notes.txt", "no known annotation format"),  # a file that is neither photo nor annotation
    ],
)
def test_nothing_to_look_at(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=said):
        sources(tmp_path / source)


def test_drawing_shows_sure_boxes_and_keeps_folders(tmp_path: Path) -> None:
    images = [photo(tmp_path / "a.png", 90, (200, 100)), photo(tmp_path / "b.png", 90, (200, 100))]
    found = Predictions(
        ("light",),
        {"a.png": (Box("light", 40, 20, 120, 80, 0.9),), "b.png": (Box("light", 40, 20, 120, 80, 0.1),)},
    )
    draw_predictions(found, images, tmp_path / "drawn", above=0.25)
    drawn = {path.name: np.asarray(Photo.open(path)).astype(int) for path in (tmp_path / "drawn").iterdir()}
    assert set(drawn) == {"a.png.jpg", "b.png.jpg"}
    assert abs(drawn["a.png.jpg"][50, 40] - 90).max() > 50, "an edge of the box"
    assert abs(drawn["b.png.jpg"] - 90).max() < 10, "too weak to show"


def test_drawings_stay_in_their_folder(tmp_path: Path) -> None:
    image = photo(tmp_path / "a.png")
    for name in ("../out.png", str(tmp_path / "out.png")):
        with pytest.raises(DataError, match=r"is absolute|leaves the dataset"):
            draw_predictions(Predictions(("light",), {name: ()}), [image], tmp_path / "deep" / "drawn")
    assert [path.name for path in tmp_path.rglob("*.png")] == ["a.png"]
    assert not (tmp_path / "deep" / "drawn").exists()


def test_the_operating_point_says_what_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores are calibrated, then cut; photos in which nothing is left are still there, as looked at."""
    for k in range(5):
        photo(tmp_path / "photos" / f"{k}.png", 51 * k + 51)  # scores 0.2, 0.4, 0.6, 0.8, 1
    monkeypatch.setattr("detect.models.load_detector", lambda path, **how: Brightest())
    curve = Curve((0.0, 1.0), (0.0, 0.5))
    write_point(OperatingPoint({"light": 0.25}, 0.5, {"light": curve}, "f1", frozenset()), tmp_path / "point.json")
    words = ["predict", "run", str(tmp_path / "photos"), "--out", str(tmp_path / "p.json"), "--json", "-q"]
    answer = CliRunner().invoke(main, [*words, "--point", str(tmp_path / "point.json")])
    assert answer.exit_code == 0, answer.output
    found = read_predictions(tmp_path / "p.json")
    assert {name: [box.score for box in boxes] for name, boxes in found.images.items()} == {
        "0.png": [], "1.png": [], "2.png": [pytest.approx(0.3)], "3.png": [pytest.approx(0.4)], "4.png": [0.5],
    }  # fmt: skip
    loud = CliRunner().invoke(main, [*words[:-1], "--point", str(tmp_path / "point.json")])
    assert "2 of 5 boxes dropped: below the confidence of their class" in loud.stderr
    refused = CliRunner().invoke(main, [*words, "--point", str(tmp_path / "point.json"), "--confidence", "0.1"])
    assert refused.exit_code == 2
    assert "--point excludes --confidence" in refused.stderr
