"""A recipe in the names of ultralytics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from detect.errors import ModelError
from detect.models.device import half, pick_device
from detect.models.threads import cores
from detect.recipes import Recipe


def check(recipe: Recipe) -> None:
    """Raise ModelError where ultralytics cannot train so."""
    if recipe.devices * recipe.nodes > 1:
        raise ModelError(f"{recipe.model}: trains on one device; several are for torchvision's detectors")
    if recipe.precision == "bf16" and pick_device(recipe.device).type != "cuda":
        raise ModelError(f"{recipe.model}: trains in bfloat16 on a GPU only; leave `precision` at auto")
    if recipe.optimizer == "sgd" and not recipe.momentum:
        raise ModelError(f"{recipe.model}: its SGD is Nesterov's; set `momentum` above 0")
    narrow = recipe.imgsz // 32 * 21  # places in an input that is 32 pixels wide, at strides of 8, 16 and 32
    if recipe.assigner.topk > narrow:
        raise ModelError(
            f"`assigner.topk` is {recipe.assigner.topk}: at imgsz={recipe.imgsz} a box has {narrow} places"
        )


def arguments(recipe: Recipe, device: torch.device, folder: Path) -> dict[str, Any]:
    """A recipe in ultralytics' names.

    nbs=batch: a step per batch, so that no gradient is carried over an epoch. The trainer ends mosaic itself. A seed
    has 32 bits there.
    """
    augment, loss = recipe.augment, recipe.loss
    alike = recipe.optimizer == "sgd" and recipe.layer_decay == 1  # the start of biases knows no depth
    bias = min(0.1, 10 * recipe.lr) if alike else 0.0  # a slow second attempt begins slowly
    return {
        "model": f"{recipe.model}.yaml", "data": "memory.yaml", "project": str(folder), "name": "run",
        "exist_ok": True,
        "epochs": recipe.epochs, "batch": recipe.batch, "nbs": recipe.batch, "imgsz": recipe.imgsz,
        "optimizer": {"sgd": "SGD", "adamw": "AdamW"}[recipe.optimizer], "lr0": recipe.lr, "lrf": recipe.lr_final,
        "cos_lr": recipe.schedule == "cosine", "momentum": recipe.momentum, "weight_decay": recipe.weight_decay,
        "warmup_epochs": recipe.warmup, "warmup_bias_lr": bias,
        "patience": recipe.patience, "seed": recipe.seed % 2**32, "device": str(device).removeprefix("cuda:"),
        "workers": min(recipe.workers, cores()), "amp": "bf16" if half(recipe, device) else False,
        "iou": recipe.nms_iou,
        "fliplr": augment.mirror, "flipud": augment.flip, "degrees": augment.rotation, "translate": augment.shift,
        "scale": augment.zoom, "hsv_h": augment.hue, "hsv_s": augment.saturation, "hsv_v": augment.brightness,
        "mosaic": augment.mosaic, "mixup": augment.mixup, "close_mosaic": 0,
        "box": loss.box, "cls": loss.cls, "dfl": loss.dfl,
        "plots": False, "verbose": False, "pretrained": False, "augmentations": [],
    }  # fmt: skip
