"""Dataset descriptions: a YAML file that says where a dataset lies, its format, its classes and its licence.

Accepted wherever a command takes data. datasets/template.yaml explains every key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detect.conversion.names import posix, split_name, without_containers
from detect.conversion.taxonomy import relabel
from detect.conversion.tidy import clean_label, gathered
from detect.conversion.yaml_file import load
from detect.data import Dataset, Image
from detect.errors import ConfigError, DataError, Problems
from detect.questions import merged

Reader = Callable[[Path, Path | None, str], Dataset]
"""(path, folder of images, format) -> Dataset."""

KEYS = ("title", "format", "root", "path", "images", "classes", "map", "licence", "homepage", "get")
_TEXTS = ("title", "format", "root", "licence", "homepage", "get")


@dataclass(frozen=True)
class _Part:
    """A piece of the dataset; `split` None: as the piece itself says."""

    split: str | None
    path: str
    images: str | None


def is_description(path: Path) -> bool:
    """Tell whether this is a YAML file with a `format:` key."""
    return path.suffix.lower() in (".yaml", ".yml") and path.is_file() and "format" in load(path)


def read_description(path: Path, read: Reader, problems: Problems) -> Dataset:
    """The dataset that a description speaks of; `read` reads one of its parts.

    Raises ConfigError for wrong keys and values, all at once, and DataError, saying how to get it, where the data is
    not there.
    """
    document = load(path)
    _check(document, path)
    root = path.parent / Path(document.get("root", ".")).expanduser()
    parts = _parts(document)
    places = [root / place for part in parts for place in (part.path, part.images) if place is not None]
    if missing := [str(place) for place in dict.fromkeys(places) if not place.exists()]:
        get = " ".join(document.get("get", "put it there, or change `root`").split())
        raise DataError(f"{path}: the data is not at {', '.join(missing)}: {get}")
    found = [(part, read(root / part.path, root / part.images if part.images else None, document["format"]))
             for part in parts]  # fmt: skip
    images = [image for part, dataset in found for image in _named(part, dataset, found)]
    classes = dict.fromkeys(label for _, dataset in found for label in dataset.classes)
    whole = gathered(classes, images, problems, merged(dataset.questions for _, dataset in found))
    mapping = {old: clean_label(new) for old, new in document.get("map", {}).items()}
    return relabel(whole, mapping, problems, classes=[*map(clean_label, document.get("classes", []))], file=path)


def _named(part: _Part, dataset: Dataset, parts: list[tuple[_Part, Dataset]]) -> list[Image]:
    """The images of a part with its split, called after the part too where parts have images of the same name."""
    names = [image.name for _, other in parts for image in other.images]
    folder = posix(part.path)
    prefix = f"{folder}/" if len(set(names)) < len(names) and without_containers(f"{folder}/") else ""
    return [
        replace(image, name=prefix + image.name, split=image.split if part.split is None else split_name(part.split))
        for image in dataset.images
    ]


def _parts(document: dict[str, Any]) -> list[_Part]:
    paths = _pairs(document.get("path", "."))
    images: list[tuple[str | None, str | None]] = [(None, None)]
    if "images" in document:
        images = [*_pairs(document["images"])]
    if len(images) == 1:
        images *= len(paths)
    return [_Part(split, path, folder) for (split, path), (_, folder) in zip(paths, images, strict=True)]


def _pairs(value: Any) -> list[tuple[str | None, str]]:
    """(split, path) of each path in a text, a list of texts, or a mapping from split to either."""
    places = value.items() if isinstance(value, dict) else [(None, value)]
    return [(split, path) for split, inner in places for path in (inner if isinstance(inner, list) else [inner])]


def _check(document: dict[str, Any], path: Path) -> None:
    """Raise ConfigError with everything that is wrong with the keys and the types of their values."""
    from difflib import get_close_matches

    wrong = []
    for key, value in document.items():
        if key not in KEYS:
            close = get_close_matches(key, KEYS, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(KEYS)}"
            wrong.append(f"{path}: unknown key `{key}` ({hint})")
        elif key in _TEXTS and not isinstance(value, str):
            wrong.append(f"{path}: `{key}` must be text")
        elif key == "classes" and not _is_texts(value):
            wrong.append(f"{path}: `classes` must be a list of names")
        elif key == "map" and not (isinstance(value, dict) and _is_texts(list(value.values()))):
            wrong.append(f"{path}: `map` must be a mapping from a label to another")
        elif key in ("path", "images") and not _is_texts([place for _, place in _pairs(value)]):
            wrong.append(f"{path}: `{key}` must be a path, a list of paths, or a mapping from split to paths")
    if not wrong and len(_pairs(document.get("images", "."))) not in (1, len(_pairs(document.get("path", ".")))):
        wrong.append(f"{path}: `images` must name one folder, or as many as `path` does")
    if wrong:
        raise ConfigError("\n".join(wrong))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
