"""YOLO through ultralytics (AGPL-3.0, the extra `yolo`): the only file that imports it.

Two things are done differently from ultralytics' own loop. Its data comes from memory, so that no label cache, a
pickle, is read from the user's folders. And the order and the augmentation of training images are a pure function
of (seed, epoch, position), not of generator states, so that a killed training goes on to the very same end.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from detect.data import Box, Image
from detect.errors import DataError, MissingExtra, ModelError
from detect.models.detector import Picture, Training
from detect.models.device import pick_device
from detect.models.letterbox import letterbox
from detect.models.nms import suppress
from detect.models.order import Order, reseed
from detect.models.untouched import untouched
from detect.models.weights import (
    Fitted,
    Tensors,
    Weights,
    fill,
    load_tensors,
    require_file,
    save_tensors,
    save_weights,
    state_dict,
    take_over,
)
from detect.models.yolo_names import arguments, event

_PRIVATE = {
    "YOLO_OFFLINE": "1",  # no look-up of a name server, no check for updates
    "YOLO_AUTOINSTALL": "0",  # no pip at run time
    "YOLO_VERBOSE": "0",
    "ULTRALYTICS_SAFE_LOAD": "1",  # checkpoints: known classes and tensors only
}
_scratch = Path(tempfile.mkdtemp(prefix="damage-detect-"))
atexit.register(shutil.rmtree, _scratch, ignore_errors=True)
try:
    with untouched({**_PRIVATE, "YOLO_CONFIG_DIR": str(_scratch)}):
        import ultralytics
        from ultralytics import settings
        from ultralytics.data.build import InfiniteDataLoader
        from ultralytics.data.dataset import YOLODataset
        from ultralytics.models.yolo.detect import DetectionTrainer, DetectionValidator
        from ultralytics.nn.tasks import DetectionModel, torch_safe_load
        from ultralytics.utils.events import events
except ImportError as error:
    raise MissingExtra("ultralytics", "yolo") from error
settings.update({name: False for name in settings if isinstance(settings[name], bool)})
events.enabled = False

FAMILIES = ("yolov5", "yolov8", "yolo11", "yolo12", "yolo26")


class Yolo:
    """A trained YOLO as a Detector. Raises ModelError when the weights do not fit the model they name."""

    def __init__(self, weights: Weights, *, device: str = "auto", source: Path | str = "weights") -> None:
        self.name, self.classes, self.imgsz = weights.model, weights.classes, weights.imgsz
        self.device = pick_device(device)
        self.module = build(weights.model, len(weights.classes))
        fill(self.module, weights, source)
        self.module.to(self.device).eval().fuse(verbose=False)

    @torch.inference_mode()
    def detect(
        self, pictures: Sequence[Picture], confidence: float = 0.001, nms_iou: float = 0.7
    ) -> list[tuple[Box, ...]]:
        """See Detector. Pictures are letterboxed as in validation; those of one input shape share a pass."""
        placed = [letterbox(picture, self.imgsz) for picture in pictures]
        found: list[tuple[Box, ...]] = [()] * len(pictures)
        for shape in dict.fromkeys(p.tensor.shape for p in placed):
            members = [i for i, p in enumerate(placed) if p.tensor.shape == shape]
            batch = torch.stack([placed[i].tensor for i in members]).to(self.device).float() / 255
            for i, rows in zip(members, suppress(_raw(self.module(batch)), confidence, nms_iou), strict=True):
                height, width = pictures[i].shape[:2]
                values = rows.double().cpu().numpy()
                found[i] = self._boxes(placed[i].undo(values[:, :4], width, height), values[:, 4:])
        return found

    def _boxes(self, xyxy: NDArray[np.float64], scored: NDArray[np.float64]) -> tuple[Box, ...]:
        return tuple(
            Box(self.classes[int(label)], x1, y1, x2, y2, score)
            for (x1, y1, x2, y2), (score, label) in zip(xyxy.tolist(), scored.tolist(), strict=True)
            if x2 > x1 and y2 > y1
        )


def build(model: str, classes: int) -> Any:
    """A fresh ultralytics DetectionModel such as "yolo11n". Raises ModelError for an unknown name."""
    family, size = model[:-1], model[-1:]
    if family not in FAMILIES or size not in "nsmlx":
        raise ModelError(f"{model!r}: no such YOLO; known: {', '.join(FAMILIES)}, each with a size n, s, m, l or x")
    (source,) = (Path(ultralytics.__file__).parent / "cfg" / "models").glob(f"*/{family}.yaml")
    cfg = {**yaml.safe_load(source.read_text()), "scale": size, "yaml_file": f"{model}.yaml"}
    return DetectionModel(cfg, nc=classes, verbose=False)


def read_tensors(path: Path) -> Tensors:
    """The tensors of a local weights file: a plain state dict, this tool's, or an ultralytics checkpoint.

    A checkpoint is a pickled model; it is opened by ultralytics' own safe loader, which knows the classes of
    genuine ones and refuses all others. Raises ModelError.
    """
    require_file(path)
    try:
        return state_dict(load_tensors(path))
    except ModelError as refused:
        try:
            checkpoint, _ = torch_safe_load(path, safe_only=True)
            return dict((checkpoint.get("ema") or checkpoint["model"]).float().state_dict())
        except Exception:
            raise refused from None


def fit(job: Training, *, resume: bool) -> None:
    """Train as the recipe says; see Training for what is written and told.

    Raises ModelError where weights do not fit or the loss is no longer a number, DataError where a photo cannot
    be read.
    """
    recipe = job.recipe
    torch.manual_seed(recipe.seed)
    module = build(recipe.model, len(job.classes))
    fitted = "no weights given: a start from scratch"
    if recipe.weights and not resume:
        fitted = _transfer(module, recipe.weights)
    state = load_tensors(job.state) if resume else None
    trainer = _Trainer(job, module, state)
    torch.set_num_threads(recipe.threads or os.cpu_count() or 1)
    job.on_start(fitted, state["epoch"] + 1 if state else 1)
    trainer.train()


def _transfer(module: torch.nn.Module, path: Path) -> str:
    fitted: Fitted = take_over(module, read_tensors(path))
    if not fitted.taken:
        raise ModelError(f"{path}: not one tensor fits this model by name and shape")
    return f"{fitted} taken from {path}"


def _raw(output: Any) -> torch.Tensor:
    """The (B, 4 + C, A) tensor in what a model returns in evaluation mode."""
    while not isinstance(output, torch.Tensor):
        output = output[0]
    return output


class _Items(YOLODataset):
    """Images of a Dataset as ultralytics takes them. A key is epoch * len + position, see `Order`."""

    def __init__(self, images: Sequence[Image], classes: tuple[str, ...], seed: int, **options: Any) -> None:
        self.images, self.index, self.seed = images, {label: i for i, label in enumerate(classes)}, seed
        super().__init__(img_path="", data={"names": dict(enumerate(classes)), "channels": 3}, **options)
        self.npy_files = [_scratch / "absent.npy"] * self.ni  # never a stray array beside the user's photo

    def get_img_files(self, img_path: str) -> list[str]:
        return [str(image.path) for image in self.images]

    def get_labels(self) -> list[dict[str, Any]]:
        return [self._label(image) for image in self.images]

    def _label(self, image: Image) -> dict[str, Any]:
        size = np.array([image.width, image.height] * 2, dtype=np.float64)
        corners = np.array([box.xyxy for box in image.boxes], dtype=np.float64).reshape(-1, 4) / size
        centred = np.concatenate([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1)
        labels = np.array([self.index[box.label] for box in image.boxes], dtype=np.float32)
        return {
            "im_file": str(image.path), "shape": (image.height, image.width), "cls": labels.reshape(-1, 1),
            "bboxes": centred.astype(np.float32), "segments": [], "keypoints": None,
            "normalized": True, "bbox_format": "xywh",
        }  # fmt: skip

    def load_image(self, i: int, *args: Any, **options: Any) -> Any:
        try:
            return super().load_image(i, *args, **options)
        except Exception as error:
            raise DataError(f"{self.im_files[i]}: cannot be read as an image: {error}") from error

    def build_transforms(self, hyp: Any) -> Any:
        transforms = super().build_transforms(hyp)
        for transform in getattr(transforms.transforms[0], "transforms", []):
            if hasattr(transform, "buffer_enabled"):  # mosaic: partners from all images, not from those seen lately
                transform.buffer_enabled = False
        return transforms

    def __getitem__(self, key: int) -> Any:
        epoch, position = divmod(key, self.ni)
        if self.augment:
            reseed(self.seed, epoch, position)
        return super().__getitem__(position)


class _Validator(DetectionValidator):
    """ultralytics' validation with a suppression that never runs out of time."""

    def postprocess(self, preds: Any) -> list[dict[str, torch.Tensor]]:
        rows = suppress(_raw(preds), self.args.conf, self.args.iou, self.args.max_det)
        return [{"bboxes": r[:, :4], "conf": r[:, 4], "cls": r[:, 5], "extra": r[:, 6:]} for r in rows]


