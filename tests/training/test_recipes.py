"""The recipes in configs/ train: one step on two photos for each model, at the smallest input that it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detect.data import Dataset
from detect.models import load_detector
from detect.models.families import fixed_size
from detect.recipes import load_recipe
from detect.training import train

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "configs").rglob("*.yaml"))
pytestmark = pytest.mark.usefixtures("narrow")


def test_there_are_recipes_for_every_family() -> None:
    models = " ".join(load_recipe(path).model for path in RECIPES)
    for family in ("yolox", "yolov5", "yolov8", "yolo11", "yolo12", "yolo26", "fasterrcnn_resnet50",
                   "fasterrcnn_mobilenet", "retinanet", "ssd300", "ssdlite320"):  # fmt: skip
        assert family in models


def models() -> dict[str, Path]:
    """Each model in configs/, and of its recipes the one that sets the most keys."""
    by_keys = sorted(RECIPES, key=lambda path: len(load_recipe(path).model_dump(exclude_defaults=True)))
    return {load_recipe(path).model: path for path in by_keys}


@pytest.mark.parametrize("path", models().values(), ids=lambda path: path.stem)
def test_it_trains_a_step(path: Path, squares: Dataset, tmp_path: Path) -> None:
    recipe = load_recipe(path)
    small = {"epochs": 1, "batch": 2, "workers": 0, "imgsz": fixed_size(recipe.model) or 64, "device": "cpu"}
    few = [image for image in squares.images if image.boxes and image.split == "train"][:2]
    dataset = replace(squares, images=(*few, replace(few[0], name="val.png", split="val")))
    run = train(recipe.model_copy(update=small), dataset, tmp_path / "run")
    assert len(run.epochs) == 1
    assert all(value == value for value in run.epochs[0]["train"].values())
    assert load_detector(run.folder).name == recipe.model
