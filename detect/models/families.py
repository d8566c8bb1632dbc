"""The families of detectors and the models that a recipe can name. Without torch, so that a list of them is quick."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from detect.errors import ConfigError, ModelError
from detect.models.family import Family, Variant, resolve
from detect.models.torchvision import FASTER_RCNN, RETINANET, SSD, SSDLITE
from detect.models.yolo import YOLO, YOLO26
from detect.models.yolox import YOLOX
from detect.recipes import Recipe

FAMILIES: dict[str, Family] = {one.name: one for one in (YOLOX, YOLO, YOLO26, SSDLITE, SSD, FASTER_RCNN, RETINANET)}

OWN = (
    "backbone",
    "anchors",
    "roi",
    "overlap",
    "loss",
    "assigner",
    "multiscale",
)  # keys and sections that not every family uses
STRIDE = 32  # an input size is a multiple of it, unless it is fixed


def register(family: Family) -> None:
    """Add a family, so that recipes can name its models. Raises ConfigError where one of its names is taken."""
    taken = {name for one in FAMILIES.values() for name in one.names}
    if twice := sorted(taken.intersection(family.names)) + [family.name] * (family.name in FAMILIES):
        raise ConfigError(f"family {family.name!r}: another one has the name {', '.join(map(repr, twice))}")
    FAMILIES[family.name] = family


def models() -> dict[str, tuple[Family, Variant]]:
    """Every model that is listed, by name."""
    return {name: (family, variant) for family in FAMILIES.values() for name, variant in family.models.items()}


def family_of(model: str) -> Family:
    """The family of a model. Raises ModelError where there is no such model."""
    for family in FAMILIES.values():
        if model in family.names:
            return family
    close = get_close_matches(model, [name for family in FAMILIES.values() for name in family.names], n=1)
    near = f" (did you mean {close[0]}?)" if close else ""
    raise ModelError(f"{model!r}: no such detector{near}; `detect models` lists them")


def build(recipe: Recipe, classes: int, tensors: Mapping[str, Any] | None = None) -> Any:
    """A fresh network (a torch module) by the recipe, for so many classes.

    `tensors` are those that it is to take, by name, where its shape depends on them. Raises ModelError for an unknown
    model, an input size that it does not have, and a wrong number of anchors.
    """
    return resolve(family_of(recipe.model).build)(recipe, classes, tensors or {})


def check_recipe(recipe: Recipe) -> None:
    """Raise ModelError or ConfigError where a recipe asks for what its detector does not have, or makes no sense."""
    family = family_of(recipe.model)
    check_size(recipe.model, recipe.imgsz)
    if unused := idle(recipe):
        raise ConfigError(f"{recipe.model} has no use for {', '.join(f'`{key}`' for key in unused)}; leave it out")
    for low, high in family.ascending:
        wrong, right = getattr(recipe.overlap, low), getattr(recipe.overlap, high)
        if wrong > right:
            raise ConfigError(
                f"`overlap.{low}` {wrong:g} lies above `overlap.{high}` {right:g}, and anchors in between would be "
                f"both right and wrong; set {low} to {right:g} or less"
            )


def idle(recipe: Recipe) -> list[str]:
    """The keys of a recipe that were set and do nothing for its model; `augment` is one section for all."""
    family = family_of(recipe.model)
    given, usual = (one.model_dump(include=set(OWN)) for one in (recipe, Recipe(model=recipe.model)))
    if given["anchors"] == "default":  # asks for nothing
        given["anchors"] = usual["anchors"]
    changed = [key for key in OWN for key in _changed(key, given[key], usual[key])]
    return [key for key in changed if key not in family.keys]


def _changed(key: str, value: Any, usual: Any) -> Iterator[str]:
    """The dotted keys under `key` that are not as by default."""
    if isinstance(value, dict) and isinstance(usual, dict):
        for name in value:
            yield from _changed(f"{key}.{name}", value[name], usual[name])
    elif value != usual:
        yield key


def fixed_size(model: str) -> int | None:
    """The only input size of a model; None where it has several."""
    variant = family_of(model).models.get(model)
    return variant.imgsz if variant and variant.fixed else None


def check_size(model: str, imgsz: int) -> None:
    """Raise ModelError or ConfigError where the model cannot have this input size."""
    if size := fixed_size(model):
        if imgsz != size:
            raise ModelError(f"{model}: its input is {size} pixels, always; leave it at `imgsz: {size}`")
    elif imgsz % STRIDE:
        near = max(STRIDE, round(imgsz / STRIDE) * STRIDE)
        raise ConfigError(f"`imgsz` is {imgsz}: must be a multiple of {STRIDE}, such as {near}")
