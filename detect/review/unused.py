"""What people did in the App that is no correction of a true box: a review has no use for it, and says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from detect.data import Image
from detect.errors import Problems
from detect.review.original import PROPOSED, TRUTHS, Document, Fields, boxes_in, from_text, predictions_in
from detect.review.tags import Place

OF_A_BOX = frozenset({
    "_id", "_cls", "id", "label", "bounding_box", "confidence", "index", "instance", "attributes", "tags", "number",
    "created_at", "last_modified_at", "mask_path", PROPOSED,
})  # fmt: skip
ELSEWHERE = f"boxes count in the field {TRUTHS} alone"


class Known(NamedTuple):
    """What a review put into its samples: fields of models, and those of the attributes of images and of boxes."""

    models: Sequence[str]
    of_images: Fields
    of_boxes: Fields


def noted(samples: Iterable[Document], known: Known, problems: Problems) -> Iterator[Document]:
    """These samples, each of them searched for what cannot be used; that is added to the problems."""
    for sample in samples:
        if sample.get("original"):
            image = from_text(sample["original"])
            _note_values(sample, image, known, Place(image.name, "", problems))
            _note_fields(sample, known, Place(image.name, "", problems))
            for box in boxes_in(sample, TRUTHS):
                number = box.get("number")
                _note_box(box, known, Place(image.name, f"box {number}" if number else "a new box", problems))
            for model, box in predictions_in(sample, known.models):
                if not box.get("status"):
                    what = f"a {box.get('label')} was drawn among the boxes of a model"
                    Place(image.name, f"a box of {model}", problems).refuse("drawn elsewhere", what, ELSEWHERE)
        yield sample


def _note_values(sample: Document, image: Image, known: Known, place: Place) -> None:
    """The split and the attributes of the photo."""
    values: list[tuple[str, Any, Any]] = [("split", image.split, sample.get("split", image.split))]
    for one in known.of_images:
        before = one.shown(image.attributes[one.name]) if one.name in image.attributes else None
        values.append((one.name, before, sample.get(one.field)))
    for name, before, after in values:
        if before != after and before == before:  # what is not a number equals nothing
            place.refuse("photo", f"{name} is {after!r} now, was {before!r}", "change it in the data")


def _note_fields(sample: Document, known: Known, place: Place) -> None:
    """Boxes and labels in fields that somebody added."""
    ours = {TRUTHS, "metadata", *known.models, *(f"{model}_unsure" for model in known.models)}
    for name, value in sample.items():
        if name not in ours and isinstance(value, dict) and "_cls" in value:
            lists = [one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
            count = sum(map(len, lists)) if value["_cls"].endswith("s") else 1
            if count:
                place.refuse("drawn elsewhere", f"{count} labels are in the field {name!r}", ELSEWHERE)


def _note_box(box: Document, known: Known, place: Place) -> None:
    """A mask, and attributes that the data do not have."""
    if box.get("mask") is not None or box.get("mask_path"):
        place.refuse("mask", "a mask was drawn; only its box counts", "delete the mask")
    ours = OF_A_BOX | {one.field for one in known.of_boxes}
    findings = tuple(f"{model}_" for model in known.models)
    for name, value in box.items():
        if name not in ours and isinstance(value, str | int | float) and not name.startswith(findings):
            place.refuse("attribute", f"{name} = {value!r} is no attribute of the data", "only those of the data count")
