"""The keys of a recipe, their meaning, their bounds and their defaults."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from detect.device_names import parse_device
from detect.input_size import LARGEST, SMALLEST
from detect.recipes.tasks import TASKS

AUTO = 0  # of `batch`
MOST = 10**9  # of whatever is counted: less than what libraries count with
MANY = 4096  # threads, processes, devices, machines: more is a slip, and would bring a machine down
LAST_SEED = 2**64 - 1  # that torch takes

Share = Annotated[float, Field(ge=0, le=1)]
Gain = Annotated[float, Field(ge=0, le=10_000)]
Whole = Annotated[int, Field(ge=0, le=MOST)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Extent = Annotated[float, Field(gt=0, le=LARGEST)]


class Part(BaseModel):
    """A section of a recipe: frozen, closed to names that it does not know, its numbers finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_switch(cls, value: Any) -> Any:
        if isinstance(value, bool):  # else YAML's `yes` would be a 1
            raise ValueError("expected a value, not true or false")
        return value


class Augment(Part):
    """Augmentation of training photos. Every 0 switches its kind off.

    rotation is in degrees; shift and zoom are shares of the image; hue, saturation, brightness and contrast are shares
    of their range. The others are probabilities: mirror and flip; grey (no colour), blur (out of focus or in motion),
    noise (of the sensor), jpeg (strong compression), cutout (grey patches over up to a fifth of the picture), mosaic
    (a YOLO's 2 x 2 collage) and mixup (two collages over one another). Mosaics end `mosaic_off` epochs before training.
    """

    mirror: Share = 0.5
    flip: Share = 0.0
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    shift: Share = 0.1
    zoom: Share = 0.5
    hue: Share = 0.015
    saturation: Share = 0.7
    brightness: Share = 0.4
    contrast: Share = 0.0
    grey: Share = 0.0
    blur: Share = 0.0
    noise: Share = 0.0
    jpeg: Share = 0.0
    cutout: Share = 0.0
    mosaic: Share = 1.0
    mixup: Share = 0.0
    mosaic_off: Whole = 10

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_switch(cls, value: Any) -> Any:
        return value  # a probability may be switched


class Loss(Part):
    """Gains of the three parts of a YOLO's loss: box (CIoU), cls (binary cross entropy), dfl (box edges)."""

    box: Gain = 7.5
    cls: Gain = 0.5
    dfl: Gain = 1.5


class Assigner(Part):
    """How a YOLO picks the places that learn a box: the `topk` of highest score^alpha * IoU^beta (TOOD, ICCV 2021)."""

    alpha: Gain = 0.5
    beta: Gain = 6.0
    topk: Positive = 10


class Balance(Part):
    """Rare classes get more weight.

    repeat: images of a class that is in a smaller share of the images than this are seen more often, by
    sqrt(repeat / share) (LVIS, CVPR 2019); 0: off. weights: of each class in the loss; "inverse" of its number of
    boxes n, or of its "effective" number (1 - beta^n) / (1 - beta) (Cui et al., CVPR 2019).
    """

    repeat: Share = 0.0
    weights: Literal["none", "inverse", "effective"] = "none"
    beta: Annotated[float, Field(ge=0, lt=1)] = 0.999


class Accept(Part):
    """Metrics on val that a training must reach, such as `map50: 0.6`, and what to do when it falls short.

    It goes on from its best weights up to `retries` times; each time the learning rate is multiplied by `lr_factor`,
    and the weight decay is doubled. The metrics are keys of their own, those of the recipe's task.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Share] = Field(init=False)

    retries: Whole = 0
    lr_factor: Annotated[float, Field(gt=0, le=1)] = 0.3

    if TYPE_CHECKING:

        def __init__(self, *, retries: int = 0, lr_factor: float = 0.3, **metrics: float) -> None: ...

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics to reach."""
        return dict(self.__pydantic_extra__)


class Overlap(Part):
    """IoU thresholds of training with anchors, each in 0..1.

    Faster R-CNN: anchors that overlap a true box by `rpn_foreground` or more are right examples, those below
    `rpn_background` wrong ones; of two proposals that overlap by more than `rpn_nms` the surer stays, and its head
    takes proposals from `box_foreground` on as right. RetinaNet and SSD have no proposals: their anchors are right from
    `foreground` on, and RetinaNet's wrong below `background`.
    """

    rpn_foreground: Share = 0.7
    rpn_background: Share = 0.3
    rpn_nms: Share = 0.7
    box_foreground: Share = 0.5
    foreground: Share = 0.5
    background: Share = 0.4


class Roi(Part):
    """Faster R-CNN's budget per image: proposals to learn from (samples), and to judge in use.

    A quarter of the samples are right ones, so four are the least.
    """

    samples: Annotated[int, Field(ge=4, le=MOST)] = 512
    proposals: Positive = 1000


