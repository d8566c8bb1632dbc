"""One vocabulary for several sources: labels renamed, merged and dropped, the order of the classes fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from detect.conversion.text import lines
from detect.conversion.tidy import clean_label
from detect.conversion.yaml_file import load
from detect.data import Dataset, Image
from detect.errors import ConfigError, Problems
from detect.questions import merged


def relabel(
    dataset: Dataset,
    mapping: Mapping[str, str],
    problems: Problems,
    *,
    drop: Collection[str] = (),
    classes: Sequence[str] = (),
    file: str | Path = "",
) -> Dataset:
    """The dataset with labels renamed as `mapping` says, boxes of the labels in `drop` left out, and `classes` first.

    Labels renamed alike become one class; `drop` names labels as the source has them. Classes that `classes` does not
    list follow behind, reported where it lists any. What is in `mapping` and not in the dataset is noted.
    """
    for old in mapping:
        if old not in dataset.classes:
            problems.add("note", "nothing to map", f"map: {old!r} is no class of the data", file=file)
    kept = [mapping.get(label, label) for label in dataset.classes if label not in drop]
    order = tuple(dict.fromkeys([*classes, *kept]))
    if classes:
        for label in order[len(dict.fromkeys(classes)) :]:
            problems.add(
                "repaired", "undeclared class", f"class {label!r} is not listed; kept after the others", file=file
            )
    gone: Counter[str] = Counter()
    images = tuple(_relabelled(image, mapping, drop, gone, problems) for image in dataset.images)
    for label, count in gone.items():
        problems.add("dropped", "dropped label", f"{count} boxes of {label!r} left out, as asked", file=file)
    return replace(dataset, classes=order, images=images)


def _relabelled(
    image: Image, mapping: Mapping[str, str], drop: Collection[str], gone: Counter[str], problems: Problems
) -> Image:
    if not any(box.label in mapping or box.label in drop for box in image.boxes):
        return image
    gone.update(box.label for box in image.boxes if box.label in drop)
    boxes = [box._replace(label=mapping.get(box.label, box.label)) for box in image.boxes if box.label not in drop]
    once = tuple(dict.fromkeys(boxes))
    if len(once) < len(boxes):
        what = f"{len(boxes) - len(once)} boxes became the same as others by --map or map; kept once"
        problems.add("dropped", "duplicate box", what, file=image.name)
    return replace(image, boxes=once)


def merge(parts: Sequence[tuple[str, Dataset]], problems: Problems) -> Dataset:
    """One dataset of several, each with the name of its source; classes in the order they are met.

    Where two sources have images of one name, these stay two images: every image is then called after its source.
    """
    found = Counter(image.name for _, dataset in parts for image in dataset.images)
    clash = next((name for name, count in found.items() if count > 1), None)
    if clash is not None:
        what = f"{clash!r} is in several sources; every image is called after its source"
        problems.add("note", "images called after their source", what)
    prefixes = _distinct([name for name, _ in parts]) if clash is not None else []
    images = [
        replace(image, name=f"{prefixes[number]}/{image.name}") if prefixes else image
        for number, (_, dataset) in enumerate(parts)
        for image in dataset.images
    ]
    classes = dict.fromkeys(label for _, dataset in parts for label in dataset.classes)
    questions = merged(dataset.questions for _, dataset in parts)
    return Dataset(tuple(classes), tuple(sorted(images, key=lambda image: image.name)), questions)


def _distinct(names: Iterable[str]) -> list[str]:
    """The names, a number added where one appears twice: a, b, a-2."""
    found: list[str] = []
    for name in names:
        number, distinct = 1, name
        while distinct in found:
            number += 1
            distinct = f"{name}-{number}"
        found.append(distinct)
    return found


def parse_mapping(given: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """From old label to new: each of `given` is `old=new` or a YAML file, a mapping or something with a key `map`.

    Raises ConfigError for a label that is none of the `known` ones (in a file that is no mistake, since it may serve
    several datasets), or something that is neither.
    """
    mapping: dict[str, str] = {}
    for text in given:
        if (pair := parse_pair(text)) is None:
            mapping |= {old: new for old, new in _file_mapping(Path(text)).items() if old in known}
        else:
            mapping[check_known(pair[0], known, "--map")] = clean_label(pair[1])
    return mapping


def parse_pair(text: str) -> tuple[str, str] | None:
    """The labels in `old=new`; None for the name of a YAML file. Raises ConfigError for anything else."""
    if text.lower().endswith((".yaml", ".yml")):
        return None
    old, _, new = (part.strip() for part in text.partition("="))
    if not old or not new:
        raise ConfigError(f"{text!r}: expected old=new, or a .yaml file with such pairs")
    return old, new


def check_known(label: str, known: Sequence[str], option: str) -> str:
    """The label. Raises ConfigError, with what it may be, where the data has none of that name."""
    if label in known:
        return label
    from difflib import get_close_matches

    close = get_close_matches(label, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ConfigError(f"{option}: the data has no label {label!r}{hint} (labels: {', '.join(known)})")


def parse_classes(text: str) -> tuple[str, ...]:
    """The classes in `a,b,c` or in a text file with one per line. Raises ConfigError where one appears twice."""
    path = Path(text)
    found = lines(path) if path.suffix == ".txt" or path.is_file() else text.split(",")
    classes = [label for label in map(clean_label, found) if label]
    twice = [label for label, count in Counter(classes).items() if count > 1]
    if twice or not classes:
        raise ConfigError(f"{text!r}: {f'{twice[0]!r} appears twice' if twice else 'names no class'}")
    return tuple(classes)


def _file_mapping(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise ConfigError(f"--map {path}: there is no such file")
    document = load(path)
    found = document.get("map", document)
    if not isinstance(found, dict) or not found or not all(isinstance(new, str) and new for new in found.values()):
        raise ConfigError(f"--map {path}: must hold pairs old: new, alone or under `map`")
    return {str(old): clean_label(new) for old, new in found.items()}
