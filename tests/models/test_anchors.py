"""Anchors fitted to boxes: better than the default ones, the same each time, and put where torchvision looks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image as Photo
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import box_iou

from detect.cli import main
from detect.conversion import read, write
from detect.data import Box, Dataset, Image
from detect.errors import DataError, ModelError
from detect.models.anchors import (
    Level,
    fit_anchors,
    layout,
    overlap,
    placed_iou,
    positive,
    quality,
    seen_boxes,
    shape_iou,
)
from detect.models.families import FAMILIES, build, family_of, fixed_size
from detect.recipes import Recipe

FASTER = "fasterrcnn_resnet18_fpn"
SSDS = ("ssd300_vgg16", "ssdlite320_mobilenet_v3_large")


def long_boxes(count: int, seed: int = 0) -> np.ndarray:
    """Scratches (N, 4) in 640 pixels: 3 to 8 times as long as wide, upright or across."""
    rng = np.random.default_rng(seed)
    length, ratio = rng.uniform(60, 300, count), rng.uniform(3, 8, count)
    shapes = np.stack([length, length / ratio], axis=1)
    shapes = np.where(rng.random(count)[:, None] < 0.5, shapes, shapes[:, ::-1])
    return np.concatenate([rng.uniform(shapes / 2, 640 - shapes / 2), shapes], axis=1)


@pytest.mark.parametrize("model", [FASTER, "retinanet_resnet50_fpn", *SSDS, "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_the_default_shapes_are_torchvisions(model: str) -> None:
    imgsz = fixed_size(model) or 320
    module = build(Recipe(model=model, imgsz=imgsz, anchors="default"), 2)
    generator = module.rpn.anchor_generator if hasattr(module, "rpn") else module.anchor_generator
    if fixed_size(model):
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
    fit = quality(shape_iou(np.array([[10.0, 20.0], [100.0, 100.0]]), anchors))
    assert fit == pytest.approx((0.51, 0.5, 0.5))  # 1 and 200 / 10,000


def test_fitted_anchors_meet_long_boxes_that_default_ones_miss() -> None:
    train, held_out = long_boxes(400), long_boxes(400, seed=1)
    given = layout(FASTER, 640)
    fitted = fit_anchors(train, given, 0.7)
    before, after = (quality(overlap(held_out, shapes, given)) for shapes in (given.shapes, fitted))
    assert before.good < 0.1
    assert after.good > 0.6
    assert after.mean > before.mean + 0.2
    np.testing.assert_array_equal(fitted, fit_anchors(train, given, 0.7))


@pytest.mark.parametrize("boxes", [np.array([[64.0, 64, 30, 10]]), long_boxes(2)])
def test_with_fewer_boxes_than_anchors_the_default_ones_stay(boxes: np.ndarray) -> None:
    given = layout(FASTER, 640)
    np.testing.assert_array_equal(fit_anchors(boxes, given, 0.7), given.shapes)


@pytest.mark.parametrize("model", SSDS)
def test_levels_that_see_nothing_keep_their_default_ones_in_their_places(model: str) -> None:
    """The heads of an SSD that was trained with these go on meaning what they meant."""
    given = layout(model, fixed_size(model) or 0)
    np.testing.assert_array_equal(fit_anchors(np.array([[64.0, 64, 30, 10]]), given, 0.5), given.shapes)
    fitted = np.split(fit_anchors(long_boxes(2000) / 3, given, 0.5), np.cumsum(given.counts)[:-1])
    kept = [np.array_equal(shapes, level.shapes) for shapes, level in zip(fitted, given.levels, strict=True)]
    assert not all(kept)
    for shapes, level in zip(fitted, given.levels, strict=True):
        theirs = (level.shapes[:, 1] / level.shapes[:, 0]).round(2)
        ratio = shapes[:, 1] / shapes[:, 0]
        for one in range(len(ratio)):
            assert (ratio[theirs > theirs[one]] >= ratio[one]).all(), "ranked as the default ones are"


def test_boxes_that_are_all_alike() -> None:
    boxes, given = np.array([[64.0, 64, 30, 10]] * 50), layout(FASTER, 640)
    fitted = fit_anchors(boxes, given, 0.7)
    assert fitted.shape == (15, 2)
    assert quality(overlap(boxes, fitted, given)).mean > 0.98


def test_overlap_where_the_anchors_stand() -> None:
    """Two by two places at 0 and 100: a box at (30, 100) is 30 beside the nearest, one at (180, 0) is 80."""
    level = Level(2, 100.0, 0.0, np.array([[50.0, 50.0]]))
    boxes = np.array([[30.0, 100, 50, 50], [180, 0, 50, 50], [100, 0, 50, 25]])
    expected = [[20 * 50 / (2 * 2500 - 20 * 50)], [0.0], [0.5]]
    np.testing.assert_allclose(placed_iou(boxes, level.shapes, level), expected)


@pytest.mark.parametrize("model", [FASTER, "retinanet_resnet50_fpn", *SSDS, "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_the_anchors_stand_where_torchvision_puts_them(model: str) -> None:
    """The best overlap of every box, by our levels and by torchvision's whole list of anchors."""
    imgsz = fixed_size(model) or 224
    module = build(Recipe(model=model, imgsz=imgsz, anchors="default"), 2).eval()
    generator = module.rpn.anchor_generator if hasattr(module, "rpn") else module.anchor_generator
    with torch.no_grad():
        features = list(module.backbone(torch.zeros(1, 3, imgsz, imgsz)).values())
        anchors = generator(ImageList(torch.zeros(1, 3, imgsz, imgsz), [(imgsz, imgsz)]), features)[0]
    rng, given = np.random.default_rng(0), layout(model, imgsz)
    size = rng.uniform(20, 150, (60, 2))
    middle = rng.uniform(size / 2, imgsz - size / 2)
    corners = torch.from_numpy(np.concatenate([middle - size / 2, middle + size / 2], axis=1)).float()
    theirs = box_iou(corners, anchors).max(dim=1).values.numpy()
    ours = overlap(np.concatenate([middle, size], axis=1), given.shapes, given).max(axis=1)
    np.testing.assert_allclose(ours, theirs, atol=0.03)  # torchvision rounds its shapes


