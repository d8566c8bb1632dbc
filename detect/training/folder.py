"""The folder of a run: begun, checked before a resume, tidied after a kill."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from detect.data import Dataset, Image
from detect.errors import ConfigError, DetectError
from detect.files import atomic_folder, write_text
from detect.recipes import Recipe, differences, dump_recipe, load_recipe
from detect.training.log import Log, read_json, to_json
from detect.training.stopping import EarlyStopping

# Keys that a resume may change: the result means the same, or an end that had come is put off.
FREE = ("device", "threads", "workers", "loggers", "unreadable", "epochs", "patience")
PART = 16 * 1024  # bytes of a photo that count at its head, in its middle and at its tail


def begin(out: Path, recipe: Recipe, dataset: Dataset) -> None:
    """Make the folder. Raises DetectError where there is a run, or anything else."""
    if (out / "recipe.yaml").is_file():
        raise DetectError(f"{out}: there is a run already; name another with --out, or go on with --resume")
    with atomic_folder(out) as folder:  # whoever is killed here has not begun
        write_text(folder / "recipe.yaml", dump_recipe(recipe))
        write_text(folder / "data.json", to_json(describe(dataset)))


def describe(dataset: Dataset) -> dict[str, Any]:
    """What a training stands on: classes, counts per split and a fingerprint of names, boxes and photos.

    Of a photo in train or val its size in bytes counts, and what stands at its head, in its middle and at its tail.
    """
    counts = {}
    for split in dataset.splits:
        part = dataset.only(split)
        counts[split] = {"images": len(part), "boxes": part.boxes}
    digest = hashlib.blake2b(digest_size=16)
    for image in sorted(dataset.images, key=lambda image: image.name):
        row = (image.name, image.split, image.width, image.height, [(b.label, *b.xyxy) for b in image.boxes])
        digest.update(repr(row).encode())
        digest.update(_content(image))
    return {"classes": list(dataset.classes), "splits": counts, "fingerprint": digest.hexdigest()}


def _content(image: Image) -> bytes:
    if image.split not in ("train", "val") or image.path is None or not image.path.is_file():
        return b""
    size, digest = image.path.stat().st_size, hashlib.blake2b(digest_size=16)
    with image.path.open("rb") as file:
        for start in sorted({0, max(0, (size - PART) // 2), max(0, size - PART)}):
            file.seek(start)
            digest.update(file.read(PART))
    return size.to_bytes(8, "little") + digest.digest()


def check_resume(out: Path, recipe: Recipe, dataset: Dataset, *, moved: bool = False) -> list[str]:
    """The keys in which the recipe differs from that of the run, as "epochs: 3 -> 5".

    Raises ConfigError where the run cannot go on with this recipe and data: only keys in FREE may differ, and `epochs`
    only to more. `moved`: it started from weights in a folder that may be elsewhere by now.
    """
    if not (out / "recipe.yaml").is_file():
        raise ConfigError(f"{out}: no run to resume; leave out --resume to start one")
    if read_json(out / "data.json") != describe(dataset):
        raise ConfigError(f"{out}: the run was started on other data (other photos, boxes or classes)")
    known = load_recipe(out / "recipe.yaml")
    changes = differences(known.model_copy(update={"weights": recipe.weights}) if moved else known, recipe)
    if fixed := [change for change in changes if change.partition(":")[0].partition(".")[0] not in FREE]:
        free = ", ".join(FREE)
        raise ConfigError(
            f"{out}: the run has another recipe ({'; '.join(fixed)}); resume with the same one (only {free} may change)"
        )
    if recipe.epochs < known.epochs:
        raise ConfigError(
            f"{out}: the run has {known.epochs} epochs, and `epochs` is {recipe.epochs}; a resume can only add some"
        )
    return changes


def has_state(out: Path) -> bool:
    """Whether there is a state to go on from. Raises ConfigError where there was one, and it is gone."""
    if (out / "state.pt").is_file():
        return True
    if len(list(Log(out / "log.jsonl").epochs())) > 1:  # the first is logged before there is one
        raise ConfigError(
            f"{out}: state.pt is gone, from which the run would go on; start another one from its weights with "
            f"weights={out / 'weights' / 'best.pt'}"
        )
    return False


def is_finished(out: Path, recipe: Recipe) -> bool:
    """Whether the training in this folder has ended, and the recipe grants it no further epoch."""
    log = Log(out / "log.jsonl")
    if not log.ended():
        return False
    metrics = [float(event["val"][recipe.watch]) for event in log.epochs()]
    return len(metrics) >= recipe.epochs or EarlyStopping(recipe.patience, metrics).over


def sweep(out: Path) -> None:
    """Remove what a kill in mid-writing has left: files as large as the state of a training, a folder just begun."""
    for rest in (*out.glob(".*.tmp"), *(out / "weights").glob(".*.tmp")):
        shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
