"""What a metric means does not depend on what a class is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detect.cli import main
from detect.conversion import write, write_predictions
from detect.data import Box, Dataset, Image, Predictions
from detect.errors import ConfigError
from detect.evaluation import compare, evaluate, metrics_document
from detect.evaluation.naming import Metric, OfClass, higher_is_better, metric_named
from detect.evaluation.requirements import parse_thresholds
from detect.evaluation.tables import class_rows

PHOTOS = [f"{number:02d}.jpg" for number in range(40)]
CLASSES = (
    "dent",
    "map50",  # a metric of the whole data
    "precision",  # one of both
    "ece",  # one that is better low
    "cost_per_image",
    "lost_x",  # begins as the metrics do that are better low
    "lost_background",  # one of those
    "a",
    "a.b",  # a dot, and the start of another class
    "a.recall",  # ends as a metric
    "x.ece",
    "all",  # as the row of all classes
    "map@0.5",
    "map@0",
    "image_auc",
    "scratch, deep=1",  # what separates thresholds
    "background",
)


def data(share: float) -> tuple[Dataset, Predictions]:
    """A box of each class in each photo, the first `share` of which are found; in every photo one more is claimed."""
    boxes = tuple(Box(name, 20.0 * k, 10, 20.0 * k + 15, 30) for k, name in enumerate(CLASSES))
    alarms = tuple(box._replace(y1=60, y2=80, score=0.8) for box in boxes)
    found = {
        photo: (*((box._replace(score=0.9) for box in boxes) if n < share * len(PHOTOS) else ()), *alarms)
        for n, photo in enumerate(PHOTOS)
    }
    dataset = Dataset(CLASSES, tuple(Image(photo, 400, 100, boxes) for photo in PHOTOS))
    return dataset, Predictions(CLASSES, found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("naming")
    write(data(0.5)[0], folder / "truth", "coco")
    for name, share in (("weak", 0.5), ("strong", 0.9)):
        write_predictions(data(share)[1], folder / f"{name}.json")
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


def test_all_classes_get_the_same_verdict_and_the_same_interval() -> None:
    dataset, weak = data(0.5)
    result = compare(dataset, weak, data(0.9)[1], replicates=200, confidence=0.5)
    for name in ("ap50", "recall"):
        of_class = [result.of(OfClass(label, name)) for label in CLASSES]
        assert {one.verdict for one in of_class} == {"better"}
        assert len({(one.a, one.b, one.low, one.high) for one in of_class}) == 1
    rows = {(row["metric"], row["class"]): row for row in result.as_dict()["differences"]}
    assert len(rows) == len(result.differences)
    assert rows["recall", "lost_x"]["verdict"] == rows["recall", None]["verdict"] == "better"
    assert rows["recall", "a.b"]["name"] == "a.b.recall"


def test_a_share_of_a_class_has_the_exact_interval_whatever_it_is_called() -> None:
    """All found in three photos: 1, and 0.025 to the power of 1/3 at the low end."""
    dataset, found = data(1.0)
    few = Dataset(CLASSES, dataset.images[:3])
    result = evaluate(few, Predictions(CLASSES, {n: found.images[n] for n in PHOTOS[:3]}), confidence=0.5)
    for row in metrics_document(result)["classes"]:
        assert row["intervals"]["recall"] == pytest.approx([0.025 ** (1 / 3), 1.0]), row["name"]


def test_json_keeps_the_metrics_of_the_data_apart_from_those_of_classes() -> None:
    dataset, found = data(0.5)
    plain = evaluate(dataset, found, replicates=100, confidence=0.5)
    document = metrics_document(plain)
    whole = [metric for metric in plain.values if isinstance(metric, str)]
    assert list(document["intervals"]) == whole and not set(whole) & {str(OfClass(c, "recall")) for c in CLASSES}
    assert document["metrics"]["map50"] == plain.values["map50"]
    assert [row["name"] for row in document["classes"]] == list(CLASSES)
    assert {tuple(row["intervals"]["ap50"]) for row in document["classes"]} == {
        tuple(document["classes"][0]["intervals"]["ap50"])
    }
    assert len(whole) + len(CLASSES) * len(document["classes"][0]["intervals"]) == len(plain.intervals)
    assert len({str(metric) for metric in plain.values}) == len(plain.values)  # no two are written alike


def test_the_row_of_all_classes_is_no_class() -> None:
    dataset, found = data(0.5)
    names = [row[0] for row in class_rows(evaluate(dataset, found, replicates=0))]
    assert names == [*CLASSES, "all classes"]


@pytest.mark.parametrize("label", ["map50", "lost_x", "a.b", "all", "precision", "map@0.5", "scratch, deep=1"])
def test_thresholds_of_a_class(folder: Path, label: str) -> None:
    words = "evaluate", folder / "truth", folder / "weak.json", "--resamples", "0", "--confidence", "0.5", "-q"
    assert run(*words, "--fail-under", f"map50=0.1,{label}.recall=0.4,recall=0.4").exit_code == 0
    short = run(*words, "--fail-under", f"{label}.recall=0.6")
    assert short.exit_code == 3
    assert f"{label}.recall is 0.500, under 0.6" in short.stderr
    assert "over" in run(*words, "--fail-under", f"{label}.ece=0").stderr


@pytest.mark.parametrize("label", ["lost_x", "a.b", "scratch, deep=1"])
def test_the_metric_of_a_comparison(folder: Path, label: str) -> None:
    files = folder / "truth", folder / "weak.json", folder / "strong.json"
    answer = run("compare", *files, "--metric", f"{label}.recall", "--json", "-q", "--confidence", "0.5")
    assert (json.loads(answer.stdout)["metric"], json.loads(answer.stdout)["verdict"]) == (f"{label}.recall", "better")


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("map50", "map50"),
        (" recall", "recall"),  # behind a comma
        ("dent.recall", OfClass("dent", "recall")),
        ("a.b.recall", OfClass("a.b", "recall")),  # the class is what stands before the last dot
        ("a.recall", OfClass("a", "recall")),
        ("a.recall.recall", OfClass("a.recall", "recall")),
        ("map@0.5", "map@0.5"),
    ],
)
def test_how_a_metric_is_written(text: str, metric: Metric) -> None:
    known: list[Metric] = ["map50", "recall", "map@0.5", *(OfClass(label, "recall") for label in CLASSES)]
    assert metric_named(text, known) == metric


def test_what_is_no_metric_is_named_with_the_nearest() -> None:
    known: list[Metric] = ["map50", OfClass("dent", "recall")]
    with pytest.raises(ConfigError, match=r"no metric 'dent\.recal'; did you mean 'dent\.recall'\?"):
        metric_named("dent.recal", known)
    with pytest.raises(ConfigError, match=r"no metric 'weather'; there are map50, dent\.recall"):
        metric_named("weather", known)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("map50=0.6,recall=0.7", {"map50": 0.6, "recall": 0.7}),
        ("x, y.recall=0.5,map=1e-1", {"x, y.recall": 0.5, "map": 0.1}),
        ("k=1.recall=0.5", {"k=1.recall": 0.5}),
        ("k=1,2.recall=0.5", {"k": 1.0, "2.recall": 0.5}),  # nothing tells that from two thresholds
    ],
)
def test_thresholds_are_read_from_text(text: str, wanted: dict[str, float]) -> None:
    assert parse_thresholds(text) == wanted


@pytest.mark.parametrize("text", ["", "map50", "=0.5", "map50=", "map50=nan", "map50=0.5,", "map50=x"])
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a threshold"):
        parse_thresholds(text)


def test_which_metrics_are_better_high() -> None:
    of_data = {"map": True, "map@0.3": True, "image_auc": True, "ece": False, "false_alarms_per_image": False,
               "cost_per_image": False, "lost_background": False}  # fmt: skip
    assert {name: higher_is_better(name) for name in of_data} == of_data
    for label in CLASSES:
        assert [higher_is_better(OfClass(label, name)) for name in ("ap50", "recall", "ece")] == [True, True, False]
