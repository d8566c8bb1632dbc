"""A folder per label, the photos of that label in it, as torchvision's ImageFolder and many data sets have it.

::

    train/light/claim1/rear.jpg      <split>/<label>/<name>; without splits <label>/<name>
    labels.yaml                      the question, its labels in order, their folders; others' data does without

A folder per label can answer one question alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detect.conversion.lost_content import report_attributes, report_boxes, report_photo_labels
from detect.conversion.media import Media, lay
from detect.conversion.names import is_image, split_name, split_word
from detect.conversion.photo_labels import HEADER, PhotoLabels, read_header, write_header
from detect.conversion.sizes import settle_size
from detect.conversion.source import Source
from detect.conversion.tidy import gathered, is_named
from detect.data import Dataset, Image
from detect.errors import ConfigError, DataError, Problems
from detect.progress import track

QUESTION = "class"
"""What the question is called where nothing names it."""

NO_SPLIT, NO_LABEL = "default", "unlabelled"


@dataclass(frozen=True)
class _Layout:
    """What the folders mean: `labels` by folder (None: every folder is its own label), `splits` that are folders."""

    question: str
    labels: dict[str, str] | None
    unlabelled: str | None
    splits: tuple[str, ...]

    def parts(self, file: str) -> tuple[str | None, str | None, str]:
        """The split, the label and the rest of a photo's path; no rest where it lies in no folder of a label."""
        split, rest = None, file
        if self.splits:
            folder, _, rest = file.partition("/")
            split = None if folder == NO_SPLIT else folder
        folder, _, name = rest.partition("/")
        if folder == self.unlabelled:
            return split, None, name
        label = folder if self.labels is None else self.labels.get(folder)
        return split, label, name if label is not None else ""


def recognise(source: Source) -> bool:
    """A labels.yaml that names folders. Without one nothing tells folders of labels from folders of claims."""
    path = source.path / HEADER
    return path.is_file() and "folders" in read_header(path, PhotoLabels(Problems()))


def read(source: Source) -> Dataset:
    """Every photo in a folder of a label. It is called by its path below that, or, where that names two, by its whole.

    Raises DataError where no photo lies in a folder.
    """
    problems, labels = source.problems, PhotoLabels(source.problems)
    files = [file for file in source.files if is_image(file)] if source.path.is_dir() else []
    layout = _layout(read_header(source.root / HEADER, labels), labels, files)
    found = [(file, *layout.parts(file)) for file in files]
    if not any(name for *_, name in found):
        raise DataError(f"{source.path}: no photo lies in the folder of a label")
    names = [name for *_, name in found if name]
    whole = len(set(names)) < len(names)
    images: list[Image] = []
    for file, split, label, name in track(found, "Reading photos"):
        path = f"{source.root}/{file}"
        if not name:
            problems.add("error", "photo without label", "lies in no folder of a label", file=path)
            continue
        called = file if whole else name
        if is_named(called, path, problems) and (size := settle_size(path, None, path, problems)):
            given = labels({layout.question: label}, path, "") if label is not None else {}
            images.append(Image(called, *size, split=split_name(split or ""), path=Path(path), labels=given))
    return gathered((), images, problems, labels.questions)


def _layout(header: Mapping[str, Any], labels: PhotoLabels, files: Iterable[str]) -> _Layout:
    question = next(iter(labels.declared), QUESTION)
    folders, splits = header.get("folders"), header.get("splits")
    if isinstance(folders, dict) and all(isinstance(folder, str) for folder in folders.values()):
        known = {folder: str(label) for label, folder in folders.items()}
        listed = tuple(map(str, splits)) if isinstance(splits, list) else ()
        unlabelled = header.get("unlabelled")
        return _Layout(question, known, unlabelled if isinstance(unlabelled, str) else None, listed)
    tops = {file.partition("/")[0] for file in files}
    deep = all(file.count("/") > 1 for file in files)
    by_split = deep and bool(tops) and all(split_word(top) or top == NO_SPLIT for top in tops)
    return _Layout(question, None, None, tuple(sorted(tops)) if by_split else ())


def write(dataset: Dataset, folder: Path, media: Media, problems: Problems) -> None:
    """The photos in folders, and labels.yaml. Of several questions the first counts, the others are reported.

    Raises ConfigError where there is no question, or the photos are to be left out.
    """
    if not dataset.questions:
        raise ConfigError("a folder per label needs labels of photos, and the data has none")
    if media == "none":
        raise ConfigError("a folder per label is made of the photos themselves; they cannot be left out")
    question, *others = dataset.questions
    report_boxes(dataset, "a folder per label", problems)
    report_attributes(dataset, "a folder per label", problems, boxes=False)
    report_photo_labels(dataset, others, f"a folder per label holds {question!r} alone", problems)
    folders = _folders(dataset.questions[question].labels)
    unlabelled = _free(NO_LABEL, folders.values())
    splits = [split or NO_SPLIT for split in dict.fromkeys(image.split for image in dataset.images)]
    more = {"unlabelled": unlabelled, **({"splits": splits} if dataset.splits else {})}

    def place(image: Image) -> str:
        label = folders[image.labels[question]] if question in image.labels else unlabelled
        return f"{image.split or NO_SPLIT}/{label}/{image.name}" if dataset.splits else f"{label}/{image.name}"

    lay(dataset, folder, media, problems, place)
    write_header({question: dataset.questions[question]}, folder / HEADER, folders=folders, **more)


def _folders(labels: Iterable[str]) -> dict[str, str]:
    """A folder for each label: its own name as far as a folder can have it, each another one."""
    found: dict[str, str] = {}
    for label in labels:
        found[label] = _free(re.sub(r'[\\/:*?"<>|]|^[.~]|[. ]+$', "_", label), found.values())
    return found


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, longer where another folder or file has it already, also on a disk that knows no upper case."""
    others = {other.casefold() for other in (*taken, "__MACOSX", HEADER)}
    while name.casefold() in others:
        name += "_"
    return name
