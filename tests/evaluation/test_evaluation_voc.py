"""VOC's AP beside published numbers, boxes marked difficult, and single photos whose answer is known."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings

from detect.cli import main
from detect.conversion import read, read_predictions
from detect.data import Attributes, Box, Dataset, Image, Predictions
from detect.evaluation import evaluate, match
from detect.evaluation.voc_ap import voc_metrics, voc_table
from tests.evaluation.coco_peer import peer
from tests.evaluation.random_sets import knobs, random_set

# Seven images with true boxes (x, y, width, height) and detections (score before): the sample of Padilla's
# Object-Detection-Metrics; AP at four overlaps as the tests of its successor review_object_detection_metrics state it.
PEOPLE: list[tuple[list[tuple[int, ...]], list[tuple[float, ...]]]] = [
    ([(25, 16, 38, 56), (129, 123, 41, 62)], [(0.88, 5, 67, 31, 48), (0.70, 119, 111, 40, 67), (0.80, 124, 9, 49, 67)]),
    (
        [(123, 11, 43, 55), (38, 132, 59, 45)],
        [(0.71, 64, 111, 64, 58), (0.54, 26, 140, 60, 47), (0.74, 19, 18, 43, 35)],
    ),
    (
        [(16, 14, 35, 48), (123, 30, 49, 44), (99, 139, 47, 47)],
        [(0.18, 109, 15, 77, 39), (0.67, 86, 63, 46, 45), (0.38, 160, 62, 36, 53), (0.91, 105, 131, 47, 47),
         (0.44, 18, 148, 40, 44)],
    ),
    (
        [(53, 42, 40, 52), (154, 43, 31, 34)],
        [(0.35, 83, 28, 28, 26), (0.78, 28, 68, 42, 67), (0.45, 87, 89, 25, 39), (0.14, 10, 155, 60, 26)],
    ),
    (
        [(59, 31, 44, 51), (48, 128, 34, 52)],
        [(0.62, 50, 38, 28, 46), (0.44, 95, 11, 53, 28), (0.95, 29, 131, 72, 29), (0.23, 29, 163, 72, 29)],
    ),
    ([(36, 89, 52, 76), (62, 58, 44, 67)], [(0.45, 43, 48, 74, 38), (0.84, 17, 155, 29, 35), (0.43, 95, 110, 25, 42)]),
    ([(28, 31, 55, 63), (58, 67, 50, 58)], [(0.48, 16, 20, 101, 88), (0.95, 33, 116, 37, 49)]),
]  # fmt: skip

# Ten photos of VOC with a dozen cats, corners inclusive: the toy example of review_object_detection_metrics, and AP as
# its README states it.
CATS: list[tuple[list[tuple[int, ...]], list[tuple[float, ...]]]] = [
    ([(1, 49, 341, 499)], [(0.94, 12, 44, 344, 481)]),
    ([], [(0.85, 220, 344, 400, 431)]),
    ([(160, 1, 448, 375)], [(0.95, 166, 0, 477, 365)]),
    ([(28, 1, 335, 496)], [(0.92, 49, 7, 318, 500)]),
    ([(40, 4, 484, 370)], [(0.95, 6, 55, 495, 402)]),
    ([(170, 44, 459, 251), (72, 123, 387, 334)], [(0.81, 65, 74, 370, 331)]),
    ([(60, 123, 220, 305), (243, 105, 437, 317)], [(0.86, 67, 117, 229, 304), (0.76, 281, 109, 444, 320)]),
    ([(1, 16, 352, 272), (130, 139, 500, 366)], [(0.89, 7, 9, 349, 265), (0.82, 151, 123, 503, 375)]),
    ([(34, 1, 281, 283)], [(0.99, 29, 0, 268, 287)]),
    ([(1, 39, 248, 300)], [(0.98, 47, 43, 226, 298)]),
]


def voc_set(photos: list[Any], *, sizes: bool) -> tuple[Dataset, Predictions]:
    """Far corners belong to the box in VOC; `sizes`: width and height stand there instead."""

    def box(corners: Sequence[float], score: float | None = None) -> Box:
        x, y, a, b = corners
        far = (x + a + 1, y + b + 1) if sizes else (a + 1, b + 1)
        return Box("it", x, y, *far, score)

    names = [f"{place}.jpg" for place in range(len(photos))]
    images = [Image(n, 600, 600, tuple(box(b) for b in true)) for n, (true, _) in zip(names, photos, strict=True)]
    found = {n: tuple(box(b, score) for score, *b in some) for n, (_, some) in zip(names, photos, strict=True)}
    return Dataset(("it",), tuple(images)), Predictions(("it",), found)


@pytest.mark.parametrize(
    ("photos", "iou", "every", "eleven", "digits"),
    [
        pytest.param(PEOPLE, 0.1, 0.3371980676, 0.3333333333, 9, id="people at 0.1"),
        pytest.param(PEOPLE, 0.3, 0.2456866804, 0.2683982683, 9, id="people at 0.3"),
        pytest.param(PEOPLE, 0.5, 0.0222222222, 0.0303030303, 9, id="people at 0.5"),
        pytest.param(PEOPLE, 0.75, 0.0, 0.0, 9, id="people at 0.75"),
        pytest.param(CATS, 0.5, 0.8958, 0.8864, 4, id="cats at 0.5"),
        pytest.param(CATS, 0.75, 0.5097, 0.4924, 4, id="cats at 0.75"),
    ],
)
def test_published_numbers(photos: list[Any], iou: float, every: float, eleven: float, digits: int) -> None:
    result = evaluate(*voc_set(photos, sizes=photos is PEOPLE), iou=iou, voc=True, replicates=0, confidence=0.5)
    assert result.values["voc_ap"] == pytest.approx(every, abs=0.6 * 10**-digits)
    assert result.values["voc_ap11"] == pytest.approx(eleven, abs=0.6 * 10**-digits)


@settings(max_examples=60, deadline=None)
@given(knobs)
def test_every_point_step_by_step(setting: dict[str, Any]) -> None:
    """The development kit's loop, one detection after the other."""
    dataset, predictions = random_set(**setting)
    table = match(dataset, predictions)
    ours = voc_metrics(voc_table(table, 0.5), np.ones((len(dataset), 1)))
    got = [float(ours[name][0]) for name in ("voc_ap", "voc_ap11")]
    wanted = np.array([_kit(table, k) for k in range(len(dataset.classes))])
    known = wanted[~np.isnan(wanted[:, 0])]
    assert got == pytest.approx(known.mean(axis=0).tolist() if len(known) else [math.nan] * 2, abs=1e-9, nan_ok=True)


