"""The demo's steps are the real commands, in an order in which each finds what it needs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from detect.cli import main
from detect.cli.demo import MODELS, OWN, steps
from detect.conversion import write, write_predictions
from detect.recipes import load_recipe
from tests.evaluation.random_sets import random_set

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("step", steps(Path("demo")), ids=lambda step: step[0])
def test_each_step_is_a_command_that_parses(step: tuple[str, ...], tmp_path: Path) -> None:
    context = click.Context(main)
    command = main.get_command(context, step[0])
    assert command is not None
    command.make_context(step[0], list(step[1:]), parent=context)


def test_each_step_reads_what_earlier_ones_wrote() -> None:
    made = {"demo/recipe.yaml"}
    for name, *arguments in steps(Path("demo")):
        paths = [argument for argument in arguments if argument.startswith("demo/")]
        written = {
            "sample": paths[:1],
            "convert": paths[1:],
            "split": paths[1:],
            "train": paths[2:],
            "predict": paths[2:],
            "evaluate": [path for path in paths[2:] if not path.endswith("point.json")],
        }[name]
        read = [path for path in paths if path not in written]
        assert set(read) <= made, f"{name} reads {read}"
        made.update(written)
        if name == "evaluate":
            made.add(f"{written[0]}/point.json")
    assert "demo/report" in made


def test_confidences_are_chosen_on_val_and_reported_on_test() -> None:
    val, test = [step for step in steps(Path("demo")) if step[0] == "evaluate"]
    assert (val[val.index("--split") + 1], test[test.index("--split") + 1]) == ("val", "test")
    assert "--point" not in val
    assert test[test.index("--point") + 1] == f"{val[val.index('--out') + 1]}/point.json"


def test_only_what_was_measured_on_test_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for split, seed in (("val", 4), ("test", 5)):
        dataset, predictions = random_set(
            seed=seed, images=4, classes=2, truths=5, found=2, noise=3, levels=10, flags=0.0, digits=1
        )
        images = [replace(image, name=f"{split}-{image.name}", path=None) for image in dataset.images]
        found = {f"{split}-{name}": boxes for name, boxes in predictions.images.items()}
        write(replace(dataset, images=tuple(images)), tmp_path / f"{split}-truth.json", "coco")
        write_predictions(replace(predictions, images=found), tmp_path / f"{split}.json")
    evaluations = (
        ("evaluate", "val-truth.json", "val.json", "--out", "demo/val-report"),
        ("evaluate", "test-truth.json", "test.json", "--point", "demo/val-report/point.json", "--out", "demo/report"),
    )
    monkeypatch.setattr("detect.cli.demo.steps", lambda folder: evaluations)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("Over all confidences") == 1
    assert "chosen on other data for the best F1" in result.stdout
    assert "confidences were chosen on" not in result.output
    assert (tmp_path / "demo" / "report" / "report.html").is_file()
    assert all(f"  {command}\n" in result.stderr for command in OWN)


@pytest.mark.parametrize("command", OWN)
def test_the_two_commands_that_it_names_parse_and_are_in_the_readme(command: str) -> None:
    _, name, *words = command.split()
    context = click.Context(main)
    known = main.get_command(context, name)
    assert known is not None
    known.make_context(name, words, parent=context)
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_takes_one_time_everywhere() -> None:
    """The help says it; where another file speaks of minutes for the demo, it says the same."""
    said = {}
    for file in (
        "detect/cli/demo.py",
        "docs/commands.md",
        "README.md",
        "docs/benchmarks.md",
        "CHANGELOG.md",
        "detect/sample/yolov8n.yaml",
    ):
        said[file] = re.findall(r"about (\S+) minutes on two cores", (ROOT / file).read_text(encoding="utf-8"))
    assert all(said.values()), said
    assert len({time for times in said.values() for time in times}) == 1, said


@pytest.mark.parametrize("model", MODELS)
def test_the_recipe_of_each_model_comes_along(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("detect.cli.demo.steps", lambda folder: ())
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "demo"), "--model", model])
    assert result.exit_code == 0, result.output
    recipe = load_recipe(tmp_path / "demo" / "recipe.yaml")
    assert recipe.model == model
    assert recipe.weights is None, "the demo starts from scratch"


@pytest.mark.parametrize(
    ("installed", "chosen"), [({"ultralytics", "yolox"}, "yolov8n"), ({"yolox"}, "yolox-nano"), (set(), None)]
)
def test_without_a_word_it_takes_what_is_installed(
    installed: set[str], chosen: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in installed else None)
    monkeypatch.setattr("detect.cli.demo.steps", lambda folder: ())
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "demo")])
    if chosen is None:
        assert (result.exit_code, "damage-detect[yolox]" in result.output) == (1, True)
        assert not (tmp_path / "demo").exists()
    else:
        assert load_recipe(tmp_path / "demo" / "recipe.yaml").model == chosen


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    result = CliRunner().invoke(main, ["demo", str(tmp_path)])
    assert result.exit_code == 1
    assert "already there" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_step_that_fails_ends_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = (
        ("split", str(tmp_path / "absent"), str(tmp_path / "x"), "--ratios", "80/20"),
        ("sample", str(tmp_path / "y")),
    )
    monkeypatch.setattr("detect.cli.demo.steps", lambda folder: bad)
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "demo")])
    assert result.exit_code == 1
    assert "no such file or folder" in result.output
    assert not (tmp_path / "y").exists()


def test_quiet_reaches_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = (("sample", str(tmp_path / "s"), "--images", "1", "--size", "160"),)
    monkeypatch.setattr("detect.cli.demo.steps", lambda folder: one)
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "demo"), "--quiet"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert (tmp_path / "s").is_dir()