def test_coarse_levels_keep_to_large_boxes() -> None:
    """Small boxes alone: what they need stands on the finest grids, and the wide ones keep what they have."""
    rng, given = np.random.default_rng(0), layout("retinanet_resnet50_fpn", 640)
    boxes = np.concatenate([rng.uniform(50, 590, (500, 2)), rng.uniform(20, 50, (500, 2))], axis=1)
    levels = np.split(fit_anchors(boxes, given, 0.5), 5)
    for level, default in zip(levels[2:], np.split(given.shapes, 5)[2:], strict=True):
        np.testing.assert_array_equal(level, default)
    assert np.sqrt(levels[0].prod(axis=1)).max() < 60
    before, after = (quality(overlap(boxes, shapes, given)) for shapes in (given.shapes, np.concatenate(levels)))
    assert after.mean > before.mean + 0.03
    assert after.good > before.good + 0.1


def test_outputs_of_a_shared_head_are_ordered_as_by_default() -> None:
    """Ratio by ratio, each by size, so that the same output says the same thing on every level."""
    fitted = fit_anchors(long_boxes(3000), layout("retinanet_resnet50_fpn", 640), 0.5)
    for level in np.split(fitted, 5):
        ratios, areas = (level[:, 1] / level[:, 0]).reshape(3, 3), level.prod(axis=1).reshape(3, 3)
        assert (ratios[:-1].max(axis=1) <= ratios[1:].min(axis=1)).all()
        assert (np.diff(areas, axis=1) >= 0).all()


def test_boxes_are_taken_as_the_model_sees_them() -> None:
    images = [Image("a.jpg", 1000, 500, (Box("dent", 0, 0, 100, 100),))]
    assert seen_boxes(images, FASTER, 500).tolist() == [[25.0, 25.0, 50.0, 50.0]]
    assert seen_boxes(images, "ssd300_vgg16", 300).tolist() == [[15.0, 30.0, 30.0, 60.0]]  # squeezed into a square
    with pytest.raises(DataError, match="no boxes"):
        seen_boxes([Image("a.jpg", 9, 9)], FASTER, 500)


