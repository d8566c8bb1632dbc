"""The same detections as each tool writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detect.data import Box, Dataset, Image, Predictions

CLASSES = ("dent", "scratch", "rust")
WIDE, HIGH = 200, 100
DATA = Dataset(CLASSES, tuple(Image(name, WIDE, HIGH) for name in ("a/0007.jpg", "b/x.jpg", "b/y.jpg")))
FOUND = Predictions(
    CLASSES,
    {
        "a/0007.jpg": (Box("rust", 10.0, 20.0, 60.0, 45.0, 0.75), Box("dent", 0.0, 0.0, 100.0, 50.0, 0.5)),
        "b/x.jpg": (Box("scratch", 50.0, 10.0, 75.0, 85.0, 0.25),),
        "b/y.jpg": (),  # looked at, nothing found
    },
)
TRUTH = {
    "images": [{"id": n, "file_name": image.name, "width": WIDE, "height": HIGH} for n, image in enumerate(DATA, 11)],
    "categories": [{"id": 4, "name": "dent"}, {"id": 5, "name": "scratch"}, {"id": 9, "name": "rust"}],
    "annotations": [],
}
IMAGE_IDS = {row["file_name"]: row["id"] for row in TRUTH["images"]}
CATEGORY_IDS = {row["name"]: row["id"] for row in TRUTH["categories"]}


def rows(make: Callable[[str, Box], dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for every detection."""
    return [make(name, box) for name, boxes in FOUND.images.items() for box in boxes]


def each(make: Callable[[Box], Any]) -> dict[str, list[Any]]:
    """What is made of the detections of each photo, by its name."""
    return {name: [make(box) for box in boxes] for name, boxes in FOUND.images.items()}


def xywh(box: Box) -> list[float]:
    return [box.x1, box.y1, box.width, box.height]


