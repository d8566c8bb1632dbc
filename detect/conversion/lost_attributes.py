"""The attributes that a target format cannot hold, counted once per dataset."""

from __future__ import annotations

from collections import Counter

from detect.data import Dataset
from detect.errors import Problems


def report_attributes(dataset: Dataset, title: str, problems: Problems, *, boxes: bool = True) -> None:
    """Report the attributes of images, and of boxes unless the format holds those, as one problem each."""
    if boxes:
        names = Counter(name for image in dataset.images for box in image.boxes for name in box.attributes)
        _report("box", names, title, problems)
    _report("image", Counter(name for image in dataset.images for name in image.attributes), title, problems)


def _report(of: str, counts: Counter[str], title: str, problems: Problems) -> None:
    if counts:
        each = ", ".join(f"{count} x {name}" for name, count in counts.most_common(8))
        what = f"{counts.total()} {of} attributes dropped, {title} holds none: {each}"
        problems.add("lost", f"{of} attributes", what)
