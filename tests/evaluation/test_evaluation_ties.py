"""Detections of equal score stand in pycocotools' order, whatever the images are called and numbered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detect.cli import main
from detect.conversion import read, read_predictions
from detect.conversion.predictions.image_ids import with_ids
from detect.data import Box, Dataset, Image, Predictions
from detect.evaluation import evaluate, only_split
from detect.evaluation.columns import order_of_images
from detect.splitting import split
from tests.evaluation.coco_peer import IgnoringCOCOeval, coco_results, coco_truth, peer
from tests.evaluation.random_sets import knobs, random_set
from tests.evaluation.test_evaluation_official import same_as_peer

Id = int | float | str


def numbered(rng: np.random.Generator, count: int) -> list[Id]:
    """Different ids in no order; 0 is one, as some tools write."""
    return [int(one) for one in rng.choice(3 * count + 1, count, replace=False)]


KINDS: dict[str, Callable[[list[Id]], list[Id]]] = {
    "whole numbers": lambda ids: ids,
    "text, which sorts as text: 10 before 9": lambda ids: [str(one) for one in ids],
}


def as_files(
    dataset: Dataset, predictions: Predictions, folder: Path, seed: int, kind: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """gt.json and found.json of the same boxes: images under random names and ids, every list in random order."""
    rng = np.random.default_rng(seed)
    alone = [replace(image, boxes=tuple(dict.fromkeys(image.boxes))) for image in dataset.images]
    dataset = replace(dataset, images=tuple(alone))  # a reader keeps a true box that stands twice once
    truth, results = coco_truth(dataset), coco_results(dataset, predictions)
    count = len(truth["images"])
    ids = dict(zip(range(1, count + 1), KINDS[kind](numbered(rng, count)), strict=True))
    for row, name in zip(truth["images"], rng.permutation(10 * count), strict=False):
        row["id"], row["file_name"] = ids[row["id"]], f"photos/{name}.jpg"
    for row in (*truth["annotations"], *results):
        row["image_id"] = ids[row["image_id"]]
    for rows in (truth["images"], truth["annotations"], results):
        rng.shuffle(rows)
    (folder / "gt.json").write_text(json.dumps(truth))
    (folder / "found.json").write_text(json.dumps(results))
    return truth, results


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(setting=knobs, levels=st.sampled_from([1, 2, 3]))
def test_random_names_and_ids_with_many_ties(setting: dict[str, Any], levels: int, kind: str, tmp_path: Path) -> None:
    made = random_set(**{**setting, "levels": levels})
    truth, results = as_files(*made, tmp_path, setting["seed"], kind)
    dataset = read(tmp_path / "gt.json")
    predictions = read_predictions(tmp_path / "found.json", ids=tmp_path / "gt.json")
    same_as_peer(dataset, predictions, peer(truth, results, IgnoringCOCOeval))


TIED: dict[str, Any] = {
    "seed": 5, "images": 60, "classes": 3, "truths": 4, "found": 2, "noise": 3, "levels": 3, "flags": 0.1, "digits": 0,
}  # fmt: skip

WAYS: dict[str, Callable[[Dataset, Predictions], tuple[Dataset, Predictions]]] = {
    "as it is": lambda data, found: (data, found),
    # a dict of images in another order says nothing
    "predictions the other way round": lambda data, found: (
        data,
        replace(found, images=dict(reversed(list(found.images.items())))),
    ),
    "data the other way round": lambda data, found: (replace(data, images=data.images[::-1]), found),
    "divided anew": lambda data, found: (split(data, (60, 40)), found),
    "one split": lambda data, found: only_split(
        replace(data, images=tuple(replace(i, split="test") for i in data.images)), found, "test"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_order_goes_with_the_data(way: str, tmp_path: Path) -> None:
    truth, results = as_files(*random_set(**TIED), tmp_path, 3, "whole numbers")
    found = read_predictions(tmp_path / "found.json", ids=tmp_path / "gt.json")
    dataset, predictions = WAYS[way](read(tmp_path / "gt.json"), found)
    by_name = evaluate(replace(dataset, images=tuple(replace(i, id=None) for i in dataset.images)), predictions)
    run = peer(truth, results, IgnoringCOCOeval)
    same_as_peer(dataset, predictions, run)
    assert abs(by_name.metrics["map"] - run.stats[0]) > 1e-4  # the order matters here


@pytest.mark.parametrize(
    ("ids", "order"),
    [
        pytest.param((9, 10, 2), (1, 2, 0), id="by rising number"),
        pytest.param(("9", "10", "2"), (2, 0, 1), id="text as text"),
        pytest.param((9, "10", 2), (2, 0, 1), id="text among numbers: all as text"),
        pytest.param((9.0, 10, 2.5), (1, 2, 0), id="floats are numbers"),
        pytest.param((3, 3, 1), (1, 2, 0), id="equal ids, of two files, in the order of the data"),
        pytest.param((9, None, 2), (0, 1, 2), id="not all known: the order of the data"),
        pytest.param((None, None, None), (0, 1, 2), id="no ids: the order of the data"),
        pytest.param((), (), id="no images"),
    ],
)
def test_the_place_of_each_image(ids: tuple[float | str | None, ...], order: tuple[int, ...]) -> None:
    images = tuple(Image(f"{place}.jpg", 9, 9, id=one) for place, one in enumerate(ids))
    assert order_of_images(Dataset((), images)).tolist() == list(order)


def test_an_id_is_no_part_of_what_an_image_is() -> None:
    image = Image("a.jpg", 9, 9, (Box("dent", 1, 1, 5, 5),), id=7)
    assert image == replace(image, id=None)
    assert hash(image) == hash(replace(image, id=8))
    assert replace(image, split="val").id == 7


def test_the_ids_that_are_named_go_before_those_of_the_data(tmp_path: Path) -> None:
    """DATA is the same truth numbered otherwise; results refer to the file of `--ids`, as pycocotools gets them."""
    truth, results = as_files(*random_set(**{**TIED, "flags": 0.0}), tmp_path, 3, "whole numbers")
    other = {row["id"]: 1000 - row["id"] for row in truth["images"]}
    images = [{**row, "id": other[row["id"]]} for row in truth["images"]]
    boxes = [{**row, "image_id": other[row["image_id"]]} for row in truth["annotations"]]
    (tmp_path / "data.json").write_text(json.dumps({**truth, "images": images, "annotations": boxes}))
    files = [str(tmp_path / name) for name in ("data.json", "found.json")]
    options = "--ids", str(tmp_path / "gt.json"), "--resamples", "0", "--json", "-q"
    answer = CliRunner().invoke(main, ["evaluate", *files, *options])
    theirs = peer(truth, results).stats[0]
    assert json.loads(answer.stdout)["metrics"]["map"] == pytest.approx(theirs, abs=1e-9)
    same = CliRunner().invoke(main, ["compare", files[0], files[1], files[1], *options[:2], "--json", "-q"])
    assert json.loads(same.stdout)["differences"][0]["a"] == pytest.approx(theirs, abs=1e-9)


def test_ids_find_images_by_the_end_of_their_path(tmp_path: Path) -> None:
    as_files(*random_set(**TIED), tmp_path, 3, "whole numbers")
    data = read(tmp_path / "gt.json")
    moved = [replace(image, name=image.name.replace("photos/", "moved/"), id=None) for image in data.images]
    found = with_ids(replace(data, images=tuple(moved)), tmp_path / "gt.json")
    assert [image.id for image in found] == [image.id for image in data]
    stranger = replace(data, images=(*data.images, Image("nowhere.jpg", 9, 9)))
    assert with_ids(stranger, tmp_path / "gt.json").images[-1].id is None
