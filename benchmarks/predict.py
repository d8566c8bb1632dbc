"""One photo at a time through torch, ONNX Runtime and OpenVINO: milliseconds and memory.

    python benchmarks/predict.py
    python benchmarks/predict.py --model ssdlite320_mobilenet_v3_large --imgsz 320 --threads 1

Each runtime has a process of its own, and looks at the same drawn photo of 1280 pixels, decoding left out, everything
else included: scaling, the network, suppression. Weights are random, which costs the same. `alone` is the peak memory
of the process, `model` what loading the model and looking added to it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RUNTIMES = {"torch": "best.pt", "onnx": "best.onnx", "openvino": "best-openvino/model.xml"}
WARM = 5


def look(args: argparse.Namespace) -> dict[str, float]:
    """Median wall and CPU milliseconds per photo, and memory in MiB."""
    import numpy as np

    from detect.models import load_detector
    from detect.models.detector import detect

    if args.runtime == "torch":
        import torch

        torch.set_num_threads(args.threads)
    picture = np.load(Path(args.folder) / "photo.npy")
    before = memory()
    detector = load_detector(Path(args.folder) / RUNTIMES[args.runtime], device="cpu", threads=args.threads)
    wall, processor = [], []
    for _ in range(WARM + args.looks):
        began, used = time.perf_counter(), time.process_time()
        detect(detector, [picture], 0.25)
        wall.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    times = {"ms": statistics.median(wall[WARM:]) * 1e3, "cpu_ms": statistics.median(processor[WARM:]) * 1e3}
    return {**times, "alone": memory(), "model": memory() - before}


def memory() -> float:
    """The most that this process has held, in MiB (ru_maxrss would count what its parent held, too)."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def make(args: argparse.Namespace, folder: Path) -> None:
    """Random weights, and their exports."""
    import numpy as np
    import torch

    from detect.models import load_detector
    from detect.models.export import export
    from detect.models.families import build
    from detect.models.weights import Weights, save_weights
    from detect.recipes import Recipe
    from detect.sample import draw_sample

    ((picture, _),) = draw_sample(1, width=1280)
    np.save(folder / "photo.npy", picture)
    torch.manual_seed(0)
    recipe: Any = Recipe(model=args.model, imgsz=args.imgsz, anchors="default")
    module = build(recipe, 6)
    classes = tuple("abcdef")
    weights = Weights(args.model, classes, args.imgsz, module.state_dict(), recipe.model_dump(mode="json"))
    save_weights(weights, folder / "best.pt")
    for to, path in (("onnx", "best.onnx"), ("openvino", "best-openvino")):
        export(load_detector(folder / "best.pt", device="cpu"), folder / path, to)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="yolov8n")
    parser.add_argument("--imgsz", type=int, default=640)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--looks", type=int, default=40)
    parser.add_argument("--runtime", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.runtime:
        print(json.dumps(look(args)))
        return
    print(f"{args.model}, {args.imgsz} px, {args.threads} threads, one photo at a time, median of {args.looks}")
    with tempfile.TemporaryDirectory() as folder:
        make(args, Path(folder))
        base = None
        for runtime in RUNTIMES:
            words = [f"--{k}={v}" for k, v in {**vars(args), "runtime": runtime, "folder": folder}.items()]
            done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            row = json.loads(done.stdout.splitlines()[-1])
            base = base or row
            ratios = f"{row['ms'] / base['ms']:5.2f} x torch"
            memory_ = f"{row['alone']:6.0f} MiB, of it the model {row['model']:5.0f}"
            print(f"{runtime:9} {row['ms']:7.1f} ms {row['cpu_ms']:7.1f} CPU ms  {ratios}  {memory_}")


if __name__ == "__main__":
    main()
