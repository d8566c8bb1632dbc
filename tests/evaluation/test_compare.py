"""`detect compare`: the verdict in words, as JSON, and as an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from detect.cli import main
from detect.conversion import write
from detect.conversion.predictions import write_predictions
from detect.data import Box, Dataset, Image, Predictions
from detect.evaluation import compare

DENT = Box("dent", 10, 10, 50, 50)
PHOTOS = [f"{number:02d}.jpg" for number in range(40)]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, words)])


def found(share: float) -> Predictions:
    """A model that finds this share of the dents, always the same ones first."""
    hits = round(share * len(PHOTOS))
    return Predictions(("dent",), {n: (DENT._replace(score=0.9),) if k < hits else () for k, n in enumerate(PHOTOS)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data as COCO, and predictions of a weak, a middling and a strong model."""
    folder = tmp_path_factory.mktemp("compare")
    images = [Image(name, 100, 100, (DENT,), "test" if k % 2 else "val") for k, name in enumerate(PHOTOS)]
    write(Dataset(("dent",), tuple(images)), folder / "truth", "coco")
    for name, share in (("weak", 0.4), ("same", 0.45), ("strong", 0.95)):
        write_predictions(found(share), folder / f"{name}.json")
    return folder


def test_a_comparison_is_one_readable_line() -> None:
    truth = Dataset(("dent",), tuple(Image(name, 100, 100, (DENT,)) for name in PHOTOS))
    line = repr(compare(truth, found(0.4), found(0.95), replicates=100))
    assert line.startswith("Comparison(40 images, B beside A: map +0.5") and "better" in line
    assert "\n" not in line and len(line) < 250


def test_a_better_model_is_called_better(folder: Path) -> None:
    answer = run(folder / "truth", folder / "weak.json", folder / "strong.json")
    assert answer.exit_code == 0, answer.output
    assert "By map, B is better than A: +0.5" in answer.stdout
    assert "of twenty, one shows better or worse by chance alone" in " ".join(answer.stdout.split())


def test_json_holds_every_difference(folder: Path) -> None:
    answer = run(folder / "truth", folder / "weak.json", folder / "strong.json", "--json", "-q", "--metric", "recall")
    value = json.loads(answer.stdout)
    assert (value["schema"], value["version"]) == ("damage-detect comparison", 1)
    assert (value["metric"], value["verdict"], value["images"], value["unit"]) == ("recall", "better", 40, "images")
    rows = {row["name"]: row for row in value["differences"]}
    assert rows["recall"]["difference"] == pytest.approx(0.55)
    assert rows["recall"]["low"] < 0.55 < rows["recall"]["high"]
    assert rows["image_specificity"]["difference"] is None  # there are no undamaged photos
    assert {"map", "map50", "precision", "f1", "dent.ap50", "dent.recall"} <= set(rows)


def test_nobody_can_tell_a_small_difference_and_the_photos_needed_are_named(folder: Path) -> None:
    answer = run(folder / "truth", folder / "weak.json", folder / "same.json", "--json", "-q", "--metric", "recall")
    value = json.loads(answer.stdout)
    assert value["verdict"] == "cannot tell"
    row = next(row for row in value["differences"] if row["name"] == "recall")
    # 2 of 40 photos differ: spread of the difference sqrt(0.05 x 0.95 / 40); (2.8016 x spread / 0.05)^2 x 40 photos
    assert row["needed"] == pytest.approx(2.8016**2 * 0.05 * 0.95 / 0.05**2, rel=0.15)
    words = " ".join(
        run(folder / "truth", folder / "weak.json", folder / "same.json", "--metric", "recall").stdout.split()
    )
    assert "By recall, cannot tell with 40 images: +0.050. If that difference is real, about" in words


def test_a_model_beside_itself(folder: Path) -> None:
    answer = run(folder / "truth", folder / "weak.json", folder / "weak.json")
    assert answer.exit_code == 0
    assert "By map, A and B do not differ: cannot tell which is better, with 40 images." in " ".join(
        answer.stdout.split()
    )


def test_worse_can_stop_a_release(folder: Path) -> None:
    files = folder / "truth", folder / "strong.json", folder / "weak.json"
    assert run(*files).exit_code == 0
    stopped = run(*files, "--fail-if-worse", "--metric", "map50")
    assert stopped.exit_code == 3
    assert "B is worse than A" in stopped.stdout
    assert run(folder / "truth", folder / "weak.json", folder / "same.json", "--fail-if-worse").exit_code == 0


def test_a_split_and_claims(folder: Path) -> None:
    options = "--json", "-q", "--split", "test", "--group", r"^(\d)"
    value = json.loads(run(folder / "truth", folder / "weak.json", folder / "strong.json", *options).stdout)
    assert (value["images"], value["unit"], value["units"]) == (20, "groups", 4)
    assert all(row["verdict"] == "cannot tell" for row in value["differences"])  # four claims tell nothing


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--metric", "map51"), 2, "there is no metric 'map51'"),
        (("--resamples", "10"), 2, "at least 100 resamples"),
        (("--group", "("), 2, "no regular expression"),
        (("--confidence", "0.5", "--choose", "f1"), 2, "exclude each other"),
        (("--iou", "1.5"), 2, "expected overlaps"),
    ],
)
def test_mistakes_are_explained(folder: Path, options: tuple[str, ...], code: int, message: str) -> None:
    answer = run(folder / "truth", folder / "weak.json", folder / "strong.json", *options)
    assert answer.exit_code == code
    assert message in answer.stderr
    assert "Traceback" not in answer.output


def test_images_that_one_model_has_not_seen(folder: Path, tmp_path: Path) -> None:
    part = Predictions(("dent",), {n: found(0.4).images[n] for n in PHOTOS[:30]})
    write_predictions(part, tmp_path / "part.json")
    answer = run(folder / "truth", folder / "strong.json", tmp_path / "part.json")
    assert answer.exit_code == 1
    assert "10 of the data's 40 images are not in them" in answer.stderr
    ignored = run(
        folder / "truth", folder / "strong.json", tmp_path / "part.json", "--missing", "ignore", "--json", "-q"
    )
    assert json.loads(ignored.stdout)["images"] == 30
    assert np.isfinite(json.loads(ignored.stdout)["differences"][0]["difference"])
