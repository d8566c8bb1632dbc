"""A dataset and what is found about it, in FiftyOne's database: each sample one photo, each field one thing to see."""

from __future__ import annotations

import hashlib
import os
import random
import re
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import fiftyone as fo
import psutil
from bson import ObjectId
from fiftyone.core.utils import to_slug
from pymongo import UpdateOne

from detect.conversion.photo_labels import questions_document, questions_from
from detect.data import Dataset, Image
from detect.errors import DataError, DetectError, Problems
from detect.evaluation import Evaluation
from detect.progress import bar
from detect.questions import merged
from detect.review.documents import IMAGE, PREDICTION, TRUTH, Document, image_document, named, truth_documents
from detect.review.fiftyone.fields import INFO, declare, declare_attributes, known_attributes
from detect.review.original import TRUTHS, from_text, to_text

LOADING = " (loading"  # in the name of a dataset that is not complete, before the machine and process that make it
BATCH = 200  # samples in one request
SAMPLE = frozenset({"id", "filepath", "tags", "metadata", "created_at", "last_modified_at", "group"})


T = TypeVar("T")


def opened(name: str) -> Any:
    """The dataset of this name. Raises DetectError, with those that there are, where there is none of ours."""
    if not fo.dataset_exists(name):
        known = ", ".join(n for n in fo.list_datasets() if LOADING not in n) or "none yet"
        raise DetectError(f"there is no review called {name!r}; there are: {known}")
    dataset = fo.load_dataset(name)
    dataset.reload()  # other commands may have loaded more
    if INFO not in dataset.info:
        raise DetectError(f"{name!r} is a dataset of FiftyOne's that `detect review` did not make; give another --name")
    return dataset


def load(dataset: Dataset, name: str, extra: Mapping[str, Document], source: str = "") -> Any:
    """The FiftyOne dataset of this name with all these images in it: made, or filled up.

    `extra`: more fields of an image, by its name (claim, problems). `source`: where the data lie. What the reviewer did
    to images that are there stays. Raises DataError where the boxes there were loaded from are others than these, the
    data seem to be others, or a photo has no file; DetectError for a name that FiftyOne does not take.
    """
    dataset.require_photos()
    if not fo.dataset_exists(name):
        _created(dataset, name, extra, source)
    there = opened(name)
    _same_source(there, dataset, name, source)
    held = dict(zip(*there.values(["name", "original"]), strict=True))
    new = [image for image in dataset.images if image.name not in held]
    changed = [i.name for i in dataset.images if i.name in held and from_text(held[i.name]) != i]
    if changed:
        raise DataError(
            f"the review {name!r} was loaded from other annotations of {len(changed)} images, first {changed[0]}; "
            f"give another --name, or take its corrections first: detect review --collect {name} DEST --to voc"
        )
    _moved(there, dataset)
    _refresh(there, dataset.images, extra)
    if new:
        there.info[INFO]["classes"] = list(dict.fromkeys([*there.info[INFO]["classes"], *dataset.classes]))
        asked = questions_from(there.info[INFO].get("questions"), name, Problems())
        there.info[INFO]["questions"] = questions_document(merged([asked, dataset.questions]))
        declare_attributes(there, dataset)
        _insert(there, new, extra)
    return there


def _same_source(there: Any, dataset: Dataset, name: str, source: str) -> None:
    """Raise DataError where the name is that of data in another place, which were not just moved from there."""
    before = there.info[INFO].get("source")
    if not source or before in (None, "", source):
        return
    paths = dict(zip(*there.values(["name", "filepath"]), strict=True))
    known = [paths[image.name] for image in dataset.images if image.name in paths]
    if not known or any(Path(path).is_file() for path in known):
        raise DataError(f"the review {name!r} is of {before}, not of {source}; give another --name")
    there.info[INFO]["source"] = source


def field_of(there: Any, model: str, result: Evaluation) -> str:
    """The field for these results: the one that holds them already, or a new one, named after the model."""
    models = there.info[INFO]["models"]
    mark = _fingerprint(result)
    field = re.sub(r"[^a-z0-9_]+", "_", model.lower()).strip("_") or "model"
    if field[0].isdigit() or field in SAMPLE:
        field = f"model_{field}"
    number, name = 1, field
    while name in models or _taken(there, name):
        if models.get(name, {}).get("fingerprint") == mark:
            return name
        number += 1
        name = f"{field}_{number}"
    models[name] = {"fingerprint": mark, "complete": False}
    there.info[INFO].setdefault("front", name)
    there.save()
    return name


def _taken(there: Any, name: str) -> bool:
    """Whether a field of this model would be one that holds something else, an attribute say."""
    own = {name, f"{name}_unsure", *(f"{name}_{key}" for key in IMAGE)}
    of_truths = {f"{TRUTHS}.detections.{name}_{key}" for key in TRUTH}
    return any(there.has_field(path) for path in own | of_truths)


