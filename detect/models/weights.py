"""Weights on disk: tensors and plain values only, read so that no code in a file can run.

A `.pt` file is a zip with a pickle in it, and unpickling can run anything. All loading here goes through
`torch.load(weights_only=True)`, which builds tensors, containers and numbers and refuses the rest.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from detect.errors import ConfigError, ModelError
from detect.files import atomic_file
from detect.models.families import check_size
from detect.models.intact import require_finite, require_intact
from detect.models.model_header import header_problems, is_share, shown
from detect.operating_point import OperatingPoint, Suppression, from_document

_CULPRIT = re.compile(r"GLOBAL ([\w.]+)")
FORMAT = "damage-detect weights 1"
COUNTER = ".num_batches_tracked"
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Weights:
    """A trained detector: what to build (`model`), its classes in output order, and the tensors to fill it with.

    `point` is the operating point that `detect thresholds` fitted, as in point.json; empty where there is none.
    """

    model: str
    classes: tuple[str, ...]
    imgsz: int
    tensors: Tensors
    recipe: dict[str, Any] = field(default_factory=dict)
    point: dict[str, Any] = field(default_factory=dict)

    @property
    def operating_point(self) -> OperatingPoint | None:
        """The fitted one. Raises DataError where it is damaged."""
        return from_document(self.point, "the operating point in the weights") if self.point else None

    @property
    def suppression(self) -> Suppression:
        """The fitted one, else that of the recipe. Raises DataError where the fitted one is damaged."""
        fitted = self.operating_point
        if fitted and fitted.suppression:
            return fitted.suppression
        return Suppression(float(self.recipe.get("nms_iou", Suppression().iou)))


@dataclass(frozen=True)
class Fitted:
    """How many of a model's tensors were taken over from a weights file, by name and shape; `share` of its numbers."""

    taken: int
    total: int
    share: float

    def report(self, path: Path | str) -> str:
        """What was taken from where. Raises ModelError where that is nothing."""
        if not self.share:
            raise ModelError(
                f"{path}: not one tensor fits this model by name and shape; take weights of the same model, or none"
            )
        remark = "" if self.share >= 0.5 else f", {self.share:.0%} of the model: are they of another one?"
        return f"{self} taken from {path}{remark}"

    def __str__(self) -> str:
        return f"{self.taken} of {self.total} tensors"


def save_weights(weights: Weights, path: Path) -> None:
    """Write weights atomically. Raises NotWritten where the disk is full."""
    save_tensors({"format": FORMAT, **vars(weights)}, path)


def save_tensors(values: dict[str, Any], path: Path) -> None:
    """Write a dict of tensors and plain values atomically. Raises NotWritten where the disk is full."""
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(values, file)
        except (
            RuntimeError
        ) as error:  # that the archive is not whole: it hides the error, or the Ctrl-C, that broke it off
            if isinstance(first := error.__context__, OSError | KeyboardInterrupt):
                raise first from None
            raise


def load_weights(path: Path) -> Weights:
    """The detector in a file that `detect train` wrote, or in a run folder (its best weights).

    Raises ModelError when the file is missing, unsafe, broken or something else.
    """
    path = weights_file(Path(path))
    values = load_tensors(path)
    if values.get("format") != FORMAT:
        raise ModelError(
            f"{path}: holds no trained detector of this tool{_instead(values)}; use the weights/best.pt of a run "
            "folder (other weights are a start for `detect train`, under the recipe's key `weights`)"
        )
    if wrong := [*header_problems(values), *_problems(values)]:
        raise ModelError(f"{path}: is damaged: {'; '.join(wrong)}; train or copy it again")
    try:
        check_size(values["model"], values["imgsz"])
    except (ModelError, ConfigError) as error:
        raise ModelError(f"{path}: {error}") from None
    require_finite(values["tensors"], path)
    known = {key: values[key] for key in ("model", "imgsz", "tensors", "recipe")}
    return Weights(classes=tuple(values["classes"]), point=values.get("point", {}), **known)


