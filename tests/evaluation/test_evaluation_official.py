"""Every official number equals pycocotools: on its own example data, and on random data made to be hard."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings

from detect.data import Box, Dataset, Image, Predictions
from detect.evaluation import evaluate, match, metrics_document
from detect.evaluation.match import COCO_IOUS
from detect.evaluation.precision import averages
from tests.evaluation.coco_peer import IgnoringCOCOeval, coco_results, coco_truth, from_coco, peer, undefined
from tests.evaluation.random_sets import knobs, random_set

EXPORTS = Path("exports/faster-coco-eval/tests/dataset")

IGNORE_METRICS = [0.7099009900990099, 1, 0.8415841584158416, np.nan, 0.7099009900990099, np.nan]
IGNORE_METRICS += [0, 0.45384615384615384, 0.7153846153846154, np.nan, 0.7153846153846154, np.nan]

# ground truth, results, the lowest score used, and the 12 reference metrics in COCO's order
REAL = [
    pytest.param(
        "cocoapi/instances_val2014_100.json",
        "cocoapi/instances_val2014_fakebbox100_results.json",
        0.0,
        # printed to three digits in cocoapi's own results/val2014_fake_eval_res.txt
        [0.505, 0.697, 0.573, 0.586, 0.519, 0.501, 0.387, 0.594, 0.595, 0.640, 0.566, 0.564],
        id="100 images of COCO val2014, 9 crowds",
    ),
    pytest.param(
        "gt_ignore_test.json",
        "dt_ignore_test.json",
        0.1,
        # stated in faster-coco-eval's tests/test_basic.py
        IGNORE_METRICS,
        id="one image with a crowd",
    ),
    pytest.param("gt_dataset.json", "dt_dataset.json", 0.0, None, id="three images, four classes"),
]


@pytest.mark.parametrize(("truth", "results", "least", "metrics"), REAL)
def test_real_data_gives_the_published_numbers(
    shared_data: Path, truth: str, results: str, least: float, metrics: list[float] | None
) -> None:
    gt, dt = _load(shared_data / EXPORTS / truth), _load(shared_data / EXPORTS / results)
    for item in gt["images"]:
        item["id"] = int(item["id"])
    for item in gt["annotations"]:
        item["image_id"] = int(item["image_id"])
    dt = [{k: r[k] for k in ("image_id", "category_id", "bbox", "score")} for r in dt if r["score"] >= least]
    dataset, predictions = from_coco(gt, dt)
    same_as_peer(dataset, predictions, peer(gt, dt))
    if metrics is not None:
        ours = list(evaluate(dataset, predictions).metrics.values())
        np.testing.assert_allclose(ours, metrics, rtol=0, atol=5.1e-4)


@settings(max_examples=100, deadline=None)
@given(knobs)
def test_random_data_gives_pycocotools_numbers(setting: dict[str, Any]) -> None:
    dataset, predictions = random_set(**setting)
    run = peer(coco_truth(dataset), coco_results(dataset, predictions), IgnoringCOCOeval)
    same_as_peer(dataset, predictions, run)


@settings(max_examples=6, deadline=None)
@given(knobs)
@example(
    {
        "seed": 1,
        "images": 2,
        "classes": 1,
        "truths": 5,
        "found": 60,
        "noise": 150,
        "levels": 10,
        "flags": 0.3,
        "digits": 0,
    }
)
def test_more_than_a_hundred_detections(setting: dict[str, Any]) -> None:
    setting = {**setting, "classes": 1, "found": 40, "noise": 240, "images": 2}
    dataset, predictions = random_set(**setting)
    run = peer(coco_truth(dataset), coco_results(dataset, predictions), IgnoringCOCOeval)
    same_as_peer(dataset, predictions, run)


@settings(max_examples=40, deadline=None)
@given(knobs)
def test_without_ignore_flags_it_is_plain_pycocotools(setting: dict[str, Any]) -> None:
    dataset, predictions = random_set(**setting)
    plain = [
        replace(i, boxes=tuple(b.with_attributes(ignore=0) if "ignore" in b.attributes else b for b in i.boxes))
        for i in dataset.images
    ]
    dataset = replace(dataset, images=tuple(plain))
    same_as_peer(dataset, predictions, peer(coco_truth(dataset), coco_results(dataset, predictions)))


@settings(max_examples=40, deadline=None)
@given(knobs)
def test_counts_at_an_operating_point_are_pycocotools_matches(setting: dict[str, Any]) -> None:
    dataset, predictions = random_set(**setting)
    run = peer(coco_truth(dataset), coco_results(dataset, predictions), IgnoringCOCOeval)
    point = evaluate(dataset, predictions, confidence=0.4, iou=0.75).outcomes
    t = 5  # IoU 0.75
    images, classes = len(dataset.images), len(dataset.classes)
    for k in range(classes):
        cells = [c for c in run.evalImgs[k * 4 * images : k * 4 * images + images] if c is not None]
        hits = alarms = truths = 0
        for cell in cells:
            sure = np.asarray(cell["dtScores"]) >= 0.4
            matched = np.asarray(cell["dtMatches"])[t] > 0
            counted = sure & ~np.asarray(cell["dtIgnore"])[t].astype(bool)
            hits += int((matched & counted).sum())
            alarms += int((~matched & counted).sum())
            truths += int((np.asarray(cell["gtIgnore"]) == 0).sum())
        assert tuple(point.classes[k]) == (hits, alarms, truths - hits)


def test_the_order_of_the_predicted_images_does_not_matter() -> None:
    knob: dict[str, Any] = {
        "seed": 7,
        "images": 5,
        "classes": 2,
        "truths": 6,
        "found": 3,
        "noise": 5,
        "levels": 3,
        "flags": 0.2,
        "digits": 0,
    }
    dataset, predictions = random_set(**knob)
    turned = Predictions(predictions.classes[::-1], dict(list(predictions.images.items())[::-1]))
    assert metrics_document(evaluate(dataset, turned)) == metrics_document(evaluate(dataset, predictions))


def test_any_number_of_thresholds_is_matched_at_once() -> None:
    knob: dict[str, Any] = {
        "seed": 3,
        "images": 5,
        "classes": 2,
        "truths": 6,
        "found": 3,
        "noise": 5,
        "levels": 10,
        "flags": 0.2,
        "digits": 0,
    }
    dataset, predictions = random_set(**knob)
    many = np.append(COCO_IOUS, np.linspace(0.05, 0.97, 30))  # more than one pass of 64 bits holds
    table = match(dataset, predictions, many)
    for iou in (0.5, 0.7, 0.97):
        alone = match(dataset, predictions, np.array([iou]))
        there = table.threshold(iou) if iou != 0.97 else len(many) - 1
        np.testing.assert_array_equal(table.found[:, there], alone.found[:, 0])
        np.testing.assert_array_equal(table.ignored[:, there], alone.ignored[:, 0])


def test_of_two_equal_truths_the_later_is_taken() -> None:
    left, right = Box("dent", 0, 0, 10, 10), Box("dent", 4, 0, 14, 10)
    between, on_the_left = Box("dent", 2, 0, 12, 10, 0.9), Box("dent", 0, 0, 10, 10, 0.8)
    dataset = Dataset(("dent",), (Image("a.jpg", 20, 20, (left, right)),))
    predictions = Predictions(("dent",), {"a.jpg": (between, on_the_left)})
    assert evaluate(dataset, predictions).metrics["map50"] == pytest.approx(1.0)
    same_as_peer(dataset, predictions, peer(coco_truth(dataset), coco_results(dataset, predictions)))


@pytest.mark.parametrize(
    ("images", "found"),
    [
        pytest.param((), {}, id="no images at all"),
        pytest.param((Image("a.jpg", 9, 9),), {"a.jpg": ()}, id="one image, no boxes anywhere"),
        pytest.param((Image("a.jpg", 9, 9, (Box("dent", 1, 1, 5, 5),)),), {"a.jpg": ()}, id="no detections"),
        pytest.param((Image("a.jpg", 9, 9),), {"a.jpg": (Box("dent", 1, 1, 5, 5, 0.5),)}, id="no truth"),
    ],
)
def test_nothing_is_undefined_and_never_zero_by_accident(images: tuple[Image, ...], found: Any) -> None:
    dataset, predictions = Dataset(("dent",), images), Predictions(("dent",), found)
    result = evaluate(dataset, predictions)
    truths = dataset.boxes
    assert result.metrics["map50"] == 0 if truths else np.isnan(result.metrics["map50"])
    if images:
        same_as_peer(dataset, predictions, peer(coco_truth(dataset), coco_results(dataset, predictions)))


def same_as_peer(dataset: Dataset, predictions: Predictions, run: Any) -> None:
    """All 12 metrics, and each of the precisions and recalls behind them."""
    ours = averages(match(dataset, predictions))
    exact: dict[str, Any] = {"rtol": 0, "atol": 1e-9, "equal_nan": True}
    np.testing.assert_allclose(ours.precision, undefined(run.eval["precision"][..., -1]), **exact)
    np.testing.assert_allclose(ours.recall, undefined(run.eval["recall"]), **exact)
    np.testing.assert_allclose(list(ours.metrics.values()), undefined(run.stats), **exact)


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
