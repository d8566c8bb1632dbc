"""Recipes: what to train and how. A YAML file plus `key=value` overrides, every mistake reported at once.

A recipe is complete in itself; keys that it leaves out have the defaults written here, and the run folder keeps
the resolved recipe with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from detect.errors import ConfigError
from detect.recipes.sections import (
    SECTIONS,
    Accept,
    Assigner,
    Augment,
    Balance,
    Loss,
    Overlap,
    Recipe,
    Roi,
)
from detect.recipes.shipped import find_recipe, read_opening, recipe_files
from detect.recipes.tasks import DETECT, TASKS, Task

SHOWN = 80  # characters of a wrong value
_NO_YAML = (yaml.YAMLError, ValueError, RecursionError)  # also a 13th month, a number of 5000 digits, 1000 brackets


def load_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file, with overrides such as "epochs=5" or "augment.mosaic=0" applied.

    `path` may also be the name of a recipe that comes with the package, such as "yolo11n" (`detect recipes`).
    `weights` is taken relative to the working folder, as a shell would. Raises ConfigError with every mistake:
    line, key, problem and the nearest known key.
    """
    path = find_recipe(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as text: {error}") from None
    values, lines = _parse_yaml(text, path)
    if (kind := values.get("kind", "recipe")) != "recipe":
        raise ConfigError(
            f"{path}: line {lines['kind']}: `kind` is {kind!r}; a training needs a file of `kind: recipe`"
        )
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
    keys = dict.fromkeys([*before, *after])  # a section may stand on one side only
    return [f"{key}: {before.get(key)} -> {after.get(key)}" for key in keys if before.get(key) != after.get(key)]


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
    except _NO_YAML as error:
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
        raise ConfigError(f"{override!r}: write an override like epochs=5 or augment.mosaic=0")
    try:
        value = yaml.safe_load(text)
    except _NO_YAML:
        raise ConfigError(f"{_shown(override)}: the value is not valid YAML") from None
    *sections, last = key.split(".")
    for section in sections:
        if section in SECTIONS and values.get(section) in (None, "auto"):  # left empty, or to be fitted
            values[section] = {}
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{override!r}: `{section}` has no keys of its own")
        values = inner
    values[last] = value


def _explain(error: ValidationError, path: Path, lines: Mapping[str, int], overrides: Sequence[str]) -> str:
    given = [override.partition("=")[0] for override in overrides]
    texts: dict[str, str] = {}  # one for each key: of a choice between types, pydantic complains of every one
    for mistake in error.errors():
        location = _fields(mistake["loc"])
        key = ".".join(location)
        place = f"{path}: line {lines[key]}" if key in lines else f"{path}"
        if any(f"{one}.".startswith(f"{key}.") for one in given):
            place = "override"
        if mistake["type"] == "extra_forbidden":
            text = f"{place}: unknown key `{key}`{_suggestion(mistake['loc'])}"
        elif mistake["type"] == "missing":
            text = f"{place}: the key `{key}` is missing"
        else:
            wanted = _EXPECTED.get(key) or _lower(mistake["msg"])
            if location[0] in SECTIONS and mistake["type"] in ("model_type", "model_attributes_type"):
                wanted = f"expected keys of its own, such as `{key}: {{{next(iter(SECTIONS[key].model_fields))}: ...}}`"
            text = f"{place}: `{key}` is {_shown(mistake['input'])}: {wanted}"
        texts.setdefault(key, text)
    return "\n".join(text for key, text in texts.items() if not any(one.startswith(f"{key}.") for one in texts))


def _shown(value: Any) -> str:
    """A value as Python writes it, in one line."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


_EXPECTED = {
    "roi": "expected auto, or {samples: 64, proposals: 200}",
    "anchors": "expected auto, default, or widths and heights such as [[24, 12], [60, 20]]",
    "freeze": "expected a number of layers, or backbone",
    "loggers": "expected a list of tensorboard and mlflow, such as [tensorboard]",
}


def _fields(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys in the place of a mistake, without what pydantic adds of the types that it tried."""
    first, *rest = map(str, location)
    inner = rest if first in SECTIONS else []
    return first, *(part for part in inner if part.isidentifier() and part[0].islower())


def _suggestion(location: tuple[int | str, ...]) -> str:
    section = SECTIONS.get(str(location[0]), Recipe) if len(location) > 1 else Recipe
    known = list(section.model_fields)
    close = get_close_matches(str(location[-1]), known, n=1)
    return f" (did you mean `{close[0]}`?)" if close else f" (known: {', '.join(known)})"


def _lower(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


__all__ = [
    "DETECT",
    "SECTIONS",
    "TASKS",
    "Accept",
    "Assigner",
    "Augment",
    "Balance",
    "Loss",
    "Overlap",
    "Recipe",
    "Roi",
    "Task",
    "differences",
    "dump_recipe",
    "find_recipe",
    "load_recipe",
    "read_opening",
    "recipe_files",
]
