"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Photo

from detect.data import Box, Dataset, Image
from detect.progress import set_quiet

# What takes longest, in the order in which it begins. Reviews come first of all: FiftyOne cannot be imported after
# mlflow, whose importlib_metadata reads its metadata in another way (KeyError: 'author').
LONGEST = (
    "review/", "training/test_several", "training/test_resume", "models/test_export", "training/test_torchvision",
    "training/", "test_offline", "models/",
)  # fmt: skip
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that take longest begin first."""
    items.sort(key=lambda item: [not item.nodeid.startswith(f"tests/{place}") for place in LONGEST])


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: many tests wait for a browser, a database or processes of their own."""
    return (os.cpu_count() or 1) + 2


@pytest.fixture(autouse=True, scope="session")
def never_synced() -> Iterator[None]:
    """What a test writes need not outlive the machine: trainings write tens of GB, and would wait for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """`--quiet` is a switch of the process; one test must not silence the next."""
    yield
    set_quiet(False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real datasets beside the checkout. Absent: skip, but never in CI."""
    if not SHARED_DATA.is_dir():
        message = "needs the real datasets in ../shared/data, which are not here"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return SHARED_DATA


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Fifty-six grey photos of 64 pixels with one red or blue square each, but for every seventh, which is empty."""
    folder, rng, images = tmp_path_factory.mktemp("squares"), np.random.default_rng(0), []
    colours = {"red": (220, 30, 30), "blue": (30, 30, 220)}
    for k in range(56):
        pixels = rng.integers(90, 120, (64, 64, 3)).astype(np.uint8)
        (x, y), (w, h), label = rng.integers(2, 30, 2), rng.integers(16, 32, 2), ("red", "blue")[k % 2]
        boxes = () if k % 7 == 6 else (Box(label, float(x), float(y), float(x + w), float(y + h)),)
        if boxes:
            pixels[y : y + h, x : x + w] = colours[label]
        path = folder / f"{k:02d}.png"
        Photo.fromarray(pixels).save(path)
        images.append(Image(path.name, 64, 64, boxes, "train" if k < 42 else "val", path=path))
    return Dataset(("red", "blue"), tuple(images))
