"""How the memory grows with the number of photos: boxes written as they are found, and boxes held until the end.

    python benchmarks/predict_memory.py [--photos 4000]

A detector that finds 300 boxes in each photo without looking. Each way has a process of its own; the growth is that
from a tenth of the photos to the last of them, by the resident memory of the process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detect.data import Image, Predictions
from detect.models.detector import Picture
from detect.models.nms import MOST, Candidates
from detect.operating_point import OperatingPoint, Suppression
from detect.prediction import Sources, looked_at

WAYS = ("written", "held")


class Finds:
    """A detector that finds as many boxes as there may be, none of which overlap."""

    name, imgsz, suppression = "finds", 64, Suppression()
    classes: tuple[str, ...] = ("dent", "scratch")
    point: OperatingPoint | None = None

    def candidates(self, pictures: Sequence[Picture], confidence: float) -> list[Candidates]:
        """The same in each picture."""
        left, top = (axis.ravel() * 4.0 for axis in np.meshgrid(np.arange(20), np.arange(MOST // 20)))
        corners = np.stack([left, top, left + 3, top + 3], axis=1)
        found = Candidates(corners, np.linspace(0.9, 0.1, MOST), np.arange(MOST) % 2)
        return [found.at(found.score > confidence) for _ in pictures]


def memory() -> float:
    """What this process holds now, in MB."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def measure(way: str, photos: int, folder: str) -> dict[str, float]:
    """The growth per 10,000 photos, seconds, and the size of the file in MB."""
    from detect.conversion.predictions.writer import write_predictions, writing_predictions

    picture = np.zeros((60, 80, 3), np.uint8)
    images = tuple(Image(f"claim/{number:06d}.jpg", 80, 60) for number in range(photos))
    looks = looked_at(Finds(), Sources(images, lambda _: picture), dict.fromkeys(Finds.classes, 0.001))
    began, first, path = time.perf_counter(), 0.0, Path(folder) / f"{way}.json"
    if way == "written":
        with writing_predictions(path, Finds.classes) as file:
            for number, (image, _, boxes) in enumerate(looks):
                first = memory() if number == photos // 10 else first
                file.add(image.name, boxes, size=(image.width, image.height))
            last = memory()
    else:
        found = {}
        for number, (image, _, boxes) in enumerate(looks):
            first = memory() if number == photos // 10 else first
            found[image.name] = boxes
        last = memory()
        write_predictions(Predictions(Finds.classes, found), path)
    growth = (last - first) / (0.9 * photos) * 10_000
    return {"growth": growth, "seconds": time.perf_counter() - began, "file": path.stat().st_size / 1e6}


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=4000)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        print(json.dumps(measure(args.way, args.photos, args.folder)))
        return
    print(f"{args.photos:,} photos, {MOST} boxes in each")
    with tempfile.TemporaryDirectory() as folder:
        for way in WAYS:
            words = [sys.executable, __file__, f"--way={way}", f"--folder={folder}", f"--photos={args.photos}"]
            row = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
            rest = f"{row['seconds']:6.1f} s, {row['file']:.0f} MB on disk"
            print(f"{way:8} {row['growth']:8.1f} MB per 10,000 photos {rest}")


if __name__ == "__main__":
    main()
