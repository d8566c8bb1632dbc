"""What may import what: the floors, packages that only some rooms may import, no cycle."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]

FENCED = {  # package: where alone it may be imported
    "torch": ("detect.models", "detect.training", "detect.prediction"),
    "torchvision": ("detect.models", "detect.training", "detect.prediction"),
    "lightning_fabric": ("detect.models", "detect.training", "detect.prediction"),
    "albumentations": ("detect.training",),
    "click": ("detect.cli",),
    "ultralytics": ("detect.models.yolo.library",),  # AGPL-3.0: one file, behind an extra
    "yolox": ("detect.models.yolox.library",),  # its parts come and go with releases
    "loguru": ("detect.models.yolox.library",),
    "fiftyone": ("detect.review.fiftyone",),
    "fastapi": ("detect.serving",),
    "starlette": ("detect.serving",),
    "uvicorn": ("detect.serving",),
}
TORCHLESS = ("splitting", "drawing", "recipes", "conversion", "similarity", "checking", "evaluation", "sample")


@cache
def graph() -> grimp.ImportGraph:
    # What stands under TYPE_CHECKING is never imported; `detect/__init__.py` names its lazy public names there.
    return grimp.build_graph(
        "detect", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def cycle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """Modules that each import the next one, from one back to itself; none where there is no cycle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert cycle({"a": ["b", "c"], "b": ["c"], "c": []}) == []
    assert len(cycle({"a": ["b"], "b": ["c"], "c": ["d"], "d": ["b"]})) == 4  # b, c, d and b again; a is outside
    files = [path.relative_to(ROOT).with_suffix("").parts for path in (ROOT / "detect").rglob("*.py")]
    ours = {".".join(parts).removesuffix(".__init__") for parts in files}
    assert ours == {module for module in graph().modules if module.startswith("detect")}, "each file is looked at"
    assert cycle({module: graph().find_modules_directly_imported_by(module) for module in ours}) == []


def test_the_floors_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", FENCED)
def test_a_package_is_imported_only_in_its_rooms(package: str) -> None:
    importers = graph().find_modules_that_directly_import(package) if package in graph().modules else set()
    rooms = FENCED[package]
    assert [m for m in sorted(importers) if m not in rooms and not m.startswith(tuple(f"{r}." for r in rooms))] == []


@pytest.mark.parametrize("room", TORCHLESS)
def test_a_room_does_not_reach_torch(room: str) -> None:
    if f"detect.{room}" not in graph().modules:
        pytest.skip("not built yet")
    assert graph().find_shortest_chain(f"detect.{room}", "torch", as_packages=True) is None
