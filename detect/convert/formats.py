"""The table of formats: what each is, holds and loses, who reads and writes it. A new format is a file and a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from detect.convert import coco, cvat, voc, yolo
from detect.convert.media import Media
from detect.convert.names import is_image
from detect.convert.source import Source
from detect.convert.text import read_bytes
from detect.data import Dataset
from detect.errors import ConfigError, DataError, Problems

Reader = Callable[[Source], Dataset]
Writer = Callable[[Dataset, Path, Media, Problems], None]


@dataclass(frozen=True)
class Format:
    """One row. `recognise` looks at the content of a Source, not at names alone. No `write`: it is read only."""

    name: str
    title: str
    layout: str
    holds: str
    loses: str
    recognise: Callable[[Source], bool]
    read: Reader
    write: Writer | None


FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format(
            "voc",
            "Pascal VOC XML as LabelImg writes it",
            "Annotations/, JPEGImages/, ImageSets/Main/<split>.txt, classes.txt",
            "labels, boxes to 1e-6 px, splits, truncated, difficult, occluded, pose; other attributes in <attributes>, "
            "which LabelImg does not keep",
            "attributes of images; a false flag reads as absent, an attribute's text that looks like a number as one",
            voc.recognise,
            voc.read,
            voc.write,
        ),
        Format(
            "yolo",
            "YOLO text labels: LabelImg's classes.txt, Ultralytics' data.yaml",
            "data.yaml, classes.txt, images/, labels/, <split>.txt",
            "labels, boxes to 1e-6 px, splits",
            "all attributes; of two images whose names differ in the ending alone, one is renamed",
            yolo.recognise,
            yolo.read,
            yolo.write,
        ),
        Format(
            "cvat",
            "CVAT for images 1.1 (XML)",
            "annotations.xml, images/",
            "labels, boxes to 1e-6 px, splits as subsets, attributes with their types",
            "attributes of images; the type of an attribute that differs from box to box",
            cvat.recognise,
            cvat.read,
            cvat.write,
        ),
        Format(
            "coco",
            "COCO detection JSON",
            "annotations/instances_<split>.json, images/; or one file",
            "labels, boxes to 1e-6 px, splits (not in one file), attributes of images and boxes, iscrowd, ignore, area",
            "outlines and key points of the source",
            coco.recognise,
            coco.read,
            coco.write,
        ),
    )
}


def by_name(name: str) -> Format:
    """The format of that name. Raises ConfigError, with a suggestion, for any other."""
    if name in FORMATS:
        return FORMATS[name]
    close = get_close_matches(name.lower(), FORMATS, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ConfigError(f"there is no format {name!r}{hint} (formats: {', '.join(FORMATS)})")


def recognised(source: Source) -> Format:
    """The one format that the content is in. Raises DataError where it is none, or more than one."""
    found = [row for row in FORMATS.values() if row.recognise(source)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(row.name for row in found)
        raise DataError(f"{source.path}: holds annotations in {names}; say which to read with --from")
    raise DataError(f"{source.path}: {_why_none(source)}")


def _why_none(source: Source) -> str:
    kinds = "LabelImg XML, YOLO labels with classes.txt or data.yaml, CVAT for images XML, COCO JSON"
    if source.path.suffix.lower() in (".zip", ".gz", ".tar", ".7z", ".rar"):
        return "is an archive; unpack it and name the folder"
    if is_image(source.path.name):
        return "is an image; name the folder it is in"
    if source.path.suffix.lower() == ".json" and read_bytes(source.path)[:100].lstrip()[:1] == b"[":
        return "is a list; COCO results are predictions, which `detect evaluate` takes (expected an object with images)"
    if not source.files:
        return f"the folder is empty (expected {kinds})"
    if source.path.is_dir() and source.photos.files and len(source.photos.files) == len(source.files):
        return f"holds {len(source.files)} images but no annotations (expected {kinds})"
    return f"no known annotation format (expected {kinds})"
