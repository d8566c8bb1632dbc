"""Training beside bare ultralytics and torchvision's reference loop: seconds per photo and epoch.

    python benchmarks/train.py
    python benchmarks/train.py --only torchvision --model ssdlite320_mobilenet_v3_large --photos 48
    python benchmarks/train.py --only models --photos 16             what `detect models` says of each detector

Each side runs in a process of its own, on one thread and without worker processes, for 3 epochs, of which the last two
count. Both see the same drawn photos at the same size. What is compared: YOLO with `ultralytics.YOLO(...).train`, both
with validation; torchvision's detectors with the loop of its references/detection (train_one_epoch: PIL, mirror, the
model's own resizing, SGD), without validation; and the loading of a photo (decoded, resized, varied) with that of
ultralytics. On a GPU add --device cuda:0 --workers 4 --batch 16: seconds count then, both sides in bfloat16.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

TORCHVISION = ("fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large")
FLOORS = {"yolo": 1.03, "torchvision": 0.9, "loading": 1.0}
AUGMENT = {"mosaic": 0.0, "hue": 0.015, "saturation": 0.7, "brightness": 0.4, "zoom": 0.5, "shift": 0.1}


class Clock:
    """Marks at the end of each epoch: CPU seconds of this process, or on a GPU seconds, and how busy the GPU was."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.gpu, self.marks, self.busy, self.done = args.device != "cpu", list[float](), list[int](), False
        if self.gpu:
            threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        import torch

        while not self.done:
            if self.marks:
                self.busy.append(torch.cuda.utilization())
            time.sleep(0.05)

    def mark(self, *_: object) -> None:
        """An epoch ends."""
        self.marks.append(time.monotonic() if self.gpu else cost())

    def read(self) -> dict[str, float]:
        """Seconds per epoch without the first, the share of time in which the GPU worked, and GiB of its memory."""
        import torch

        self.done = True
        seconds = (self.marks[-1] - self.marks[0]) / (len(self.marks) - 1)
        busy, peak = sum(self.busy) / max(1, len(self.busy)), torch.cuda.max_memory_allocated() if self.gpu else 0
        return {"seconds": seconds, "busy": busy, "memory": peak / 2**30}


def cost() -> float:
    """CPU seconds of this process and its children so far."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def recipe(args: argparse.Namespace, **more: Any) -> Any:
    """What is trained."""
    from detect.recipes import Recipe

    values = {
        "model": args.model, "imgsz": args.imgsz, "batch": args.batch, "workers": args.workers, "threads": 1,
        "warmup": 0, "optimizer": "sgd", "device": args.device, "augment": AUGMENT,
        "precision": "fp32" if args.device == "cpu" else "bf16",
    }  # fmt: skip
    return Recipe.model_validate({**values, **more})


def ours(args: argparse.Namespace) -> dict[str, float]:
    """Train through this tool; a detector of torchvision with one photo in val, since its reference loop has none."""
    from detect.conversion import read
    from detect.models.families import family_of
    from detect.models.family import resolve
    from detect.progress import bar
    from detect.training.fitted import fitted
    from detect.training.job import make_job
    from detect.training.listeners import Listener, Listeners, Screen

    clock, dataset = Clock(args), read(Path(args.data))
    chosen = fitted(recipe(args, epochs=args.epochs), dataset.only("train").images)
    marks = type("Marks", (Listener,), {"epoch": lambda *_: clock.mark()})()
    with tempfile.TemporaryDirectory() as folder, bar("training", None) as advance:
        job = make_job(chosen, dataset, Path(folder), Listeners((Screen(chosen, advance), marks)))
        family = family_of(args.model)
        if family.library == "torchvision":
            job = replace(job, val=job.val[:1], measure=_blind)
        resolve(family.fit)(job, resume=False)
    return clock.read()


def _blind(_: object) -> dict[str, float]:
    from detect.recipes import DETECT

    return dict.fromkeys(DETECT.metrics, 0.0)


def ultralytics(args: argparse.Namespace) -> dict[str, float]:
    """Train with ultralytics alone."""
    import torch
    from ultralytics import YOLO

    from detect.models.yolo.library import scratch

    torch.set_num_threads(1)
    clock, model = Clock(args), YOLO(f"{args.model}.yaml")
    model.add_callback("on_train_epoch_end", clock.mark)
    model.train(
        data=str(Path(args.data) / "data.yaml"), epochs=args.epochs, imgsz=args.imgsz, batch=args.batch,
        workers=args.workers, optimizer="SGD", amp="bf16" if clock.gpu else False, plots=False, save=True,
        warmup_epochs=0, mosaic=0.0, close_mosaic=0, hsv_h=0.015, hsv_s=0.7, hsv_v=0.4, scale=0.5, translate=0.1,
        nbs=args.batch, device=args.device.removeprefix("cuda:"), project=str(scratch), name="bare", exist_ok=True,
        verbose=False, val=True,
    )  # fmt: skip
    return clock.read()


def reference(args: argparse.Namespace) -> dict[str, float]:
    """Torchvision's reference loop, see reference.py."""
    import torch
    from reference import ReferenceLoop, ReferencePhotos

    torch.manual_seed(0)
    torch.set_num_threads(1)
    photos = ReferencePhotos(args.data)
    clock = Clock(args)
    loop = ReferenceLoop(args.model, args.imgsz, photos.classes, args.device, lr=0.001)  # a higher one may diverge
    more = {"num_workers": args.workers, "persistent_workers": args.workers > 0}
    loader: Any = torch.utils.data.DataLoader(photos, args.batch, shuffle=True, collate_fn=list, **more)  # type: ignore[arg-type]
    for _ in range(args.epochs):
        for items in loader:
            loop.step([picture for picture, _ in items], [target for _, target in items])
        clock.mark()
    return clock.read()


