"""The training loop of torchvision's detectors, on Lightning Fabric.

Nothing depends on the state of a generator: photos come by (seed, epoch, position), and what the model draws at random
comes by (seed, epoch, batch). So a training that was killed and resumed goes on to the very same end.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from detect.config import Recipe
from detect.data import Box, Predictions
from detect.errors import ModelError
from detect.models.detector import Training
from detect.models.device import pick_device
from detect.models.torchvision import build, detect
from detect.models.weights import Weights, load_tensors, save_tensors, save_weights, state_dict, take_over
from detect.train.batches import Batch, batches, pictures

Measure = Callable[[Predictions], dict[str, float]]
DECAY, RAMP = 0.9998, 2000.0  # of the averaged weights; the decay rises to it over so many steps
CLIP = 10.0  # norm of the gradient


@dataclass
class _Learner:
    """What changes while it learns: the weights, their running mean, the optimizer, and how far it has come.

    `epoch` whole epochs are done; `best` is the highest mAP on val so far, `since` how many epochs ago it was.
    """

    module: Any
    averaged: Any
    optimizer: Any
    epoch: int = 0
    best: float = -1.0
    since: int = 0

    def state(self) -> dict[str, Any]:
        """All that is needed to go on."""
        return {
            "epoch": self.epoch, "best": self.best, "since": self.since, "steps": int(self.averaged.n_averaged),
            "model": self.module.state_dict(), "averaged": self.averaged.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.module.load_state_dict(state["model"])
        self.averaged.module.load_state_dict(state["averaged"])
        self.averaged.n_averaged.fill_(state["steps"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.best, self.since = state["epoch"], state["best"], state["since"]


def fit(job: Training, measure: Measure, *, resume: bool) -> None:
    """Train as the recipe says; see Training for what is written and told. `measure` gives the figures on val.

    Raises ModelError where weights do not fit or the loss is no longer a number.
    """
    from lightning.fabric import Fabric

    recipe = job.recipe
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads or os.cpu_count() or 1)
    device = pick_device(recipe.device)
    fabric = Fabric(accelerator=device.type, devices=1, precision=_precision(recipe, device))
    module = build(recipe, len(job.classes), frozen_norm=recipe.weights is not None)
    fitted = _transfer(module, recipe) if recipe.weights and not resume else "no weights given: a start from scratch"
    averaged = AveragedModel(module, multi_avg_fn=_average, use_buffers=True).to(fabric.device)
    model, optimizer = fabric.setup(module, _optimizer(module, recipe))
    learner = _Learner(module, averaged, optimizer)
    if resume:
        learner.restore(load_tensors(job.state))
    job.on_start(fitted, learner.epoch + 1)
    loader = batches(job.train, job.classes, recipe, learner.epoch)
    while learner.epoch < recipe.epochs and learner.since < recipe.patience:
        began = time.monotonic()
        losses = _epoch(fabric, model, learner, loader, job)
        figures = measure(find(learner.averaged.module, job))
        learner.epoch += 1
        seconds, rate_now = round(time.monotonic() - began, 2), optimizer.param_groups[0]["lr"]
        job.on_epoch({"epoch": learner.epoch, "seconds": seconds, "lr": rate_now, "train": losses, "val": figures})
        learner.since += 1
        if figures["map"] > learner.best:
            learner.best, learner.since = figures["map"], 0
            _save_best(learner.averaged.module, job)
        save_tensors(learner.state(), job.state)


def _transfer(module: Any, recipe: Recipe) -> str:
    """Take over what fits of the recipe's weights; says how much."""
    taken = take_over(module, state_dict(load_tensors(Path(recipe.weights or ""))))
    if not taken.taken:
        raise ModelError(f"{recipe.weights}: not one tensor fits this model by name and shape")
    return f"{taken} taken from {recipe.weights}"


def find(module: Any, job: Training) -> Predictions:
    """What the model finds in the validation photos."""
    module.eval()
    recipe, found = job.recipe, dict[str, tuple[Box, ...]]()
    for part, photos in pictures(job.val, recipe.batch):
        boxes = detect(module, job.classes, recipe.imgsz, photos, 0.001, recipe.nms_iou)
        found |= {image.name: one for image, one in zip(part, boxes, strict=True)}
    return Predictions(job.classes, found)


def _epoch(fabric: Any, model: Any, learner: _Learner, loader: Any, job: Training) -> dict[str, float]:
    """One pass over the training photos; the mean of each part of the loss."""
    recipe, optimizer, epoch, totals = job.recipe, learner.optimizer, learner.epoch, dict[str, float]()
    model.train()
    for number, batch in enumerate(loader):
        step = epoch * len(loader) + number
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * rate(step, len(loader), recipe)
        torch.manual_seed(int(np.random.SeedSequence([recipe.seed, epoch, number]).generate_state(1)[0]))
        parts = model(*_on(fabric.device, batch))
        loss = torch.stack(list(parts.values())).sum()
        if not torch.isfinite(loss):
            raise ModelError(
                f"epoch {epoch + 1}: the loss is no longer a number, in a batch of {', '.join(batch.names)}; "
                "try a smaller `lr`"
            )
        optimizer.zero_grad()
        fabric.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        learner.averaged.update_parameters(learner.module)
        for name, part in parts.items():
            totals[name] = totals.get(name, 0.0) + float(part.detach()) / len(loader)
        job.on_batch(epoch + 1, len(loader))
    return totals


def rate(step: int, batches_: int, recipe: Recipe) -> float:
    """The learning rate of a step over the recipe's `lr`: a linear warm-up, then down to `lr_final`."""
    warm = recipe.warmup * batches_
    done = step / max(1, recipe.epochs * batches_)
    if recipe.schedule == "cosine":
        down = recipe.lr_final + (1 - recipe.lr_final) * (1 + math.cos(math.pi * done)) / 2
    else:
        down = 1 - (1 - recipe.lr_final) * done
    return min(1.0, (step + 1) / warm) * down if warm else down


def _optimizer(module: Any, recipe: Recipe) -> Any:
    """Weight decay on matrices and filters only, not on biases and norms."""
    free = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in free if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in free if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, betas=(recipe.momentum, 0.999))
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=True)


def _average(averaged: Any, current: Any, steps: Any) -> None:
    """The running mean of the weights, quick to forget at first."""
    decay = DECAY * (1 - math.exp(-(int(steps) + 1) / RAMP))
    for mean, value in zip(averaged, current, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value.to(mean.dtype), 1 - decay)
        else:
            mean.copy_(value)


def _on(device: torch.device, batch: Batch) -> tuple[list[torch.Tensor], list[dict[str, torch.Tensor]]]:
    targets = [{name: value.to(device) for name, value in target.items()} for target in batch.targets]
    return [picture.to(device) for picture in batch.pictures], targets


def _precision(recipe: Recipe, device: torch.device) -> Any:
    half = recipe.precision == "bf16" or (recipe.precision == "auto" and device.type == "cuda")
    return "bf16-mixed" if half else "32-true"


def _save_best(module: Any, job: Training) -> None:
    tensors = {name: value.cpu() for name, value in module.state_dict().items()}
    recipe = job.recipe
    save_weights(Weights(recipe.model, job.classes, recipe.imgsz, tensors, recipe.model_dump(mode="json")), job.best)
