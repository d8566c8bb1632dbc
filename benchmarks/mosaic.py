"""Loading a YOLO's training photos, each in a mosaic of four, beside ultralytics: CPU ms per photo, MiB of the process.

    python benchmarks/mosaic.py

400 drawn photos of 640 px at 320 px, batch 16, in a new order every epoch, one process for each side. ultralytics takes
the partners of a photo from those that it saw last; this tool takes them from all, and keeps what it has decoded.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

EPOCHS, BATCH, IMGSZ = 4, 16, 320


def _settings(folder: Path) -> tuple[Any, Any]:
    """The photos and what ultralytics calls its hyperparameters, the same for both."""
    import torch

    from detect.conversion import read
    from detect.models.yolo.library import get_cfg, scratch
    from detect.recipes import Recipe
    from detect.training.yolo.arguments import arguments

    recipe = Recipe(model="yolov8n", imgsz=IMGSZ, batch=BATCH)
    return read(folder), get_cfg(overrides=arguments(recipe, torch.device("cpu"), scratch))


def ours(folder: Path) -> Callable[[int, int], object]:
    """What gives an item of an epoch."""
    from detect.training.yolo.items import Items

    data, args = _settings(folder)
    items = Items(data.images, data.classes, 0, imgsz=IMGSZ, batch_size=BATCH, augment=True, hyp=args)
    return lambda epoch, place: items[epoch * len(items) + place]


def theirs(folder: Path) -> Callable[[int, int], object]:
    """The same by ultralytics' own dataset."""
    from detect.models.yolo.library import YOLODataset

    data, args = _settings(folder)
    names = {"names": dict(enumerate(data.classes)), "channels": 3}
    items = YOLODataset(img_path=str(folder), data=names, imgsz=IMGSZ, batch_size=BATCH, augment=True, hyp=args)
    return lambda _epoch, place: items[place]


def measure(side: str, folder: Path) -> list[float]:
    """CPU ms per photo of each epoch, and MiB at most."""
    give, photos = {"ours": ours, "theirs": theirs}[side](folder), len(list((folder / "images").rglob("*.jpg")))
    give(0, 0)
    spans = []
    for epoch in range(EPOCHS):
        before = resource.getrusage(resource.RUSAGE_SELF)
        for place in np.random.default_rng(epoch).permutation(photos).tolist():
            give(epoch, place)
        after = resource.getrusage(resource.RUSAGE_SELF)
        spans.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / photos * 1000)
    return [*spans, after.ru_maxrss / 1024]


def main() -> None:
    """Print both sides, and the ratio of the whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        print(json.dumps(measure(args.side, args.folder)))
        return
    from detect.sample import write_sample

    means = []
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder) / "drawn", images=args.photos, format="yolo")
        for side in ("ours", "theirs"):
            words = [sys.executable, __file__, f"--side={side}", f"--folder={folder}/drawn"]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            *spans, memory = json.loads(done.stdout.splitlines()[-1])
            means.append(sum(spans) / EPOCHS)
            print(f"{side:8}{' '.join(f'{span:6.2f}' for span in spans)}  mean {means[-1]:.2f} ms  {memory:.0f} MiB")
    print(f"ratio {means[0] / means[1]:.3f}")


if __name__ == "__main__":
    main()
