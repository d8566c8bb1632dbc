"""How long `detect review` takes until the App shows a large dataset, and its memory; beside FiftyOne's own evaluation.

python benchmarks/review.py                  5,000 images, 36,000 boxes, 180,000 predictions: about two minutes
python benchmarks/review.py --peer 500       and FiftyOne's add_samples and evaluate_detections on 500 of them

The time is of the whole command, from its start to the first page that the App serves: reading, evaluating (without
error bars), loading, views, and the start of FiftyOne's server. The memory is the sum of the highest of each process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from evaluate import generate
from PIL import Image as Photo

from detect.conversion import write, write_predictions
from detect.data import Dataset, Predictions

CLASSES = 80


def prepared(folder: Path, images: int) -> tuple[Dataset, Predictions]:
    """The data on disk as COCO, each photo the same grey one, and the predictions."""
    dataset, predictions = generate(images, CLASSES)
    (folder / "data").mkdir()
    Photo.new("RGB", (640, 640), (90, 90, 90)).save(folder / "grey.jpg")
    for image in dataset.images:
        os.link(folder / "grey.jpg", folder / "data" / image.name)
    write(dataset, folder / "data" / "truth.json", "coco")
    write_predictions(predictions, folder / "found.json", dataset=dataset)
    return dataset, predictions


def until_shown(folder: Path) -> tuple[float, dict[str, float]]:
    """Seconds until the App answers, and the MiB of each process then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    files = [str(folder / "data" / "truth.json"), str(folder / "found.json")]
    options = ["--resamples", "0", "--remote", "--port", str(port), "--name", "large"]
    environment = {**os.environ, "XDG_DATA_HOME": str(folder)}
    began = time.perf_counter()
    command = [sys.executable, "-m", "detect", "review", *files, *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/datasets/large", timeout=5) as page:
                    page.read()
                break
            except OSError:
                time.sleep(0.1)
        seconds, memory = time.perf_counter() - began, peaks(folder)
        process.terminate()
    return seconds, memory


def peaks(folder: Path) -> dict[str, float]:
    """The highest resident memory in MiB of each process that was started with this home, by its program."""
    mark, found = f"XDG_DATA_HOME={folder}".encode(), dict[str, float]()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            words = (entry / "cmdline").read_bytes().decode().split("\0")
            high = next(line for line in (entry / "status").read_text().splitlines() if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            continue
        found[f"{entry.name} {Path(words[0]).name} {' '.join(words[1:4])[:40]}"] = int(high.split()[1]) / 1024
    return found


def peer(dataset: Dataset, predictions: Predictions, folder: Path) -> tuple[float, float]:
    """Seconds of FiftyOne's own way on these images: add_samples, then evaluate_detections with mAP."""
    from detect.review.database import running
    from detect.review.fiftyone import connected

    os.environ["XDG_DATA_HOME"] = str(folder / "peer")
    with running() as uri, connected(uri):
        import fiftyone as fo

        began, samples = time.perf_counter(), []
        for image in dataset.images:
            sample = fo.Sample(filepath=str(folder / "data" / image.name))
            for field, boxes in (("ground_truth", image.boxes), ("found", predictions.images[image.name])):
                sample[field] = fo.Detections(
                    detections=[
                        fo.Detection(
                            label=box.label,
                            bounding_box=[box.x1 / 640, box.y1 / 640, box.width / 640, box.height / 640],
                            confidence=box.score,
                        )
                        for box in boxes
                    ]
                )
            samples.append(sample)
        there = fo.Dataset("peer")
        there.add_samples(samples)
        loaded = time.perf_counter()
        there.evaluate_detections("found", gt_field="ground_truth", eval_key="eval", compute_mAP=True)
        return loaded - began, time.perf_counter() - loaded


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--peer", type=int, default=0, help="so many of the images by FiftyOne's own means, too")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    try:
        dataset, predictions = prepared(folder, given.images)
        found = sum(len(boxes) for boxes in predictions.images.values())
        print(f"{len(dataset):,} images, {dataset.boxes:,} boxes, {found:,} predictions")
        seconds, memory = until_shown(folder)
        print(f"detect review: {seconds:.1f} s, {sum(memory.values()):,.0f} MiB")
        for name, size in memory.items():
            print(f"  {size:7,.0f} MiB  {name}")
        if given.peer:
            images = dataset.images[: given.peer]
            some = {image.name: predictions.images[image.name] for image in images}
            loading, evaluating = peer(Dataset(dataset.classes, images), Predictions(dataset.classes, some), folder)
            print(f"fiftyone, {given.peer} images: add_samples {loading:.1f} s, evaluate_detections {evaluating:.1f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
