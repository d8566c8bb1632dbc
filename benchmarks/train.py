"""Training beside bare ultralytics and torchvision's reference loop: CPU seconds per epoch, per photo, per load.

    python benchmarks/train.py
    python benchmarks/train.py --only torchvision --model ssdlite320_mobilenet_v3_large --photos 48

Each side runs in a process of its own, on one thread and without worker processes, for 1 and for 3 epochs; the
difference is two epochs without start-up. Both see the same drawn photos at the same size. What is compared: YOLO with
`ultralytics.YOLO(...).train`, both with validation; torchvision's detectors with the loop of its references/detection
(train_one_epoch: PIL, mirror, the model's own resizing, SGD), whose validation is left out, and ours taken away; and
the loading of a photo (decoded, resized, varied) with that of ultralytics. On a GPU add --device cuda:0.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

FLOORS = {"yolo": 1.03, "torchvision": 0.9, "loading": 1.0}
AUGMENT = {"mosaic": 0.0, "hue": 0.015, "saturation": 0.7, "brightness": 0.4, "zoom": 0.5, "shift": 0.1}


def cost() -> float:
    """CPU seconds of this process and its children so far."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in parts)


def recipe(args: argparse.Namespace, **more: Any) -> Any:
    """What is trained."""
    from detect.config import Recipe

    values = {
        "model": args.model, "imgsz": args.imgsz, "batch": args.batch, "workers": 0, "threads": 1, "warmup": 0,
        "optimizer": "sgd", "device": args.device, "augment": AUGMENT, "precision": "fp32",
    }  # fmt: skip
    return Recipe.model_validate({**values, **more})


def ours(args: argparse.Namespace) -> float:
    """Train through this tool."""
    from detect.convert import read
    from detect.train import train

    with tempfile.TemporaryDirectory() as folder:
        train(recipe(args, epochs=args.epochs), read(args.data), Path(folder) / "run")
    return cost()


def validation(args: argparse.Namespace) -> float:
    """The part of `ours` that the reference loop does not have: one look at the photos of val, and its figures."""
    from detect.convert import read
    from detect.models.nms import suppress
    from detect.models.torchvision import build, look
    from detect.point import Suppression
    from detect.train.batches import read as open_photo

    images = read(args.data).only("val").images
    module = build(recipe(args), 6).eval()
    before = cost()
    for image in images:
        for one in look(module, args.imgsz, [open_photo(image)], 0.001):
            suppress(one, Suppression(0.7))
    return cost() - before


def ultralytics(args: argparse.Namespace) -> float:
    """Train with ultralytics alone."""
    import torch
    from ultralytics import YOLO

    from detect.models.yolo.library import scratch

    torch.set_num_threads(1)
    YOLO(f"{args.model}.yaml").train(
        data=str(Path(args.data) / "data.yaml"), epochs=args.epochs, imgsz=args.imgsz, batch=args.batch, workers=0,
        optimizer="SGD", amp=False, plots=False, save=True, warmup_epochs=0, mosaic=0.0, close_mosaic=0, hsv_h=0.015,
        hsv_s=0.7, hsv_v=0.4, scale=0.5, translate=0.1, nbs=args.batch, device=args.device.removeprefix("cuda:"),
        project=str(scratch), name="bare", exist_ok=True, verbose=False,
    )  # fmt: skip
    return cost()


def reference(args: argparse.Namespace) -> float:
    """Torchvision's reference loop: references/detection/engine.py, train_one_epoch, in its essential lines."""
    import torch
    import torchvision.transforms.v2.functional as F
    from PIL import Image as Photo
    from torchvision.models import detection as zoo

    from detect.convert import read

    torch.manual_seed(0)
    torch.set_num_threads(1)
    dataset = read(args.data)
    images = dataset.only("train").images
    number = {name: place for place, name in enumerate(dataset.classes, start=1)}
    fixed = args.model.startswith("ssd")
    size = {} if fixed else {"min_size": args.imgsz, "max_size": args.imgsz}
    module = getattr(zoo, args.model)(weights=None, weights_backbone=None, num_classes=len(number) + 1, **size)
    module.to(args.device if args.device != "auto" else "cpu").train()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    for _ in range(args.epochs):
        order = torch.randperm(len(images)).tolist()
        for start in range(0, len(order) - args.batch + 1, args.batch):
            pictures, targets = [], []
            for place in order[start : start + args.batch]:
                image = images[place]
                picture = F.to_dtype(F.pil_to_tensor(Photo.open(str(image.path)).convert("RGB")), scale=True)
                boxes = torch.tensor([box.xyxy for box in image.boxes]).reshape(-1, 4).float()
                if torch.rand(1) < 0.5:
                    picture = picture.flip(-1)
                    boxes[:, [0, 2]] = image.width - boxes[:, [2, 0]]
                pictures.append(picture)
                targets.append({"boxes": boxes, "labels": torch.tensor([number[b.label] for b in image.boxes]).long()})
            loss: Any = torch.stack(list(module(pictures, targets).values())).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return cost()


