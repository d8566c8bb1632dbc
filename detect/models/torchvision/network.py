"""torchvision's detectors as networks: built by a recipe, with random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torchvision.models import detection as zoo
from torchvision.models import mobilenet_v3_large, vgg
from torchvision.models.detection._utils import retrieve_out_channels
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.ssd import SSD, DefaultBoxGenerator, SSDFeatureExtractorVGG
from torchvision.models.detection.ssdlite import SSDLiteHead, _mobilenet_extractor
from torchvision.ops.misc import FrozenBatchNorm2d

from detect.errors import ModelError
from detect.models.anchors import layout
from detect.models.families import check_size, family_of
from detect.recipes import Recipe, Roi

WHOLE_TAIL = (960, 160)  # channels of the last convolution of a MobileNetV3 Large; a reduced tail has (480, 80)
ASSEMBLED = {f"fasterrcnn_resnet{depth}_fpn": f"resnet{depth}" for depth in (18, 34, 101)}  # torchvision has no builder
Settings = dict[str, Any]


def build(recipe: Recipe, classes: int, tensors: Mapping[str, torch.Tensor] | None = None) -> Any:
    """A fresh model, random from head to foot; label 0 is its background.

    Where the recipe starts from weights, a ResNet keeps the statistics of its batch normalisation as they are, which
    suits small batches. `tensors` are those that it is to take; an SSDLite gets the tail that they have. Raises
    ModelError for an unknown name, a size that the model does not have, and a wrong number of anchors.
    """
    model = recipe.model
    family = family_of(model)
    check_size(model, recipe.imgsz)
    settings = SETTINGS[family.name](recipe)
    if model in ASSEMBLED:
        norm = torch.nn.BatchNorm2d
        backbone = resnet_fpn_backbone(
            backbone_name=ASSEMBLED[model], weights=None, trainable_layers=5, norm_layer=norm
        )
        module = zoo.FasterRCNN(backbone, classes + 1, **settings)
    elif family.name == "ssd":
        module = _ssd300(classes + 1, settings)
    else:
        module = getattr(zoo, model)(weights=None, weights_backbone=None, num_classes=classes + 1, **settings)
    if family.name == "ssdlite" and any(value.shape[:2] == WHOLE_TAIL for value in (tensors or {}).values()):
        _set_whole_tail(module, classes)
    if "resnet" in model and (recipe.weights or recipe.backbone):
        freeze_norms(module.backbone.body)
    if isinstance(recipe.anchors, tuple):
        _set_anchors(module, recipe)
    if isinstance(module, zoo.FasterRCNN):
        _set_scales(module)
    return module


def _ssd300(labels: int, settings: Settings) -> SSD:
    """An SSD300 as torchvision builds it, but for the classifier of its VGG: it takes seconds to draw and to drop."""
    features = vgg.make_layers(vgg.cfgs["D"])
    for part in features:
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            torch.nn.init.zeros_(part.bias)  # type: ignore[arg-type]
    scales = [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]  # of the input, as in the paper for COCO
    anchors = DefaultBoxGenerator(
        [[2], [2, 3], [2, 3], [2, 3], [2], [2]], scales=scales, steps=[8, 16, 32, 64, 100, 300]
    )
    colours = {"image_mean": [0.48235, 0.45882, 0.40784], "image_std": [1 / 255] * 3}  # as VGG's first weights have it
    return SSD(SSDFeatureExtractorVGG(features, highres=False), anchors, (300, 300), labels, **colours, **settings)


def _set_whole_tail(module: Any, classes: int) -> None:
    """Give an SSDLite a MobileNet as ImageNet's weights have it; torchvision halves its last blocks without them."""
    norm = partial(torch.nn.BatchNorm2d, eps=0.001, momentum=0.03)
    body = mobilenet_v3_large(weights=None, norm_layer=norm, reduced_tail=False)
    module.backbone = _mobilenet_extractor(body, 6, norm)  # all six stages learn
    channels = retrieve_out_channels(module.backbone, module.transform.fixed_size)
    module.head = SSDLiteHead(channels, module.anchor_generator.num_anchors_per_location(), classes + 1, norm)


def _set_scales(module: Any) -> None:
    """Tell a pooling the scales of its levels: it would read them off the first picture, which may be too thin."""
    square = torch.zeros(1, 3, 64, 64)
    module.backbone.eval()
    with torch.no_grad():
        module.roi_heads.box_roi_pool(module.backbone(square), [torch.zeros(1, 4)], [square.shape[2:]])
    module.backbone.train()


def freeze_norms(module: torch.nn.Module) -> None:
    """Put batch normalisation that keeps its statistics and factors in place of one that learns."""
    for name, child in module.named_children():
        if isinstance(child, torch.nn.BatchNorm2d):
            setattr(module, name, FrozenBatchNorm2d(child.num_features, child.eps))
        else:
            freeze_norms(child)


def _ssd(recipe: Recipe) -> Settings:
    return {"iou_thresh": recipe.overlap.foreground}


def _retinanet(recipe: Recipe) -> Settings:
    overlap = recipe.overlap
    return {**_size(recipe), "fg_iou_thresh": overlap.foreground, "bg_iou_thresh": overlap.background}


def _faster_rcnn(recipe: Recipe) -> Settings:
    overlap, roi = recipe.overlap, Roi() if recipe.roi == "auto" else recipe.roi
    return {
        **_size(recipe),
        "rpn_fg_iou_thresh": overlap.rpn_foreground,
        "rpn_bg_iou_thresh": overlap.rpn_background,
        "rpn_nms_thresh": overlap.rpn_nms,
        "box_fg_iou_thresh": overlap.box_foreground,
        "box_bg_iou_thresh": overlap.box_foreground,
        "box_batch_size_per_image": roi.samples,
        # In training the samples are drawn from torchvision's 2000: fewer lose right ones and save no time.
        "rpn_pre_nms_top_n_test": 1000,  # for each level; a MobileNet's 150 would be the budget of all
        "rpn_post_nms_top_n_test": roi.proposals,
    }


def _size(recipe: Recipe) -> Settings:
    return {"min_size": recipe.imgsz, "max_size": recipe.imgsz}


# A recipe in torchvision's names, for each family.
SETTINGS: dict[str, Callable[[Recipe], Settings]] = {
    "ssd": _ssd,
    "ssdlite": _ssd,
    "retinanet": _retinanet,
    "fasterrcnn": _faster_rcnn,
}


def _set_anchors(module: Any, recipe: Recipe) -> None:
    """Put the recipe's shapes in place of the default ones, level by level, the finest first."""
    counts = layout(recipe.model, recipe.imgsz).counts
    shapes = torch.tensor(recipe.anchors, dtype=torch.float32)
    if len(shapes) != sum(counts):
        raise ModelError(f"{recipe.model} has {sum(counts)} anchors ({'+'.join(map(str, counts))}), got {len(shapes)}")
    levels = torch.split(shapes, list(counts))
    generator = module.rpn.anchor_generator if hasattr(module, "rpn") else module.anchor_generator
    if hasattr(generator, "_wh_pairs"):  # SSD's, in shares of the input
        generator._wh_pairs = [level / recipe.imgsz for level in levels]
    else:
        generator.cell_anchors = [torch.cat([-level, level], dim=1) / 2 for level in levels]
