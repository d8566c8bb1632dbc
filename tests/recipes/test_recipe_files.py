"""Recipes: what loads, what is refused and how it is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from detect.errors import ConfigError
from detect.recipes import SECTIONS, Accept, Recipe, differences, dump_recipe, load_recipe


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_defaults_fill_what_a_recipe_leaves_out(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "model: yolo11n\naugment:\n  mosaic: 0.5\n"))
    assert (recipe.model, recipe.imgsz, recipe.augment.mosaic, recipe.augment.mirror) == ("yolo11n", 640, 0.5, 0.5)


def test_overrides_win_and_reach_into_sections(tmp_path: Path) -> None:
    path = write(tmp_path, "model: yolo11n\nepochs: 9\n")
    recipe = load_recipe(path, ["epochs=2", "augment.mirror=0", "loss.cls=1.5", "weights=start.pt"])
    assert (recipe.epochs, recipe.augment.mirror, recipe.loss.cls, recipe.weights) == (2, 0, 1.5, Path("start.pt"))


def test_dump_and_load_give_the_same_recipe(tmp_path: Path) -> None:
    recipe = Recipe(model="yolov8n", weights=Path("a.pt"), epochs=3)
    assert load_recipe(write(tmp_path, dump_recipe(recipe))) == recipe


def test_differences_name_the_keys() -> None:
    old, new = Recipe(model="yolov8n"), Recipe(model="yolov8n", epochs=7)
    assert differences(old, new) == ["epochs: 100 -> 7"]
    assert differences(old, old) == []
    wanted = old.model_copy(update={"accept": Accept(map50=0.6)})
    assert "accept.map50: None -> 0.6" in differences(old, wanted)
    assert "accept.map50: 0.6 -> None" in differences(wanted, old)


@pytest.mark.parametrize(
    ("line", "override"),
    [("accept: null", "accept.map50=0.6"), ("roi: auto", "roi.samples=64"), ("augment:", "augment.grey=1")],
)
def test_overrides_reach_sections_that_were_left_empty_or_to_be_fitted(
    line: str, override: str, tmp_path: Path
) -> None:
    (tmp_path / "r.yaml").write_text(f"model: fasterrcnn_resnet18_fpn\n{line}\n")
    recipe, (section, rest) = load_recipe(tmp_path / "r.yaml", [override]), override.split(".", 1)
    key, value = rest.split("=")
    assert getattr(getattr(recipe, section), key) == float(value)


WRONG = [
    # a key one letter off: the nearest one is named, with its line
    ("model: yolo11n\nepoch: 3\n", (), ["line 2", "unknown key `epoch`", "did you mean `epochs`?"]),
    # the same inside a section
    ("model: yolo11n\naugment:\n  mozaic: 1\n", (), ["line 3", "did you mean `mosaic`?"]),
    # nothing near: the known keys are listed
    ("model: yolo11n\nzzzzzz: 1\n", (), ["unknown key `zzzzzz`", "known: kind, task, model, weights"]),
    # a value out of range
    ("model: yolo11n\nlr: 5\n", (), ["line 2", "`lr` is 5", "less than or equal to 1"]),
    # several at once
    ("epoch: 3\nlr: -1\n", (), ["the key `model` is missing", "`lr` is -1", "unknown key `epoch`"]),
    # an override is to blame, not a line
    ("model: yolo11n\n", ("epochs=many",), ["override", "`epochs` is 'many'"]),
    ("model: yolo11n\n", ("epochs",), ["epochs=5"]),
    # an override into something that has no keys
    ("model: yolo11n\nepochs: 3\n", ("epochs.x=1",), ["`epochs` has no keys of its own"]),
    # of a choice between types, one mistake for each key, in words
    ("model: yolo11n\nroi: 5\n", (), ["line 2: `roi` is 5: expected auto, or {samples: 64, proposals: 200}"]),
    ("model: yolo11n\n", ("roi.smaples=4",), ["override: unknown key `roi.smaples` (did you mean `samples`?)"]),
    ("model: yolo11n\n", ("roi.samples=0",), ["override: `roi.samples` is 0: input should be greater"]),
    ("model: yolo11n\n", ("anchors=3",), ["override: `anchors` is 3: expected auto, default, or widths"]),
    ("model: yolo11n\n", ("loggers=tensorboard",), ["such as [tensorboard]"]),
    ("model: yolo11n\naugment:\n", (), ["line 2: `augment` is None: expected keys of its own"]),
    ("model: yolo11n\n", ("accept.retries=2",), ["override: `accept` is", "names no metric to reach"]),
    # a configuration for something else: said alone, without the keys that a recipe does not know
    ("kind: space\nlrs: [1]\n", (), ["line 1: `kind` is 'space'; a training needs a file of `kind: recipe`"]),
    ("model: yolo11n\n", ("kind=space",), ["override: `kind` is 'space'"]),
    # the same key twice: YAML would take the last without a word
    ("model: yolo11n\nlr: 0.1\nlr: 0.2\n", (), ["line 3", "second time (first on line 2)"]),
    # not YAML, and not a mapping
    ("model: [yolo\n", (), ["not valid YAML"]),
    ("- yolo11n\n", (), ["`key: value` lines"]),
    ("", (), ["`key: value` lines"]),
]


@pytest.mark.parametrize(("text", "overrides", "said"), WRONG)
def test_mistakes_are_named(tmp_path: Path, text: str, overrides: tuple[str, ...], said: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load_recipe(write(tmp_path, text), overrides)
    for part in said:
        assert part in str(error.value)
    assert "literal" not in str(error.value)


def test_every_key_is_explained() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    keys = {*Recipe.model_fields, *(key for section in SECTIONS.values() for key in section.model_fields)}
    missing = sorted(key for key in keys if not re.search(rf"\b{key}\b", text))
    assert missing == []


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: no such recipe; `detect recipes` lists"):
        load_recipe(tmp_path / "absent.yaml")


def test_the_kind_comes_first_and_may_be_left_out(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "model: yolo11n\n"))
    assert recipe == load_recipe(write(tmp_path, "kind: recipe\nmodel: yolo11n\n"))
    assert dump_recipe(recipe).startswith("kind: recipe\n")
