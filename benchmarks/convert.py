"""Conversion beside labelformat, globox, datumaro, supervision and a bare floor, on the same files in the same run.

python benchmarks/convert.py                              ours and the floor; about a minute
python benchmarks/convert.py --peers peers/bin/python     the others too, from an environment that has them:
    python -m venv peers && peers/bin/pip install labelformat globox datumaro supervision
python benchmarks/convert.py --images 250000 --boxes 1000000 --alone   ours only: how time and memory grow
python benchmarks/convert.py --cvat-bytes 1e9             one CVAT XML of that size: time and memory

Each conversion is a process of its own; images are not copied. Wall and CPU seconds are of the whole process, start-up
included; MiB is its peak (the sum over its children where it has some running beside it).
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
COLUMNS = ("voc coco", "voc yolo", "cvat coco", "cvat yolo", "yolo coco")
PEERS = ("labelformat", "globox", "datumaro", "supervision")
CLASSES = tuple(f"damage{k}" for k in range(8))
SIZES = ((640, 480), (1024, 768), (800, 600), (480, 640), (1280, 960))


class Cost(NamedTuple):
    """What one process took."""

    wall: float
    cpu: float
    mib: float


def generate(root: Path, images: int, boxes: int, seed: int = 0) -> None:
    """The same photos (a few, under many names) and boxes as LabelImg's VOC and YOLO, and as one CVAT XML."""
    rng = np.random.default_rng(seed)
    for folder in ("voc", "images", "yolo/labels/train", "yolo/images"):
        (root / folder).mkdir(parents=True)
    for width, height in SIZES:
        (root / f"{width}x{height}").write_bytes(picture(width, height))
    counts = rng.multinomial(boxes, np.full(images, 1 / images))
    (root / "yolo/images/train").symlink_to(root / "images")
    (root / "yolo/classes.txt").write_text("".join(f"{label}\n" for label in CLASSES))
    names = "".join(f"  {k}: {label}\n" for k, label in enumerate(CLASSES))
    (root / "yolo/data.yaml").write_text(
        f"path: {root / 'yolo'}\ntrain: images/train\nval: images/train\nnames:\n{names}"
    )
    with (root / "train.xml").open("w") as cvat:
        cvat.write(cvat_head(images))
        for number, count in enumerate(counts.tolist()):
            width, height = SIZES[number % len(SIZES)]
            name = f"{number:06d}.png"
            os.link(root / f"{width}x{height}", root / "images" / name)
            rows = list(random_rows(rng, count, width, height))
            (root / "voc" / f"{name[:-4]}.xml").write_text(voc(name, width, height, rows))
            (root / "yolo/labels/train" / f"{name[:-4]}.txt").write_text(yolo(width, height, rows))
            cvat.write(cvat_image(number, name, width, height, rows))
        cvat.write("</annotations>\n")


Row = tuple[int, int, int, int, int]


def random_rows(rng: np.random.Generator, count: int, width: int, height: int) -> Iterator[Row]:
    """(class, x1, y1, x2, y2) of boxes inside the photo, whole pixels as LabelImg has them."""
    label = rng.integers(0, len(CLASSES), count)
    x1, y1 = rng.integers(1, width - 60, count), rng.integers(1, height - 60, count)
    x2 = np.minimum(x1 + rng.integers(8, 300, count), width)
    y2 = np.minimum(y1 + rng.integers(8, 300, count), height)
    yield from zip(*(values.tolist() for values in (label, x1, y1, x2, y2)), strict=True)


def picture(width: int, height: int) -> bytes:
    """A grey PNG."""
    buffer = io.BytesIO()
    Image.new("L", (width, height), 128).save(buffer, "PNG")
    return buffer.getvalue()


def voc(name: str, width: int, height: int, rows: Sequence[Row]) -> str:
    """A file as LabelImg writes it."""
    objects = "".join(
        f"\t<object>\n\t\t<name>{CLASSES[k]}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n"
        f"\t\t<difficult>0</difficult>\n\t\t<bndbox>\n\t\t\t<xmin>{x1}</xmin>\n\t\t\t<ymin>{y1}</ymin>\n"
        f"\t\t\t<xmax>{x2}</xmax>\n\t\t\t<ymax>{y2}</ymax>\n\t\t</bndbox>\n\t</object>\n"
        for k, x1, y1, x2, y2 in rows
    )
    return (
        f"<annotation>\n\t<folder>images</folder>\n\t<filename>{name}</filename>\n\t<path>/photos/{name}</path>\n"
        f"\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n\t<size>\n\t\t<width>{width}</width>\n"
        f"\t\t<height>{height}</height>\n\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n"
        f"{objects}</annotation>\n"
    )


def yolo(width: int, height: int, rows: Sequence[Row]) -> str:
    """A label file as LabelImg writes it: six digits."""
    return "".join(
        f"{k} {(x1 + x2) / 2 / width:.6f} {(y1 + y2) / 2 / height:.6f} "
        f"{(x2 - x1) / width:.6f} {(y2 - y1) / height:.6f}\n"
        for k, x1, y1, x2, y2 in rows
    )


def cvat_head(images: int) -> str:
    """The head of a task's export."""
    labels = "".join(f"<label><name>{label}</name><attributes></attributes></label>\n" for label in CLASSES)
    return (
        # CVAT begins with an XML declaration, with which labelformat cannot read it
        "<annotations>\n  <version>1.1</version>\n  <meta><task><id>1</id>"
        f"<name>cars</name><size>{images}</size><mode>annotation</mode><labels>{labels}</labels></task></meta>\n"
    )


