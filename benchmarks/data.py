"""What the checks of data.py cost: 250,000 images with 1,000,000 boxes made with them, and as plain values without.

python benchmarks/data.py [--images 250000]
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from detect.data import NONE, Attributes, Box, Dataset, Image, Predictions

CLASSES = ("dent", "scratch", "crack", "broken glass")
ROUNDS = 5


class PlainBox(NamedTuple):
    """A box that checks nothing."""

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    score: float | None = None
    attributes: Attributes = NONE


@dataclass(frozen=True, slots=True)
class PlainImage:
    """An image that checks nothing."""

    name: str
    width: int
    height: int
    boxes: tuple[PlainBox, ...] = ()
    split: str | None = None
    attributes: Attributes = NONE
    path: Path | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PlainDataset:
    """A dataset that checks its labels and names alone, as data.py did before the other checks."""

    classes: tuple[str, ...]
    images: tuple[PlainImage, ...]

    def __post_init__(self) -> None:
        """Look at every name and box."""
        known, seen, wrong = set(self.classes), set[str](), []
        for image in self.images:
            if image.name in seen:
                wrong.append(image.name)
            seen.add(image.name)
        for image in self.images:
            for box in image.boxes:
                label, _, _, _, _, score, _ = box
                if label not in known:
                    wrong.append(label)
                if score is not None:
                    wrong.append(image.name)
        assert not wrong


@dataclass(frozen=True, slots=True)
class PlainPredictions:
    """Predictions that check their labels and scores, as data.py did before the other checks."""

    classes: tuple[str, ...]
    images: dict[str, tuple[PlainBox, ...]]

    def __post_init__(self) -> None:
        """Look at every box."""
        known, wrong = set(self.classes), []
        for name, boxes in self.images.items():
            for box in boxes:
                if box.label not in known:
                    wrong.append(box.label)
                if box.score is None or not 0 <= box.score <= 1:
                    wrong.append(name)
        assert not wrong


def truth(count: int, box: Any, image: Any, dataset: Any) -> None:
    """Make a dataset: four boxes per image."""
    images = []
    for i in range(count):
        boxes = tuple([box(CLASSES[j], 1.5 + j, 2.0, 40.0 + j, 25.5) for j in range(4)])
        images.append(image(f"claim-{i // 4}/{i}.jpg", 1280, 960, boxes))
    dataset(CLASSES, tuple(images))


def found(count: int, box: Any, predictions: Any) -> None:
    """Make predictions: four boxes per image."""
    images = {}
    for i in range(count):
        boxes = tuple([box(CLASSES[j], 1.5 + j, 2.0, 40.0 + j, 25.5, 0.5) for j in range(4)])
        images[f"claim-{i // 4}/{i}.jpg"] = boxes
    predictions(CLASSES, images)


def best(ways: list[Callable[[], None]]) -> list[float]:
    """The seconds of each way, the best of some rounds in which they take turns."""
    seconds = [[] for _ in ways]  # type: list[list[float]]
    for _ in range(ROUNDS):
        for way, times in zip(ways, seconds, strict=True):
            gc.collect()
            start = time.process_time()
            way()
            times.append(time.process_time() - start)
    return [min(times) for times in seconds]


def main() -> None:
    """Time both ways in turns and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=250_000)
    count = parser.parse_args().images
    gc.disable()  # as the readers do
    rows = {
        "Dataset": (
            lambda: truth(count, PlainBox, PlainImage, PlainDataset),
            lambda: truth(count, Box, Image, Dataset),
        ),
        "Predictions": (
            lambda: found(count, PlainBox, PlainPredictions),
            lambda: found(count, Box, Predictions),
        ),
    }
    print(f"{count:,} images with {4 * count:,} boxes, seconds of CPU, best of {ROUNDS}")
    print("              plain  checked  ratio")
    for name, (plain, checked) in rows.items():
        before, after = best([plain, checked])
        print(f"{name:12s} {before:6.2f}  {after:7.2f}  {after / before:5.2f}")


if __name__ == "__main__":
    main()
