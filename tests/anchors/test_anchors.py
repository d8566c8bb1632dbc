"""Anchors fitted to boxes: better than the default ones, the same each time, and put where torchvision looks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image as Photo

from detect.cli import main
from detect.config import Recipe
from detect.convert import read, write
from detect.data import Box, Dataset, Image
from detect.errors import DataError, ModelError
from detect.models.anchors import fit_anchors, has_anchors, layout, quality, seen_shapes, shape_iou
from detect.models.names import FIXED, TORCHVISION
from detect.models.torchvision import build

FASTER = "fasterrcnn_resnet18_fpn"


def long_boxes(count: int, seed: int = 0) -> np.ndarray:
    """Scratches: 3 to 8 times as long as wide, upright or across."""
    rng = np.random.default_rng(seed)
    length, ratio = rng.uniform(60, 300, count), rng.uniform(3, 8, count)
    shapes = np.stack([length, length / ratio], axis=1)
    return np.where(rng.random(count)[:, None] < 0.5, shapes, shapes[:, ::-1])


@pytest.mark.parametrize("model", [FASTER, "retinanet_resnet50_fpn", *FIXED, "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_the_default_shapes_are_torchvisions(model: str) -> None:
    imgsz = FIXED.get(model, 320)
    module = build(Recipe(model=model, imgsz=imgsz, anchors="default"), 2)
    generator = module.rpn.anchor_generator if hasattr(module, "rpn") else module.anchor_generator
    if model in FIXED:
        theirs = [(level.clamp(max=1) * imgsz).numpy() for level in generator._wh_pairs]
    else:
        theirs = [(corners[:, 2:] - corners[:, :2]).numpy() for corners in generator.cell_anchors]
    ours = layout(model, imgsz)
    assert ours.counts == tuple(map(len, theirs))
    sizes = np.concatenate(theirs)
    np.testing.assert_allclose(np.sort(sizes.prod(axis=1)), np.sort(ours.shapes.prod(axis=1)), rtol=0.06)
    assert np.abs(np.sort(sizes.ravel()) - np.sort(ours.shapes.ravel())).max() <= 1  # torchvision rounds its own


def test_overlap_of_shapes() -> None:
    boxes, anchors = np.array([[10.0, 20.0]]), np.array([[10.0, 20.0], [20.0, 10.0], [5.0, 20.0]])
    np.testing.assert_allclose(shape_iou(boxes, anchors), [[1, 100 / 300, 0.5]])
    fit = quality(np.array([[10.0, 20.0], [100.0, 100.0]]), anchors)
    assert fit == pytest.approx((0.51, 0.5, 0.5))  # 1 and 200 / 10,000


def test_fitted_anchors_meet_long_boxes_that_default_ones_miss() -> None:
    train, held_out = long_boxes(400), long_boxes(400, seed=1)
    fitted = fit_anchors(train, 15)
    before, after = quality(held_out, layout(FASTER, 640).shapes), quality(held_out, fitted)
    assert before.good < 0.1
    assert after.good > 0.6
    assert after.mean > before.mean + 0.2
    assert (np.diff(fitted.prod(axis=1)) >= 0).all()
    np.testing.assert_array_equal(fitted, fit_anchors(train, 15))


@pytest.mark.parametrize("boxes", [np.array([[30.0, 10.0]]), np.array([[30.0, 10.0]] * 50), long_boxes(3)])
def test_fewer_boxes_than_anchors(boxes: np.ndarray) -> None:
    fitted = fit_anchors(boxes, 15)
    assert fitted.shape == (15, 2)
    assert (fitted > 0).all()
    assert quality(boxes, fitted).mean > 0.95


def test_boxes_are_taken_as_the_model_sees_them() -> None:
    images = [Image("a.jpg", 1000, 500, (Box("dent", 0, 0, 100, 100),))]
    assert seen_shapes(images, FASTER, 500).tolist() == [[50.0, 50.0]]
    assert seen_shapes(images, "ssd300_vgg16", 300).tolist() == [[30.0, 60.0]]  # squeezed into a square
    with pytest.raises(DataError, match="no boxes"):
        seen_shapes([Image("a.jpg", 9, 9)], FASTER, 500)


@pytest.mark.parametrize("model", [FASTER, "retinanet_resnet50_fpn", "ssdlite320_mobilenet_v3_large"])
def test_a_model_is_built_with_the_recipes_anchors(model: str) -> None:
    """In whatever order they are given, each level has its own, and the finest has the smallest."""
    imgsz, count = FIXED.get(model, 320), sum(layout(model, 320).counts)
    shapes = tuple((10.0 + k, 20.0 + k) for k in range(count))
    shuffled = tuple(shapes[place] for place in np.random.default_rng(0).permutation(count))
    module = build(Recipe(model=model, imgsz=imgsz, anchors=shuffled), 2)
    generator = module.rpn.anchor_generator if hasattr(module, "rpn") else module.anchor_generator
    if model in FIXED:
        levels = [level.numpy() * imgsz for level in generator._wh_pairs]
    else:
        levels = [(level[:, 2:] - level[:, :2]).numpy() for level in generator.cell_anchors]
    assert tuple(map(len, levels)) == layout(model, 320).counts
    np.testing.assert_allclose(np.concatenate(levels), shapes, rtol=1e-5)
    with pytest.raises(ModelError, match=f"has {count} anchors .* got 1"):
        build(Recipe(model=model, imgsz=imgsz, anchors=((5.0, 5.0),)), 2)


def test_yolos_have_none_and_it_says_why() -> None:
    assert [name for name in TORCHVISION if not has_anchors(name)] == []
    for model in ("yolo11n", "yolov5n"):
        assert not has_anchors(model)
        with pytest.raises(ModelError, match="has no anchors to fit"):
            layout(model, 640)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of 640 pixels with a long box each, as COCO."""
    folder = tmp_path_factory.mktemp("anchors")
    images = []
    for number, (width, height) in enumerate(long_boxes(120).tolist()):
        box = Box("scratch", 10.0, 10.0, 10 + width, 10 + height)
        images.append(Image(f"{number}.jpg", 640, 640, (box,), "train" if number % 4 else "val"))
    write(Dataset(("scratch",), tuple(images)), folder / "data", "coco")
    return folder / "data"


