"""ultralytics' training loop with our data, our files, our validation and an exact resumption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import copy
from types import SimpleNamespace
from typing import Any

import torch

from detect.data import Image, Predictions
from detect.errors import ModelError
from detect.models.detector import LOWEST_SCORE
from detect.models.device import half, pick_device
from detect.models.letterbox import same_shape
from detect.models.nms import suppress
from detect.models.threads import set_threads
from detect.models.weights import take_over
from detect.models.yolo.detector import seen
from detect.models.yolo.library import DetectionTrainer, InfiniteDataLoader, scratch
from detect.models.yolo.network import network, raw_output, read_tensors
from detect.operating_point import Suppression
from detect.parent_process import end_with_parent
from detect.progress import remark
from detect.training.augmentation import Defects
from detect.training.job import Job, save_trained
from detect.training.listeners import Listeners, epoch_event
from detect.training.memory import within_memory
from detect.training.sampler import EpochSampler
from detect.training.state import is_over, load_state, restoring, save_epoch
from detect.training.stopping import EarlyStopping, LossCheck
from detect.training.yolo.arguments import arguments, check
from detect.training.yolo.items import Items, Still, Upright

LOOKERS = 4  # processes at most that read the photos of val; they stay, and hold two batches each


def fit(job: Job, *, resume: bool) -> None:
    """Train by the recipe; see `detect.training` for what is written.

    Raises ModelError where weights do not fit, the loss is no longer a number or the memory is too small, DataError
    where too many photos cannot be read.
    """
    recipe = job.recipe
    torch.manual_seed(recipe.seed)
    module = network(recipe.model, len(job.classes))
    layers = _frozen(module, recipe.freeze)
    fitted = "no weights given: a start from scratch"
    if recipe.weights and not resume:
        fitted = take_over(module, read_tensors(recipe.weights)).report(recipe.weights)
    check(recipe)
    stopping = EarlyStopping(recipe.patience)
    state = load_state(job, stopping) if resume else None
    if state and is_over(state, job, stopping):
        save_trained(state["ema"], job, job.last)  # a kill may have come before it
        return
    if recipe.augment.mosaic and recipe.epochs <= recipe.augment.mosaic_off:
        remark("mosaic: off from the start, since `epochs` is not above `augment.mosaic_off`")
    trainer = _Trainer(job, module, stopping, state, layers)
    set_threads(recipe.threads, state["threads"] if state else 0)
    job.listeners.start(state["epoch"] + 1 if state else 1, fitted)
    within_memory(trainer.train, recipe.batch, lambda size: _try(trainer, job, size))


def _frozen(module: Any, freeze: int | str) -> int:
    """How many layers stay as they are."""
    layers = len(module.yaml["backbone"]) if freeze == "backbone" else int(freeze)
    if layers >= len(module.model):
        raise ModelError(
            f"freeze={freeze}: the model has {len(module.model)} layers, and nothing would be left to learn"
        )
    return layers


def trial(job: Job) -> Callable[[int], None]:
    """See Family."""
    module = network(job.recipe.model, len(job.classes)).to(pick_device(job.recipe.device)).train()
    return lambda size: _try(SimpleNamespace(model=module), job, size)


def _try(trainer: Any, job: Job, size: int) -> None:
    """One step on `size` grey pictures; raises RuntimeError where the memory is too small."""
    module, trainer.loss, trainer.loss_items = trainer.model, None, None  # what the failed step had in memory
    module.zero_grad()
    module.args = SimpleNamespace(**job.recipe.loss.model_dump(), epochs=1)
    device = next(module.parameters()).device
    batch = {"img": torch.full((size, 3, job.recipe.imgsz, job.recipe.imgsz), 0.5, device=device),
             "cls": torch.zeros(size, 1, device=device), "batch_idx": torch.arange(size, device=device),
             "bboxes": torch.full((size, 4), 0.5, device=device)}  # fmt: skip
    with torch.autocast(device.type, torch.bfloat16, enabled=half(job.recipe, device)):
        loss = module(batch)[0].sum()
    loss.backward()


class _Stopper:
    """Our early stopping, or a listener's request, where ultralytics asks its own rule."""

    possible_stop = False

    def __init__(self, stopping: EarlyStopping, listeners: Listeners) -> None:
        self.stopping, self.listeners = stopping, listeners

    def __call__(self, epoch: int, fitness: float) -> bool:
        return self.stopping.over or self.listeners.stop