def loading(args: argparse.Namespace) -> float:
    """Decode, resize and vary every training photo, `epochs` times: ours for torchvision's detectors."""
    import cv2

    from detect.conversion import read
    from detect.training.batches import Photos

    cv2.setNumThreads(0)
    dataset = read(Path(args.data))
    photos = Photos(dataset.only("train").images, dataset.classes, recipe(args))
    photos[0]
    before = cost()
    for key in range(args.epochs * len(photos)):
        photos[key]
    return cost() - before


def loading_ultralytics(args: argparse.Namespace) -> float:
    """The same by ultralytics' dataset, without its cache of pictures."""
    from types import SimpleNamespace

    from detect.models.yolo.library import YOLODataset, get_cfg

    given = get_cfg(overrides={"mosaic": 0.0, "scale": 0.5, "translate": 0.1, "hsv_s": 0.7, "hsv_v": 0.4})
    names = {"names": dict(enumerate(["a", "b", "c", "d", "e", "f"])), "channels": 3}
    items = YOLODataset(
        img_path=str(Path(args.data) / "train.txt") if (Path(args.data) / "train.txt").exists() else args.data,
        data=names, imgsz=args.imgsz, augment=True, hyp=SimpleNamespace(**vars(given)), rect=False, batch_size=1,
        cache=False,
    )  # fmt: skip
    items.max_buffer_length = 0
    items[0]
    before = cost()
    for key in range(args.epochs * len(items)):
        items.ims[key % len(items)] = None
        items[key % len(items)]
    return cost() - before


SIDES: dict[str, Callable[[argparse.Namespace], Any]] = {
    side.__name__: side for side in (ours, ultralytics, reference, loading, loading_ultralytics)
}


def run(side: str, args: argparse.Namespace, **more: Any) -> Any:
    """What one side measured in a process of its own."""
    given = {**vars(args), **more, "side": side}
    words = [f"--{name}={value}" for name, value in given.items() if value is not None]
    done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{side}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def per_epoch(side: str, args: argparse.Namespace, model: str) -> float:
    """Seconds of a photo and epoch; the least of the repeats."""
    found = min((run(side, args, epochs=3, model=model) for _ in range(args.repeats)), key=lambda one: one["seconds"])
    if args.device != "cpu":
        rate = args.photos / found["seconds"]
        print(f"{side:12} {model:40} {rate:6.0f} photos/s, GPU busy {found['busy']:3.0f} %, {found['memory']:.1f} GiB")
    return float(found["seconds"] / args.photos)


def rows(args: argparse.Namespace) -> Iterator[tuple[str, str, str, float]]:
    """(model, our side, their side, floor of the ratio)."""
    if args.only in (None, "yolo"):
        yield args.model or "yolov8n", "ours", "ultralytics", FLOORS["yolo"]
    if args.only in (None, "torchvision"):
        models = [args.model] if args.model else TORCHVISION
        yield from ((model, "ours", "reference", FLOORS["torchvision"]) for model in models)
    if args.only in (None, "loading"):
        yield "ssdlite320_mobilenet_v3_large", "loading", "loading_ultralytics", FLOORS["loading"]


def compare(model: str, mine: str, theirs: str, floor: float, args: argparse.Namespace) -> bool:
    """Print how both sides did; whether the ratio is above its floor."""
    if mine == "loading":
        spans = [run(side, args, model=model, epochs=3) / 3 / args.photos for side in (mine, theirs)]
    else:
        spans = [per_epoch(side, args, model) for side in (mine, theirs)]
    ratio, what = spans[0] / spans[1], mine if mine == "loading" else f"{model}, train"
    print(f"{what:52} {spans[0]:7.4f} s {spans[1]:7.4f} s  ratio {ratio:5.3f} (at most {floor})", flush=True)
    return bool(ratio > floor)


def costs(args: argparse.Namespace) -> None:
    """Print what a photo costs each detector, beside what `detect models` says."""
    from detect.models.families import models

    for name in [args.model] if args.model else models():
        args.imgsz, said = models()[name][1].imgsz, models()[name][1].seconds
        print(f"{name:42} {per_epoch('ours', args, name):7.3f} s, said to be {said}", flush=True)


def drawn(folder: Path, photos: int) -> str:
    """So many photos to train on, and a sixth more for val."""
    from detect.conversion import read, write
    from detect.data import Dataset
    from detect.sample import write_sample

    write_sample(folder / "drawn", images=photos + photos // 6, format="yolo")
    dataset = read(folder / "drawn")
    splits = ["train"] * photos + ["val"] * (len(dataset) - photos)
    images = tuple(replace(image, split=split) for image, split in zip(dataset.images, splits, strict=True))
    write(Dataset(dataset.classes, images), folder / "data", "yolo")
    return str(folder / "data")


def main() -> None:
    """Print a table of ratios; exit 1 where one is above its floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["yolo", "torchvision", "loading", "models"])
    parser.add_argument("--model")
    parser.add_argument("--photos", type=int, default=48)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--data", help="annotated photos with splits train and val; drawn if not given")
    parser.add_argument("--epochs", type=int, default=1, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        print(json.dumps(SIDES[args.side](args)))
        return
    from detect.conversion import read

    began, failed = time.monotonic(), False
    with tempfile.TemporaryDirectory() as folder:
        args.data = args.data or drawn(Path(folder), args.photos)
        args.photos = len(read(Path(args.data)).only("train"))
        for row in rows(args):
            failed |= compare(*row, args)
        if args.only == "models":
            costs(args)
    print(f"Seconds per photo, ours and theirs; {time.monotonic() - began:.0f} s in all")
    sys.exit(failed)


if __name__ == "__main__":
    main()