def _kit(table: Any, k: int) -> tuple[float, float]:
    true, ours = table.truths, table.detections
    count = int((~true.ignored & (true.label == k)).sum())
    if not count:
        return math.nan, math.nan
    taken: set[int] = set()
    right: list[bool] = []
    for d in np.flatnonzero(ours.label == k):
        best, most = -1, -1.0
        for g in np.flatnonzero((true.label == k) & (true.image == ours.image[d])):
            a, b = ours.xyxy[d], true.xyxy[g]
            w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            shared = max(w, 0) * max(h, 0)
            areas = [round(c[2] - c[0], 9) * round(c[3] - c[1], 9) for c in (a, b)]
            if (ov := shared / (sum(areas) - shared) if shared else 0.0) > most:
                best, most = int(g), ov
        if most < 0.5:
            right.append(False)
        elif not true.ignored[best]:
            right.append(best not in taken)
            taken.add(best)
    hits = np.cumsum(right)
    recall, precision = hits / count, hits / np.arange(1, len(right) + 1)
    best_at = [float(precision[recall >= level].max(initial=0)) for level in np.linspace(0, 1, 11)]
    steps = np.diff(recall, prepend=0)
    return sum(s * precision[i:].max() for i, s in enumerate(steps)), sum(best_at) / 11


def test_voc_takes_no_second_best() -> None:
    """A detection that overlaps a taken box most is wrong in VOC, though another true box would do; right in COCO."""
    left, right = Box("it", 0, 0, 100, 100), Box("it", 20, 0, 120, 100)
    found = (left._replace(score=0.9), Box("it", 5, 0, 105, 100, 0.8))
    data, made = Dataset(("it",), (Image("a.jpg", 200, 200, (left, right)),)), Predictions(("it",), {"a.jpg": found})
    result = evaluate(data, made, voc=True, replicates=0)
    assert result.values["voc_ap"] == pytest.approx(0.5)
    assert result.values["voc_ap11"] == pytest.approx(6 / 11)
    assert result.values["map50"] == pytest.approx(1)


def hard(flag: Any = True) -> tuple[Dataset, Predictions]:
    """One dent that is found, one marked difficult that is found, one marked so that is missed."""
    plain, found, missed = (Box("dent", x, 0, x + 40, 40) for x in (0, 100, 200))
    marked = [box._replace(attributes=Attributes(difficult=flag)) for box in (found, missed)]
    data = Dataset(("dent",), (Image("a.jpg", 300, 100, (plain, *marked)),))
    return data, Predictions(("dent",), {"a.jpg": (plain._replace(score=0.9), found._replace(score=0.8))})


