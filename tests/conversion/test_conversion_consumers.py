"""What others make of what we write: ultralytics scans the YOLO output without a word, pycocotools loads the COCO."""

from __future__ import annotations

import logging
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from PIL import Image as Pillow
from pycocotools.coco import COCO

from detect.conversion import read, write

# looked for, not imported: it replaces PIL.Image.open and others, which only detect.models.yolo.library puts back
pytestmark = pytest.mark.skipif(find_spec("ultralytics") is None, reason="needs the extra yolo")

SOURCES = [
    # path below the data: images, boxes
    ("neu-det-voc", 1800, 4186),
    ("car-damage-ilujaina", 277, 361),
    ("wind-turbine-iliad", 473, 1777),
    ("exports/datumaro/cvat_dataset/for_images/export_project", 6, 6),
    ("exports/datumaro/cvat_dataset/for_images/export_task", 1, 1),
    ("exports/datumaro/cvat_dataset/for_video", 2, 1),
    ("exports/datumaro/coco_dataset/coco", 2, 3),
    ("exports/datumaro/coco_dataset/coco_roboflow", 2, 3),
    ("exports/datumaro/labelme_dataset", 1, 7),
    ("exports/datumaro/roboflow_dataset/coco", 3, 4),
    ("exports/datumaro/roboflow_dataset/createml", 3, 4),
    ("exports/datumaro/roboflow_dataset/voc", 3, 4),
    ("exports/datumaro/roboflow_dataset/yolo", 3, 4),
    ("exports/datumaro/yolo_dataset/labels", 2, 4),
    ("exports/datumaro/yolo_dataset/annotations", 1, 2),
    ("exports/datumaro/yolo_dataset/strict", 1, 2),
]


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies in the place of links: ultralytics rewrites photos whose last bytes it does not like.

    It takes no photo below 10 pixels, which some of the exports have: those are enlarged, shares stay what they are.
    """

    def copy(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        with Pillow.open(target) as photo:
            small = photo.convert("RGB") if min(photo.size) < 10 else None
        if small is not None:
            small.resize((small.width * 8, small.height * 8)).save(target)

    monkeypatch.setattr("detect.conversion.media.link_or_copy", copy)


@pytest.mark.parametrize(("path", "images", "boxes"), SOURCES)
def test_ultralytics_and_pycocotools_take_it(
    path: str, images: int, boxes: int, shared_data: Path, tmp_path: Path, copies: None
) -> None:
    dataset = read(shared_data / path)
    assert (len(dataset), dataset.boxes) == (images, boxes)
    coco = COCO(str(write(dataset, tmp_path / "coco.json", "coco")))
    assert (len(coco.getImgIds()), len(coco.getAnnIds())) == (images, boxes)
    assert scan(write(dataset, tmp_path / "yolo", "yolo")) == (images, boxes, [])


def test_the_scan_would_tell(tmp_path: Path, shared_data: Path, copies: None) -> None:
    out = write(read(shared_data / "exports/datumaro/roboflow_dataset/yolo"), tmp_path / "yolo", "yolo")
    label = next(path for path in (out / "labels").rglob("*.txt") if path.read_text())
    label.write_text(label.read_text() + "0 1.5 0.5 0.2 0.2\n")
    assert scan(out)[2] != []


def scan(folder: Path) -> tuple[int, int, list[str]]:
    """Images and boxes of all splits as ultralytics reads them, and what it has to say about their labels."""
    from detect.models.yolo.library import YOLODataset

    header = yaml.safe_load((folder / "data.yaml").read_text())
    places = {header[key] for key in header if key != "names"}
    said: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("ultralytics")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)  # it lists bad labels at that level
    images = boxes = 0
    try:
        for place in places:
            data = YOLODataset(
                img_path=str(folder / place), data={"names": header["names"], "channels": 3}, augment=False
            )
            images += len(data.labels)
            boxes += sum(len(label["cls"]) for label in data.labels)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return images, boxes, [line for line in said if str(folder / "images") in line]
