"""The recipes that come with the package: found by name, listed, copied, and in what is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from click.testing import CliRunner

from detect.cli import main
from detect.errors import ConfigError
from detect.recipes import load_recipe, read_opening, recipe_files

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))


def test_a_name_is_found_and_a_file_of_ones_own_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ssdlite").mkdir()  # a folder is no recipe: the name is meant
    assert load_recipe("ssdlite").model == "ssdlite320_mobilenet_v3_large"
    assert load_recipe("ssdlite", ["epochs=2"]).epochs == 2
    Path("yolo11n").write_text("model: yolov8n\n")
    assert load_recipe("yolo11n").model == "yolov8n"


@pytest.mark.parametrize("wrong", ["ssdlit", "ssdlite.yaml", "configs/ssdlite.yaml"])
def test_a_wrong_name_is_answered_with_near_ones(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no such recipe \(did you mean ssdlite.*`detect recipes` lists"):
        load_recipe(wrong)


def test_the_command_lists_every_recipe_with_what_it_says_of_itself() -> None:
    done = CliRunner().invoke(main, ["recipes", "--json"])
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert list(rows) == NAMES
    assert rows["ssd300"] == {
        "name": "ssd300",
        "purpose": "SSD on a VGG-16: the classic one, for comparison.",
        "time": "1 s per photo and epoch on a CPU core with bfloat16, 2 s without; for a GPU.",
        # over two lines in the file
        "score": "AP50 0.243 on the drawn sample, from scratch, stopped after 5 of 12 epochs and still rising fast "
        "(docs/benchmarks.md).",
    }
    table = CliRunner().invoke(main, ["recipes", "--quiet"]).stdout
    assert [name for name in NAMES if f" {name} " not in table] == []


def test_the_command_prints_the_file_itself() -> None:
    for name, path in recipe_files().items():
        assert CliRunner().invoke(main, ["recipes", name]).stdout_bytes == path.read_bytes()
    done = CliRunner().invoke(main, ["recipes", "yolo11"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "did you mean yolo11n" in done.stderr


def test_a_recipe_that_says_nothing_of_itself_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("# Mine.\nkind: recipe\nmodel: yolo11n\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml: a recipe opens with comments"):
        read_opening(tmp_path / "mine.yaml")


def test_a_wheel_made_from_the_source_distribution_holds_every_recipe(tmp_path: Path) -> None:
    """Built in a copy, because setuptools leaves files beside the source; read where no checkout is on the path."""
    source, site = tmp_path / "source", tmp_path / "site"
    for folder in ("detect", "configs"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    code = f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path)]
    (archive,) = tmp_path.glob("*.tar.gz")
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, archive], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with ZipFile(wheel) as unpacked:
        unpacked.extractall(site)
    assert {path.name for path in site.iterdir()} == {"detect", f"{wheel.name.rpartition('-py3')[0]}.dist-info"}
    code = "import detect, json; from detect.recipes import *; print(detect.__file__)\n"
    code += "print(json.dumps({name: load_recipe(name).model for name in recipe_files()}))"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**environment, "PYTHONPATH": str(site)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    place, models = done.stdout.splitlines()
    assert Path(place).is_relative_to(site)
    assert json.loads(models) == {name: load_recipe(ROOT / "configs" / f"{name}.yaml").model for name in NAMES}
