"""A training loop on Lightning Fabric, for one device or many.

What a kind of detector does in its own way is a `Method`.

Nothing depends on the state of a generator: photos come by (seed, epoch, position), and what the model draws at random
comes by (seed, epoch, batch). So a training that was killed and resumed goes on to the very same end.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch

from detect.errors import ModelError
from detect.models.device import half, pick_devices
from detect.models.families import build, family_of
from detect.models.threads import set_threads
from detect.models.weights import Tensors, state_dict
from detect.recipes import Recipe
from detect.training.batches import Item, Photos, batches, mosaics_over, pictures
from detect.training.distributed import ProcessLost, broadcast_buffers, connection_lost, gather
from detect.training.ema import Ema
from detect.training.job import Job, save_trained
from detect.training.listeners import epoch_event
from detect.training.memory import within_memory
from detect.training.state import load_state, restoring, save_epoch
from detect.training.stopping import EarlyStopping, LossCheck
from detect.training.transfer import freeze, given, parameter_groups
from detect.training.validate import Find, validate

CLIP = 10.0  # norm of the gradient


@dataclass(frozen=True)
class Method:
    """What a kind of detector does in its own way.

    losses (torch module, job) -> torch module from pictures and targets to the parts of the loss, each by its
        name. It has an attribute `final`: whether these are the epochs after the last mosaic.
    start (torch module, recipe, tensors) -> what was taken of these tensors, in words.
    adapt (torch module, job) -> None: what is left to do after it, with a look at the training photos.
    stages (torch module) -> the blocks of its backbone, from the picture on.
    find (torch module, pictures, imgsz, confidence) -> candidates of each picture.
    photos (images, classes, recipe, factors) -> the training photos by their keys.
    """

    losses: Callable[[Any, Job], Any]
    start: Callable[[Any, Recipe, Tensors], str]
    stages: Callable[[Any], list[torch.nn.Module]]
    find: Find
    photos: type[Photos] = Photos
    adapt: Callable[[Any, Job], None] | None = None


@dataclass
class _Learner:
    """What changes while it learns: the weights, their EMA, the optimizer, and how far it has come.

    `losses` holds the `module`. `epoch` whole epochs are done. `frozen` blocks do not learn.
    """

    module: Any
    losses: Any
    ema: Ema
    optimizer: Any
    stopping: EarlyStopping
    frozen: list[Any] = field(default_factory=list)
    loss: LossCheck = field(default_factory=LossCheck)
    epoch: int = 0

    def state(self) -> dict[str, Any]:
        """What is needed to go on, beside the EMA."""
        return {
            "steps": self.ema.steps, "model": self.module.state_dict(), "optimizer": self.optimizer.state_dict(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any], job: Job) -> None:
        """Go back to a saved state. Raises ModelError where it is another training's."""
        with restoring(job):
            self.module.load_state_dict(state["model"])
            self.ema.module.load_state_dict(state["ema"])
            self.ema.steps = state["steps"]
            self.optimizer.load_state_dict(state["optimizer"])
        self.epoch = state["epoch"]


