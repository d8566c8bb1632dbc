"""What people did in views of single boxes and FiftyOne left there: each such view shows a copy of the dataset.

The server that comes with the App here leaves nothing in a copy (see server.py); another one may be used on the same
database. A copy is made of what the photos hold, with their tags and times: what was changed later has a later time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from detect.errors import Problems
from detect.review.original import Document
from detect.review.tags import Place

SMALL = 1e-6  # of the photo: no move


class Patch(NamedTuple):
    """A box as a copy holds it, after somebody changed it there: the ids of photo and box, the field, its new tags."""

    sample: Any
    box: Any
    field: str
    tags: list[str]
    document: Document
    changed: Any
    copy: str


def changed_patches(there: Any) -> dict[Any, list[Patch]]:
    """What was changed in copies, by the id of the photo: of this dataset and of others."""
    database = there._sample_collection.database
    found: dict[Any, list[Patch]] = {}
    for copy in database.datasets.find({"sample_collection_name": {"$regex": r"^patches\."}}):
        name = copy["sample_collection_name"]
        for document in database[name].find({"last_modified_at": {"$gt": copy["created_at"]}}):
            photo = document["_sample_id"]
            fields = [key for key, value in document.items() if isinstance(value, dict) and "bounding_box" in value]
            same = {"_sample_id": photo, "last_modified_at": {"$lte": copy["created_at"]}}
            source = database[name].find_one(same) or there._sample_collection.find_one({"_id": photo}) or {}
            tags = [tag for tag in document.get("tags") or () if tag not in (source.get("tags") or ())]
            for field in fields:
                patch = Patch(photo, document["_id"], field, tags, document[field], document["last_modified_at"], name)
                found.setdefault(photo, []).append(patch)
    return found


def merged(there: Any, samples: Iterable[Any], problems: Problems) -> Iterator[Document]:
    """These samples with the tags that their boxes have in copies; what else was done there is a problem."""
    patches = changed_patches(there)
    for sample in samples:
        for patch in patches.get(sample["_id"], ()):
            box = _box(sample, patch)
            place = Place(str(sample.get("name")), f"a box of {patch.field}", problems)
            if box is not None:
                box["tags"] = list(dict.fromkeys([*(box.get("tags") or ()), *patch.tags]))
            if patch.tags and box is None:
                place.refuse("view of boxes", f"{', '.join(patch.tags)}: the box is not there any more")
            elif patch.changed > sample["last_modified_at"] and _differs(box, patch.document):
                what = f"a {patch.document.get('label')} was drawn or changed in a view of single boxes alone"
                place.refuse("view of boxes", what, "do it in a view of photos")
        yield sample


def keep_tags(there: Any) -> None:
    """Write the tags that boxes have in copies into the dataset, since copies are made anew."""
    for patches in changed_patches(there).values():
        for patch in patches:
            path = f"{patch.field}.detections"
            photo = {"_id": patch.sample, f"{path}._id": patch.box}
            add = {"$addToSet": {f"{path}.$.tags": {"$each": patch.tags}}}
            if patch.tags and there._sample_collection.update_one(photo, add).matched_count:
                taken = {"$pull": {"tags": {"$in": patch.tags}}}
                there._sample_collection.database[patch.copy].update_one({"_id": patch.box}, taken)


def _box(sample: Any, patch: Patch) -> Any:
    boxes = (sample.get(patch.field) or {}).get("detections") or ()
    return next((box for box in boxes if box["_id"] == patch.box), None)


def _differs(box: Any, shown: Document) -> bool:
    """Whether a copy shows another class or place than the dataset, or a box that this never had."""
    if box is None:
        return shown.get("number") is None
    edges = zip(box["bounding_box"], shown["bounding_box"], strict=True)
    return bool(box.get("label") != shown.get("label") or any(abs(a - b) > SMALL for a, b in edges))
