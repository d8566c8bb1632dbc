"""`detect compare`: the verdict in words, as JSON, and as an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from detect.cli import main
from detect.conversion import write, write_predictions
from detect.data import Box, Dataset, Image, Predictions
from detect.evaluation import compare
from detect.operating_point import OperatingPoint, fingerprint, write_point

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


def chosen(folder: Path, name: str, confidence: float, iou: float = 0.5, seen: int = 0) -> Path:
    """An operating point chosen on the first `seen` of the photos, among others."""
    images = frozenset(fingerprint(Image(photo, 100, 100, (DENT,))) for photo in PHOTOS[:seen])
    point = OperatingPoint({"dent": confidence}, iou, {}, "f1", images | {"another"})
    write_point(point, folder / name)
    return folder / name


def words(result: Result) -> str:
    return " ".join(result.stdout.split())


def test_a_note_warns_where_confidences_were_chosen_on_the_data_compared(folder: Path) -> None:
    files = folder / "truth", folder / "weak.json", folder / "strong.json"
    assert "A and B: The confidences were chosen on this same data" in words(run(*files))
    assert "chosen on" not in words(run(*files, "--confidence", "0.5"))
    notes = json.loads(run(*files, "--json", "-q").stdout)["notes"]
    assert [note["of"] for note in notes if "chosen on" in note["note"]] == ["A and B"]


@pytest.mark.parametrize(
    ("confidences", "recalls"),
    [
        ((0.5,), (0.4, 0.95)),  # one for both
        ((0.95, 0.5), (0.0, 0.95)),  # A's first: its scores of 0.9 do not reach 0.95
        ((0.5, 0.95), (0.4, 0.0)),
    ],
)
def test_points_chosen_elsewhere(
    folder: Path, tmp_path: Path, confidences: tuple[float, ...], recalls: tuple[float, float]
) -> None:
    points = [chosen(tmp_path, f"{place}.json", one) for place, one in enumerate(confidences)]
    options = [word for point in points for word in ("--point", point)]
    answer = run(folder / "truth", folder / "weak.json", folder / "strong.json", *options, "--json", "-q")
    value = json.loads(answer.stdout)
    row = next(row for row in value["differences"] if row["name"] == "recall")
    assert (row["a"], row["b"]) == pytest.approx(recalls)
    assert not any("chosen on" in note["note"] for note in value["notes"])


def test_a_point_that_saw_some_of_the_data_warns_of_its_side(folder: Path, tmp_path: Path) -> None:
    files = folder / "truth", folder / "weak.json", folder / "strong.json"
    points = "--point", chosen(tmp_path, "a.json", 0.5), "--point", chosen(tmp_path, "b.json", 0.5, seen=10)
    assert "B: The confidences were chosen on 10 of these 40 images" in words(run(*files, *points))
    notes = json.loads(run(*files, *points, "--json", "-q").stdout)["notes"]
    assert [note["of"] for note in notes if "chosen on" in note["note"]] == ["B"]


@pytest.mark.parametrize(
    ("ious", "options", "code", "message"),
    [
        ((0.5, 0.6), (), 1, "the operating points have IoU 0.5 and 0.6: give one for both (--iou)"),
        ((0.5, 0.6), ("--iou", "0.5"), 0, ""),
        ((0.5,), ("--confidence", "0.5"), 2, "--point excludes --confidence"),
        ((0.5, 0.5, 0.5), (), 2, "once for both, or twice"),
    ],
)
def test_points_that_do_not_go_together(
    folder: Path, tmp_path: Path, ious: tuple[float, ...], options: tuple[str, ...], code: int, message: str
) -> None:
    points = [chosen(tmp_path, f"{place}.json", 0.5, iou) for place, iou in enumerate(ious)]
    given = [word for point in points for word in ("--point", point)]
    answer = run(folder / "truth", folder / "weak.json", folder / "strong.json", *given, *options)
    assert answer.exit_code == code, answer.output
    assert message in answer.stderr


def test_every_note_of_both_sides_is_printed(folder: Path, tmp_path: Path) -> None:
    """A names a class that the data has not, B lacks photos: each note with its side, what is left out for both."""
    a = Predictions(("dent", "rust"), {n: (Box("rust", 0, 0, 9, 9, 0.5),) for n in PHOTOS})
    b = Predictions(("dent",), {n: found(0.9).images[n] for n in PHOTOS[:30]})
    write_predictions(a, tmp_path / "a.json")
    write_predictions(b, tmp_path / "b.json")
    files = folder / "truth", tmp_path / "a.json", tmp_path / "b.json"
    options = "--confidence", "0.5", "--missing"
    empty = words(run(*files, *options, "empty"))
    assert "A: Predicted 1 class that the data does not have: 'rust'" in empty
    assert "B: 10 images are not in the predictions: counted as looked at" in empty
    assert "A: There are no detections" in empty
    ignored = words(run(*files, *options, "ignore"))
    assert (
        "A and B: 10 images are not in the predictions of both: left out; the metrics hold for the other 30" in ignored
    )


def test_rounding_is_no_difference() -> None:
    """The scores differ in their last bit, the calibration error does, too, and nothing is better or worse."""
    rng = np.random.default_rng(0)
    scores = rng.random(len(PHOTOS))
    truth = Dataset(("dent",), tuple(Image(name, 100, 100, (DENT,)) for name in PHOTOS))
    a = Predictions(("dent",), {n: (DENT._replace(score=s),) for n, s in zip(PHOTOS, scores, strict=True)})
    nudged = {n: (DENT._replace(score=s * (1 + 1e-15)),) for n, s in zip(PHOTOS, scores, strict=True)}
    result = compare(truth, a, Predictions(("dent",), nudged), replicates=100, confidence=0.0)
    assert {(one.verdict, one.needed) for one in result.differences} == {("cannot tell", None)}


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
