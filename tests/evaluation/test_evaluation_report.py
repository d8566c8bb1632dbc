"""The report: three files, whole or not at all, that stand alone and say what went wrong."""

from __future__ import annotations

import base64
import io
import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures

from detect.data import Box, Dataset, Image, Predictions
from detect.errors import DetectError
from detect.evaluation import Evaluation, evaluate, metrics_document, write_report
from detect.evaluation.tables import show
from detect.evaluation.worst_images import what_is_wrong, worst

EVIL = '<script>alert("1")</script>'
DENT, SCRATCH = Box("dent", 20, 20, 60, 60), Box("scratch", 70, 20, 90, 80)


def sample(folder: Path) -> tuple[Dataset, Predictions]:
    """Four images: all right, two mistakes, three mistakes, and one whose photo is gone."""
    truths = {"right.jpg": (DENT,), "two.jpg": (DENT, SCRATCH), "three.jpg": (DENT, DENT, SCRATCH), "gone.jpg": (DENT,)}
    found = {
        "right.jpg": (DENT._replace(score=0.9),),
        "two.jpg": (SCRATCH._replace(label="dent", score=0.8), Box("scratch", 2, 2, 12, 12, 0.7)),
        "three.jpg": (),
        "gone.jpg": (DENT._replace(score=0.9), DENT._replace(score=0.6)),
    }
    images = []
    for name, boxes in truths.items():
        if name != "gone.jpg":
            Pictures.new("RGB", (100, 100), (90, 120, 150)).save(folder / name)
        images.append(Image(name, 100, 100, boxes, path=folder / name))
    classes = ("dent", "scratch", EVIL)
    return Dataset(classes, tuple(images)), Predictions(classes, found)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Evaluation]:
    folder = tmp_path_factory.mktemp("report")
    dataset, predictions = sample(folder)
    evaluation = evaluate(dataset, predictions, confidence=0.5)
    write_report(evaluation, dataset, folder / "out")
    return folder / "out", evaluation


def test_five_files_and_nothing_else(report: tuple[Path, Evaluation]) -> None:
    out, _ = report
    files = ["metrics.json", "metrics.md", "mistakes.csv", "point.json", "report.html"]
    assert sorted(p.name for p in out.iterdir()) == files
    assert sorted(p.name for p in out.parent.iterdir()) == ["out", "right.jpg", "three.jpg", "two.jpg"]


def test_metrics_json_is_plain_json(report: tuple[Path, Evaluation]) -> None:
    out, evaluation = report
    assert json.loads((out / "metrics.json").read_bytes()) == metrics_document(evaluation)


def test_the_page_needs_nothing_from_outside(report: tuple[Path, Evaluation]) -> None:
    page = (report[0] / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|iframe|object|embed)\b|@import", page) == []
    sources = re.findall(r'\bsrc="([^"]{0,30})', page)
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    references = re.findall(r'href="([^"]*)"|url\(([^)]*)\)', page)
    outside = {a or b for a, b in references if not (a or b).startswith("#")}
    assert outside == {"mistakes.csv", "metrics.json", "../two.jpg", "../three.jpg"}  # the photos that lie beside it


def test_names_are_escaped_everywhere(report: tuple[Path, Evaluation]) -> None:
    out, _ = report
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert EVIL in unescape(page).replace("<wbr>", "")
    assert not re.search(r"(?<!\\)<", (out / "metrics.md").read_text(encoding="utf-8"))


def test_ids_stand_once(report: tuple[Path, Evaluation]) -> None:
    page = (report[0] / "report.html").read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert ids
    assert len(ids) == len(set(ids))


def test_an_evaluation_is_one_readable_line(report: tuple[Path, Evaluation]) -> None:
    line = repr(report[1])
    values = " ".join(f"{name}={report[1].values[name]:.3f}" for name in ("map", "map50", "precision", "recall", "f1"))
    assert re.fullmatch(rf"Evaluation\(\d+ images, \d+ classes: {values}\)", line)


def test_the_same_metrics_in_all_three(report: tuple[Path, Evaluation]) -> None:
    out, evaluation = report
    overall = evaluation.outcomes.overall
    for name in ("report.html", "metrics.md"):
        text = (out / name).read_text(encoding="utf-8")
        for value in (evaluation.metrics["map"], evaluation.metrics["map50"], overall.precision, overall.recall):
            assert show(value) in text
    matrix = json.loads((out / "metrics.json").read_bytes())["confusion"]["matrix"]
    page = (out / "report.html").read_text(encoding="utf-8")
    table = page[page.index('<table class="matrix">') :]
    cells = [int(n) for n in re.findall(r"<td[^>]*>(\d+)</td>", table[: table.index("</table>")])]
    assert sum(cells) == 3 * sum(map(sum, matrix))  # the cells, and the sums to the right and below


