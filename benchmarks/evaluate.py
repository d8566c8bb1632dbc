"""The official metrics beside pycocotools (and faster-coco-eval where installed), on the same data in the same run.

python benchmarks/evaluate.py                    5,000 images, 80 classes; about a minute
python benchmarks/evaluate.py --images 50000 --alone   ours only: how time and memory grow
python benchmarks/evaluate.py --report                 1,000 resamples at 374 images, a whole report for 400

CPU seconds are of this process. Ours starts at Dataset and Predictions, the others at their loaded dicts.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detect.data import NONE, Attributes, Box, Dataset, Image, Predictions
from detect.evaluation.match import match
from detect.evaluation.precision import averages

SIZE = 640
CROWD = Attributes(iscrowd=1)


def generate(images: int, classes: int, seed: int = 0) -> tuple[Dataset, Predictions]:
    """About 7 boxes and 36 detections per image; some crowds, many low scores, scores of three decimals (ties)."""
    rng = np.random.default_rng(seed)
    names = tuple(f"class{k:02d}" for k in range(classes))
    pictures, found = [], {}
    for number in range(images):
        present = rng.integers(0, classes, rng.integers(1, 5))
        labels = rng.choice(present, rng.poisson(7.2))
        truth = random_boxes(rng, len(labels))
        seen = rng.random(len(labels)) < 0.85
        again = rng.random(len(labels)) < 0.5
        noise = rng.poisson(26)
        corners = np.concatenate(
            [jitter(rng, truth[seen], 0.08), jitter(rng, truth[again], 0.25), random_boxes(rng, noise)]
        )
        guessed = np.concatenate([labels[seen], labels[again], rng.integers(0, classes, noise)])
        scores = np.concatenate([rng.beta(5, 2, seen.sum()), rng.beta(2, 4, again.sum()), rng.beta(1, 8, noise)])
        crowded = rng.random(len(labels)) < 0.01
        boxes = [
            Box(names[k], *xyxy)._replace(attributes=CROWD if crowd else NONE)
            for k, xyxy, crowd in zip(labels, truth.tolist(), crowded, strict=True)
        ]
        name = f"{number:06d}.jpg"
        pictures.append(Image(name, SIZE, SIZE, tuple(boxes)))
        found[name] = tuple(
            Box(names[k], *xyxy)._replace(score=score)
            for k, xyxy, score in zip(guessed, corners.tolist(), scores.round(3).tolist(), strict=True)
        )
    return Dataset(names, tuple(pictures)), Predictions(names, found)


def random_boxes(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """(count, 4) boxes inside the picture, small ones more often, to a hundredth of a pixel."""
    size = np.exp(rng.uniform(np.log(8), np.log(400), (count, 2)))
    corner = rng.random((count, 2)) * (SIZE - size)
    return np.concatenate([corner, corner + size], axis=1).round(2)


def jitter(rng: np.random.Generator, boxes: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """The boxes with each edge moved by about `share` of the box's size."""
    size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    moved = boxes + rng.normal(0, share, boxes.shape) * size
    low, high = np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])
    return np.concatenate([low, high + 0.5], axis=1).round(2)


def as_coco(dataset: Dataset, predictions: Predictions) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same data as the dicts that COCO's own tools take."""
    index = {name: k for k, name in enumerate(dataset.classes, start=1)}
    pictures: list[Any] = []
    annotations: list[Any] = []
    results: list[Any] = []
    for number, image in enumerate(dataset.images, start=1):
        pictures.append({"id": number, "file_name": image.name, "width": image.width, "height": image.height})
        for box in image.boxes:
            common = {
                "image_id": number,
                "category_id": index[box.label],
                "bbox": [box.x1, box.y1, box.width, box.height],
            }
            crowd = int(box.attributes.get("iscrowd", 0))
            annotations.append({**common, "id": len(annotations) + 1, "area": box.area, "iscrowd": crowd})
        for box in predictions.images[image.name]:
            results.append(
                {
                    "image_id": number,
                    "category_id": index[box.label],
                    "bbox": [box.x1, box.y1, box.width, box.height],
                    "score": box.score,
                }
            )
    categories = [{"id": k, "name": name} for name, k in index.items()]
    return {"images": pictures, "annotations": annotations, "categories": categories, "info": {}}, results