def test_the_command_prints_before_and_after(data: Path, tmp_path: Path) -> None:
    words = ["anchors", str(data), "--model", FASTER, "--split", "train", "--draw", str(tmp_path / "a.png")]
    value = json.loads(CliRunner().invoke(main, [*words, "--json", "-q"]).stdout)
    assert (value["boxes"], len(value["anchors"])) == (90, 15)
    assert value["fitted"]["good"] > value["default"]["good"] + 0.4
    with Photo.open(tmp_path / "a.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 5
    text = CliRunner().invoke(main, [*words, "-q"]).stdout
    assert "best possible recall at IoU 0.5" in text
    for name in ("default", "fitted"):
        mean, fair, good = (value[name][key] for key in ("mean", "fair", "good"))
        assert re.search(rf"{name} +{mean:.3f} +{fair:.1%} +{good:.1%}", text)
    recipe = Recipe.model_validate({"model": FASTER, "anchors": json.loads(text[text.index("anchors: [") + 9 :])})
    assert len(recipe.anchors) == 15  # what it prints goes into a recipe


def test_a_model_of_one_size_is_fitted_at_that_size(data: Path) -> None:
    words = ["anchors", str(data), "--model", "ssd300_vgg16", "--json", "-q"]
    unsaid, said = (CliRunner().invoke(main, [*words, *more]) for more in ([], ["--imgsz", "300"]))
    assert json.loads(unsaid.stdout) == json.loads(said.stdout)
    assert np.max(json.loads(unsaid.stdout)["anchors"]) <= 300
    other = CliRunner().invoke(main, [*words, "--imgsz", "640"])
    assert other.exit_code == 1
    assert "its input is 300 pixels, always" in other.stderr


def test_the_command_on_a_yolo(data: Path) -> None:
    answer = CliRunner().invoke(main, ["anchors", str(data), "--model", "yolo11n"])
    assert answer.exit_code == 1
    assert "has no anchors to fit" in answer.stderr


@pytest.mark.parametrize(("name", "imgsz"), [("neu-det-voc", 224), ("car-damage-ilujaina", 320)])
def test_on_real_damage(shared_data: Path, name: str, imgsz: int) -> None:
    """The share of boxes with an anchor of IoU 0.7 rises from less than a half to 70 % or more."""
    boxes = seen_shapes(read(shared_data / name).images, FASTER, imgsz)
    before, after = quality(boxes, layout(FASTER, imgsz).shapes), quality(boxes, fit_anchors(boxes, 15))
    assert before.good < 0.5
    assert after.good >= 0.7