def test_the_worst_images_come_first_with_what_is_wrong(report: tuple[Path, Evaluation]) -> None:
    out, evaluation = report
    page = unescape((out / "report.html").read_text(encoding="utf-8"))
    captions = re.findall(r"<figcaption><b>(.+?)</b>(.+?)</figcaption>", page[page.index("The worst images") :])
    two = "overlooked dent; took scratch for dent (0.80); nothing there: scratch (0.70)"
    assert captions == [
        ("two.jpg", two),  # wrong class
        ("gone.jpg", "dent a second time (0.60)"),  # duplicate
        ("two.jpg", two),  # background: there is no other
        ("three.jpg", "overlooked 2 dent; overlooked scratch"),
    ]
    titles = re.findall(r"<h3>(.+?) <span[^>]*>.*?in (\d+) image", page)
    assert titles == [("Wrong class", "1"), ("Duplicate", "1"), ("Background", "1"), ("Overlooked", "2")]
    assert page.count("the photo could not be read") == 1
    assert worst(evaluation.outcomes, "overlooked").tolist() == [2, 1]  # three boxes, then one
    assert worst(evaluation.outcomes, "both").tolist() == []


def test_a_long_list_of_mistakes_is_cut() -> None:
    alarms = tuple(Box("dent", 10 * i, 0, 10 * i + 5, 5, 0.9) for i in range(9))
    dataset = Dataset(("dent",), (Image("a.jpg", 100, 100),))
    evaluation = evaluate(dataset, Predictions(("dent",), {"a.jpg": alarms}), confidence=0.5)
    assert what_is_wrong(evaluation.outcomes, 0).endswith("; and 3 more")


def test_pictures_show_the_boxes(report: tuple[Path, Evaluation]) -> None:
    page = (report[0] / "report.html").read_text(encoding="utf-8")
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert len(pictures) == 3  # two photos, one of them under two kinds of mistakes; the third cannot be read
    for text in pictures:
        picture = np.asarray(Pictures.open(io.BytesIO(base64.b64decode(text))))
        assert 400 <= max(picture.shape[:2]) <= 640  # small photos are enlarged, large ones reduced
        orange = np.abs(picture.astype(int) - (213, 94, 0)).sum(axis=2) < 90
        assert orange.sum() > 500  # a missed box, outlined


def test_boxes_land_where_they_are_in_a_turned_and_large_photo(tmp_path: Path) -> None:
    photo = Pictures.new("RGB", (2000, 1000), (128, 128, 128))  # as stored; upright it is 1000 x 2000
    exif = photo.getexif()
    exif[0x0112] = 6
    photo.save(tmp_path / "a.jpg", exif=exif)
    box = Box("dent", 600, 1500, 900, 1900)
    dataset = Dataset(("dent",), (Image("a.jpg", 1000, 2000, (box,), path=tmp_path / "a.jpg"),))
    evaluation = evaluate(dataset, Predictions(("dent",), {"a.jpg": ()}), confidence=0.5)
    write_report(evaluation, dataset, tmp_path / "out")
    text = re.findall(r"base64,([^\"]+)", (tmp_path / "out" / "report.html").read_text(encoding="utf-8"))[0]
    picture = np.asarray(Pictures.open(io.BytesIO(base64.b64decode(text)))).astype(int)
    assert picture.shape[:2] == (640, 320)
    rows, columns = np.nonzero(np.abs(picture[500:] - 128).sum(axis=2) > 120)  # below the tag
    assert (columns.min(), columns.max()) == pytest.approx((600 * 0.32, 900 * 0.32), abs=5)
    assert rows.max() + 500 == pytest.approx(1900 * 0.32, abs=5)


@pytest.mark.parametrize("classes", [0, 1, 30])
def test_any_number_of_classes_and_no_images_make_a_report(tmp_path: Path, classes: int) -> None:
    names = tuple(["_$\\frac{$", "锈", *(f"class{k}" for k in range(classes))][:classes])  # for matplotlib as well
    boxes = tuple(Box(name, 0, 0, 10, 10) for name in names)
    found = tuple(Box(name, 0, 0, 10, 10, 0.9) for name in names[1:] + names[:1])
    images = (Image("a.jpg", 50, 50, boxes),) if classes else ()
    dataset = Dataset(names, images)
    result = evaluate(dataset, Predictions(names, {"a.jpg": found} if classes else {}))
    write_report(result, dataset, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ('class="matrix"' in page) == (classes < 15)


def test_nothing_wrong_is_said(tmp_path: Path) -> None:
    dataset = Dataset(("dent",), (Image("a.jpg", 100, 100, (DENT,)),))
    write_report(
        evaluate(dataset, Predictions(("dent",), {"a.jpg": (DENT._replace(score=0.9),)})), dataset, tmp_path / "out"
    )
    assert "No image has a mistake" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_nothing_is_overwritten_and_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, predictions = sample(tmp_path)
    evaluation = evaluate(dataset, predictions)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(DetectError, match="already there"):
        write_report(evaluation, dataset, tmp_path / "mine")
    before = sorted(p.name for p in tmp_path.iterdir())
    monkeypatch.setattr("detect.evaluation.report._html", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(evaluation, dataset, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == before