class _Trainer(DetectionTrainer):
    """ultralytics' loop with our data, our files and an exact resumption."""

    def __init__(self, job: Training, module: Any, state: dict[str, Any] | None) -> None:
        self.job, self.saved = job, state
        super().__init__(overrides=arguments(job.recipe, pick_device(job.recipe.device), _scratch))
        self.model = module
        self.add_callback("on_train_batch_end", lambda t: job.on_batch(t.epoch + 1, len(t.train_loader)))
        self.add_callback("on_train_epoch_start", lambda t: setattr(t, "began", time.monotonic()))

    def get_dataset(self) -> dict[str, Any]:
        return {"train": self.job.train, "val": self.job.val, "channels": 3,
                "nc": len(self.job.classes), "names": dict(enumerate(self.job.classes))}  # fmt: skip

    def get_dataloader(self, images: Any, batch_size: int = 16, rank: int = 0, mode: str = "train") -> Any:
        training = mode == "train"
        items = _Items(
            images, self.job.classes, self.args.seed, imgsz=self.args.imgsz, batch_size=batch_size, augment=training,
            hyp=copy(self.args), rect=not training, stride=self.stride, pad=0.0 if training else 0.5,
        )  # fmt: skip
        order = Order(len(items), self.args.seed, self.saved["epoch"] if self.saved else 0) if training else None
        return InfiniteDataLoader(
            dataset=items, batch_size=min(batch_size, len(items)), sampler=order, num_workers=self.args.workers,
            collate_fn=items.collate_fn, pin_memory=self.device.type == "cuda",
        )  # fmt: skip

    def get_validator(self) -> Any:
        return _Validator(self.test_loader, save_dir=self.save_dir, args=copy(self.args), _callbacks=self.callbacks)

    def _close_dataloader_mosaic(self) -> None:
        super()._close_dataloader_mosaic()
        self.train_loader.sampler.epoch = self.epoch  # workers may have begun the next pass already

    def resume_training(self, ckpt: Any) -> None:
        if (state := self.saved) is None:
            return
        self.model.load_state_dict(state["model"])
        self.ema.ema.load_state_dict(state["ema"])
        self.ema.updates = state["updates"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.best_fitness = state["best_fitness"]
        self.stopper.best_fitness, self.stopper.best_epoch = state["stopper"]
        self.start_epoch = state["epoch"]
        criterion = self.model.criterion = self.model.init_criterion()
        if hasattr(criterion, "update"):  # YOLO26 shifts weight between its two heads epoch by epoch
            criterion.updates = self.start_epoch - 1
            criterion.update()

    def save_metrics(self, metrics: dict[str, Any]) -> None:
        self.job.on_epoch(event(self.epoch + 1, time.monotonic() - self.began, metrics))

    def save_model(self) -> bool:
        if self.fitness == self.best_fitness:
            tensors = {name: value.cpu() for name, value in self.ema.ema.state_dict().items()}
            recipe = self.job.recipe
            best = Weights(recipe.model, self.job.classes, recipe.imgsz, tensors, recipe.model_dump(mode="json"))
            save_weights(best, self.job.best)
        state = {
            "epoch": self.epoch + 1, "done": bool(self.stop), "model": self.model.state_dict(),
            "ema": self.ema.ema.state_dict(), "updates": self.ema.updates, "optimizer": self.optimizer.state_dict(),
            "best_fitness": float(self.best_fitness),
            "stopper": (float(self.stopper.best_fitness), int(self.stopper.best_epoch)),
        }  # fmt: skip
        save_tensors(state, self.job.state)
        return True

    def final_eval(self) -> None:
        """Nothing: the best weights were measured in their epoch."""

    def _handle_nan_recovery(self, epoch: int) -> bool:
        if self.loss is not None and not self.loss.isfinite():
            raise ModelError(f"epoch {epoch + 1}: the loss is no longer a number; try a smaller `lr`")
        return False
