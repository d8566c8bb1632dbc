"""YOLOX through pixeltable-yolox (Apache-2.0, the extra `yolox`): the record of the family, without the library."""

from __future__ import annotations

from detect.models.family import Family, Variant

YOLOX = Family(
    name="yolox",
    library="pixeltable-yolox",
    models={
        "yolox-nano": Variant(897_729, 416, 0.08),
        "yolox-tiny": Variant(5_034_321, 416, 0.24),
        "yolox-s": Variant(8_939_617, 640, 1.07),
    },
    unlisted=("yolox-m", "yolox-l", "yolox-x"),
    build="detect.models.yolox.network:build",
    load="detect.models.yolox.detector:Yolox",
    fit="detect.training.yolox.method:fit",
    preview="detect.training.yolox.method:preview_items",
    graph="detect.models.yolox.detector:Graph",
    trial="detect.training.yolox.method:trial",
    features="detect.models.yolox.detector:features",
    keys=frozenset({"multiscale"}),
)
