"""How long `detect --help` takes, against twice `python -c "import click, numpy"` on the same machine.

    .venv/bin/python benchmarks/startup.py [RUNS]

Runs take turns, so that a busy machine slows all of them alike; the median counts. A ratio up to 1 holds the promise.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

DETECT = str(Path(sys.executable).with_name("detect"))
FLOOR = [sys.executable, "-c", "import click, numpy"]
COMMANDS = {
    "detect --help": [DETECT, "--help"],
    "detect convert --help": [DETECT, "convert", "--help"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(runs: int = 15) -> None:
    """Print the median of each command and its ratio to twice the floor."""
    rounds = [[seconds(command) for command in (FLOOR, *COMMANDS.values())] for _ in range(runs + 1)]
    floor, *medians = (statistics.median(times) for times in zip(*rounds[1:], strict=True))  # the first warms up
    print(f"{'import click, numpy':24}{floor * 1000:8.0f} ms   median of {runs}")
    for name, median in zip(COMMANDS, medians, strict=True):
        print(f"{name:24}{median * 1000:8.0f} ms   {median / (2 * floor):.2f} of the time allowed")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
