"""Whether train has something to learn from, val something to measure on, and neither what the other has."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detect.checking.finding import Finding
from detect.data import Dataset
from detect.errors import DataError
from detect.evaluation.columns import truths
from detect.splitting import MANY, duplicates

USELESS = {"train": "so there is nothing to learn", "val": "so no epoch could be compared with another"}


def before_training(dataset: Dataset, *, photos: bool = True) -> tuple[Finding, ...]:
    """What is wrong with data to train on: errors alone where that is impossible, else notes.

    Errors: a split without images, photos that are not there, a split without boxes. Notes: classes that train, val or
    both have no box of, and `photos` that stand in several splits (only files of equal size are read for it).
    """
    if errors := (*_absent(dataset), *_without_boxes(dataset)):
        return errors
    return (*_missing_classes(dataset), *(in_several_splits(dataset) if photos else ()))


def in_several_splits(dataset: Dataset, split: str | None = None) -> tuple[Finding, ...]:
    """Photos that stand in more than one split, equal byte for byte; with `split`, in this one and another.

    Photos that are not there or must not be read take no part.
    """
    home = {image.name: image.split for image in dataset.images if image.split}
    there = [i for i in dataset.images if i.split and i.path is not None and os.access(i.path, os.R_OK)]
    homes = [(names, {home[name] for name in names}) for names in duplicates(there)]
    sets = [names for names, splits in homes if len(splits) > 1 and (split is None or split in splits)]
    if not sets:
        return ()
    stand = "1 photo stands" if len(sets) == 1 else f"{len(sets):,} photos stand"
    first = " = ".join(f"{name} ({home[name]})" for name in sets[0][:MANY])
    text = f"{stand} in more than one split, equal byte for byte, first {first}: metrics come out too high"
    examples = tuple(" = ".join(names[:MANY]) for names in sets[:MANY])
    return (Finding("note", "photo in several splits", text, len(sets), examples, "`detect split` divides none"),)


def _absent(dataset: Dataset) -> Iterator[Finding]:
    """Splits without images, and photos that are not there."""
    remedy = "`detect split` makes both" if dataset.splits else ""  # else the message has it
    for split in USELESS:
        try:
            dataset.only(split).require_photos()
        except DataError as error:
            yield from (Finding("error", one.kind, one.what, remedy=one.remedy or remedy) for one in error.problems)


def _without_boxes(dataset: Dataset) -> Iterator[Finding]:
    """Train without a box, val without one that counts."""
    remedy = "divide the data anew with `detect split`" if dataset.boxes else "no photo has one: was all of it read?"
    for split in filter(USELESS.__contains__, dataset.splits):
        if not _boxes(dataset, split).any():
            part = dataset.only(split)
            those = f" that count (all {part.boxes:,} are crowds or marked `ignore`)" if part.boxes else ""
            text = f"split {split!r} has no boxes{those}, {USELESS[split]}"
            yield Finding("error", "split without boxes", text, remedy=remedy)


def _missing_classes(dataset: Dataset) -> Iterator[Finding]:
    """Classes that train, val or both have no box of."""
    train, val = (_boxes(dataset, split) for split in USELESS)
    sides = (
        ("train", (train == 0) & (val > 0), "train (not learnt, AP 0 on val)", [f" ({n} in val)" for n in val]),
        ("val", (train > 0) & (val == 0), "val (not measured, left out of mAP)", [f" ({n} in train)" for n in train]),
        ("both", (train == 0) & (val == 0), "train or val", [""] * len(val)),
    )
    for where, missing, place, elsewhere in sides:
        if rows := np.flatnonzero(missing).tolist():
            have = "1 class has" if len(rows) == 1 else f"{len(rows)} classes have"
            named = ", ".join(f"{dataset.classes[k]}{elsewhere[k]}" for k in rows[:MANY])
            more = f" and {len(rows) - MANY} more" if len(rows) > MANY else ""
            yield Finding(
                "note", f"class missing in {where}", f"{have} no box in {place}: {named}{more}", len(rows),
                tuple(dataset.classes[k] for k in rows[:MANY]),
            )  # fmt: skip


def _boxes(dataset: Dataset, split: str) -> NDArray[np.int64]:
    """(C,) how many boxes a split has of each class: in train all, which are learnt from, in val those that count."""
    true = truths(dataset.only(split))
    return np.bincount(true.label[~true.ignored | (split == "train")], minlength=len(dataset.classes))
