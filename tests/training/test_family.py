"""A family that is registered from outside is trained, resumed, used, evaluated, exported and embedded like our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import detect
from detect.cli import main
from detect.conversion import write
from detect.data import Dataset
from detect.errors import ConfigError, ModelError
from detect.models.embed import embedder
from detect.models.export import check, export
from detect.models.families import FAMILIES, family_of, register
from detect.recipes import Loss, Recipe
from detect.training.preview import preview
from tests.training.toy_family import TOY, pixels

RECIPE = Recipe(model="toy1", imgsz=64, epochs=30, batch=8, optimizer="adamw", lr=0.003, watch="map50")


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    register(TOY)
    yield
    del FAMILIES[TOY.name]


@pytest.fixture(scope="module")
def run(squares: Dataset, tmp_path_factory: pytest.TempPathFactory) -> detect.Run:
    return detect.train(RECIPE, squares, tmp_path_factory.mktemp("toy") / "run")


def test_it_learns_and_is_used_like_any_other(run: detect.Run, squares: Dataset, tmp_path: Path) -> None:
    assert run.best["val"]["map50"] > 0.3
    val = squares.only("val")
    values = detect.evaluate(val, detect.predict(run.folder, val.images), replicates=0).values
    assert {key: values[key] for key in ("map", "map50")} == pytest.approx(
        {key: run.best["val"][key] for key in ("map", "map50")}, abs=1e-6
    )
    write(squares, tmp_path / "data", "yolo")
    found = CliRunner().invoke(main, ["predict", str(run.folder), str(tmp_path / "data"), "--out", str(tmp_path / "p")])
    assert found.exit_code == 0, found.output
    listed = json.loads(CliRunner().invoke(main, ["models", "--json"]).stdout)
    assert listed["toy1"]["library"] == "these tests" and not listed["toy1"]["anchors"]


def test_it_is_resumed(run: detect.Run, squares: Dataset, tmp_path: Path) -> None:
    short = RECIPE.model_copy(update={"epochs": 2})
    detect.train(short, squares, tmp_path / "run")
    longer = detect.train(RECIPE.model_copy(update={"epochs": 4}), squares, tmp_path / "run", resume=True)
    for ours, theirs in zip(longer.epochs, run.epochs, strict=False):
        assert ours["train"] == theirs["train"] and ours["val"] == theirs["val"]


def test_it_is_exported_and_agrees(run: detect.Run, squares: Dataset, tmp_path: Path) -> None:
    detector = detect.load_detector(run.folder)
    written = export(detector, tmp_path / "toy.onnx", "onnx")
    pictures = [pixels(image) for image in squares.only("val").images]
    assert check(detector, detect.load_detector(written), pictures).boxes > 5


def test_it_embeds_and_is_previewed(run: detect.Run, squares: Dataset, tmp_path: Path) -> None:
    vectors = embedder(run.folder)([pixels(image) for image in squares.images[:3]])
    assert vectors.shape == (3, 32) and np.isfinite(vectors).all()
    assert preview(RECIPE, squares, tmp_path / "seen", count=3) == 3


def test_what_it_does_not_have_is_said(run: detect.Run, squares: Dataset, tmp_path: Path) -> None:
    given = RECIPE.model_copy(update={"loss": Loss(box=3)})
    with pytest.raises(ConfigError, match=r"toy1 has no use for `loss\.box`"):
        detect.train(given, squares, tmp_path / "run")
    with pytest.raises(ConfigError, match="family 'toy': another one has the name 'toy1', 'toy'"):
        register(TOY)
    with pytest.raises(ModelError, match=r"'toy2': no such detector \(did you mean toy1\?\)"):
        family_of("toy2")
    detector = detect.load_detector(run.folder)
    del FAMILIES[TOY.name]
    try:
        register(replace(TOY, graph=None, features=None))
        with pytest.raises(ModelError, match="toy1: cannot be exported"):
            export(detector, tmp_path / "toy.onnx", "onnx")
        with pytest.raises(ModelError, match="toy1 has no features"):
            embedder(run.folder)
    finally:
        FAMILIES[TOY.name] = TOY