def loading(args: argparse.Namespace) -> float:
    """Decode, resize and vary every training photo, `epochs` times: ours for torchvision's detectors."""
    import cv2

    from detect.convert import read
    from detect.train.batches import Photos

    cv2.setNumThreads(0)
    dataset = read(args.data)
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


SIDES: dict[str, Callable[[argparse.Namespace], float]] = {
    side.__name__: side for side in (ours, validation, ultralytics, reference, loading, loading_ultralytics)
}


def run(side: str, args: argparse.Namespace, **more: Any) -> float:
    """CPU seconds of one side in a process of its own."""
    given = {**vars(args), **more, "side": side}
    words = [f"--{name}={value}" for name, value in given.items() if value is not None]
    done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{side}: {done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


def per_epoch(side: str, args: argparse.Namespace, **more: Any) -> float:
    """CPU seconds of an epoch, without start-up; the least of the repeats."""
    spans = []
    for _ in range(args.repeats):
        few, many = (run(side, args, epochs=epochs, **more) for epochs in (1, 3))
        spans.append((many - few) / 2)
    return min(spans)


def rows(args: argparse.Namespace) -> Iterator[tuple[str, float, float, float]]:
    """(what, ours, theirs, floor of the ratio), seconds per photo."""
    if args.only in (None, "yolo"):
        model = args.model or "yolov8n"
        pair = [per_epoch(side, args, model=model) / args.photos for side in ("ours", "ultralytics")]
        yield f"{model}, train and val", pair[0], pair[1], FLOORS["yolo"]
    if args.only in (None, "torchvision"):
        for model in [args.model] if args.model else TORCHVISION:
            look = run("validation", args, model=model)
            mine = (per_epoch("ours", args, model=model) - look) / args.photos
            theirs = per_epoch("reference", args, model=model) / args.photos
            yield f"{model}, train", mine, theirs, FLOORS["torchvision"]
    if args.only in (None, "loading"):
        pair = [run(side, args, model="ssdlite320_mobilenet_v3_large", epochs=3) / 3 / args.photos
                for side in ("loading", "loading_ultralytics")]  # fmt: skip
        yield "loading", pair[0], pair[1], FLOORS["loading"]


TORCHVISION = ("fasterrcnn_mobilenet_v3_large_320_fpn", "ssdlite320_mobilenet_v3_large")


def main() -> None:
    """Print a table of ratios; exit 1 where one is above its floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["yolo", "torchvision", "loading"])
    parser.add_argument("--model")
    parser.add_argument("--photos", type=int, default=48)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, default=1, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        print(json.dumps(SIDES[args.side](args)))
        return
    from detect.convert import read, write
    from detect.data import Dataset
    from detect.sample import write_sample

    began, failed = time.monotonic(), False
    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder) / "drawn", images=args.photos + args.photos // 6, format="yolo")
        drawn = read(Path(folder) / "drawn")
        splits = ["train"] * args.photos + ["val"] * (len(drawn) - args.photos)
        images = tuple(replace(image, split=split) for image, split in zip(drawn.images, splits, strict=True))
        args.data = str(Path(folder) / "data")
        write(Dataset(drawn.classes, images), Path(args.data), "yolo")
        for what, mine, theirs, floor in rows(args):
            ratio = mine / theirs
            failed |= ratio > floor
            print(f"{what:52} {mine:7.4f} s {theirs:7.4f} s  ratio {ratio:5.3f} (at most {floor})", flush=True)
    print(f"CPU seconds per photo, ours and theirs; {time.monotonic() - began:.0f} s in all")
    sys.exit(failed)


if __name__ == "__main__":
    main()
