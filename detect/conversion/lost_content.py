"""The attributes that a target format cannot hold, counted once per dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace

from detect.data import Attributes, Dataset
from detect.errors import Problems

FLAGS = ("occluded", "truncated", "difficult", "iscrowd", "ignore")


def report_attributes(dataset: Dataset, title: str, problems: Problems, *, boxes: bool = True) -> None:
    """Report the attributes of images, and of boxes unless the format holds those, as one problem each."""
    if boxes:
        own = (box[-1] for image in dataset.images for box in image.boxes if box[-1])  # of a million most have none
        names = Counter(name for attributes in own for name in telling(attributes))
        _report("box attributes", names, title, problems)
    own = (image.attributes for image in dataset.images if image.attributes)
    names = Counter(name for attributes in own for name in telling(attributes))
    _report("image attributes", names, title, problems)


def telling(attributes: Attributes) -> Iterator[str]:
    """The names of the attributes that are missed where they are left out.

    A flag that is not set says what its absence says, and an area is that of an outline, which is reported by itself.
    """
    return (name for name, value in attributes.items() if name != "area" and (value or name not in FLAGS))


def report_boxes(dataset: Dataset, title: str, problems: Problems) -> None:
    """Report the boxes, and the classes, for a format that holds none."""
    if dataset.classes:
        what = f"{dataset.boxes} boxes of {len(dataset.classes)} classes dropped, {title} holds none"
        problems.add("lost", "boxes", what)


def report_photo_labels(dataset: Dataset, questions: Collection[str], reason: str, problems: Problems) -> None:
    """Report the labels that answer these questions, which the format cannot hold."""
    if questions:
        count = sum(question in questions for image in dataset.images for question in image.labels)
        problems.add("lost", "photo labels", f"{count} photo labels dropped ({', '.join(questions)}): {reason}")


def without_photo_labels(dataset: Dataset, title: str, problems: Problems) -> Dataset:
    """The dataset for a format that holds no labels of photos; what is left out is reported."""
    if not dataset.questions:
        return dataset
    report_photo_labels(dataset, dataset.questions, f"{title} holds none", problems)
    images = tuple(replace(image, labels={}) if image.labels else image for image in dataset.images)
    return replace(dataset, images=images, questions={})


def _report(kind: str, counts: Counter[str], title: str, problems: Problems) -> None:
    if counts:
        each = ", ".join(f"{count} x {name}" for name, count in counts.most_common(8))
        problems.add("lost", kind, f"{counts.total()} {kind} dropped, {title} holds none: {each}")
