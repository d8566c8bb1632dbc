"""YOLO through ultralytics (AGPL-3.0, the extra `yolo`): the records of its families, read without the library.

Two things are done differently from ultralytics' own loop. Its data comes from memory, so that no label cache, a
pickle, is read from the user's folders. And the order and the augmentation of training images are a pure function
of (seed, epoch, position), not of generator states, so that a killed training goes on to the very same end.
"""

from __future__ import annotations

from dataclasses import replace

from detect.models.family import Family, Variant

ASSIGNER = {"assigner.alpha", "assigner.beta", "assigner.topk"}


def _large(*series: str) -> tuple[str, ...]:
    return tuple(f"{name}{size}" for name in series for size in "mlx")


YOLO = Family(
    name="yolo",
    library="ultralytics",
    models={
        "yolov5n": Variant(2_509_634, 320, 0.093),
        "yolov5s": Variant(9_124_514, 320, 0.238),
        "yolov8n": Variant(3_012_018, 320, 0.093),
        "yolov8s": Variant(11_137_922, 320, 0.282),
        "yolo11n": Variant(2_591_010, 320, 0.094),
        "yolo11s": Variant(9_430_114, 320, 0.256),
        "yolo12n": Variant(2_569_218, 320, 0.130),
        "yolo12s": Variant(9_255_458, 320, 0.297),
    },
    unlisted=_large("yolov5", "yolov8", "yolo11", "yolo12"),
    build="detect.models.yolo.network:build",
    load="detect.models.yolo.detector:Yolo",
    fit="detect.training.yolo.trainer:fit",
    preview="detect.training.yolo.preview:preview_items",
    graph="detect.models.yolo.network:Graph",
    trial="detect.training.yolo.trainer:trial",
    features="detect.models.yolo.detector:features",
    keys=frozenset({"loss.box", "loss.cls", "loss.dfl", *ASSIGNER}),
    padded=True,
)

YOLO26 = replace(
    YOLO,
    name="yolo26",
    models={"yolo26n": Variant(2_506_140, 320, 0.113), "yolo26s": Variant(9_952_508, 320, 0.287)},
    unlisted=_large("yolo26"),
    keys=YOLO.keys - {"loss.dfl"},  # it predicts edges without a distribution
)