def ours(dataset: Dataset, predictions: Predictions) -> tuple[float, NDArray[np.float64]]:
    """CPU seconds and the twelve metrics."""
    start = time.process_time()
    metrics = averages(match(dataset, predictions)).metrics
    return time.process_time() - start, np.array(list(metrics.values()))


def theirs(
    api: Any, evaluator: Any, truth: dict[str, Any], results: list[dict[str, Any]]
) -> tuple[float, NDArray[np.float64]]:
    """CPU seconds of evaluate, accumulate and summarize, and the twelve metrics."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = api()
        coco.dataset = truth
        coco.createIndex()
        detected = coco.loadRes(results)
        start = time.process_time()
        run = evaluator(coco, detected, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return time.process_time() - start, np.asarray(run.stats[:12])


def peers() -> list[tuple[str, Any, Any]]:
    """Name, COCO class and evaluator class of each peer that is installed."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    found = [("pycocotools", COCO, COCOeval)]
    try:
        import faster_coco_eval  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return found
    return [*found, ("faster-coco-eval", faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster)]


def report() -> None:
    """CPU seconds of the headline metrics in 1,000 resamples, and wall seconds of a whole report with photos."""
    import tempfile
    from pathlib import Path

    from PIL import Image as Pictures

    from detect.evaluation import evaluate, write_report
    from detect.evaluation.bootstrap import resamples
    from detect.evaluation.outcomes import judge, point_metrics
    from detect.evaluation.precision import resampled_metrics

    dataset, predictions = generate(374, 6)
    table = match(dataset, predictions)
    point = judge(table, 0.5, 0.5)
    start = time.process_time()
    weights = resamples(np.arange(374))
    names = resampled_metrics(table, weights) | point_metrics(point, weights)
    seconds = time.process_time() - start
    print(f"{len(names)} metrics in 1,000 resamples of 374 images, 6 classes: {seconds:.2f} CPU s")

    with tempfile.TemporaryDirectory() as folder:
        dataset, predictions = generate(400, 6)
        rng = np.random.default_rng(0)
        pictures = []
        for image in dataset.images:
            path = Path(folder, image.name)
            noise = rng.integers(0, 255, (80, 80, 3), dtype=np.uint8)
            Pictures.fromarray(noise).resize((SIZE, SIZE)).save(path, quality=90)
            pictures.append(Image(image.name, SIZE, SIZE, image.boxes, path=path))
        dataset = Dataset(dataset.classes, tuple(pictures))
        wall, cpu = time.perf_counter(), time.process_time()
        write_report(evaluate(dataset, predictions, photos=True), dataset, Path(folder, "report"))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        size = Path(folder, "report", "report.html").stat().st_size / 1e6
        print(f"evaluation and report of 400 images: {wall:.1f} s ({cpu:.1f} CPU s), report.html {size:.1f} MB")


def main() -> None:
    """Generate, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help="leave the peers out")
    parser.add_argument(
        "--report", action="store_true", help="resamples and the report instead of the official metrics"
    )
    options = parser.parse_args()
    if options.report:
        report()
        return
    dataset, predictions = generate(options.images, options.classes, options.seed)
    detections = sum(map(len, predictions.images.values()))
    print(f"{len(dataset)} images, {options.classes} classes, {dataset.boxes} boxes, {detections} detections")
    seconds, metrics = ours(dataset, predictions)
    print(f"{'detect evaluate':<18}{seconds:8.2f} CPU s   mAP {metrics[0]:.6f}")
    if options.alone:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"peak memory {peak:.2f} GB, the generated data included")
        return
    truth, results = as_coco(dataset, predictions)
    for name, api, evaluator in peers():
        other, their_metrics = theirs(api, evaluator, truth, results)
        difference = np.abs(metrics - their_metrics).max()
        print(
            f"{name:<18}{other:8.2f} CPU s   ours takes {seconds / other:.3f} of it; "
            f"largest difference of the 12 metrics {difference:.1e}"
        )


if __name__ == "__main__":
    main()
