"""Real files from elsewhere; they are not part of the repository."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from detect.conversion import read, write
from detect.data import Dataset
from detect.errors import Problems


def test_neu_det(shared_data: Path, tmp_path: Path) -> None:
    problems = Problems()
    dataset = read(shared_data / "neu-det-voc", problems=problems)
    assert (len(dataset), dataset.boxes, len(dataset.classes)) == (1800, 4186, 6)  # 4,189 boxes, three of them twice
    assert all(image.path is not None and image.path.stem == Path(image.name).stem for image in dataset.images)
    # in 174 files <filename> has no ending; of 4,189 boxes three stand twice
    assert problems.counts() == {("repaired", "wrong <filename>"): 174, ("dropped", "duplicate box"): 3}
    yolo = write(dataset, tmp_path / "yolo", "yolo")
    assert sum(len(path.read_text().splitlines()) for path in (yolo / "labels").iterdir()) == 4186
    assert len(list((yolo / "images").iterdir())) == 1800
    coco = json.loads(write(dataset, tmp_path / "coco.json", "coco").read_text())
    assert (len(coco["images"]), len(coco["annotations"]), len(coco["categories"])) == (1800, 4186, 6)
    corners = [[box[:5] for box in image.boxes] for image in dataset.images]
    assert [[box[:5] for box in image.boxes] for image in read(yolo).images] == corners
    again = read(tmp_path / "coco.json", images=yolo / "images")
    assert [[box[:5] for box in image.boxes] for image in again.images] == corners


@pytest.mark.parametrize("source", ["", "dataset.yaml"])
def test_car_damage(shared_data: Path, source: str) -> None:
    check_car_damage(read(shared_data / "car-damage-ilujaina" / source))


def test_car_damage_as_labelimg_leaves_it(shared_data: Path, tmp_path: Path) -> None:
    original = shared_data / "car-damage-ilujaina"
    classes = read(original).classes
    for folder in ("images", "labels"):
        (tmp_path / folder).symlink_to(original / folder)
    (tmp_path / "classes.txt").write_text("\n".join(classes) + "\n")
    check_car_damage(read(tmp_path))


def check_car_damage(dataset: Dataset) -> None:
    assert (len(dataset), dataset.boxes, len(dataset.classes)) == (277, 361, 7)
    assert Counter(image.split for image in dataset.images) == {"train": 222, "val": 55}
    assert sum(not image.boxes for image in dataset.images) == 41  # empty label files
    first = next(image for image in dataset.images if image.name == "train/1.jpg")
    (box,) = first.boxes
    assert box.label == "dent"
    expected = (0.451880 * first.width, 0.387661 * first.height, 0.217119 * first.width, 0.506123 * first.height)
    assert ((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.width, box.height) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("source", ["", "data.yaml"])
def test_wind_turbine(shared_data: Path, source: str) -> None:
    dataset = read(shared_data / "wind-turbine-iliad" / source)
    assert (len(dataset), dataset.boxes, dataset.classes) == (473, 1777, ("damage",))
    assert Counter(image.split for image in dataset.images) == {"train": 414, "val": 39, "test": 20}


EXPORTS = [
    # path below exports/datumaro: images, boxes, classes
    ("cvat_dataset/for_images/export_task/train.xml", 1, 1, 2),  # one has a point, and a polygon without a label
    ("cvat_dataset/for_images/export_project", 6, 6, 2),
    ("coco_dataset/coco", 2, 3, 3),  # instances beside captions, panoptic, key points ...
    ("coco_dataset/coco_instances", 2, 3, 3),
    ("coco_dataset/coco_roboflow", 2, 3, 3),
    ("coco_dataset/mmdet_coco", 2, 3, 3),
    ("coco_dataset/coco_person_keypoints", 2, 3, 2),
    ("roboflow_dataset/coco", 3, 4, 2),
    ("roboflow_dataset/voc", 3, 4, 2),
    ("roboflow_dataset/yolo", 3, 4, 2),
    ("yolo_dataset/labels", 2, 4, 10),
    ("yolo_dataset/annotations", 1, 2, 10),
]


@pytest.mark.parametrize(("path", "images", "boxes", "classes"), EXPORTS)
def test_exports(shared_data: Path, tmp_path: Path, path: str, images: int, boxes: int, classes: int) -> None:
    dataset = read(shared_data / "exports/datumaro" / path)
    assert (len(dataset), dataset.boxes, len(dataset.classes)) == (images, boxes, classes)
    for form in ("coco", "yolo"):
        back = read(write(dataset, tmp_path / form, form))
        assert (len(back), back.boxes, back.classes, back.splits) == (images, boxes, dataset.classes, dataset.splits)


def test_cvat_task_in_numbers(shared_data: Path) -> None:
    problems = Problems()
    dataset = read(shared_data / "exports/datumaro/cvat_dataset/for_images/export_task", problems=problems)
    (first,) = dataset.images
    (box,) = first.boxes
    assert (box.label, box.xyxy) == ("label1", (0, 2, 4, 4))
    assert box.attributes == {"occluded": True, "z_order": 1, "a1": True, "a2": "v3", "a3": "0003", "a4": 2.4}
    assert problems.counts() == {
        ("dropped", "polyline not converted"): 1,
        ("dropped", "no label"): 1,  # a polygon with label=""
        ("dropped", "points not converted"): 1,
        ("dropped", "image left out"): 1,  # which has these two
    }


def test_coco_crowd_and_area_survive(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "exports/faster-coco-eval/tests/dataset/cocoapi/instances_val2014_100.json"
    dataset = read(source)
    assert (len(dataset), dataset.boxes, len(dataset.classes)) == (100, 839, 80)
    before = json.loads(source.read_bytes())["annotations"]
    after = json.loads(write(dataset, tmp_path / "x.json", "coco").read_text())["annotations"]
    assert sum(row["iscrowd"] for row in after) == sum(row["iscrowd"] for row in before) > 0
    assert sum(row["area"] for row in after) == pytest.approx(sum(row["area"] for row in before), rel=1e-9)


def test_a_name_in_chinese(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "exports/labelimg/tests"
    xml = "<annotation><filename>臉書.jpg</filename><object><name>臉</name><bndbox><xmin>1</xmin><ymin>1</ymin>"
    xml += "<xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"
    (tmp_path / "臉書.xml").write_text(xml, encoding="utf-8")
    problems = Problems()
    dataset = read(tmp_path, images=source, problems=problems)
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [("test.512.512.bmp", 0), ("臉書.jpg", 1)]
    assert (dataset.images[0].width, dataset.images[0].height) == (512, 512)
