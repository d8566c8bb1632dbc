"""Several processes that draw: worker k of n takes the photos k, k + n, k + 2n ... and writes a line of JSON for each.

Interpreters of their own and not multiprocessing: a fork inherits OpenCV's threads and then waits for them for ever,
a spawn runs the caller's script again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import detect
from detect.data import Attributes, Box, Image
from detect.errors import DetectError


def draw_together(images: int, width: int, seed: int, folder: Path, workers: int) -> Iterator[Image]:
    """Draw photos into a folder with several processes; their images come in order, whatever the number of workers.

    The processes are gone when this ends, also by an exception. Raises DetectError where one of them fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(detect.__file__).parents[1])}
    command = [
        sys.executable,
        "-P",
        "-m",
        "detect.sample.worker_pool",
        str(folder),
        *map(str, (images, width, seed, workers)),
    ]
    pool: list[subprocess.Popen[str]] = []
    try:
        for k in range(workers):
            pool.append(subprocess.Popen([*command, str(k)], stdout=subprocess.PIPE, text=True, env=environment))  # noqa: S603
        for number in range(images):
            yield _next_image(pool[number % workers], folder)
    finally:
        for worker in pool:
            worker.terminate()
        for worker in pool:
            worker.communicate()


def _next_image(worker: subprocess.Popen[str], folder: Path) -> Image:
    """The next image of a worker."""
    line = worker.stdout.readline() if worker.stdout else ""
    if not line.endswith("\n"):
        raise DetectError(f"a process that draws the sample ended early, exit code {worker.wait()}; its error is above")
    row = json.loads(line)
    boxes = tuple(Box(label, x1, y1, x2, y2, None, Attributes(more)) for label, (x1, y1, x2, y2), more in row["boxes"])
    return Image(row["name"], row["width"], row["height"], boxes, path=folder / row["name"])


def _work(folder: Path, images: int, width: int, seed: int, workers: int, k: int) -> None:
    from detect.sample.claims import photos
    from detect.sample.photos import save

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process
    for photo in islice(photos(seed, width), k, images, workers):
        image = save(photo, folder)
        boxes = [(box.label, box.xyxy, dict(box.attributes)) for box in image.boxes]
        row = {"name": image.name, "width": image.width, "height": image.height, "boxes": boxes}
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _work(Path(sys.argv[1]), *map(int, sys.argv[2:]))