def learn(job: Job, method: Method, *, resume: bool) -> None:
    """Train by the recipe; see `detect.training` for what is written.

    Raises ModelError where weights do not fit, the loss is no longer a number or the memory is too small, DataError
    where too many photos cannot be read.
    """
    recipe, least = job.recipe, family_of(job.recipe.model).least_batch
    if min(recipe.batch, len(job.train)) < least:
        raise ModelError(
            f"{recipe.model}: learns from batches of {least} photos or more, which its batch normalisation needs"
        )
    torch.manual_seed(recipe.seed)
    cv2.setNumThreads(0)  # pictures are small, and there are many
    fabric, many = _fabric(recipe), recipe.devices * recipe.nodes > 1
    fabric.launch()
    stopping = EarlyStopping(recipe.patience)
    state = load_state(job, stopping) if resume else None
    set_threads(recipe.threads, state["threads"] if state else 0)
    tensors = state_dict(state) if state else given(recipe)
    module = build(recipe, len(job.classes), tensors)
    fitted = "the state of the run" if state else method.start(module, recipe, tensors)
    if method.adapt and not state:
        method.adapt(module, job)
    frozen = freeze(method.stages(module), recipe)
    module.to(memory_format=torch.channels_last)  # a seventh less time in convolutions
    losses = method.losses(module, job)
    model, optimizer = fabric.setup(losses, _optimizer(module, method, recipe))
    learner = _Learner(module, losses, Ema(module), optimizer, stopping, frozen)
    if state:
        learner.restore(state, job)
    del state, tensors  # as large as all that learns
    job.listeners.start(learner.epoch + 1, fitted)
    bare = method.losses(module, job).to(fabric.device)  # it waits for no other process
    try:
        within_memory(
            lambda: _epochs(fabric, model, learner, job, method),
            recipe.batch,
            lambda size: _try(bare, recipe, size, fabric.device),
            least,
        )
    except RuntimeError as error:
        if many and connection_lost(error):
            raise ProcessLost("another process of this training has ended; its message, if any, is above") from None
        raise


def _fabric(recipe: Recipe) -> Any:
    """What spreads the training over the recipe's devices."""
    from lightning_fabric import Fabric

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # not its advice on each start
    devices = pick_devices(recipe.device, recipe.devices)
    numbers, many = [device.index for device in devices], recipe.devices * recipe.nodes > 1
    return Fabric(
        accelerator=devices[0].type, devices=recipe.devices if None in numbers else numbers,
        num_nodes=recipe.nodes, strategy="ddp" if many else "auto",
    )  # fmt: skip


def _epochs(fabric: Any, model: Any, learner: _Learner, job: Job, method: Method) -> None:
    recipe = job.recipe
    pinned = fabric.device.type == "cuda"
    photos = method.photos(job.train, job.classes, recipe, job.factors)
    loader = batches(photos, job, learner.epoch, fabric.global_rank, fabric.world_size, pinned=pinned)
    ema = method.losses(learner.ema.module, job).to(fabric.device)
    val = pictures(job.val[fabric.global_rank :: fabric.world_size], recipe)
    stop = False
    while learner.epoch < recipe.epochs and not learner.stopping.over and not stop:
        began = time.monotonic()
        learner.losses.final = ema.final = mosaics_over(recipe, learner.epoch)
        losses, seen = _epoch(fabric, model, learner, loader, job)
        for module in (learner.module, learner.ema.module):
            broadcast_buffers(fabric, module)  # what is measured is what is kept
        found, lost = validate(ema, partial(_loss, ema, recipe, fabric.device), method.find, job, fabric, val)
        metrics = job.measure(found)
        learner.epoch += 1
        rate_now = recipe.lr * rate(learner.epoch * len(loader) - 1, len(loader), recipe)
        val_values, boxes = {**metrics, **lost}, {name: seen[name] for name in job.classes}
        job.listeners.epoch(epoch_event(learner.epoch, time.monotonic() - began, rate_now, losses, val_values, boxes))
        better = learner.stopping.update(metrics[recipe.watch])
        if fabric.is_global_zero:
            save_epoch(job, learner.epoch, learner.stopping, learner.ema.module.state_dict(), learner.state(), better)
        stop = any(gather(fabric, job.listeners.stop))
        fabric.barrier()
    if fabric.is_global_zero:
        save_trained(learner.ema.module.state_dict(), job, job.last)