def add_predictions(there: Any, images: Sequence[Image], model: str, documents: Iterator[Document]) -> None:
    """Write what is found by one model: `documents` of these images, in this order; see `found_documents`.

    What is there completely is not written again; what a killed command left is.
    """
    if there.info[INFO]["models"][model]["complete"]:
        return
    boxes = (model, f"{model}_unsure")
    declare(there, {
        **dict.fromkeys(boxes, (None, "")),
        **{f"{field}.detections.{key}": row for field in boxes for key, row in PREDICTION.items()},
        **{f"{TRUTHS}.detections.{model}_{key}": row for key, row in TRUTH.items()},
        **{f"{model}_{key}": row for key, row in IMAGE.items()},
    })  # fmt: skip
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


def count(there: Any) -> int:
    """How many samples there are. FiftyOne's own is an estimate, which a database that was killed gets wrong."""
    return int(there._sample_collection.count_documents({}))


def samples(there: Any) -> Iterator[Document]:
    """The samples as they are now, as documents, in the order in which they were loaded."""
    yield from there._sample_collection.find({}, sort=[("_id", 1)])


def _fingerprint(result: Evaluation) -> str:
    """Of the findings and the images that they are about: the same again needs no second field."""
    table, mark = result.table, hashlib.sha256()
    for column in (*table.detections, *table.truths[:3], result.outcomes.confidence):
        mark.update(column.tobytes())
    mark.update(repr((table.classes, table.images, result.outcomes.iou)).encode())
    return mark.hexdigest()


def _update(sample: ObjectId, model: str, document: Document) -> UpdateOne:
    """The change of one sample: its own fields, and those of its true boxes, wherever they stand now."""
    values = dict(document["fields"])
    filters: list[Mapping[str, Any]] = []
    for number, fields in document["truths"].items():
        filters.append({f"b{number}.number": number})
        values |= {f"{TRUTHS}.detections.$[b{number}].{model}_{key}": value for key, value in fields.items()}
    values["last_modified_at"] = datetime.now(UTC)
    return UpdateOne({"_id": sample}, {"$set": values}, array_filters=filters or None)


def _created(dataset: Dataset, name: str, extra: Mapping[str, Document], source: str) -> None:
    """Make it under another name first, so that there is none by halves."""
    host = socket.gethostname()
    for left in fo.list_datasets(f"*{LOADING} {host} *"):
        number = int(left.rstrip(")").split()[-1])
        if number == os.getpid() or not psutil.pid_exists(number):  # ours: one at a time, and that one ended
            fo.delete_dataset(left)
    _check_name(name)
    there = fo.Dataset(f"{name}{LOADING} {host} {os.getpid()})", persistent=True)
    there.media_type = "image"
    declare(there, {
        "name": (str, "path in the dataset; the identity of the image"),
        "original": (str, "the annotation as it was read"),
        TRUTHS: (None, ""),
        f"{TRUTHS}.detections.number": (int, "place of the box in the data, from 1; boxes without are new"),
    })  # fmt: skip
    about = {"version": 1, "classes": list(dataset.classes), "questions": questions_document(dataset.questions)}
    there.info = {INFO: {**about, "models": {}, "source": source, "photos": 0}}
    there.default_classes = list(dataset.classes)
    declare_attributes(there, dataset)
    _insert(there, dataset.images, extra)
    for field in ("name", "original"):
        there.get_field(field).read_only = True
        there.get_field(field).save()
    if fo.dataset_exists(name):  # another command was quicker
        there.delete()
        return
    there.name = name


def _check_name(name: str) -> None:
    """Raise DetectError for a name that FiftyOne, which makes an address of it, does not take."""
    try:
        address = to_slug(name)
    except ValueError as error:
        raise DetectError(f"a review cannot be called {name!r}: {error}; give another --name") from None
    for other in fo.list_datasets():
        if to_slug(other) == address:
            raise DetectError(f"the review {name!r} would have the address of {other!r}; give another --name")


def _insert(there: Any, images: Sequence[Image], extra: Mapping[str, Document]) -> None:
    about = [extra.get(image.name, {}) for image in images]
    if any(image.split for image in images):
        declare(there, {"split": (str, "train, val or test")})
    _declare_extra(there, about)
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
    there.info[INFO]["photos"] = there.info[INFO].get("photos", 0) + len(images)
    there.save()
    there.reload()


def _declare_extra(there: Any, about: Sequence[Document]) -> None:
    if any("claim" in one for one in about):
        declare(there, {"claim": (str, "photos of one claim have the same")})
    if any("problems" in one for one in about):
        declare(there, {"problems": (list, "what was found wrong in its annotation when it was read")})


def _refresh(there: Any, images: Sequence[Image], extra: Mapping[str, Document]) -> None:
    """Claims and problems of photos that are there already, as this reading has them."""
    about = {image.name: extra[image.name] for image in images if image.name in extra}
    _declare_extra(there, list(about.values()))
    if about:
        there._sample_collection.bulk_write([UpdateOne({"name": name}, {"$set": one}) for name, one in about.items()])
    # Where somebody cleared the field, what a model says about its boxes could not be written.
    nothing = {"_cls": "Detections", "detections": []}
    there._sample_collection.update_many({TRUTHS: None}, {"$set": {TRUTHS: nothing}})


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


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, BATCH)):
        yield part
