"""`batch: auto`: the largest batch for which there is memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detect.data import Dataset
from detect.errors import ConfigError, ModelError
from detect.models.families import family_of
from detect.models.family import resolve
from detect.recipes import Recipe, load_recipe
from detect.training import batch_size, train
from detect.training.batch_size import bytes_per_photo, free_memory, largest_by_size, largest_by_trying, with_batch
from detect.training.job import make_job
from detect.training.listeners import Listeners

MODELS = ("yolov5n", "yolox-nano", "ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn")


def recipe(model: str, **more: Any) -> Recipe:
    size = {"ssdlite320_mobilenet_v3_large": 320}.get(model, 64)
    values = {"model": model, "imgsz": size, "epochs": 1, "workers": 0, "threads": 1, "device": "cpu", "batch": "auto"}
    return Recipe.model_validate({**values, **more})


def step(model: str, squares: Dataset, tmp_path: Path, **more: Any) -> Callable[[int], None]:
    job = make_job(recipe(model, batch=2, **more), squares, tmp_path, Listeners())
    made: Callable[[int], None] = resolve(family_of(model).trial or "")(job)
    return made


@pytest.mark.parametrize("model", MODELS)
def test_what_a_photo_takes_is_what_a_step_keeps(model: str, squares: Dataset, tmp_path: Path) -> None:
    """Eight photos keep eight times as much, and one layer alone is a part of it."""
    made = step(model, squares, tmp_path)
    each = bytes_per_photo(made)
    assert batch_size._kept(made, 8) - batch_size._kept(made, 4) == pytest.approx(4 * each, rel=0.1)
    pixels = recipe(model).imgsz ** 2
    assert each > 4 * 3 * pixels, "more than the picture itself"


def test_a_larger_picture_takes_more(squares: Dataset, tmp_path: Path) -> None:
    small, large = (bytes_per_photo(step("yolox-nano", squares, tmp_path, imgsz=size)) for size in (64, 128))
    assert large == pytest.approx(4 * small, rel=0.1)


@pytest.mark.parametrize(
    ("each", "free", "most", "fits"),
    [(10, 100, 512, 8), (10, 80, 512, 8), (10, 79, 512, 4), (10, 10, 512, 1), (10, 9, 512, 0), (1, 10**9, 42, 32)],
)
def test_the_largest_power_of_two_fits(each: float, free: int, most: int, fits: int) -> None:
    assert largest_by_size(each, free, most) == fits


@pytest.mark.parametrize(("room", "most", "fits"), [(5, 64, 4), (64, 64, 64), (100, 64, 64), (1, 64, 1), (0, 64, 0)])
def test_a_gpu_is_asked_by_trying(room: int, most: int, fits: int) -> None:
    def tried(size: int) -> None:
        if size > room:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    assert largest_by_trying(tried, most) == fits


def test_other_errors_are_not_taken_for_memory() -> None:
    def breaks(size: int) -> None:
        raise RuntimeError("shape mismatch")

    with pytest.raises(RuntimeError, match="shape mismatch"):
        largest_by_trying(breaks, 4)


def test_a_run_keeps_its_batch(squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where less memory is free when it goes on."""
    few = replace(squares, images=(*squares.only("train").images[:10], *squares.only("val").images[:2]))
    each = bytes_per_photo(step("yolox-nano", few, tmp_path))
    monkeypatch.setattr(batch_size, "free_memory", lambda: int(each * 5 / batch_size.SHARE))
    auto = recipe("yolox-nano", epochs=1)
    run = train(auto, few, tmp_path / "run")
    assert load_recipe(tmp_path / "run" / "recipe.yaml").batch == run.recipe.batch == 4
    monkeypatch.setattr(batch_size, "free_memory", lambda: 0)
    more = train(auto.model_copy(update={"epochs": 2}), few, tmp_path / "run", resume=True)
    assert more.recipe.batch == 4 and len(more.epochs) == 2
    with pytest.raises(ModelError, match="not even batch=1 fits: lower `imgsz` or take a smaller model"):
        train(auto, few, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_no_more_than_there_are_photos_and_processes_share(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_size, "free_memory", lambda: 2**60)
    assert with_batch(recipe("yolox-nano"), squares, tmp_path, known=False).batch == 32  # of 42
    assert with_batch(recipe("yolox-nano", devices=2), squares, tmp_path, known=False).batch == 16  # of 21 each
    assert with_batch(recipe("yolox-nano", batch=3), squares, tmp_path, known=False).batch == 3
    with pytest.raises(ConfigError, match="`batch` is auto, and machines may differ in memory"):
        with_batch(recipe("yolox-nano", nodes=2), squares, tmp_path, known=False)


def test_free_memory_is_that_of_the_system_or_the_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_size, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(batch_size, "CONTAINER", tmp_path)
    assert free_memory() > 2**20  # no such file: what Python says
    (tmp_path / "meminfo").write_text("MemTotal: 2000 kB\nMemAvailable:    1000 kB\n")
    assert free_memory() == 1000 * 1024
    (tmp_path / "memory.current").write_text("100\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory() == 1000 * 1024
    (tmp_path / "memory.max").write_text("600\n")
    assert free_memory() == 500


@pytest.mark.parametrize("wrong", [0, -1, "most", 2.5])
def test_what_is_no_batch_is_refused(wrong: object, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(f"model: yolox-nano\nbatch: {wrong}\n")
    with pytest.raises(ConfigError, match="`batch`"):
        load_recipe(tmp_path / "r.yaml")
    (tmp_path / "r.yaml").write_text("model: yolox-nano\nbatch: auto\n")
    assert load_recipe(tmp_path / "r.yaml").batch == 0