def _epoch(fabric: Any, model: Any, learner: _Learner, loader: Any, job: Job) -> tuple[dict[str, float], Counter[str]]:
    """One pass over the training photos: the mean of each part of the loss, and the boxes of each class it saw."""
    recipe, optimizer, epoch = job.recipe, learner.optimizer, learner.epoch
    totals, seen, lost = dict[str, Any](), Counter[str](), list[str]()
    model.train()
    for block in learner.frozen:
        block.eval()
    for number, items in enumerate(loader):
        step = epoch * len(loader) + number
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * rate(step, len(loader), recipe) * group["scale"]
        torch.manual_seed(int(np.random.SeedSequence([recipe.seed, epoch, number]).generate_state(1)[0]))
        last = number + 1 == len(loader)
        with fabric.no_backward_sync(model, enabled=fabric.world_size > 1 and not last and not _steps(number, recipe)):
            loss, parts = _loss(model, recipe, fabric.device, items)
            learner.loss.check(loss, epoch + 1, [item.name for item in items])
            fabric.backward(loss / recipe.accumulate)
        if last or _steps(number, recipe):
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            optimizer.zero_grad()
            learner.ema.update()
        for name, part in parts.items():
            totals[name] = totals.get(name, 0.0) + part.detach().double() / len(loader)
        for item in items:
            seen.update(job.classes[label - 1] for label in item.target["labels"].tolist())
        lost += (new := [name for item in items for name in item.unreadable])
        job.listeners.unreadable(new)
        job.listeners.batch(epoch + 1, len(loader))
    shares = gather(fabric, ({name: float(total) for name, total in totals.items()}, seen, lost))
    job.listeners.unreadable([name for _, _, names in shares for name in names])
    means = {name: sum(one[name] for one, _, _ in shares) / len(shares) for name in totals}
    return means, sum((one for _, one, _ in shares), Counter[str]())


def _steps(number: int, recipe: Recipe) -> bool:
    """Whether the weights change after this batch of an epoch (they do after the last one, too)."""
    return (number + 1) % recipe.accumulate == 0


def rate(step: int, batches_: int, recipe: Recipe) -> float:
    """The learning rate of a step over the recipe's `lr`: a linear warm-up, then down to `lr_final`.

    As in ultralytics, the warm-up never reaches into the last epoch.
    """
    warm = min(recipe.warmup, recipe.epochs - 1) * batches_
    done = step / max(1, recipe.epochs * batches_)
    if recipe.schedule == "cosine":
        down = recipe.lr_final + (1 - recipe.lr_final) * (1 + math.cos(math.pi * done)) / 2
    else:
        down = 1 - (1 - recipe.lr_final) * done
    return min(1.0, (step + 1) / warm) * down if warm else down


def _optimizer(module: Any, method: Method, recipe: Recipe) -> Any:
    """Fused: one pass over memory instead of a dozen, a sixth of the time on a CPU."""
    groups = parameter_groups(module, method.stages(module), recipe)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr, betas=(recipe.momentum, 0.999), fused=True)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True)


def _loss(model: Any, recipe: Recipe, device: torch.device, items: list[Item]) -> tuple[Any, dict[str, Any]]:
    """The loss of a batch and its parts. Only the network uses bfloat16: boxes and losses are in float32."""
    with torch.autocast(device.type, torch.bfloat16, enabled=half(recipe, device)):
        parts = model([item.picture for item in items], [item.target for item in items])
    return torch.stack(list(parts.values())).sum(), parts


def trial(job: Job, method: Method) -> Callable[[int], None]:
    """A function that makes a step on so many grey pictures, with a network of its own."""
    recipe = job.recipe
    device = pick_devices(recipe.device, recipe.devices)[0]
    module = build(recipe, len(job.classes), given(recipe)).to(device, memory_format=torch.channels_last)
    losses = method.losses(module, job).to(device).train()
    return lambda size: _try(losses, recipe, size, device)


def _try(model: Any, recipe: Recipe, size: int, device: torch.device) -> None:
    """One step on `size` grey pictures; raises RuntimeError where the memory is too small."""
    model.zero_grad()
    picture = torch.full((3, recipe.imgsz, recipe.imgsz), 128, dtype=torch.uint8)
    side = float(recipe.imgsz)
    target = {"boxes": torch.tensor([[side / 4, side / 4, side / 2, side / 2]]), "labels": torch.tensor([1])}
    loss, _ = _loss(model, recipe, device, [Item(picture, target, "", ())] * size)
    loss.backward()
