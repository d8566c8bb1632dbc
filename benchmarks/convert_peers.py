"""What benchmarks/convert.py runs of the other tools, each as its documentation says.

PYTHON benchmarks/convert_peers.py TOOL SOURCE TARGET ROOT OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

CLASSES = [f"damage{k}" for k in range(8)]


def labelformat(source: str, target: str, root: Path, out: Path) -> None:
    """Its readers and writers of object detection."""
    import labelformat.formats as formats

    data = {
        "voc": lambda: formats.PascalVOCObjectDetectionInput(root / "voc", ",".join(CLASSES)),
        "cvat": lambda: formats.CVATObjectDetectionInput(root / "train.xml"),
        "yolo": lambda: formats.YOLOv8ObjectDetectionInput(root / "yolo/data.yaml", "train"),
    }[source]()
    if target == "coco":
        formats.COCOObjectDetectionOutput(out.with_suffix(".json")).save(data)
    else:
        out.mkdir()
        formats.YOLOv8ObjectDetectionOutput(out / "data.yaml", "train").save(data)


def globox(source: str, target: str, root: Path, out: Path) -> None:
    """One AnnotationSet."""
    from globox import AnnotationSet

    if source == "voc":
        data = AnnotationSet.from_pascal_voc(root / "voc")
    elif source == "cvat":
        data = AnnotationSet.from_cvat(root / "train.xml")
    else:
        labels, images = root / "yolo/labels/train", root / "images"
        data = AnnotationSet.from_yolo_v5(labels, image_folder=images, image_extension=".png")
    if target == "coco":
        data.save_coco(out.with_suffix(".json"), auto_ids=True)
    else:
        data.save_yolo_v5(out, label_to_id={label: k for k, label in enumerate(CLASSES)})


def datumaro(source: str, target: str, root: Path, out: Path) -> None:
    """Import and export; VOC wants its own layout, which links make."""
    from datumaro.components.dataset import Dataset

    place = {"voc": root / "voc-layout", "cvat": root / "train.xml", "yolo": root / "yolo"}[source]
    if source == "voc" and not place.exists():
        (place / "ImageSets/Main").mkdir(parents=True)
        (place / "Annotations").symlink_to(root / "voc")
        (place / "JPEGImages").symlink_to(root / "images")
        names = "".join(f"{path.stem}\n" for path in sorted((root / "voc").iterdir()))
        (place / "ImageSets/Main/train.txt").write_text(names)
        (place / "labelmap.txt").write_text("".join(f"{label}:::\n" for label in CLASSES))
    form = {"voc": "voc_detection", "cvat": "cvat", "yolo": "yolo_ultralytics"}[source]
    data = Dataset.import_from(str(place), form)
    data.export(str(out), {"coco": "coco_instances", "yolo": "yolo_ultralytics"}[target], save_media=False)


def supervision(source: str, target: str, root: Path, out: Path) -> None:
    """One DetectionDataset."""
    import supervision as sv

    images = str(root / "images")
    if source == "voc":
        data = sv.DetectionDataset.from_pascal_voc(images, str(root / "voc"))
    elif source == "yolo":
        data = sv.DetectionDataset.from_yolo(images, str(root / "yolo/labels/train"), str(root / "yolo/data.yaml"))
    else:
        raise SystemExit("supervision reads no CVAT")
    if target == "coco":
        data.as_coco(annotations_path=str(out.with_suffix(".json")))
    else:
        data.as_yolo(annotations_directory_path=str(out / "labels"), data_yaml_path=str(out / "data.yaml"))


if __name__ == "__main__":
    _, tool, given, wanted, where, dest = sys.argv
    tools = {"labelformat": labelformat, "globox": globox, "datumaro": datumaro, "supervision": supervision}
    tools[tool](given, wanted, Path(where), Path(dest))
