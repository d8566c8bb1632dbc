"""Recipes: what to train and how. A YAML file plus `key=value` overrides, every mistake reported at once.

A recipe is complete in itself; keys that it leaves out have the defaults written here, and the run folder keeps
the resolved recipe with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from detect.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]
Gain = Annotated[float, Field(ge=0)]
Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Extent = Annotated[float, Field(gt=0)]


class Part(BaseModel):
    """A section of a recipe: frozen, and closed to names that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Augment(Part):
    """How training photos are varied. Every 0 switches its kind off.

    mirror and flip are probabilities; rotation is in degrees; shift and zoom are shares of the image; hue,
    saturation and brightness are shares of their range; mosaic is the probability of a 2 x 2 collage, which ends
    `mosaic_off` epochs before training does.
    """

    mirror: Share = 0.5
    flip: Share = 0.0
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    shift: Share = 0.1
    zoom: Share = 0.5
    hue: Share = 0.015
    saturation: Share = 0.7
    brightness: Share = 0.4
    mosaic: Share = 1.0
    mosaic_off: Whole = 10


class Loss(Part):
    """Gains of the three parts of a YOLO's loss: box (CIoU), cls (binary cross entropy), dfl (box edges)."""

    box: Gain = 7.5
    cls: Gain = 0.5
    dfl: Gain = 1.5


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

    @model_validator(mode="after")
    def _in_order(self) -> Overlap:
        if self.rpn_background > self.rpn_foreground or self.background > self.foreground:
            raise ValueError("a background threshold lies above its foreground threshold")
        return self


class Roi(Part):
    """Faster R-CNN's budget per image: proposals that its head learns from (samples), and that it is given."""

    samples: Positive = 512
    proposals: Positive = 2000


class Recipe(Part):
    """One training. Sizes in pixels, learning rates per step of one batch.

    `anchors`, `roi` and `overlap` are for detectors that have them: "auto" fits the first two to the training boxes;
    anchors are widths and heights in pixels of the input.
    """

    model: str
    weights: Path | None = None
    imgsz: Annotated[int, Field(ge=32)] = 640
    epochs: Positive = 100
    batch: Positive = 16
    optimizer: Literal["sgd", "adamw"] = "sgd"
    lr: Annotated[float, Field(gt=0, le=1)] = 0.01
    lr_final: Share = 0.01
    schedule: Literal["linear", "cosine"] = "linear"
    momentum: Share = 0.937
    weight_decay: Share = 0.0005
    warmup: Annotated[float, Field(ge=0)] = 3.0
    patience: Positive = 50
    seed: Whole = 0
    device: str = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: Whole = 0
    workers: Whole = 4
    nms_iou: Share = 0.7
    anchors: Literal["auto", "default"] | tuple[tuple[Extent, Extent], ...] = "auto"
    roi: Literal["auto"] | Roi = "auto"
    overlap: Overlap = Overlap()
    augment: Augment = Augment()
    loss: Loss = Loss()

    @field_validator("imgsz")
    @classmethod
    def _fits_the_strides(cls, imgsz: int, info: ValidationInfo) -> int:
        if imgsz % 32 and info.data.get("model") != "ssd300_vgg16":
            raise ValueError("must be a multiple of 32")
        return imgsz


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, with overrides such as "epochs=5" or "augment.mosaic=0" applied.

    `weights` is taken relative to the working folder, as a shell would. Raises ConfigError with every mistake:
    line, key, problem and the nearest known key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such recipe; the ones that come along are in configs/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as text: {error}") from None
    values, lines = _parse_yaml(text, path)
    for override in overrides:
        _apply(values, override)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error, path, lines, overrides)) from None


def dump_recipe(recipe: Recipe) -> str:
    """The recipe as YAML with every key, as kept in the run folder. `load_recipe` of it gives an equal recipe."""
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)


def differences(old: Recipe, new: Recipe) -> list[str]:
    """The keys in which two recipes differ, as lines "epochs: 3 -> 5"."""
    before, after = dict(_flat(old.model_dump(mode="json"))), dict(_flat(new.model_dump(mode="json")))
    return [f"{key}: {before[key]} -> {after[key]}" for key in before if before[key] != after[key]]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _parse_yaml(text: str, path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """The mapping in a YAML text, and the line of each dotted key. Raises ConfigError for anything else."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {error}") from None
    if not isinstance(node, yaml.MappingNode) or not isinstance(values, dict):
        raise ConfigError(f"{path}: a recipe is a list of `key: value` lines, such as `model: yolo11n`")
    lines: dict[str, int] = {}
    for key, line in _key_lines(node):
        if key in lines:
            raise ConfigError(f"{path}: line {line}: `{key}` stands a second time (first on line {lines[key]})")
        lines[key] = line
    return values, lines


def _key_lines(node: yaml.MappingNode, prefix: str = "") -> Iterator[tuple[str, int]]:
    for key, value in node.value:
        name = f"{prefix}{key.value}"
        yield name, key.start_mark.line + 1
        if isinstance(value, yaml.MappingNode):
            yield from _key_lines(value, f"{name}.")


def _apply(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"{override!r}: an override looks like epochs=5 or augment.mosaic=0")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"{override!r}: the value is not valid YAML") from None
    *sections, last = key.split(".")
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{override!r}: `{section}` has no keys of its own")
        values = inner
    values[last] = value


def _explain(error: ValidationError, path: Path, lines: Mapping[str, int], overrides: Sequence[str]) -> str:
    given = {override.partition("=")[0] for override in overrides}
    texts = []
    for mistake in error.errors():
        key = ".".join(str(part) for part in mistake["loc"])
        place = f"{path}: line {lines[key]}" if key in lines else f"{path}"
        if key in given:
            place = "override"
        if mistake["type"] == "extra_forbidden":
            texts.append(f"{place}: unknown key `{key}`{_suggestion(mistake['loc'])}")
        elif mistake["type"] == "missing":
            texts.append(f"{place}: the key `{key}` is missing")
        else:
            texts.append(f"{place}: `{key}` is {mistake['input']!r}: {_lower(mistake['msg'])}")
    return "\n".join(texts)


def _suggestion(location: tuple[int | str, ...]) -> str:
    sections: dict[str, type[Part]] = {"augment": Augment, "loss": Loss, "overlap": Overlap, "roi": Roi}
    known = list(sections.get(str(location[0]), Recipe).model_fields)
    close = get_close_matches(str(location[-1]), known, n=1)
    return f" (did you mean `{close[0]}`?)" if close else f" (known: {', '.join(known)})"


def _lower(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