def centred(box: Box) -> list[float]:
    return [(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.width, box.height]


def shares(values: list[float], whole: float = 1.0) -> list[float]:
    return [value / side * whole for value, side in zip(values, (WIDE, HIGH) * 2, strict=True)]


def stem(name: str) -> str:
    return Path(name).stem


def result(name: str, box: Box, **more: Any) -> dict[str, Any]:
    ids = {"image_id": IMAGE_IDS[name], "category_id": CATEGORY_IDS[box.label]}
    return {**ids, "bbox": xywh(box), "score": box.score, **more}


def ultralytics(name: str, box: Box) -> dict[str, Any]:
    """Classes from 1 in the model's order; the photo's stem as id, a number where it is one."""
    image_id = int(stem(name)) if stem(name).isdigit() else stem(name)
    ids = {"image_id": image_id, "file_name": Path(name).name, "category_id": CLASSES.index(box.label) + 1}
    return {**ids, "bbox": xywh(box), "score": box.score}


def yolov5(name: str, box: Box) -> dict[str, Any]:
    """The same without file_name, and with classes from 0."""
    row = ultralytics(name, box)
    del row["file_name"]
    return {**row, "category_id": CLASSES.index(box.label)}


def columns(boxes: tuple[Box, ...], key: str = "boxes", label: Callable[[Box], Any] = lambda box: box.label) -> Any:
    return {
        key: [list(box.xyxy) for box in boxes],
        "labels": [label(box) for box in boxes],
        "scores": [box.score for box in boxes],
    }


def roboflow(box: Box) -> dict[str, Any]:
    x, y, width, height = centred(box)
    place = {"x": x, "y": y, "width": width, "height": height}
    return {**place, "confidence": box.score, "class": box.label, "class_id": CLASSES.index(box.label)}


def corners(box: Box, *keys: str) -> dict[str, float]:
    return dict(zip(keys, box.xyxy, strict=True))


def region(box: Box) -> dict[str, Any]:
    """A region of Label Studio."""
    x, y, width, height = shares(xywh(box), 100)
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": [box.label]}
    return {"type": "rectanglelabels", "from_name": "label", "to_name": "image", "score": box.score, "value": value}


def fiftyone(box: Box) -> dict[str, Any]:
    place = {"_cls": "Detection", "label": box.label, "bounding_box": shares(xywh(box))}
    return {**place, "confidence": box.score, "attributes": {}, "tags": []}


JSON: dict[str, Any] = {
    # one JSON document for all photos
    "mmdetection": rows(result),
    "detectron2": rows(lambda n, b: result(n, b, segmentation={"size": [HIGH, WIDE], "counts": "abc"})),
    "yolox": rows(lambda n, b: result(n, b, segmentation=[])),
    "keys in another order": [dict(reversed(row.items())) for row in rows(result)],
    "ids as text": [{**row, "image_id": str(row["image_id"]), "category_id": str(row["category_id"])}
                    for row in rows(result)],
    "ids as floats": [{**row, "image_id": float(row["image_id"]), "category_id": float(row["category_id"])}
                      for row in rows(result)],
    "an object with results": {"info": "v1", "results": rows(result)},
    "an object with annotations": {"annotations": rows(result)},
    "an object with predictions": {"model": "m", "predictions": rows(result)},
    "ultralytics": rows(ultralytics),
    "yolov5": rows(yolov5),
    "names as ids": rows(lambda n, b: {**result(n, b), "image_id": f"/data/{n}", "category_id": b.label}),
    "coco with its own ids": {
        "images": [{"id": f"i{n}", "file_name": name} for n, name in enumerate(FOUND.images)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(CLASSES)],  # FiftyOne counts from 0
        "annotations": rows(lambda n, b: {"id": 1, "image_id": f"i{list(FOUND.images).index(n)}", "iscrowd": 0,
                                          "category_id": CLASSES.index(b.label), "bbox": xywh(b), "score": b.score}),
    },
    "torchvision, names": [{"image": n, **columns(b)} for n, b in FOUND.images.items()],
    "torchvision, numbers": [
        {"file_name": n, **columns(b, label=lambda box: CLASSES.index(box.label) + 1)} for n, b in FOUND.images.items()
    ],
    "torchmetrics, by name": {n: columns(b) for n, b in FOUND.images.items()},
    "mmdetection, all photos": [
        {"img_path": n, **columns(b, "bboxes", lambda box: CLASSES.index(box.label))} for n, b in FOUND.images.items()
    ],
    "supervision": rows(lambda n, b: {**corners(b, "x_min", "y_min", "x_max", "y_max"), "confidence": b.score,
                                      "class_id": CLASSES.index(b.label), "tracker_id": "", "file_name": n}),
    "supervision, class names": rows(lambda n, b: {**corners(b, "x_min", "y_min", "x_max", "y_max"), "image": n,
                                                   "confidence": b.score, "class_id": 0, "class_name": b.label}),
    "pandas of yolov5": rows(lambda n, b: {"image": n, **corners(b, "xmin", "ymin", "xmax", "ymax"), "class": 0,
                                           "confidence": b.score, "name": b.label}),
    "roboflow, all photos": [
        {"predictions": [{**roboflow(box), "image_path": n} for box in b], "image": {"width": "200", "height": "100"},
         "image_path": n}
        for n, b in FOUND.images.items()
    ],
    "fiftyone samples": {"samples": [
        {"filepath": f"data/{n}", "ground_truth": {"detections": [{"label": "dent", "bounding_box": [0, 0, 1, 1]}]},
         "predictions": {"_cls": "Detections", "detections": some}, "metadata": None}
        for n, some in each(fiftyone).items()
    ]},
    "fiftyone labels": {"classes": list(CLASSES), "labels": {
        stem(n): [{**row, "label": CLASSES.index(row["label"])} for row in some] for n, some in each(fiftyone).items()
    }},
    "label studio": [
        {"id": n, "data": {"image": f"/data/local-files/?d=photos/{name}"},
         "predictions": [{"model_version": "m", "score": 0.1, "result": some}]}
        for n, (name, some) in enumerate(each(region).items())
    ],
    "label studio, uploaded": [
        {"data": {"image": f"/data/upload/3/0f1e2d3c-{Path(name).name}"}, "predictions": [{"result": some}],
         "annotations": []}
        for name, some in each(region).items()
    ],
}  # fmt: skip


def text(box: Box) -> str:
    return f"{CLASSES.index(box.label)} {' '.join(f'{v:g}' for v in shares(centred(box)))} {box.score}"


def polygon(box: Box) -> str:
    points = shares([box.x1, box.y1, box.x2, box.y1]) + shares([box.x2, box.y2, box.x1, box.y2])
    return f"{CLASSES.index(box.label)} {' '.join(f'{v:g}' for v in points)} {box.score}"


def posed(box: Box, points: int, each: int) -> str:
    """With key points along the box's diagonal, each perhaps with its confidence."""
    x1, y1, x2, y2 = shares([box.x1, box.y1, box.x2, box.y2])
    parts = [(n + 0.5) / points for n in range(points)]
    along = [[x1 + part * (x2 - x1), y1 + part * (y2 - y1), 0.125 + part / 2][:each] for part in parts]
    line = text(box).split()
    return " ".join([*line[:5], *(f"{number:g}" for point in along for number in point), line[5]])


def posed_texts(points: int, each_has: int) -> dict[str, str]:
    """A file per photo."""
    made = each(lambda box: posed(box, points, each_has))
    return {f"labels/{stem(name)}.txt": "\n".join(some) for name, some in made.items()}


FOLDERS: dict[str, dict[str, Any]] = {
    # a file for each photo
    "yolo": {f"labels/{stem(n)}.txt": "".join(f"{line}\n" for line in some) for n, some in each(text).items() if some},
    "yolo, folders": {f"labels/{Path(n).with_suffix('.txt')}": "\n".join(some) for n, some in each(text).items()},
    "yolo, tracks": {f"{stem(n)}.txt": "\n".join(f"{line} 7" for line in some) for n, some in each(text).items()},
    "yolo, polygons": {f"{stem(n)}.txt": "\n".join(some) for n, some in each(polygon).items()},
    "yolo, commas": {f"{stem(n)}.txt": "\n".join(line.replace(" ", ", ") for line in some)
                     for n, some in each(text).items()},
    "yolo, 17 key points": posed_texts(17, 3),
    "yolo, 3 key points": posed_texts(3, 3),  # 13 numbers and a confidence
    "yolo, 4 key points, declared": {"data.yaml": "kpt_shape: [4, 3]\n", **posed_texts(4, 3)},
    "yolo, 5 key points without confidence, declared": {"data.yaml": "kpt_shape: [5, 2]\n", **posed_texts(5, 2)},
    "yolo, own classes": {
        "classes.txt": "rust\nscratch\ndent\n",
        **{f"{stem(n)}.txt": "\n".join(f"{2 - int(line[0])}{line[1:]}" for line in some)
           for n, some in each(text).items()},
    },
    "roboflow": {f"{stem(n)}.json": {"predictions": some, "image": {"width": WIDE, "height": HIGH}, "time": 0.1}
                 for n, some in each(roboflow).items()},
    "roboflow's python": {
        f"{k}.json": {"predictions": [{**row, "image_path": n} for row in some], "image": {}, "image_path": n}
        for k, (n, some) in enumerate(each(roboflow).items())
    },
    "mmdetection": {f"preds/{stem(n)}.json": columns(b, "bboxes", lambda box: CLASSES.index(box.label))
                    for n, b in FOUND.images.items()},
    "ultralytics": {
        f"{n}.json": [{"name": box.label, "class": 0, "confidence": box.score,
                       "box": corners(box, "x1", "y1", "x2", "y2")} for box in b]
        for n, b in FOUND.images.items()
    },
    "hugging face": {
        f"{n}.json": [{"score": box.score, "label": box.label, "box": corners(box, "xmin", "ymin", "xmax", "ymax")}
                      for box in b]
        for n, b in FOUND.images.items()
    },
    "azure": {
        f"{stem(n)}.json": {"id": "1", "project": "p", "predictions": [
            {"probability": box.score, "tagId": "t", "tagName": box.label,
             "boundingBox": dict(zip(("left", "top", "width", "height"), shares(xywh(box)), strict=True))}
            for box in b
        ]}
        for n, b in FOUND.images.items()
    },
    "fiftyone's dataset": {"metadata.json": {"name": "x"}, "samples.json": JSON["fiftyone samples"]},
    "a run of ultralytics": {"predictions.json": JSON["ultralytics"], "args.yaml": "task: detect\n"},
}  # fmt: skip


def written(root: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return root
