"""Writing YOLO labels with darknet's header obj.data, the layout that CVAT imports as "YOLO 1.1".

::

    obj.data        classes = 6, train = data/train.txt, valid = data/valid.txt, names = data/obj.names
    obj.names       one class per line
    train.txt       data/obj_train_data/1.jpg
    obj_train_data/ 1.jpg, 1.txt

Source: https://docs.cvat.ai/docs/manual/advanced/formats/format-yolo/
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from detect.conversion.lost_content import report_attributes
from detect.conversion.media import Media, lay
from detect.conversion.source import Source
from detect.conversion.text import write_text
from detect.conversion.yolo import without_clashes, write_labels
from detect.conversion.yolo.layout import header
from detect.data import Dataset
from detect.errors import Problems

WORDS = {"val": "valid", None: "default"}


def recognise(source: Source) -> bool:
    """A .data file at the top that names the classes."""
    file = header(source)
    return file is not None and file.suffix.lower() == ".data"


def write(dataset: Dataset, folder: Path, media: Media, problems: Problems) -> None:
    """obj.data, obj.names, and for each split a list and a folder with its images and labels."""
    report_attributes(dataset, "YOLO", problems)
    dataset = without_clashes(dataset, problems)
    lists: dict[str, list[str]] = {}
    for split in dict.fromkeys(image.split for image in dataset.images):
        word = WORDS.get(split, split)
        some = replace(dataset, images=tuple(image for image in dataset.images if image.split == split))
        place = f"obj_{word}_data"
        lay(some, folder / place, media, problems)
        lists[str(word)] = [f"data/{place}/{image.name}\n" for image in some.images]
        write_labels(some, folder / place)
    for word, paths in lists.items():
        write_text(folder / f"{word}.txt", "".join(paths))
    write_text(folder / "obj.names", "".join(f"{label}\n" for label in dataset.classes))
    some_list = "train" if "train" in lists else next(iter(lists), "train")
    entries = {word: word for word in lists if word != "default"}
    entries = {"train": some_list, "valid": some_list, **entries}  # darknet wants both
    if "default" in lists:
        entries.setdefault("default", "default")
    body = "".join(f"{key} = data/{word}.txt\n" for key, word in entries.items())
    write_text(
        folder / "obj.data", f"classes = {len(dataset.classes)}\n{body}names = data/obj.names\nbackup = backup/\n"
    )