def cvat_image(number: int, name: str, width: int, height: int, rows: Sequence[Row]) -> str:
    """One image as CVAT writes it."""
    boxes = "".join(
        f'    <box label="{CLASSES[k]}" source="manual" occluded="0" xtl="{x1}.00" ytl="{y1}.00" xbr="{x2}.00" '
        f'ybr="{y2}.00" z_order="0">\n    </box>\n'
        for k, x1, y1, x2, y2 in rows
    )
    return f'  <image id="{number}" name="{name}" width="{width}" height="{height}">\n{boxes}  </image>\n'


def measure(command: Sequence[str]) -> Cost | None:
    """Run a command; None, with its words, where it fails."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(command, stdout=words, stderr=words)
        peak = [0.0]
        watch = threading.Thread(target=watch_memory, args=(process.pid, peak))
        watch.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.join()
        if process.returncode:
            words.seek(0)
            print(" ".join(command), words.read().decode()[-600:], file=sys.stderr)
            return None
    return Cost(wall, used.ru_utime + used.ru_stime, max(peak[0], used.ru_maxrss / 1024))


def watch_memory(pid: int, peak: list[float]) -> None:
    """Note the highest sum of the memory (PSS: shared pages are counted once) of a process and its children."""
    while (used := memory(pid)) is not None:
        peak[0] = max(peak[0], used)
        time.sleep(0.02)


def memory(pid: int) -> float | None:
    """MiB of a process and its children; None where it has ended."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if not children:
            return 0.0  # alone: the kernel's own peak is exact and costs nothing
        lines = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in (str(pid), *children)]
    except OSError:
        return None
    return sum(int(text.split("\nPss:")[1].split()[0]) for text in lines) / 1024


def command_of(who: str, column: str, root: Path, out: Path, peers: str | None) -> list[str]:
    """The command line of one cell of the table."""
    source, target = column.split()
    if who == "detect":
        place = {"voc": root / "voc", "cvat": root / "train.xml", "yolo": root / "yolo"}[source]
        dest = out.with_suffix(".json") if target == "coco" else out
        photos = [] if source == "yolo" else ["--images", str(root / "images")]  # YOLO's lie in its own folder
        return [sys.executable, "-m", "detect", "convert", str(place), str(dest), "--to", target, "--no-images",
                "--quiet", *photos]  # fmt: skip
    script = "convert_floor.py" if who == "floor" else "convert_peers.py"
    return [peers or sys.executable, str(HERE / script), who, source, target, str(root), str(out)]


def table(root: Path, peers: str | None, repeats: int, tools: Sequence[str]) -> dict[tuple[str, str], Cost]:
    """The least of some repeats for every cell, printed as it comes."""
    found: dict[tuple[str, str], Cost] = {}
    for who in ("floor", "detect", *(tools if peers else ())):
        for column in COLUMNS:
            costs = []
            for _ in range(repeats if who in ("floor", "detect") else 1):
                out = root / "out"
                cost = measure(command_of(who, column, root, out, peers if who in PEERS else None))
                shutil.rmtree(out, ignore_errors=True)
                out.with_suffix(".json").unlink(missing_ok=True)
                if cost:
                    costs.append(cost)
            if costs:
                found[who, column] = Cost(*(min(values) for values in zip(*costs, strict=True)))
                wall, cpu, mib = found[who, column]
                print(f"{who:12} {column:10} {wall:6.2f} s wall {cpu:6.2f} s CPU {mib:6.0f} MiB", flush=True)
    return found


def ratios(found: dict[tuple[str, str], Cost]) -> None:
    """Print how many times faster than the best peer, and CPU beside the floor."""
    for column in COLUMNS:
        ours = found.get(("detect", column))
        rivals = {who: found[who, column].wall for who in PEERS if (who, column) in found}
        if ours is None:
            continue
        text = f"{column:10} CPU {ours.cpu / found['floor', column].cpu:.2f} x the floor"
        if rivals:
            best = min(rivals, key=lambda who: rivals[who])
            text += f", {rivals[best] / ours.wall:.2f} x faster than {best}, the best of the others"
        print(text)


def large_cvat(root: Path, size: float) -> None:
    """Convert one CVAT XML of so many bytes, and print what it takes."""
    rng = np.random.default_rng(0)
    path, number = root / "large.xml", 0
    some = [(SIZES[k % 5], list(random_rows(rng, 40, *SIZES[k % 5]))) for k in range(50)]
    with path.open("w") as file:
        file.write(cvat_head(0))
        while file.tell() < size:
            (width, height), rows = some[number % len(some)]
            file.write(cvat_image(number, f"{number:07d}.jpg", width, height, rows))
            number += 1
        file.write("</annotations>\n")
    command = [sys.executable, "-m", "detect", "convert", str(path), str(root / "large.json"), "--to", "coco", "-q"]
    print(f"{path.stat().st_size / 1e9:.2f} GB of CVAT XML, {number} images, {40 * number} boxes:", measure(command))


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--boxes", type=int, default=80_000)
    parser.add_argument("--peers", help="the python of an environment with the other tools")
    parser.add_argument("--tools", default=",".join(PEERS), help="which of the others; supervision takes minutes")
    parser.add_argument("--alone", action="store_true", help="ours only")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cvat-bytes", type=float)
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 a disk's own work would be measured else
    parser.add_argument("--dir", default=memory, help="where the files are; by default in memory, if possible")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.dir) as folder:
        root = Path(folder)
        if given.cvat_bytes:
            large_cvat(root, given.cvat_bytes)
            return
        generate(root, given.images, given.boxes)
        if given.alone:
            for column in COLUMNS:
                print(column, measure(command_of("detect", column, root, root / column.replace(" ", "-"), None)))
            return
        ratios(table(root, given.peers, given.repeats, given.tools.split(",")))


if __name__ == "__main__":
    main()