class Recipe(Part):
    """One training. Sizes in pixels, learning rates per step of one batch. `kind` tells it from other configurations.

    `task` is what is learnt; it decides which metrics an epoch has.

    `anchors`, `roi` and `overlap` are for detectors that have them: "auto" fits the first two to the training boxes;
    anchors are widths and heights in pixels of the input. `weights` (of a detector) or `backbone` (of a classifier, for
    torchvision's models) are a local file to start from; `freeze` keeps the first so many layers or the whole backbone
    as they are, and each layer learns `layer_decay` times as fast as the one after it. `watch` is the metric that
    chooses the best epoch and, with `patience`, the last one: after so many epochs without a better one, once it is
    above 0. `multiscale` is the share of `imgsz` by which the input of a batch may be larger or smaller (YOLOX).
    `batch` may be "auto": the largest for which there is memory. `accumulate` batches make one step. Up to
    `unreadable` photos that cannot be read are left out. `loggers` get the metrics of every epoch, beside
    log.jsonl. `device` may name several GPUs ("0,1"), which are then the `devices`.
    """

    kind: Literal["recipe"] = "recipe"
    task: Literal["detect"] = "detect"
    model: str
    weights: Path | None = None
    backbone: Path | None = None
    freeze: Whole | Literal["backbone"] = 0
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    imgsz: Annotated[int, Field(ge=SMALLEST, le=LARGEST)] = 640
    multiscale: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    epochs: Positive = 100
    batch: Whole = 16
    accumulate: Positive = 1
    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: Annotated[float, Field(gt=0, le=1)] = 0.01
    lr_final: Share = 0.01
    schedule: Literal["linear", "cosine"] = "linear"
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.937
    weight_decay: Share = 0.0005
    warmup: Annotated[float, Field(ge=0, le=MOST)] = 3.0
    patience: Positive = 50
    watch: Annotated[str, Field(validate_default=True)] = ""
    accept: Accept | None = None
    seed: Annotated[int, Field(ge=0, le=LAST_SEED)] = 0
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: Annotated[int, Field(ge=0, le=MANY)] = 0
    workers: Annotated[int, Field(ge=0, le=MANY)] = 4
    devices: Annotated[int, Field(ge=1, le=MANY, validate_default=True)] = 1
    nodes: Annotated[int, Field(ge=1, le=MANY)] = 1
    unreadable: Whole = 5
    loggers: tuple[Literal["tensorboard", "mlflow"], ...] = ()
    nms_iou: Share = 0.7
    anchors: Literal["auto", "default"] | tuple[tuple[Extent, Extent], ...] = "auto"
    roi: Literal["auto"] | Roi = "auto"
    overlap: Overlap = Overlap()
    balance: Balance = Balance()
    augment: Augment = Augment()
    loss: Loss = Loss()
    assigner: Assigner = Assigner()

    @field_validator("batch", mode="before")
    @classmethod
    def _is_a_number_or_auto(cls, batch: object) -> object:
        if batch == "auto":
            return AUTO
        if batch == AUTO:
            raise ValueError("expected a number above 0, or auto")
        return batch

    @field_validator("device", mode="before")
    @classmethod
    def _names_a_device(cls, device: object) -> str:
        return str(parse_device(device))

    @field_validator("devices")
    @classmethod
    def _as_many_as_are_named(cls, devices: int, info: ValidationInfo) -> int:
        named = len(parse_device(info.data.get("device")).numbers)
        if named > 1 and devices not in (1, named):
            raise ValueError(f"`device` names {named} of them; leave `devices` out")
        return max(devices, named)

    @field_validator("watch")
    @classmethod
    def _watches_a_metric(cls, watch: str, info: ValidationInfo) -> str:
        task = TASKS[info.data.get("task", "detect")]
        if watch and watch not in task.metrics:
            raise ValueError(f"expected {' or '.join(task.metrics)}")
        return watch or task.watched

    @field_validator("accept")
    @classmethod
    def _accepts_metrics(cls, accept: Accept | None, info: ValidationInfo) -> Accept | None:
        task = TASKS[info.data.get("task", "detect")]
        if accept is None:
            return None
        keys = [*task.metrics, *Accept.model_fields]
        if wrong := [name for name in accept.metrics if name not in task.metrics]:
            near = get_close_matches(wrong[0], keys, n=1)
            guess = f" (did you mean `{near[0]}`?)" if near else f" (known: {', '.join(keys)})"
            raise ValueError(f"has no key `{wrong[0]}`{guess}")
        if not accept.metrics:
            known = ", ".join(task.metrics)
            raise ValueError(f"names no metric to reach, such as {task.shown[0]}: 0.6 (known: {known})")
        return accept


SECTIONS: dict[str, type[Part]] = {
    "accept": Accept, "assigner": Assigner, "augment": Augment, "balance": Balance, "loss": Loss, "overlap": Overlap,
    "roi": Roi,
}  # fmt: skip
