"""Faster R-CNN, RetinaNet and SSD from torchvision (BSD-3): the records of the families, read without the library."""

from __future__ import annotations

from dataclasses import replace

from detect.models.family import Family, Variant

SSD = Family(
    name="ssd",
    library="torchvision",
    models={"ssd300_vgg16": Variant(24_414_218, 300, 2.02, fixed=True)},
    build="detect.models.torchvision.network:build",
    load="detect.models.torchvision.detector:Torchvision",
    fit="detect.training.torchvision.method:fit",
    preview="detect.training.torchvision.method:preview_items",
    graph="detect.models.torchvision.detector:Graph",
    raw=("anchor_generator", "head"),
    trial="detect.training.torchvision.method:trial",
    features="detect.models.torchvision.detector:features",
    layout="detect.models.torchvision.layouts:ssd300",
    keys=frozenset({"backbone", "anchors", "overlap.foreground"}),
    positive="foreground",
    square=True,
)

SSDLITE = replace(
    SSD,
    name="ssdlite",
    models={"ssdlite320_mobilenet_v3_large": Variant(2_275_820, 320, 0.12, fixed=True)},
    layout="detect.models.torchvision.layouts:ssdlite",
    least_batch=2,  # it ends in maps of one pixel, of which a single picture makes no statistics
)

FASTER_RCNN = replace(
    SSD,
    name="fasterrcnn",
    models={  # seconds with a budget of 128 samples
        "fasterrcnn_mobilenet_v3_large_320_fpn": Variant(18_980_254, 320, 0.35),
        "fasterrcnn_mobilenet_v3_large_fpn": Variant(18_980_254, 320, 0.35),
        "fasterrcnn_resnet18_fpn": Variant(28_309_106, 320, 1.32),
        "fasterrcnn_resnet34_fpn": Variant(38_417_266, 320, 1.50),
        "fasterrcnn_resnet50_fpn": Variant(41_377_906, 320, 1.76),
        "fasterrcnn_resnet50_fpn_v2": Variant(43_281_778, 320, 2.73),
        "fasterrcnn_resnet101_fpn": Variant(60_370_034, 320, 2.27),
    },
    raw=("rpn.anchor_generator", "rpn.head"),
    raw_by_proposal=("rpn", "roi_heads.box_predictor"),
    layout="detect.models.torchvision.layouts:faster_rcnn",
    keys=frozenset(
        {"backbone", "anchors", "roi"}
        | {f"overlap.{key}" for key in ("rpn_foreground", "rpn_background", "rpn_nms", "box_foreground")}
    ),
    ascending=(("rpn_background", "rpn_foreground"),),
    positive="rpn_foreground",
    square=False,
)

RETINANET = replace(
    SSD,
    name="retinanet",
    models={
        "retinanet_resnet50_fpn": Variant(32_325_539, 320, 1.55),
        "retinanet_resnet50_fpn_v2": Variant(36_456_355, 320, 1.53),
    },
    layout="detect.models.torchvision.layouts:retinanet",
    keys=frozenset({"backbone", "anchors", "overlap.foreground", "overlap.background"}),
    ascending=(("background", "foreground"),),
    square=False,
)
