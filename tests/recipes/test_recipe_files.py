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
    # numbers that are none, or that no library takes
    ("model: yolo11n\nlr: .nan\n", (), ["line 2: `lr` is nan: input should be a finite number"]),
    ("model: yolo11n\n", ("warmup=inf",), ["`warmup` is 'inf': input should be a finite number"]),
    ("model: yolo11n\n", ("loss.box=1e30",), ["`loss.box` is '1e30': input should be less than or equal to 10000"]),
    ("model: yolo11n\n", ("assigner.beta=.inf",), ["`assigner.beta` is inf: input should be a finite number"]),
    ("model: yolo11n\n", ("anchors=[[.nan, 3]]",), ["`anchors` is [[nan, 3]]: expected auto, default, or widths"]),
    ("model: yolo11n\n", ("accept.map50=.nan",), ["`accept.map50` is nan: input should be a finite number"]),
    ("model: yolo11n\n", ("seed=-1",), ["`seed` is -1: input should be greater than or equal to 0"]),
    ("model: yolo11n\n", (f"seed={2**64}",), [f"`seed` is {2**64}: input should be less than or equal to {2**64 - 1}"]),
    ("model: yolo11n\n", ("workers=100000",), ["`workers` is 100000: input should be less than or equal to 4096"]),
    ("model: yolo11n\n", ("imgsz=1000000000",), ["`imgsz` is 1000000000: input should be less than or equal to 32768"]),
    # YAML's `yes` is no 1
    ("model: yolo11n\n", ("epochs=yes",), ["`epochs` is True: expected a value, not true or false"]),
    # what YAML's reader itself stumbles over: a 13th month, more digits than Python takes
    ("model: yolo11n\n", ("seed=2024-13-45",), ["'seed=2024-13-45': the value is not valid YAML"]),
    ("model: yolo11n\nseed: " + "9" * 5000, (), ["is not valid YAML"]),
    ("model: yolo11n\n", ("seed=0x" + "f" * 5000,), ["`seed` is a number of thousands of digits"]),
    # a device
    ("model: yolo11n\ndevice: cdua\n", (), ["line 2: `device` is 'cdua': expected auto, cpu", "did you mean cuda?"]),
    ("model: yolo11n\n", ("device=-1",), ["-1 is the CPU to some tools, and an idle GPU to others"]),
    (
        "model: yolo11n\n",
        ("device=0,1", "devices=3"),
        ["`devices` is 3: `device` names 2 of them; leave `devices` out"],
    ),
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


DEVICES = [
    # as it is written, what the recipe keeps, and how many devices that are
    ("device=0", "cuda:0", 1),
    ("device=gpu", "cuda", 1),
    ("device=CPU", "cpu", 1),
    ("device=", "auto", 1),
    ("device=0,1", "cuda:0,1", 2),
    ("device=[2, 3]", "cuda:2,3", 2),
    ("device=cuda:0,1", "cuda:0,1", 2),
]


@pytest.mark.parametrize(("override", "device", "devices"), DEVICES)
def test_a_device_as_other_tools_name_it(override: str, device: str, devices: int, tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "model: yolo11n\n"), [override])
    assert (recipe.device, recipe.devices) == (device, devices)
    assert load_recipe(write(tmp_path, dump_recipe(recipe))) == recipe


def test_the_largest_seed_and_a_switched_probability(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "model: yolo11n\n"), [f"seed={2**64 - 1}", "augment.mosaic=false"])
    assert (recipe.seed, recipe.augment.mosaic) == (2**64 - 1, 0)


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
