"""How long the embedded sample takes to draw: `python benchmarks/sample.py`. The aim: 300 in 20 s on two cores.

Wall seconds suffer from whatever else runs on the machine; CPU seconds, of this process and its children, much less.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from detect.sample import write_sample


def main() -> None:
    """Draw, and print seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--width", type=int, default=640)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start, used = time.perf_counter(), cpu_seconds()
        write_sample(Path(folder) / "sample", images=given.images, width=given.width, format="cvat")
        wall, cpu = time.perf_counter() - start, cpu_seconds() - used
    print(f"{given.images} photos, {given.width} wide: {wall:.1f} s, {cpu:.1f} CPU s, {os.cpu_count()} cores,", end=" ")
    print(f"load {os.getloadavg()[0]:.1f}; CPU s / 2 = {cpu / 2:.1f}, what two idle cores would take")


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in both)


if __name__ == "__main__":
    main()
