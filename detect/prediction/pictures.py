"""What a program holds to look at: paths, annotated data, PIL images, arrays, or a list of these."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from detect.data import Dataset, Image
from detect.decoding import InMemory, as_picture, decode, picture_problem
from detect.errors import SHOWN, ConfigError
from detect.prediction.sources import Sources, has_true_boxes, sources

if TYPE_CHECKING:
    from detect.models.detector import Picture

One = Image | str | Path | InMemory
Given = One | Dataset | Sources | Sequence[One]

TURNED = (5, 6, 7, 8)  # values of the EXIF orientation that swap width and height
ORIENTATION = 0x0112


def as_sources(given: Given) -> Sources:
    """The images in whatever is given. Pictures in memory are named by their place in the list, from 0: "picture-0".

    Raises ConfigError, naming all of them, for arrays and objects that are no picture; DataError as `sources` does.
    """
    if isinstance(given, Sources):
        return given
    if isinstance(given, Dataset):
        return Sources(given.images, annotated=has_true_boxes(given.images))
    items: list[Any] = [given]
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        items = list(given)
    paths = [one for one in items if isinstance(one, str | Path)]
    held = {f"picture-{place}": one for place, one in enumerate(items) if not isinstance(one, Image | str | Path)}
    if wrong := [f"{name}: {problem}" for name, one in held.items() if (problem := picture_problem(one))]:
        more = [f"... and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise ConfigError("\n".join(wrong[:SHOWN] + more))
    on_disk = sources(paths) if paths else Sources(())
    images = [one for one in items if isinstance(one, Image)]
    on_disk = replace(on_disk, images=(*on_disk.images, *images), annotated=on_disk.annotated or has_true_boxes(images))
    if not held:
        return on_disk

    def load(image: Image) -> Picture:
        if image.name in held:
            return np.asarray(as_picture(held[image.name], image.name))
        return on_disk.picture(image)

    in_memory = [Image(name, *_size(one)) for name, one in held.items()]
    return replace(on_disk, images=(*on_disk.images, *in_memory), load=load)


def _size(one: InMemory) -> tuple[int, int]:
    """Width and height, upright."""
    if isinstance(one, np.ndarray):
        return one.shape[1], one.shape[0]
    with suppress(Exception):  # what cannot be read is named when it is looked at
        decode(one)  # a TIFF is turned by this
    return one.size[::-1] if one.getexif().get(ORIENTATION) in TURNED else one.size
