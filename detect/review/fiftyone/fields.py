"""The fields of a review's dataset: declared by FiftyOne's own interface, those of attributes after their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import fiftyone as fo
from fiftyone.core.odm import create_field

from detect.data import Dataset
from detect.review.original import PROPOSED, TRUTHS, Attribute, attributes

INFO = "detect"  # the key of `dataset.info` under which we keep what we need to know again
RESERVED = frozenset({"number", PROPOSED, *dir(fo.Detection())})
ATTRIBUTES = {"image_attributes": "", "attributes": f"{TRUTHS}.detections."}  # key in INFO: where their fields are
TYPES = {str: fo.StringField, int: fo.IntField, float: fo.FloatField, bool: fo.BooleanField}


def declare(there: Any, rows: Mapping[str, tuple[type | None, str]]) -> None:
    """Fields by their paths: type (None: a list of boxes) and what they say. Those that are there already stay.

    As many as possible at once: with each call FiftyOne writes all fields that there are, and reads them back.
    """
    new = {path: _field(path, *row) for path, row in rows.items() if there.get_field(path) is None}
    if new:
        there.add_dynamic_sample_fields(new)


def _field(path: str, kind: type | None, about: str) -> Any:
    name = path.rpartition(".")[2]
    if kind is None:
        return create_field(name, fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    if kind is list:
        return create_field(name, fo.ListField, subfield=fo.StringField, description=about)
    return create_field(name, TYPES[kind], description=about)


def declare_attributes(there: Any, dataset: Dataset) -> None:
    """Fields for the attributes of these images and boxes.

    Where a value comes that its field cannot hold, all move to a new field: FiftyOne changes no type. The old field
    goes last, so that whoever is killed in between loses none.
    """
    held = {key: known_attributes(there, key) for key in ATTRIBUTES}
    taken = RESERVED | {path.removeprefix(ATTRIBUTES["attributes"]) for path in there.get_field_schema(flat=True)}
    left = []
    for (key, prefix), rows in zip(ATTRIBUTES.items(), attributes(dataset, taken, *held.values()), strict=True):
        before = {one.name: one.field for one in held[key]}
        declare(there, {prefix + one.field: (one.type, f"attribute {one.name}") for one in rows})
        for one in rows:
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
