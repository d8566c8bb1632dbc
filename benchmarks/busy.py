"""How long a prediction and a training take beside a process that needs one core all the time.

    python benchmarks/busy.py RUN             three drawn photos of 8000 x 6000 in tiles; RUN is a trained detector
    python benchmarks/busy.py RUN --data DATA --recipe RECIPE     an epoch of a training, too

Each is run on the idle machine, then beside the busy process, with the default threads and with one; wall seconds.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

DETECT = [sys.executable, "-m", "detect"]


@contextmanager
def busy() -> Iterator[None]:
    """A process that takes a core meanwhile."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def seconds(words: Sequence[str], out: Path, threads: str) -> float:
    """Wall seconds of a command, which writes `out`."""
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    begun = time.perf_counter()
    subprocess.run([*DETECT, *words, "-q"], check=True, env=env | ({"OMP_NUM_THREADS": threads} if threads else {}),
                   stdout=subprocess.DEVNULL)  # fmt: skip
    spent = time.perf_counter() - begun
    shutil.rmtree(out) if out.is_dir() else out.unlink()
    return spent


def draw(folder: Path, count: int = 3) -> None:
    """Photos of 48 million pixels, soft noise."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        pixels = rng.integers(0, 255, (600, 800, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((8000, 6000), Image.Resampling.BILINEAR).save(folder / f"{number}.jpg")


def compare(what: str, words: Sequence[str], out: Path) -> None:
    """Print the times of one command."""
    idle = {threads: seconds(words, out, threads) for threads in ("", "1")}
    with busy():
        beside = {threads: seconds(words, out, threads) for threads in ("", "1")}
    for where, times in (("idle", idle), ("busy", beside)):
        print(
            f"{what:8} {where}: {times['']:6.1f} s, one thread {times['1']:6.1f} s, {times[''] / times['1']:.2f} of it"
        )


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--tiles", default="640")
    parser.add_argument("--data")
    parser.add_argument("--recipe")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder / "photos")
        out = folder / "p.json"
        compare("predict", ["predict", args.run, str(folder / "photos"), "--out", str(out), "--tiles", args.tiles], out)
        if args.data:
            out = folder / "run"
            compare("train", ["train", args.recipe, "--data", args.data, "--out", str(out), "epochs=1"], out)


if __name__ == "__main__":
    main()