@pytest.mark.parametrize("model", [FASTER, "retinanet_resnet50_fpn", "ssdlite320_mobilenet_v3_large"])
def test_a_model_is_built_with_the_recipes_anchors(model: str) -> None:
    """Level by level, the finest first."""
    imgsz, count = fixed_size(model) or 320, sum(layout(model, 320).counts)
    shapes = tuple((10.0 + k, 20.0 + k) for k in range(count))
    module = build(Recipe(model=model, imgsz=imgsz, anchors=shapes), 2)
    generator = module.rpn.anchor_generator if hasattr(module, "rpn") else module.anchor_generator
    if fixed_size(model):
        levels = [level.numpy() * imgsz for level in generator._wh_pairs]
    else:
        levels = [(level[:, 2:] - level[:, :2]).numpy() for level in generator.cell_anchors]
    assert tuple(map(len, levels)) == layout(model, 320).counts
    np.testing.assert_allclose(np.concatenate(levels), shapes, rtol=1e-5)
    with pytest.raises(ModelError, match=f"has {count} anchors .* got 1"):
        build(Recipe(model=model, imgsz=imgsz, anchors=((5.0, 5.0),)), 2)


def test_yolos_have_none_and_it_says_why() -> None:
    assert [one.name for one in FAMILIES.values() if not one.has_anchors] == ["yolox", "yolo", "yolo26"]
    for model in ("yolo11n", "yolov5n"):
        assert not family_of(model).has_anchors
        with pytest.raises(ModelError, match="has no anchors to fit"):
            layout(model, 640)
    for model in ("fasterrcnn_resnet50", "retinanet", "ssd301_vgg16", "yolov99"):
        with pytest.raises(ModelError, match=f"'{model}': no such detector"):
            layout(model, 640)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of 640 pixels with a long box each, as COCO."""
    folder = tmp_path_factory.mktemp("anchors")
    images = []
    for number, (x, y, width, height) in enumerate(long_boxes(120).tolist()):
        box = Box("scratch", x - width / 2, y - height / 2, x + width / 2, y + height / 2)
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
        for fit, what in ((value[name], ""), (value[name]["shape_only"], ", by shape only")):
            mean, fair, good = (fit[key] for key in ("mean", "fair", "good"))
            assert re.search(rf"{name}{what} +{mean:.3f} +{fair:.1%} +{good:.1%}", text)
        assert value[name]["good"] <= value[name]["shape_only"]["good"]
    recipe = Recipe.model_validate({"model": FASTER, "anchors": json.loads(text[text.index("anchors: [") + 9 :])})
    assert len(recipe.anchors) == 15  # what it prints goes into a recipe


def test_a_model_of_one_size_is_fitted_at_that_size(data: Path) -> None:
    words = ["anchors", str(data), "--model", "ssd300_vgg16", "--json", "-q"]
    unsaid, said = (CliRunner().invoke(main, [*words, *more]) for more in ([], ["--imgsz", "300"]))
    assert json.loads(unsaid.stdout) == json.loads(said.stdout)
    assert np.max(json.loads(unsaid.stdout)["anchors"]) <= 300
    other = CliRunner().invoke(main, [*words, "--imgsz", "640"])
    assert other.exit_code == 2
    assert "its input is 300 pixels, always" in other.stderr


def test_the_command_on_a_yolo(data: Path) -> None:
    answer = CliRunner().invoke(main, ["anchors", str(data), "--model", "yolo11n"])
    assert answer.exit_code == 2
    assert "has no anchors to fit" in answer.stderr


@pytest.mark.parametrize("name", ["neu-det-voc", "car-damage-ilujaina"])
def test_on_real_damage(shared_data: Path, name: str) -> None:
    """The share of boxes with an anchor of IoU 0.7 rises from less than a half to 70 % or more, where anchors stand."""
    model, imgsz = "fasterrcnn_resnet50_fpn", 640
    boxes, given = seen_boxes(read(shared_data / name).images, model, imgsz), layout(model, imgsz)
    fitted = fit_anchors(boxes, given, positive(Recipe(model=model)))
    assert quality(shape_iou(boxes[:, 2:], given.shapes)).good < 0.5
    assert quality(overlap(boxes, fitted, given)).good >= 0.7


@pytest.mark.parametrize("model", ["retinanet_resnet50_fpn", "ssdlite320_mobilenet_v3_large"])
def test_on_real_damage_with_many_anchors(shared_data: Path, model: str) -> None:
    """Fitted by shape alone, as if an anchor stood on every box, they would be worse than the default ones here."""
    imgsz = fixed_size(model) or 224
    boxes, given = seen_boxes(read(shared_data / "neu-det-voc").images, model, imgsz), layout(model, imgsz)
    default, fitted = (
        quality(overlap(boxes, shapes, given)) for shapes in (given.shapes, fit_anchors(boxes, given, 0.5))
    )
    assert fitted.fair > default.fair + 0.1 > 0.9
    assert fitted.good > default.good
    assert fitted.mean > default.mean + 0.04
