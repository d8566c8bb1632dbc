"""The table of formats: what each is, holds and loses, who reads and writes it. A new format is a file and a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from detect.conversion import (
    class_folders,
    coco,
    createml,
    cvat,
    json_kinds,
    label_studio,
    label_table,
    labelme,
    via,
    voc,
    yolo,
)
from detect.conversion.coco import results
from detect.conversion.cvat import tracks
from detect.conversion.media import Media
from detect.conversion.names import is_container, is_image, stem
from detect.conversion.source import Source
from detect.conversion.yolo import darknet
from detect.data import Dataset
from detect.errors import ConfigError, DataError, Problem, Problems, did_you_mean

Reader = Callable[[Source], Dataset]
Writer = Callable[[Dataset, Path, Media, Problems], None]
FileWriter = Callable[[Dataset, Path, Problems], None]


@dataclass(frozen=True)
class Format:
    """One row. `recognise` looks at the content of a Source, not at names alone.

    `write` fills a folder, `write_file` writes one .json file, `write_for` one with the ids of a given ground truth; a
    format with none is read only. `photo_labels`: it holds labels of whole photos; of any other they are reported as
    lost before it is written.
    """

    name: str
    title: str
    layout: str
    holds: str
    loses: str
    recognise: Callable[[Source], bool]
    read: Reader
    write: Writer | None = None
    write_file: FileWriter | None = None
    write_for: Callable[[Dataset, Path, Problems, Path], None] | None = None
    photo_labels: bool = False

    @property
    def written(self) -> bool:
        """Whether it can be written."""
        return self.write is not None or self.write_file is not None


def _never(_source: Source) -> bool:
    return False


_VOC_HOLDS = (
    "labels, boxes to 1e-6 px, splits, truncated, difficult, occluded, pose; other attributes in <attributes>, "
    "which LabelImg does not keep"
)
_VOC_LOSES = (
    "attributes and labels of images; a false flag reads as absent, an attribute's text that looks like a number as one"
)
_OUTLINES = "outlines become their boxes"

FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format(
            "voc",
            "Pascal VOC XML as LabelImg writes it",
            "Annotations/, JPEGImages/, ImageSets/Main/<split>.txt, classes.txt",
            _VOC_HOLDS,
            _VOC_LOSES,
            voc.recognise,
            voc.read,
            voc.write,
        ),
        Format(
            "voc-devkit",
            "Pascal VOC XML of the VOC devkit: corners are pixels, counted from 1 and inclusive",
            "as voc",
            _VOC_HOLDS,
            _VOC_LOSES,
            _never,  # nothing in a file tells it from LabelImg's
            partial(voc.read, origin=1),
            partial(voc.write, origin=1),
        ),
        Format(
            "yolo",
            "YOLO text labels: LabelImg's classes.txt, Ultralytics' data.yaml",
            "data.yaml, classes.txt, images/, labels/, <split>.txt",
            "labels, boxes to 1e-6 px, splits",
            "all attributes, labels of images; of two images whose names differ only in the ending, one is renamed",
            yolo.recognise,
            yolo.read,
            yolo.write,
        ),
        Format(
            "darknet",
            "YOLO text labels with darknet's obj.data and obj.names",
            "obj.data, obj.names, <split>.txt, obj_<split>_data/",
            "labels, boxes to 1e-6 px, splits",
            "all attributes, labels of images; of two images whose names differ only in the ending, one is renamed",
            darknet.recognise,
            yolo.read,
            darknet.write,
        ),
        Format(
            "createml",
            "Create ML JSON",
            "_annotations.createml.json beside its images, a folder per split; classes.txt",
            "labels, boxes to 1e-6 px, splits",
            "all attributes, labels of images; the size of a missing image",
            createml.recognise,
            createml.read,
            createml.write,
        ),
        Format(
            "cvat",
            "CVAT for images 1.1 (XML, or zip)",
            "annotations.xml, images/",
            "labels, boxes to 1e-6 px, splits as subsets, attributes with their types",
            f"attributes and labels of images; the type of an attribute that differs from box to box; {_OUTLINES}",
            cvat.recognise,
            cvat.read,
            cvat.write,
        ),
        Format(
            "cvat-video",
            "CVAT for video 1.1 (XML, or zip)",
            "annotations.xml, images/",
            "labels, boxes, track ids, attributes; frames between keyframes are filled in",
            _OUTLINES,
            tracks.recognise,
            tracks.read,
        ),
        Format(
            "coco",
            "COCO detection JSON",
            "annotations/instances_<split>.json, images/; or one file",
            "labels and attributes of boxes and images, boxes to 1e-6 px, splits (not in one file), iscrowd, ignore, "
            "area",
            "outlines and key points of the source",
            coco.recognise,
            coco.read,
            coco.write,
            coco.write_file,
            photo_labels=True,
        ),
        Format(
            "coco-results",
            "COCO results: a list of detections (with --ids the ground truth)",
            "one .json file",
            "boxes and their scores; images and classes as ids",
            "names of images and classes, sizes, splits, labels of images, all attributes but the score",
            results.recognise,
            results.read,
            write_file=results.write_file,
            write_for=results.write_for,
        ),
        Format(
            "csv",
            "CSV: a row per photo, a column per question",
            "labels.csv, labels.yaml, images/",
            "labels of images, splits, sizes",
            "boxes and their classes, all attributes",
            label_table.recognise,
            label_table.read,
            label_table.write,
            photo_labels=True,
        ),
        Format(
            "class-folders",
            "A folder per label with its photos, as torchvision's ImageFolder",
            "<split>/<label>/ or <label>/, labels.yaml",
            "labels of images for one question, splits",
            "boxes and their classes, all attributes; labels for all questions but the first; photos without a file",
            class_folders.recognise,
            class_folders.read,
            class_folders.write,
            photo_labels=True,
        ),
        Format(
            "label-studio",
            "Label Studio JSON and JSON-MIN",
            "one file",
            "labels, boxes; choices, ratings, numbers and text as attributes",
            f"all annotations of an image but one; brush masks and key points; {_OUTLINES}",
            label_studio.recognise,
            label_studio.read,
        ),
        Format(
            "labelme",
            "LabelMe JSON",
            "a file per image, beside it",
            "labels, boxes, flags, group_id, description",
            _OUTLINES,
            labelme.recognise,
            labelme.read,
        ),
        Format(
            "via",
            "VGG Image Annotator JSON: VIA 1, 2 and 3",
            "one file",
            "labels, boxes, attributes of regions and files",
            _OUTLINES,
            via.recognise,
            via.read,
        ),
    )
}


def by_name(name: str) -> Format:
    """The format of that name. Raises ConfigError, with a suggestion, for any other."""
    if name in FORMATS:
        return FORMATS[name]
    raise ConfigError(f"there is no format {name!r}{did_you_mean(name, FORMATS)} (formats: {', '.join(FORMATS)})")


def recognised(source: Source) -> Format:
    """The one format that the content is in. Raises DataError where it is none, or more than one."""
    found = [row for row in FORMATS.values() if row.recognise(source)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(row.name for row in found)
        what = f"holds annotations in {names}; say which to read with --from"
        raise DataError(Problem("error", "several formats", what, str(source.path)))
    raise DataError(Problem("error", "no known format", _why_none(source), str(source.path)))


def _why_none(source: Source) -> str:
    if broken := json_kinds.broken(source):
        return f"no known annotation format; what is in {' and '.join(broken)} cannot be told, since it is broken"
    kinds = "LabelImg XML, YOLO labels with classes.txt or data.yaml, CVAT XML, COCO JSON; all: detect formats"
    if source.path.suffix.lower() in (".gz", ".tar", ".7z", ".rar", ".tgz", ".zip"):
        return "is an archive that cannot be read; unpack it and name the folder"
    if is_image(source.path.name):
        return "is an image; name the folder it is in"
    if not source.files:
        return f"the folder is empty (expected {kinds})"
    if source.path.is_dir() and source.photos.files and len(source.photos.files) == len(source.files):
        images = f"{len(source.files)} image{'s' if len(source.files) > 1 else ''}"
        return f"holds {images} but no annotations{_by_folder(source)} (expected {kinds})"
    return f"no known annotation format{_not_understood(source) or _by_folder(source)} (expected {kinds})"


def _by_folder(source: Source) -> str:
    """How to read photos that all lie in folders, each of which may be a label."""
    photos = source.photos.files if source.path.is_dir() else ()
    labelled = photos and all("/" in file and not is_container(file.split("/")[-2]) for file in photos)
    return "; where each folder is a label, say --from class-folders" if labelled else ""


def _not_understood(source: Source) -> str:
    """The first file that is called as a photo is and how it begins, for what nearly is a format."""
    photos = {stem(photo).rpartition("/")[2] for photo in source.photos.files}
    texts = source.with_suffix(".txt", ".json", ".xml")
    first = next((file for file in texts if stem(file).rpartition("/")[2] in photos), None)
    if first is None:
        return ""
    line = next(iter(source.head(first).strip().splitlines()), "")
    return f"; {first} is called as a photo is and begins with {line[:60]!r}, which is none" if line else ""