@pytest.mark.parametrize(
    ("difficult", "flag", "recall", "hits"),
    [
        pytest.param("count", True, 2 / 3, 2, id="the default: they count"),
        pytest.param("ignore", True, 1.0, 1, id="neither found nor missed nor false"),
        pytest.param("ignore", "1", 1.0, 1, id="as CVAT writes it"),
        pytest.param("ignore", 0, 2 / 3, 2, id="not difficult"),
        pytest.param("ignore", "false", 2 / 3, 2, id="not difficult, as text"),
    ],
)
def test_difficult_boxes(difficult: Any, flag: Any, recall: float, hits: int) -> None:
    result = evaluate(*hard(flag), difficult=difficult, voc=True, confidence=0.5, replicates=0)
    assert result.values["recall"] == pytest.approx(recall)
    assert result.outcomes.overall[:2] == (hits, 0)
    assert result.values["voc_ap"] == pytest.approx(recall)
    assert any("difficult" in note for note in result.notes) == (flag in (True, "1"))


def test_options_of_the_command(tmp_path: Path) -> None:
    truth = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 300, "height": 100}],
        "categories": [{"id": 1, "name": "dent"}],
        "annotations": [
            {
                "id": n,
                "image_id": 1,
                "category_id": 1,
                "bbox": [100 * n, 0, 40, 40],
                "attributes": {"difficult": n == 2},
            }
            for n in range(1, 3)
        ],
    }
    found = [{"image_id": 1, "category_id": 1, "bbox": [100, 0, 40, 40], "score": 0.9}]
    files = [tmp_path / "gt.json", tmp_path / "found.json"]
    for file, content in zip(files, (truth, found), strict=True):
        file.write_text(json.dumps(content))
    words = ["evaluate", *map(str, files), "--ids", str(files[0]), "--voc", "--resamples", "0", "-q"]
    counted = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    ignored = json.loads(CliRunner().invoke(main, [*words, "--json", "--difficult", "ignore"]).stdout)
    assert [one["metrics"]["voc_ap"] for one in (counted, ignored)] == pytest.approx([0.5, 1.0])
    assert ignored["classes"][0]["voc_ap11"] == pytest.approx(1.0)
    assert "VOC AP, every point" in CliRunner().invoke(main, words).stdout


# Small sets on which tools have been reported to differ; the answer follows from the definition.
KNOWN = [
    # one true box, found: AP 1. pycocotools says 0: it takes the annotation's id 0 for "not matched"
    pytest.param([(0, 1, (10, 10, 20, 20))], [(1, (10, 10, 20, 20), 0.9)], 1.0, False, id="an annotation of id 0"),
    # the surest detection is wrong, in a photo without damage: precision 1/2 at every recall
    pytest.param([(1, 2, (10, 20, 20, 20))], [(1, (10, 20, 20, 20), 1.0), (2, (10, 20, 20, 20), 0.9)], 0.5, True,
                 id="a false alarm in another photo"),
    # one of two found: 51 of the 101 recalls
    pytest.param([(1, 1, (214.15, 41.29, 348.26, 243.78)), (2, 2, (214.15, 41.29, 348.26, 243.78))],
                 [(1, (214.15, 41.29, 348.26, 243.78), 0.5)], 51 / 101, True, id="half found"),
]  # fmt: skip


@pytest.mark.parametrize(("true", "made", "ap", "theirs"), KNOWN)
def test_known_answers(true: list[Any], made: list[Any], ap: float, theirs: bool, tmp_path: Path) -> None:
    truth: dict[str, Any] = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 600, "height": 600} for n in (1, 2)],
        "categories": [{"id": 4, "name": "dent"}, {"id": 5, "name": "rust"}],
        "annotations": [
            {"id": n, "image_id": image, "category_id": 4, "bbox": list(b), "area": b[2] * b[3], "iscrowd": 0}
            for n, image, b in true
        ],
    }
    results = [{"image_id": i, "category_id": 4, "bbox": list(b), "score": s} for i, b, s in made]
    # a class without true boxes is left out of the means, whatever is predicted of it
    results.append({"image_id": 1, "category_id": 5, "bbox": [50, 50, 40, 40], "score": 0.95})
    files = [tmp_path / "gt.json", tmp_path / "found.json"]
    for file, content in zip(files, (truth, results), strict=True):
        file.write_text(json.dumps(content))
    result = evaluate(read(files[0]), read_predictions(files[1], ids=files[0]), replicates=0)
    assert result.metrics["map"] == pytest.approx(ap, abs=1e-9)
    assert (abs(peer(truth, results).stats[0] - ap) < 1e-9) == theirs
