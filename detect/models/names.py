"""The detectors that a recipe can name. Without torch, so that a list of them is quick."""

from __future__ import annotations

from collections.abc import Set
from difflib import get_close_matches
from typing import NamedTuple

from pydantic import BaseModel

from detect.errors import ConfigError, ModelError
from detect.recipes import Assigner, Loss, Overlap, Recipe


class Named(NamedTuple):
    """`parameters` with 6 classes; `seconds` of CPU time to learn from one photo of `imgsz` pixels, both passes.

    Measured on an AMD EPYC, of Faster R-CNN with a budget of 128 samples; None: not measured.
    """

    library: str
    parameters: int
    imgsz: int
    seconds: float | None
    anchors: bool


def _yolo(parameters: int, seconds: float | None) -> Named:
    return Named("ultralytics", parameters, 320, seconds, False)


def _torchvision(parameters: int, seconds: float, imgsz: int = 320) -> Named:
    return Named("torchvision", parameters, imgsz, seconds, True)


FAMILIES, SIZES = ("yolov5", "yolov8", "yolo11", "yolo12", "yolo26"), "nsmlx"  # of YOLOs
FIXED = {"ssd300_vgg16": 300, "ssdlite320_mobilenet_v3_large": 320}  # the only input size of these

# Of each YOLO family m, l and x work, too; here are the ones that a CPU can train.
MODELS = {
    "yolov5n": _yolo(2_509_634, 0.093),
    "yolov5s": _yolo(9_124_514, 0.238),
    "yolov8n": _yolo(3_012_018, 0.093),
    "yolov8s": _yolo(11_137_922, 0.282),
    "yolo11n": _yolo(2_591_010, 0.094),
    "yolo11s": _yolo(9_430_114, 0.256),
    "yolo12n": _yolo(2_569_218, 0.130),
    "yolo12s": _yolo(9_255_458, 0.297),
    "yolo26n": _yolo(2_506_140, 0.113),
    "yolo26s": _yolo(9_952_508, 0.287),
    "ssdlite320_mobilenet_v3_large": _torchvision(2_275_820, 0.12),
    "ssd300_vgg16": _torchvision(24_414_218, 2.02, 300),
    "fasterrcnn_mobilenet_v3_large_320_fpn": _torchvision(18_980_254, 0.35),
    "fasterrcnn_mobilenet_v3_large_fpn": _torchvision(18_980_254, 0.35),
    "fasterrcnn_resnet18_fpn": _torchvision(28_309_106, 1.32),
    "fasterrcnn_resnet34_fpn": _torchvision(38_417_266, 1.50),
    "fasterrcnn_resnet50_fpn": _torchvision(41_377_906, 1.76),
    "fasterrcnn_resnet50_fpn_v2": _torchvision(43_281_778, 2.73),
    "fasterrcnn_resnet101_fpn": _torchvision(60_370_034, 2.27),
    "retinanet_resnet50_fpn": _torchvision(32_325_539, 1.55),
    "retinanet_resnet50_fpn_v2": _torchvision(36_456_355, 1.53),
}
TORCHVISION = tuple(name for name, model in MODELS.items() if model.library == "torchvision")


OVERLAP = {  # the keys of `overlap` that each kind uses
    "fasterrcnn": {"rpn_foreground", "rpn_background", "rpn_nms", "box_foreground"},
    "retinanet": {"foreground", "background"},
    "ssd": {"foreground"},
}
ORDER = {"fasterrcnn": ("rpn_background", "rpn_foreground"), "retinanet": ("background", "foreground")}


def check_recipe(recipe: Recipe) -> None:
    """Raise ModelError or ConfigError where a recipe asks for what its detector does not have, or makes no sense."""
    check_name(recipe.model)
    check_size(recipe.model, recipe.imgsz)
    if unused := idle(recipe):
        raise ConfigError(f"{recipe.model} has no use for {', '.join(f'`{key}`' for key in unused)}; leave it out")
    for kind, (low, high) in ORDER.items():
        wrong, right = getattr(recipe.overlap, low), getattr(recipe.overlap, high)
        if recipe.model.startswith(kind) and wrong > right:
            raise ConfigError(
                f"`overlap.{low}` {wrong:g} lies above `overlap.{high}` {right:g}, and anchors in between would be "
                f"both right and wrong; set {low} to {right:g} or less"
            )


def idle(recipe: Recipe) -> list[str]:
    """The keys of a recipe that were set and do nothing for its model; `augment` is one section for all."""
    kind = next((kind for kind in OVERLAP if recipe.model.startswith(kind)), "")
    useless = _set("overlap", recipe.overlap, Overlap(), OVERLAP.get(kind, set()))
    if kind:
        useless += _set("loss", recipe.loss, Loss()) + _set("assigner", recipe.assigner, Assigner())
    else:
        useless += ["anchors"] if isinstance(recipe.anchors, tuple) else []
        useless += _set("loss", recipe.loss, Loss(), {"box", "cls"}) if recipe.model.startswith("yolo26") else []
    return useless + (["roi"] if kind != "fasterrcnn" and recipe.roi != "auto" else [])


def _set(section: str, part: BaseModel, default: BaseModel, used: Set[str] = frozenset()) -> list[str]:
    """The keys of a section that are not as by default, without those that are `used`."""
    given, usual = part.model_dump(), default.model_dump()
    return [f"{section}.{key}" for key in given if given[key] != usual[key] and key not in used]


def check_name(model: str) -> None:
    """Raise ModelError where there is no such detector."""
    if model not in TORCHVISION and (model[:-1] not in FAMILIES or model[-1:] not in SIZES):
        known = f"YOLOs are {', '.join(FAMILIES)}, each with a size n, s, m, l or x"
        raise ModelError(f"{model!r}: no such detector{near(model)}; `detect models` lists them, and {known}")


def check_size(model: str, imgsz: int) -> None:
    """Raise ModelError where the model has another input size, and only that."""
    if imgsz != FIXED.get(model, imgsz):
        raise ModelError(f"{model}: its input is {FIXED[model]} pixels, always; leave it at `imgsz: {FIXED[model]}`")


def near(model: str) -> str:
    """A detector of nearly that name, for an error's end."""
    close = get_close_matches(model, MODELS, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