class _Trainer(DetectionTrainer):
    """See the head of this file."""

    def __init__(
        self, job: Job, module: Any, stopping: EarlyStopping, state: dict[str, Any] | None, frozen: int
    ) -> None:
        self.job, self.saved, self.step, self.names = job, state, 0, tuple[str, ...]()
        self.seen = [0] * len(job.classes)
        self.closed = False  # to mosaic
        self.loss_check, self.stopping = LossCheck(), stopping
        self.best_fitness: float | None
        super().__init__(overrides={**arguments(job.recipe, pick_device(job.recipe.device), scratch), "freeze": frozen})
        self.model = module
        self.add_callback("on_train_epoch_start", lambda t: t.begin())
        self.add_callback("on_train_batch_end", lambda t: t.after_batch())

    # Data

    def get_dataset(self) -> dict[str, Any]:
        """What there is to learn from."""
        return {"train": self.job.train, "val": self.job.val, "channels": 3,
                "nc": len(self.job.classes), "names": dict(enumerate(self.job.classes))}  # fmt: skip

    def get_dataloader(self, images: Any, batch_size: int = 16, rank: int = 0, mode: str = "train") -> Any:
        """Batches of training images, or of validation photos as they are."""
        if mode != "train":
            still = Upright(images, self.job.classes, self.args.imgsz)
            workers = min(self.args.workers, LOOKERS, math.ceil(len(still) / batch_size))
            return InfiniteDataLoader(
                dataset=still, batch_size=batch_size, collate_fn=list, num_workers=workers,
                worker_init_fn=end_with_parent,
            )  # fmt: skip
        items = training_items(self.job, self.args, self.stride, batch_size)
        epoch = self.saved["epoch"] if self.saved else 0
        return InfiniteDataLoader(
            dataset=items, batch_size=min(batch_size, len(items)), num_workers=self.args.workers,
            sampler=EpochSampler(len(items), self.args.seed, epoch, self.job.factors),
            collate_fn=items.collate_fn, pin_memory=self.device.type == "cuda", worker_init_fn=end_with_parent,
        )  # fmt: skip

    def _close_dataloader_mosaic(self) -> None:
        super()._close_dataloader_mosaic()
        self.train_loader.sampler.epoch = self.epoch  # workers may have begun the next pass already

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A batch on the device; what it holds is counted."""
        self.names = tuple(batch.pop("name"))
        self.job.listeners.unreadable([name for names in batch.pop("unreadable") for name in names])
        for label in batch["cls"].flatten().tolist():
            self.seen[int(label)] += 1
        return dict(super().preprocess_batch(batch))

    # Learning

    def set_class_weights(self) -> None:
        """Weights of the classes and the assigner, by the recipe."""
        if self.job.class_weights:
            self.model.class_weights = torch.tensor(self.job.class_weights, device=self.device)
        criterion = self.model.criterion = self.model.init_criterion()
        alpha, beta, topk = self.job.recipe.assigner.model_dump().values()
        many = getattr(criterion, "one2many", criterion)  # YOLO26 has a head without suppression beside the usual one
        assigner = many.assigner
        assigner.alpha, assigner.beta, assigner.topk, assigner.topk2 = alpha, beta, topk, topk  # 2: of those left

    def build_optimizer(self, model: Any, **options: Any) -> Any:
        """The groups of ultralytics, each parted by layer where deeper layers learn slower."""
        optimizer = super().build_optimizer(model, **options)
        if (decay := self.job.recipe.layer_decay) < 1:
            depth = {id(p): len(model.model) - 1 - i for i, layer in enumerate(model.model) for p in layer.parameters()}
            groups, optimizer.param_groups = optimizer.param_groups, []
            for group in groups:
                for level in sorted({depth[id(p)] for p in group["params"]}):
                    members = [p for p in group["params"] if depth[id(p)] == level]
                    optimizer.add_param_group({**group, "params": members, "lr": group["lr"] * decay**level})
        return optimizer

    def begin(self) -> None:
        """Before the first batch of an epoch."""
        self.began, self.step, self.seen = time.monotonic(), 0, [0] * len(self.job.classes)
        if not self.closed and self.epoch >= self.epochs - self.job.recipe.augment.mosaic_off:
            self.closed = True
            self._close_dataloader_mosaic()
            self.train_loader.reset()
        self._oom_retries = 3  # no silent halving of the batch: the recipe decides it

    def optimizer_step(self) -> None:
        """A step after every `accumulate` batches, and at the end of an epoch, so that none is carried over."""
        self.step += 1
        if self.step % self.job.recipe.accumulate == 0 or self.step == len(self.train_loader):
            super().optimizer_step()

    def after_batch(self) -> None:
        """After each batch: its loss is checked."""
        self.loss_check.check(self.loss, self.epoch + 1, self.names)
        self.job.listeners.batch(self.epoch + 1, len(self.train_loader))

    # Validation

    def get_validator(self) -> Any:
        """None: see `validate`."""
        return SimpleNamespace(metrics=SimpleNamespace(keys=[]))

    @torch.inference_mode()
    def validate(self) -> tuple[dict[str, float], float]:
        """The EMA of the weights predicts on the photos of val as in use; our evaluator measures it."""
        module, total, found = self.ema.ema.eval(), dict[str, float](), {}
        module.criterion = self.model.criterion
        how = Suppression(self.job.recipe.nms_iou)
        for items in self.test_loader:
            self.job.listeners.unreadable([self.job.val[item].name for item in items if isinstance(item, int)])
            part = [item for item in items if isinstance(item, Still)]
            for members in same_shape([still.pixels for still in part]):
                stills = [part[i] for i in members]
                batch = _batch(stills, self.device)
                preds = module(batch["img"])
                for name, value in module.loss(batch, preds)[1].items():
                    total[f"val/{name}"] = total.get(f"val/{name}", 0.0) + float(value) * len(stills)
                for still, raw in zip(stills, raw_output(preds), strict=True):
                    image: Image = self.job.val[still.position]
                    kept = suppress(seen(raw, still.placed, LOWEST_SCORE), how).inside(image.width, image.height)
                    found[image.name] = kept.boxes(self.job.classes)
        metrics = self.job.measure(Predictions(self.job.classes, found))
        losses = {name: value / max(1, len(found)) for name, value in total.items()}
        fitness = metrics[self.job.recipe.watch]
        self.better = self.stopping.update(fitness)
        self.best_fitness = self.stopping.best
        return {**{f"val/{name}": value for name, value in metrics.items()}, **losses}, fitness

    def final_eval(self) -> None:
        """The last weights are kept, too; the best ones were measured in their epoch."""
        save_trained(self.ema.ema.state_dict(), self.job, self.job.last)

    # Files

    def save_metrics(self, metrics: dict[str, Any]) -> None:
        """The listeners learn of an epoch. Metrics are named train/... and val/..."""
        rate = max(group["lr"] for group in self.optimizer.param_groups if group.get("param_group") != "bias")
        train, val = (
            {name.removeprefix(side): float(value) for name, value in metrics.items() if name.startswith(side)}
            for side in ("train/", "val/")
        )
        seen = dict(zip(self.job.classes, self.seen, strict=True))
        seconds = time.monotonic() - self.began
        self.job.listeners.epoch(epoch_event(self.epoch + 1, seconds, rate, train, val, seen))

    def save_model(self) -> bool:
        """The best weights so far, and then the state."""
        rest = {"model": self.model.state_dict(), "updates": self.ema.updates, "optimizer": self.optimizer.state_dict()}
        save_epoch(self.job, self.epoch + 1, self.stopping, self.ema.ema.state_dict(), rest, self.better)
        return True

    def resume_training(self, ckpt: Any) -> None:
        """Go on from the saved state; ultralytics' own early stopping, which has another rule, gives way to ours."""
        self.stopper = _Stopper(self.stopping, self.job.listeners)
        if (state := self.saved) is None:
            return
        with restoring(self.job):
            self.model.load_state_dict(state["model"])
            self.ema.ema.load_state_dict(state["ema"])
            self.ema.updates = state["updates"]
            self.optimizer.load_state_dict(state["optimizer"])
        self.start_epoch = state["epoch"]
        if hasattr(criterion := self.model.criterion, "update"):  # YOLO26 shifts weight between its heads by epoch
            criterion.updates = self.start_epoch - 1
            criterion.update()


def training_items(job: Job, args: Any, stride: int, batch: int) -> Items:
    """The training images, augmented by the recipe."""
    augmenter = Defects(job.recipe.augment) or None
    return Items(
        job.train, job.classes, args.seed, augmenter, workers=args.workers, imgsz=args.imgsz, batch_size=batch,
        augment=True, hyp=copy(args), rect=False, stride=stride, pad=0.0,
    )  # fmt: skip


def _batch(stills: list[Still], device: torch.device) -> dict[str, torch.Tensor]:
    """Validation photos of one input shape as ultralytics' loss takes them."""
    places = [torch.full((len(still.labels),), float(i)) for i, still in enumerate(stills)]
    batch = {
        "img": torch.stack([still.pixels for still in stills]),
        "cls": torch.cat([still.labels for still in stills]),
        "bboxes": torch.cat([still.boxes for still in stills]),
        "batch_idx": torch.cat(places),
    }
    there = {name: value.to(device) for name, value in batch.items()}
    return {**there, "img": there["img"].float() / 255}  # a quarter of the bytes went there
