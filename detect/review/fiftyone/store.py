"""A dataset and what is found about it, in FiftyOne's database: each sample one photo, each field one thing to see."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import fiftyone as fo
from bson import ObjectId
from pymongo import UpdateOne

from detect.data import Dataset, Image
from detect.errors import DataError, DetectError
from detect.evaluate import Evaluation
from detect.progress import bar
from detect.review.documents import IMAGE, PREDICTION, TRUTH, Document, image_document, named, truth_documents
from detect.review.original import Attribute, attributes, from_text, to_text

TRUTHS = "ground_truth"
INFO = "detect"  # the key of `dataset.info` under which we keep what we need to know again
LOADING = " (loading)"  # behind the name of a dataset that is not complete; one that a killed command left is removed
BATCH = 200  # samples in one request
RESERVED = frozenset(
    {"id", "tags", "label", "index", "mask", "mask_path", "bounding_box", "confidence", "attributes", "number"}
)
SAMPLE = frozenset({"id", "filepath", "tags", "metadata", "created_at", "last_modified_at", "group"})
ATTRIBUTES = {"image_attributes": "", "attributes": f"{TRUTHS}.detections."}  # key in INFO: where their fields are
TYPES = {str: fo.StringField, int: fo.IntField, float: fo.FloatField, bool: fo.BooleanField}


T = TypeVar("T")


def opened(name: str) -> Any:
    """The dataset of this name. Raises DetectError, with those that there are, where there is none of ours."""
    if not fo.dataset_exists(name):
        known = ", ".join(n for n in fo.list_datasets() if not n.endswith(LOADING)) or "none yet"
        raise DetectError(f"there is no review called {name!r}; there are: {known}")
    dataset = fo.load_dataset(name)
    if INFO not in dataset.info:
        raise DetectError(f"{name!r} is a dataset of FiftyOne's that `detect review` did not make; give another --name")
    return dataset


def load(dataset: Dataset, name: str, extra: Mapping[str, Document]) -> Any:
    """The FiftyOne dataset of this name with all these images in it: made, or filled up.

    `extra`: more fields of an image, by its name (claim, problems). What the reviewer did to images that are there
    stays. Raises DataError where the boxes there were loaded from are others than these, or a photo has no file.
    """
    _with_files(dataset)
    if not fo.dataset_exists(name):
        return _created(dataset, name, extra)
    there = opened(name)
    held = dict(zip(*there.values(["name", "original"]), strict=True))
    new = [image for image in dataset.images if image.name not in held]
    changed = [i.name for i in dataset.images if i.name in held and from_text(held[i.name]) != i]
    if changed:
        raise DataError(
            f"the review {name!r} was loaded from other annotations of {len(changed)} images, first {changed[0]}; "
            f"give another --name, or take its corrections first: detect review --collect {name} DEST --to voc"
        )
    _moved(there, dataset)
    if new:
        there.info[INFO]["classes"] = list(dict.fromkeys([*there.info[INFO]["classes"], *dataset.classes]))
        _declare_attributes(there, dataset)
        _insert(there, new, extra)
    return there


def field_of(there: Any, model: str, result: Evaluation) -> str:
    """The field for these results: the one that holds them already, or a new one, named after the model."""
    models = there.info[INFO]["models"]
    mark = _fingerprint(result)
    field = re.sub(r"[^a-z0-9_]+", "_", model.lower()).strip("_") or "model"
    if field[0].isdigit() or field in SAMPLE:
        field = f"model_{field}"
    number, name = 1, field
    while name in models or there.has_field(name):
        if models.get(name, {}).get("fingerprint") == mark:
            return name
        number += 1
        name = f"{field}_{number}"
    models[name] = {"fingerprint": mark, "complete": False}
    there.save()
    return name


def add_predictions(there: Any, images: Sequence[Image], model: str, documents: Iterator[Document]) -> None:
    """Write what is found by one model: `documents` of these images, in this order; see `found_documents`.

    What is there completely is not written again; what a killed command left is.
    """
    if there.info[INFO]["models"][model]["complete"]:
        return
    for field in (model, f"{model}_unsure"):
        _declare(there, field, None)
        for key, (kind, about) in PREDICTION.items():
            _declare(there, f"{field}.detections.{key}", kind, about)
    for key, (kind, about) in TRUTH.items():
        _declare(there, f"{TRUTHS}.detections.{model}_{key}", kind, about)
    for key, (kind, about) in IMAGE.items():
        _declare(there, f"{model}_{key}", kind, about)
    ids = dict(zip(*there.values(["name", "id"]), strict=True))
    with bar(f"loading {model}", len(images)) as advance:
        for part in _batches(zip(images, documents, strict=True)):
            there._sample_collection.bulk_write(
                [_update(ObjectId(ids[image.name]), model, one) for image, one in part], ordered=False
            )
            advance(len(part))
    there.info[INFO]["models"][model]["complete"] = True
    there.save()
    there.reload()


def samples(there: Any) -> Iterator[Document]:
    """The samples as they are now, as documents, in the order in which they were loaded."""
    yield from there._sample_collection.find({}, sort=[("_id", 1)])


def _fingerprint(result: Evaluation) -> str:
    """Of what is said about which images: the same again needs no second field."""
    table, mark = result.table, hashlib.sha256()
    for column in (*table.detections, *table.truths[:3], result.point.confidence):
        mark.update(column.tobytes())
    mark.update(repr((table.classes, table.images, result.point.iou)).encode())
    return mark.hexdigest()


def _update(sample: ObjectId, model: str, document: Document) -> UpdateOne:
    """The change of one sample: its own fields, and those of its true boxes, wherever they stand now."""
    values = dict(document["fields"])
    filters: list[Mapping[str, Any]] = []
    for number, told in document["truths"].items():
        filters.append({f"b{number}.number": number})
        values |= {f"{TRUTHS}.detections.$[b{number}].{model}_{key}": value for key, value in told.items()}
    values["last_modified_at"] = datetime.now(UTC)
    return UpdateOne({"_id": sample}, {"$set": values}, array_filters=filters or None)


def _with_files(dataset: Dataset) -> None:
    lost = [image.name for image in dataset.images if image.path is None or not image.path.is_file()]
    if lost:
        raise DataError(
            f"{len(lost)} of {len(dataset)} photos were not found, first {lost[0]} "
            "(were they moved? read the data with its images in place)"
        )


def _created(dataset: Dataset, name: str, extra: Mapping[str, Document]) -> Any:
    half = name + LOADING
    if fo.dataset_exists(half):
        fo.delete_dataset(half)
    there = fo.Dataset(half, persistent=True)
    there.media_type = "image"
    _declare(there, "name", str, "path in the dataset; the identity of the image")
    _declare(there, "original", str, "the annotation as it was read")
    _declare(there, TRUTHS, None)
    _declare(there, f"{TRUTHS}.detections.number", int, "place of the box in the data, from 1; boxes without are new")
    there.info = {INFO: {"version": 1, "classes": list(dataset.classes), "models": {}}}
    there.default_classes = list(dataset.classes)
    _declare_attributes(there, dataset)
    _insert(there, dataset.images, extra)
    for field in ("name", "original"):
        there.get_field(field).read_only = True
        there.get_field(field).save()
    there.name = name
    return there


def _declare_attributes(there: Any, dataset: Dataset) -> None:
    """Fields for the attributes of these images and boxes.

    Where a value comes that its field cannot hold, all move to a new field: FiftyOne changes no type. The old field
    goes last, so that whoever is killed in between loses none.
    """
    held = {key: known_attributes(there, key) for key in ATTRIBUTES}
    left = []
    for (key, prefix), rows in zip(ATTRIBUTES.items(), attributes(dataset, RESERVED, *held.values()), strict=True):
        before = {one.name: one.field for one in held[key]}
        for one in rows:
            _declare(there, prefix + one.field, one.type, f"attribute {one.name}")
            old = before.get(one.name, one.field)
            if old != one.field:
                there.set_values(prefix + one.field, _each(there.values(prefix + old), one.shown))
                left.append(prefix + old)
        there.info[INFO][key] = [[one.name, one.field, one.type.__name__] for one in rows]
    there.save()
    if left:
        there.delete_sample_fields(left)


def _each(values: Any, change: Callable[[Any], Any]) -> Any:
    """A nested list with each value changed; None stays."""
    if isinstance(values, list):
        return [_each(one, change) for one in values]
    return None if values is None else change(values)


def known_attributes(there: Any, key: str = "attributes") -> list[Attribute]:
    """The attributes that the dataset shows as fields."""
    kinds = {kind.__name__: kind for kind in TYPES}
    return [Attribute(name, field, kinds[kind]) for name, field, kind in there.info[INFO].get(key, ())]


def _insert(there: Any, images: Sequence[Image], extra: Mapping[str, Document]) -> None:
    about = [extra.get(image.name, {}) for image in images]
    if any(image.split for image in images):
        _declare(there, "split", str, "train, val or test")
    if any("claim" in one for one in about):
        _declare(there, "claim", str, "photos of one claim have the same")
    if any("problems" in one for one in about):
        _declare(there, "problems", list, "what was found wrong in its annotation when it was read")
    now, of_boxes = datetime.now(UTC), known_attributes(there)
    of_images = known_attributes(there, "image_attributes")
    with bar("loading photos", len(images)) as advance:
        for part in _batches(images):
            there._sample_collection.insert_many(
                [
                    {
                        **image_document(image),
                        **named(image.attributes, of_images),
                        **extra.get(image.name, {}),
                        "original": to_text(image),
                        TRUTHS: {"_cls": "Detections", "detections": truth_documents(image, of_boxes)},
                        "_rand": random.random(),  # noqa: S311 for FiftyOne's shuffling
                        "_dataset_id": there._doc.id,
                        "created_at": now,
                        "last_modified_at": now,
                    }
                    for image in part
                ]
            )
            advance(len(part))
    there.reload()


def _moved(there: Any, dataset: Dataset) -> None:
    """Photos that lie elsewhere now are shown from there."""
    names, paths = there.values(["name", "filepath"])
    held = dict(zip(names, paths, strict=True))
    changes = {
        image.name: str(image.path.resolve())
        for image in dataset.images
        if image.path is not None and held.get(image.name) not in (None, str(image.path.resolve()))
    }
    if changes:
        there.set_values("filepath", changes, key_field="name")


def _declare(there: Any, path: str, kind: type | None, about: str = "") -> None:
    """A field; `kind` None: a list of boxes. Nothing happens where it is there already."""
    if there.get_field(path) is not None:
        return
    if kind is None:
        there.add_sample_field(path, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    elif kind is list:
        there.add_sample_field(path, fo.ListField, subfield=fo.StringField, description=about)
    else:
        there.add_sample_field(path, TYPES[kind], description=about)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, BATCH)):
        yield part
