"""What is selected in the App, as it lies in the database; the tags that are written there; what was looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bson import ObjectId

from detect.review.fiftyone.fields import INFO
from detect.review.original import TRUTHS
from detect.review.presses import Document, is_collected, kind_of, looked_at


class Target(NamedTuple):
    """A box, or a photo where `field` and `box` are "": ids as text, and what the database holds of it.

    `truth`: of a prediction, the true box that it found or means.
    """

    photo: str
    field: str
    box: str
    document: Document
    truth: Document | None = None

    def description(self) -> str:
        """Which it is, for a message."""
        if not self.box:
            return str(self.document.get("name", "the photo"))
        label, number = self.document.get("label"), self.document.get("number")
        if kind_of(self.field) == "truth":
            return f"box {number}, {label}" if number else f"the new box, {label}"
        return f"the predicted {label} {self.document.get('confidence', 0.0):.2f}"


def label_fields(there: Any) -> list[str]:
    """The fields of boxes whose tags are collected."""
    models = there.info[INFO]["models"]
    return [TRUTHS, *(field for model in models for field in (model, f"{model}_unsure"))]


def selected(ctx: Any) -> list[Target]:
    """Of the open photo the boxes that are selected in it, else the photo; with none open the photos selected.

    In a view of boxes that were cut out, each stands for its box.
    """
    open_, there = ctx.current_sample, ctx.dataset
    chosen = [one for one in ctx.selected_labels or () if open_ and one["sample_id"] == open_]
    items = [open_] if open_ else list(ctx.selected)
    cut_out = _cut_out(ctx.view, items)
    places = [(cut_out[item][0] if item in cut_out else item, item) for item in items]
    documents = {str(one["_id"]): one for one in _photos(there, [photo for photo, _ in places])}
    if chosen:
        photo = places[0][0]
        boxes = [_target(documents.get(photo), one["field"], one["label_id"]) for one in chosen]
    else:
        boxes = [
            _target(documents.get(photo), *(cut_out[item][1:] if item in cut_out else ("", "")))
            for photo, item in places
        ]
    return [one for one in boxes if one is not None]


def _cut_out(view: Any, items: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Photo, field and box of these samples, where the view shows boxes that were cut out; else nothing."""
    field = getattr(view, "patches_field", None)
    if field is None:
        return {}
    found = view._dataset._sample_collection.find({"_id": {"$in": [ObjectId(one) for one in items]}})
    return {str(one["_id"]): (str(one["_sample_id"]), field, str(one[field]["_id"])) for one in found}


def _photos(there: Any, ids: Iterable[str]) -> Iterator[Document]:
    yield from there._sample_collection.find({"_id": {"$in": [ObjectId(one) for one in ids]}})


def _target(photo: Document | None, field: str, box: str) -> Target | None:
    """What lies there now; None where it is gone."""
    if photo is None:
        return None
    if not box:
        return Target(str(photo["_id"]), "", "", photo)
    found = next((one for one in _boxes(photo, field) if str(one["_id"]) == box), None)
    if found is None:
        return None
    number = found.get("truth")
    truth = next((one for one in _boxes(photo, TRUTHS) if number and one.get("number") == number), None)
    return Target(str(photo["_id"]), field, box, found, truth)


def _boxes(photo: Document, field: str) -> Sequence[Document]:
    return (photo.get(field) or {}).get("detections") or ()


def write_tags(ctx: Any, photo: str, field: str, box: str, tags: Sequence[str]) -> None:
    """Give a box or a photo these tags, and the picture of it that a view of cut out boxes shows."""
    values: dict[str, Any] = {"last_modified_at": datetime.now(UTC)}
    filters = None
    if box:
        values[f"{field}.detections.$[box].tags"] = list(tags)
        filters = [{"box._id": ObjectId(box)}]
    else:
        values["tags"] = list(tags)
    ctx.dataset._sample_collection.update_one({"_id": ObjectId(photo)}, {"$set": values}, array_filters=filters)
    if box and getattr(ctx.view, "patches_field", None) == field:
        shown = ctx.view._dataset._sample_collection
        shown.update_one({f"{field}._id": ObjectId(box)}, {"$set": {f"{field}.tags": list(tags)}})


def tags_now(there: Any, photo: str, field: str, box: str) -> list[str] | None:
    """The tags of a box or photo; None where it is gone."""
    found = next((_target(one, field, box) for one in _photos(there, [photo])), None)
    return None if found is None else list(found.document.get("tags") or ())


def tagged_photos(there: Any) -> list[Document]:
    """The photos in which something has a tag that `--collect` reads: `_id`, `tags`, and the tags of its boxes."""
    fields = label_fields(there)
    wanted = ["tags", *(f"{field}.detections.tags" for field in fields)]
    shown = [*wanted, *(f"{field}.detections._id" for field in fields)]
    query = {"$or": [{f"{path}.0": {"$exists": True}} for path in wanted]}
    found = there._sample_collection.find(query, dict.fromkeys(shown, 1))
    return [one for one in found if looked_at(all_tags(one, fields))]


def all_tags(photo: Document, fields: Sequence[str]) -> list[Sequence[str] | None]:
    """The tags of a photo and of each of its boxes."""
    return [photo.get("tags"), *(box.get("tags") for field in fields for box in _boxes(photo, field))]


def items(ctx: Any, photos: Sequence[Mapping[str, Any]]) -> list[tuple[str, bool]]:
    """What the view shows, in its order: the id of each photo or cut out box, and whether it was looked at.

    `photos`: the `tagged_photos`.
    """
    view, field = ctx.view, getattr(ctx.view, "patches_field", None)
    if field is None:
        ids = {str(one["_id"]) for one in photos}
        return [(one, one in ids) for one in view.values("id")]
    whole = {str(one["_id"]) for one in photos if any(is_collected(tag) for tag in one.get("tags") or ())}
    boxes = {str(box["_id"]) for one in photos for box in _boxes(one, field) if looked_at([box.get("tags")])}
    rows = zip(*view.values(["id", "sample_id", f"{field}.id"]), strict=True)
    return [(one, photo in whole or box in boxes) for one, photo, box in rows]
