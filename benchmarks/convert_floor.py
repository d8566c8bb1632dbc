"""The floor of benchmarks/convert.py: the least a plain one-process script does, without any check.

python benchmarks/convert_floor.py floor SOURCE TARGET ROOT OUT
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

Item = tuple[str, int, int, list[tuple[str, float, float, float, float]]]


def from_voc(root: str) -> Iterator[Item]:
    """Every XML file, in the order of the names."""
    for file in sorted(os.listdir(f"{root}/voc")):  # noqa: PTH208
        with open(f"{root}/voc/{file}", "rb") as stream:  # noqa: PTH123
            page = ElementTree.XML(stream.read())
        boxes: list[Any] = []
        for node in page.iter("object"):
            bounds = node.find("bndbox")
            boxes.append((node.findtext("name"), *(float(child.text) for child in bounds)))  # type: ignore[union-attr, arg-type]
        size = page.find("size")
        yield page.findtext("filename"), int(size.findtext("width")), int(size.findtext("height")), boxes  # type: ignore[union-attr, arg-type, misc]


def from_cvat(root: str) -> Iterator[Item]:
    """One XML as a stream."""
    for _, node in ElementTree.iterparse(f"{root}/train.xml"):  # noqa: S314 made by the benchmark
        if node.tag == "image":
            boxes: list[Any] = [
                (box.get("label"), *(float(box.get(key)) for key in ("xtl", "ytl", "xbr", "ybr")))  # type: ignore[arg-type]
                for box in node
            ]
            yield node.get("name"), int(node.get("width")), int(node.get("height")), boxes  # type: ignore[arg-type, misc]
            node.clear()


def from_yolo(root: str) -> Iterator[Item]:
    """Every label file, the size from the photo's header."""
    import imagesize

    names = Path(f"{root}/yolo/classes.txt").read_text().split()
    for file in sorted(os.listdir(f"{root}/yolo/labels/train")):  # noqa: PTH208
        name = f"{file[:-4]}.png"
        width, height = imagesize.get(f"{root}/images/{name}")
        boxes = []
        with open(f"{root}/yolo/labels/train/{file}") as stream:  # noqa: PTH123
            for line in stream:
                label, cx, cy, w, h = line.split()
                x, y, dx, dy = float(cx) * width, float(cy) * height, float(w) * width / 2, float(h) * height / 2
                boxes.append((names[int(label)], x - dx, y - dy, x + dx, y + dy))
        yield name, width, height, boxes


def to_coco(items: Iterator[Item], out: str) -> None:
    """One JSON file."""
    import orjson

    images, annotations, names = [], [], {}  # type: ignore[var-annotated]
    for number, (name, width, height, boxes) in enumerate(items, 1):
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for label, x1, y1, x2, y2 in boxes:
            w, h, key = x2 - x1, y2 - y1, names.setdefault(label, len(names) + 1)
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": key,
                                "bbox": [x1, y1, w, h], "area": w * h, "iscrowd": 0})  # fmt: skip
    categories = [{"id": key, "name": name} for name, key in names.items()]
    document = {"images": images, "annotations": annotations, "categories": categories}
    Path(f"{out}.json").write_bytes(orjson.dumps(document))


def to_yolo(items: Iterator[Item], out: str) -> None:
    """A text file per image."""
    os.makedirs(f"{out}/labels")  # noqa: PTH103
    names: dict[str, int] = {}
    for name, width, height, boxes in items:
        with open(f"{out}/labels/{name[:-4]}.txt", "w") as stream:  # noqa: PTH123
            for label, x1, y1, x2, y2 in boxes:
                key = names.setdefault(label, len(names))
                cx, cy, w, h = (x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height
                stream.write(f"{key} {cx:.6f} {cy:.6f} {w:.6f} {h:.6f}\n")


if __name__ == "__main__":
    _, _, source, target, where, dest = sys.argv
    {"coco": to_coco, "yolo": to_yolo}[target](
        {"voc": from_voc, "cvat": from_cvat, "yolo": from_yolo}[source](where), dest
    )
