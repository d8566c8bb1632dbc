"""A recipe in the names of ultralytics, and its figures in ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from detect.config import Recipe
from detect.models.device import half


def event(epoch: int, seconds: float, metrics: dict[str, Any]) -> dict[str, Any]:
    """What happened in one epoch, in this tool's names; metrics are named train/..., val/... and lr/pg..."""
    told: dict[str, Any] = {
        "epoch": epoch,
        "seconds": round(seconds, 2),
        "lr": max(value for name, value in metrics.items() if name.startswith("lr/")),
        "train": {},
        "val": {},
    }
    for name, value in metrics.items():
        side, _, rest = name.partition("/")
        if side in ("train", "val"):
            told[side][rest] = float(value)
    return told


def arguments(recipe: Recipe, device: torch.device, folder: Path) -> dict[str, Any]:
    """A recipe in ultralytics' names. nbs=batch: a step per batch, so that no gradient is carried over an epoch."""
    augment, loss = recipe.augment, recipe.loss
    return {
        "model": f"{recipe.model}.yaml", "data": "memory.yaml", "project": str(folder), "name": "run",
        "exist_ok": True,
        "epochs": recipe.epochs, "batch": recipe.batch, "nbs": recipe.batch, "imgsz": recipe.imgsz,
        "optimizer": {"sgd": "SGD", "adamw": "AdamW"}[recipe.optimizer], "lr0": recipe.lr, "lrf": recipe.lr_final,
        "cos_lr": recipe.schedule == "cosine", "momentum": recipe.momentum, "weight_decay": recipe.weight_decay,
        "warmup_epochs": recipe.warmup, "warmup_bias_lr": 0.1 if recipe.optimizer == "sgd" else 0.0,
        "patience": recipe.patience, "seed": recipe.seed, "device": str(device).removeprefix("cuda:"),
        "workers": recipe.workers, "amp": "bf16" if half(recipe, device) else False, "iou": recipe.nms_iou,
        "fliplr": augment.mirror, "flipud": augment.flip, "degrees": augment.rotation, "translate": augment.shift,
        "scale": augment.zoom, "hsv_h": augment.hue, "hsv_s": augment.saturation, "hsv_v": augment.brightness,
        "mosaic": augment.mosaic, "close_mosaic": augment.mosaic_off, "box": loss.box, "cls": loss.cls, "dfl": loss.dfl,
        "plots": False, "verbose": False, "pretrained": False, "augmentations": [],
    }  # fmt: skip
