"""What a reader of the report sees first: the result in a sentence, what it is of, and every mistake in a list."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Pictures

from detect.cli import main
from detect.conversion import write, write_predictions
from detect.data import Box, Dataset, Image, Predictions
from detect.evaluation import Evaluation, Provenance, evaluate, metrics_document, write_report
from detect.evaluation.mistake_list import COLUMNS, as_csv, mistake_list
from detect.evaluation.outcomes import by_true_class
from detect.evaluation.photo_links import photo_links
from detect.evaluation.provenance import about_rows
from detect.evaluation.remarks import Finding
from detect.evaluation.summary import summary
from detect.version import __version__
from tests.evaluation.random_sets import random_set

DENT, ELSEWHERE = Box("dent", 10, 10, 50, 50), Box("dent", 60, 60, 90, 90)


def measured(photos: int, found: int, alarms: int, *, truths: int | None = None, replicates: int = 0) -> Evaluation:
    """A dent in each of the first `truths` photos, found in the first `found`, and alarms in the first `alarms`."""
    names = [f"{n:04d}.jpg" for n in range(photos)]
    held = photos if truths is None else truths
    images = tuple(Image(name, 100, 100, (DENT,) if n < held else ()) for n, name in enumerate(names))
    boxes = {
        name: (
            *((DENT._replace(score=0.9),) if n < found else ()),
            *((ELSEWHERE._replace(score=0.8),) if n < alarms else ()),
        )
        for n, name in enumerate(names)
    }
    return evaluate(Dataset(("dent",), images), Predictions(("dent",), boxes), confidence=0.5, replicates=replicates)


@pytest.mark.parametrize(
    ("photos", "truths", "found", "alarms", "places", "raised"),
    [
        (100, None, 82, 9, "finds about 82", "in 100 photos it raises about 9 false alarms"),
        (50, None, 41, 1, "finds about 82", "in 100 photos it raises about 2 false alarms"),
        # nearly all is not all, nearly none not none
        (300, None, 299, 1, "finds more than 99", "in 100 photos it raises fewer than 1 false alarm"),
        (300, None, 1, 0, "finds fewer than 1", "in 300 photos it raises no false alarm"),
        (100, None, 100, 1, "finds all", "in 100 photos it raises about 1 false alarm"),
        (100, None, 0, 0, "finds none", "in 100 photos it raises no false alarm"),
        # few boxes are counted: 2 of 3 is no 67 of 100
        (3, None, 2, 0, "The model finds 2 of 3 damaged places", "in 3 photos it raises no false alarm"),
        (1, None, 0, 1, "The model finds 0 of 1 damaged place", "in 100 photos it raises about 100 false alarms"),
        (10, 0, 0, 5, "There is no damage in these photos to find", "in 100 photos it raises about 50 false alarms"),
    ],
)
def test_the_result_in_a_sentence(
    photos: int, truths: int | None, found: int, alarms: int, places: str, raised: str
) -> None:
    opening = "Of 100 damaged places the model " if places.startswith("finds") else ""
    assert summary(measured(photos, found, alarms, truths=truths)) == f"{opening}{places}, and {raised}."


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [("corners", True), ("classes exchanged", True), ("scores cut", False), ("photos without rows", False)],
)
def test_the_sentence_does_not_state_what_cannot_be_right(kind: str, wrong: bool) -> None:
    """But what lacks some of the predictions, or an order among them, leaves the others as they are."""
    result = replace(measured(100, 82, 9), implausible=(Finding(kind, "A note."),))
    opening = "The predictions look wrong, as a note says, and then these numbers mean nothing: of 100 damaged places"
    assert summary(result).startswith(
        f"{opening} the model finds" if wrong else "Of 100 damaged places the model finds"
    )


def test_nothing_measured_is_said() -> None:
    assert summary(measured(0, 0, 0)) == "There are no photos to measure on."


def test_the_sentence_says_how_far_its_numbers_are_known() -> None:
    result = measured(100, 82, 9, replicates=400)
    (low, high), (least, most) = result.intervals["recall"], result.intervals["false_alarms_per_image"]
    numbers = [int(n) for n in re.findall(r"between (\d+) and (\d+)", summary(result)) for n in n]
    assert numbers == [int(100 * low), -int(-100 * high // 1), int(100 * least), -int(-100 * most // 1)]
    assert 70 < numbers[0] < 82 < numbers[1] < 92  # 82 +- 2 x 3.8
    few = summary(measured(3, 3, 0, replicates=400))
    assert few.startswith("The model finds 3 of 3 damaged places (of 100 it would find between 29 and 100)")


def test_the_sentence_says_that_confidences_were_chosen_on_the_same_photos() -> None:
    dataset, predictions = random_set(
        seed=4, images=10, classes=2, truths=5, found=2, noise=3, levels=10, flags=0.0, digits=1
    )
    chosen = evaluate(dataset, predictions, replicates=0)
    assert summary(chosen).endswith("; on new photos it will do worse, since the confidences were chosen on these.")
    assert metrics_document(chosen)["summary"] == summary(chosen)
    assert "do worse" not in summary(evaluate(dataset, predictions, confidence=0.5, replicates=0))


def test_what_is_measured_is_named_without_paths_of_the_machine(tmp_path: Path) -> None:
    named = Provenance.of(tmp_path / "neu", "test", Path("runs/a/test.json"), tmp_path / "secret" / "best.pt")
    assert named == Provenance("neu", "test", "runs/a/test.json", "best.pt")
    rows = dict(about_rows(Provenance.of(Path("neu"))))
    assert (rows["data"], rows["split"], rows["model"]) == ("neu", "all", "not named")
    assert (rows["predictions"], dict(about_rows(Provenance()))["split"]) == ("not named", "not named")
    made = dict(about_rows(Provenance.of(Path("neu"), "val", None, Path("runs/first"))))
    assert (made["predictions"], made["model"]) == ("made by the model now", "runs/first")
    assert (rows["date"], rows["version"]) == (date.today().isoformat(), f"damage-detect {__version__}")


def test_the_command_names_what_it_measured(tmp_path: Path) -> None:
    images = []
    for split in ("val", "test"):
        Pictures.new("RGB", (100, 100)).save(tmp_path / f"{split}.png")
        images.append(Image(f"{split}.png", 100, 100, (DENT,), split, path=tmp_path / f"{split}.png"))
    write(Dataset(("dent",), tuple(images)), tmp_path / "neu", "coco")
    write_predictions(Predictions(("dent",), {"test.png": ()}), tmp_path / "test.json")
    words = ["evaluate", str(tmp_path / "neu"), str(tmp_path / "test.json"), "--split", "test", "--json", "-q"]
    answer = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "report")])
    assert answer.exit_code == 0, answer.output
    known = {"data": "neu", "split": "test", "predictions": "test.json", "model": None}
    known |= {"date": date.today().isoformat(), "version": __version__}
    assert json.loads(answer.stdout)["provenance"] == known
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert all(f"<dt>{name}</dt><dd>{known[name]}</dd>" in page for name in ("data", "split", "predictions", "date"))
    assert json.loads(answer.stdout)["summary"] in page
    for file in ("report.html", "metrics.json", "metrics.md", "mistakes.csv"):
        assert str(tmp_path) not in (tmp_path / "report" / file).read_text(encoding="utf-8")


def mistakes(result: Evaluation, links: dict[str, str] | None = None) -> list[dict[str, str]]:
    return list(csv.DictReader(as_csv(mistake_list(result.outcomes, links or {})).splitlines()))


def test_every_mistake_has_a_row() -> None:
    """A wrong class, a poor box, a duplicate, a background and an overlooked box, with the true box of each."""
    scratch = Box("scratch", 60, 60, 90, 90)
    images = (
        Image("b, 1.jpg", 100, 100, (DENT, scratch)),
        Image("a.jpg", 100, 100, (DENT,)),
        Image("c.jpg", 100, 100, (DENT,)),
    )
    found = {
        "b, 1.jpg": (
            DENT._replace(score=0.9),
            DENT._replace(x1=12, score=0.8),
            scratch._replace(label="dent", score=0.95),
        ),
        "a.jpg": (Box("dent", 10, 10, 50, 30, 0.7), Box("dent", 70, 70, 80, 80, 0.71234567)),
        "c.jpg": (),
    }
    result = evaluate(
        Dataset(("dent", "scratch"), images), Predictions(("dent", "scratch"), found), confidence=0.5, iou=0.6
    )
    rows = mistakes(result, {"a.jpg": "../a.jpg"})
    shown = [
        (row["image"], row["mistake"], row["class"], row["confidence"], row["true_class"], row["iou"], row["missed"])
        for row in rows
    ]
    assert shown == [
        ("b, 1.jpg", "wrong_class", "dent", "0.95", "scratch", "1.0", "yes"),
        ("b, 1.jpg", "duplicate", "dent", "0.8", "dent", "0.95", "no"),
        ("a.jpg", "background", "dent", "0.7123", "", "", ""),
        ("a.jpg", "poor_box", "dent", "0.7", "dent", "0.5", "yes"),
        ("c.jpg", "overlooked", "", "", "dent", "", "yes"),
    ]
    assert [rows[3][name] for name in ("x1", "y1", "x2", "y2")] == ["10.0", "10.0", "50.0", "30.0"]
    assert [rows[4][f"true_{name}"] for name in ("x1", "y1", "x2", "y2")] == ["10.0", "10.0", "50.0", "50.0"]
    assert [row["photo"] for row in rows] == ["", "", "../a.jpg", "../a.jpg", ""]


@pytest.mark.parametrize("seed", range(4))
def test_the_list_agrees_with_the_counts(seed: int) -> None:
    """As many rows of each kind as the report counts; each missed box is in it."""
    dataset, predictions = random_set(
        seed=seed, images=12, classes=3, truths=6, found=2, noise=3, levels=10, flags=0.2, digits=1
    )
    result = evaluate(dataset, predictions, confidence=0.3, replicates=0)
    rows = mistakes(result)
    counted = {row["mistake"]: row["count"] for row in metrics_document(result)["mistakes"] if "count" in row}
    assert Counter(row["mistake"] for row in rows) == {kind: n for kind, n in counted.items() if n}
    missed = {tuple(row[key] for key in ("image", *COLUMNS[8:13])) for row in rows if row["missed"] == "yes"}
    true = result.table.truths
    boxes = {
        (dataset.images[true.image[g]].name, dataset.classes[true.label[g]], *(str(round(v, 2)) for v in edges))
        for g, edges in enumerate(true.xyxy.tolist())
        if result.outcomes.missed[g]
    }
    assert missed == boxes


def test_no_mistakes_make_a_list_of_headings() -> None:
    assert as_csv(mistake_list(measured(2, 2, 0).outcomes, {})) == ",".join(COLUMNS) + "\r\n"


def photo(path: Path) -> Image:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return Image(path.name, 10, 10, path=path)


def test_photos_are_linked_where_they_lie_beside_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, home, temporary = tmp_path / "homes/me/project", tmp_path / "homes/me", tmp_path / "homes/me/tmp"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    images = [
        photo(project / "data/a b#1.jpg"),  # in the project
        photo(home / "photos/b.jpg"),  # below the same home
        photo(tmp_path / "homes/other/c.jpg"),  # of another user: the link would hold a name
        photo(tmp_path / "d.jpg"),  # above the homes
        photo(temporary / "damage-detect-x7-photos/e.jpg"),  # unpacked for this run, and soon gone
        Image("gone.jpg", 10, 10, path=project / "gone.jpg"),
        Image("none.jpg", 10, 10),
    ]
    found = photo_links(images, project / "runs/report")
    assert found == {"a b#1.jpg": "../../data/a b#1.jpg", "b.jpg": "../../../photos/b.jpg"}
    monkeypatch.chdir(project)
    assert photo_links(images[:1], Path("report")) == {"a b#1.jpg": "../data/a b#1.jpg"}


def test_links_in_the_page_lead_to_the_photos(tmp_path: Path) -> None:
    name = "50 % #1.jpg"
    Pictures.new("RGB", (100, 100)).save(tmp_path / name)
    dataset = Dataset(("dent",), (Image(name, 100, 100, (DENT,), path=tmp_path / name),))
    write_report(evaluate(dataset, Predictions(("dent",), {name: ()})), dataset, tmp_path / "report")
    page = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    assert 'href="../50%20%25%20%231.jpg"' in page
    (row,) = csv.DictReader((tmp_path / "report/mistakes.csv").read_text(encoding="utf-8").splitlines())
    assert (tmp_path / "report" / row["photo"]).resolve() == tmp_path / name


def test_the_confusion_matrix_by_true_class() -> None:
    """Of four dents two are found, one is taken for a scratch and one for nothing; rust has no true boxes."""
    names = [f"{n}.jpg" for n in range(4)]
    found = (DENT._replace(score=0.9), DENT._replace(score=0.9), DENT._replace(label="scratch", score=0.9))
    dataset = Dataset(("dent", "scratch", "rust"), tuple(Image(name, 100, 100, (DENT,)) for name in names))
    boxes = {name: (found[n],) if n < 3 else () for n, name in enumerate(names)}
    result = evaluate(dataset, Predictions(dataset.classes, boxes), confidence=0.5, replicates=0)
    np.testing.assert_array_equal(by_true_class(result.outcomes)[0], [0.5, 0.25, 0, 0.25])
    assert metrics_document(result)["confusion"]["by_true_class"] == [[0.5, 0.25, 0, 0.25], [None] * 4, [None] * 4]


def test_each_class_has_its_curves_over_the_confidence() -> None:
    dataset, predictions = random_set(
        seed=1, images=12, classes=3, truths=6, found=2, noise=3, levels=10, flags=0.0, digits=1
    )
    result = evaluate(dataset, predictions, confidence=0.3, replicates=0)
    curves = metrics_document(result)["curves"]["over_confidence"]
    assert list(curves["classes"]) == list(dataset.classes)
    for made, (name, rates) in zip(result.outcomes.classes, curves["classes"].items(), strict=True):
        ours = tuple(rates[key][30] for key in ("precision", "recall", "f1"))  # at confidence 0.30
        assert [v if v is not None else np.nan for v in ours] == pytest.approx(
            [made.precision, made.recall, made.f1], abs=1e-6, nan_ok=True
        ), name
