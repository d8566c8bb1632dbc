"""A training step of torchvision's detectors beside the reference loop's: ms, without loading or writing anything.

    python benchmarks/steps.py --device cuda:0
    python benchmarks/steps.py --batch 2 --steps 2 --model ssdlite320_mobilenet_v3_large

The same 16 noisy pictures with two boxes each at every step; on a GPU both sides in bfloat16, ours from pinned memory,
as in training. `--profile` adds, on a GPU, the kernels of a step, and what takes most of its time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from reference import ReferenceLoop

MODELS = {"fasterrcnn_resnet50_fpn": 640, "retinanet_resnet50_fpn": 640, "ssdlite320_mobilenet_v3_large": 320}
CLASSES = 6
LAUNCHES = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx")


def pictures(args: argparse.Namespace, side: int) -> tuple[list[Any], list[Any]]:
    """Pictures (3, h, w) uint8 of 4:3, and their targets."""
    chance = torch.Generator().manual_seed(0)
    found, targets = [], []
    for _ in range(args.batch):
        one = torch.randint(0, 255, (3, side * 3 // 4, side), dtype=torch.uint8, generator=chance)
        found.append(one.pin_memory() if args.device != "cpu" else one)
        corner, size = torch.rand(2, 2, generator=chance) * side / 2, torch.rand(2, 2, generator=chance) * side / 5 + 10
        labels = torch.randint(1, CLASSES, (2,), generator=chance)
        targets.append({"boxes": torch.cat([corner, corner + size], 1), "labels": labels})
    return found, targets


def ours(args: argparse.Namespace, model: str) -> Callable[[], None]:
    """A step as detect/training/loop.py takes it."""
    from detect.models.families import build
    from detect.recipes import Augment, Recipe
    from detect.training import loop
    from detect.training.batches import Item
    from detect.training.ema import Ema
    from detect.training.stopping import LossCheck
    from detect.training.torchvision.losses import Losses
    from detect.training.torchvision.method import METHOD

    device, gpu = torch.device(args.device), args.device != "cpu"
    recipe = Recipe(model=model, imgsz=MODELS[model], augment=Augment(), optimizer="sgd", lr=1e-4, warmup=0,
                    precision="bf16" if gpu else "fp32")  # fmt: skip
    module = build(recipe, CLASSES).to(device, memory_format=torch.channels_last)
    losses, check = Losses(module, ()).train(), LossCheck()
    optimizer, ema = loop._optimizer(module, METHOD, recipe), Ema(module)
    items = [Item(*pair, "", ()) for pair in zip(*pictures(args, recipe.imgsz), strict=True)]

    def step() -> None:
        loss, _ = loop._loss(losses, recipe, device, items)
        check.check(loss, 1, [])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(losses.parameters(), loop.CLIP)
        optimizer.step()
        optimizer.zero_grad()
        ema.update()

    return step


def reference(args: argparse.Namespace, model: str) -> Callable[[], None]:
    """A step of the reference loop."""
    found, targets = pictures(args, MODELS[model])
    loop = ReferenceLoop(model, MODELS[model], CLASSES, args.device, lr=1e-4)
    return partial(loop.step, [one.float() / 255 for one in found], targets)


def timed(step: Callable[[], None], args: argparse.Namespace) -> float:
    """Milliseconds per step, after a few that do not count."""
    for _ in range(3):
        step()
    wait(args)
    began: float = time.perf_counter()
    for _ in range(args.steps):
        step()
    wait(args)
    return (time.perf_counter() - began) / int(args.steps) * 1000


def wait(args: argparse.Namespace) -> None:
    """Until a GPU has done what it was told."""
    if args.device != "cpu":
        torch.cuda.synchronize()


def profile(step: Callable[[], None]) -> None:
    """The kernels of a step, and the longest of them."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    with profiler(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        step()
        torch.cuda.synchronize()
    everything: list[Any] = list(seen.key_averages())
    rows = [row for row in everything if str(row.device_type).endswith("CUDA")]
    total = sum(row.self_device_time_total for row in rows) / 1000
    launches = sum(row.count for row in everything if row.key in LAUNCHES)
    print(f"    {launches} launches, {total:.1f} ms of the GPU")
    for row in sorted(rows, key=lambda row: -row.self_device_time_total)[:5]:
        print(f"    {row.self_device_time_total / 1000:6.1f} ms {row.count:5} x {row.key[:80]}")


def main() -> None:
    """Print a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", choices=MODELS)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for model in [args.model] if args.model else MODELS:
        spans = []
        for side in (ours, reference):
            torch.manual_seed(0)
            step = side(args, model)
            spans.append(timed(step, args))
            if args.profile and args.device != "cpu":
                profile(step)
        print(f"{model:32} {spans[0]:7.1f} ms {spans[1]:7.1f} ms  ratio {spans[0] / spans[1]:.2f}", flush=True)


if __name__ == "__main__":
    main()
