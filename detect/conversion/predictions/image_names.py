"""Which image of the data a row means.

Rows call images by ids of their own document or of the ground truth, by names, or by the photo's name without its
ending, of which ultralytics makes a number where it is one. Which one it is follows from all rows together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from detect.conversion.coco.header import Names
from detect.conversion.coco.ids import Ids
from detect.conversion.predictions.listing import KEYS, LARGEST, Fault, Key, Listing, keys_of
from detect.conversion.predictions.name_match import Ends, match_images, plain_names
from detect.data import Dataset
from detect.errors import DataError, Problems


class ImageNames:
    """From what rows call an image to its name in the data.

    `looked_at`: the names of all images that are listed. `listed`: from the ids of the table to names. `used`: the
    names of images with rows. `by_id`: rows use ids of the table. `unknown`: ids that mean nothing.
    """

    def __init__(self, listing: Listing, table: Names, dataset: Dataset | None, problems: Problems) -> None:
        """`table`: from the ids of the document, or of the ground truth, to the names that it states."""
        stated = plain_names(table.values())
        data = Ends(stated.values() if dataset is None else [image.name for image in dataset])
        keys = keys_of(row.image for row in listing.rows)
        ids = Ids(table)
        known = {key: table[same] for key in keys if (same := ids.find(key)) is not None}
        texts = {key: (listing.images or {}).get(key, key) for key in keys if isinstance(key, str) and key not in known}
        self.unknown = [key for key in keys if key not in known and key not in texts]
        self.by_id = bool(known)
        numbers = _numbered(keys, data) if self.unknown else {}
        if numbers:  # all numbers are those of photos, and some are none of the table
            known, self.unknown, self.by_id = {}, [], False
        named = plain_names([*texts.values(), *(listing.images or {}).values()])
        if dataset is not None or table:
            stated |= match_images(stated, data, listing.file, problems)
            matched = match_images(named, data, listing.file, problems)
            if table:  # what has ids has no other images
                texts = {key: name for key, name in texts.items() if name in matched}
            named |= matched
        names = stated | named
        found = numbers | {key: names[name] for key, name in (known | texts).items()}
        self._names: dict[Key, str] = {(type(key), key): name for key, name in found.items()}
        self.listed = {key: names[name] for key, name in table.items()}
        listed = listing.images if listing.images is not None else table
        self.looked_at = [names[name] for name in listed.values()]
        self.used = set(found.values())

    def __call__(self, value: Any) -> str:
        """The name. Raises Fault."""
        name = self._names.get((type(value), value)) if type(value) in KEYS else None
        if name is None:
            raise Fault("unknown image", f"image_id {value} is unknown")
        return name


def _numbered(keys: Sequence[Any], data: Ends) -> dict[Any, str]:
    """The images whose names are these numbers, where each number is that of one image; else none."""
    found = {}
    for key in (key for key in keys if not isinstance(key, str)):
        some = data.numbered(int(key)) if abs(key) < LARGEST and key == int(key) else []
        if len(some) != 1:
            return {}
        found[key] = some[0]
    return found


def with_photo(listing: Listing, dataset: Dataset | None) -> Listing:
    """The answer about one photo as that of the photo that its file is called as, or of the only one that the data has.

    Raises DataError where that is none.
    """
    file = Path(listing.file)
    name = file.stem
    if dataset is not None and not Ends([image.name for image in dataset]).find(name):
        if len(dataset) != 1:
            raise DataError(
                f"{file}: holds the detections in one photo, and does not say which photo (call the file as the photo, "
                f"such as {PurePosixPath(dataset.images[0].name).stem}.json, and name the folder of such files)"
            )
        name = dataset.images[0].name
    return replace(listing, rows=[row._replace(image=name) for row in listing.rows], images={name: name})
