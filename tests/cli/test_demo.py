"""The demo's steps are the real commands, in an order in which each finds what it needs."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from detect.cli import main
from detect.cli.demo import steps
from detect.recipes import load_recipe


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
            "evaluate": paths[2:],
        }[name]
        read = [path for path in paths if path not in written]
        assert set(read) <= made, f"{name} reads {read}"
        made.update(written)
    assert "demo/report" in made


def test_the_recipe_that_comes_along_loads() -> None:
    from importlib.resources import as_file, files

    with as_file(files("detect.sample") / "recipe.yaml") as path:
        recipe = load_recipe(path)
    assert recipe.weights is None, "the demo starts from scratch"


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