def _instead(values: Mapping[str, Any]) -> str:
    """What a file holds that is no detector, where that can be told."""
    if {"epoch", "ema", "optimizer"} <= values.keys():
        return ", but the state of a training, from which `--resume` goes on"
    if {"state", "param_groups"} <= values.keys():
        return ", but the state of an optimizer"
    return ", but tensors of some other kind" if state_dict(values) else ""


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with `tensors` and `recipe`, in words."""
    tensors, recipe = values.get("tensors"), values.get("recipe")
    if not isinstance(tensors, dict) or len(state_dict(values)) < len(tensors):
        yield "`tensors` are not tensors by name"
    if not isinstance(recipe, dict):
        yield f"`recipe` is {shown(recipe)}, not the keys of a recipe"
        return
    if not is_share(iou := recipe.get("nms_iou", 0.5)):
        yield f"`recipe.nms_iou` is {shown(iou)}, not a number in 0..1"
    for key in ("model", "imgsz"):
        if str(recipe.get(key, values.get(key))) != str(values.get(key)):
            yield f"`{key}` is {shown(values.get(key))}, and {shown(recipe[key])} in its recipe"


def weights_file(path: Path) -> Path:
    """The file that is meant by a file or a run folder."""
    return path / "weights" / "best.pt" if path.is_dir() else path


def load_tensors(path: Path) -> dict[str, Any]:
    """A dict of tensors and plain values from a `.pt` file. Raises ModelError for all else, and a damaged file.

    Its tensors may hold NaN, see `require_finite`.
    """
    require_file(path)
    require_intact(path)
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not (culprit := _CULPRIT.search(str(error))):
            raise ModelError(f"{path}: is no readable weights file") from None
        raise ModelError(
            f"{path}: holds more than tensors ({culprit[1]}) and was not opened, since loading it can run any code; "
            "save it again as a plain state dict"
        ) from None
    except Exception as error:  # noqa: BLE001  a damaged file can make the reader stumble anywhere
        raise ModelError(f"{path}: is no readable weights file: {_first_line(error)}") from None
    if not isinstance(values, dict):
        raise ModelError(f"{path}: holds a {type(values).__name__}, not a dict of tensors")
    return values


def state_dict(values: Mapping[str, Any]) -> Tensors:
    """The tensors by name in what `load_tensors` gave, whether plain, of this tool or under a usual key."""
    for key in ("tensors", "state_dict", "model_state_dict", "model"):
        if isinstance(inner := values.get(key), dict):
            values = inner
            break
    return {name: value for name, value in values.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}


def take_over(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]) -> Fitted:
    """Copy into `module` every tensor whose name, shape and kind fit; the rest keeps its fresh start."""
    own = module.state_dict()
    fitting = {name: value for name, value in tensors.items() if name in own and _fits(value, own[name])}
    module.load_state_dict({name: value.to(own[name].dtype) for name, value in fitting.items()}, strict=False)
    taken, total = (sum(value.numel() for name, value in some.items() if not name.endswith(COUNTER))
                    for some in (fitting, own))  # fmt: skip
    return Fitted(len(fitting), len(own), taken / total)


def _fits(value: torch.Tensor, own: torch.Tensor) -> bool:
    """Whether a tensor can take the place of a module's own: whole numbers cannot where fractions are learnt."""
    alike = value.shape == own.shape and value.is_floating_point() == own.is_floating_point()
    return alike and value.layout == torch.strided and not value.is_meta


def fill(module: torch.nn.Module, weights: Weights, path: Path | str) -> None:
    """Copy all tensors into `module`. Raises ModelError where one is missing or has another shape.

    How many batches a normalisation has seen does not matter once it is trained, and a frozen one does not count them.
    """
    tensors = {name: value for name, value in weights.tensors.items() if not name.endswith(COUNTER)}
    counters = sum(name.endswith(COUNTER) for name in module.state_dict())
    fitted = take_over(module, tensors)
    if len(tensors) != fitted.taken or fitted.taken != fitted.total - counters:
        raise ModelError(
            f"{path}: does not fit {weights.model} with {len(weights.classes)} classes: only {fitted} do; "
            "train or copy it again"
        )


def require_file(path: Path) -> None:
    """Raise ModelError, saying that nothing is ever downloaded, when `path` is no file."""
    if not path.is_file():
        raise ModelError(
            f"{path}: no such weights file. Weights are never downloaded for you: train some, or see "
            "docs/weights.md for where to get them"
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
