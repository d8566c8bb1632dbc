"""Writing Pascal VOC XML: Annotations/, JPEGImages/, ImageSets/Main/ and, which VOC does not have, classes.txt."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from detect.conversion.lost_content import report_attributes
from detect.conversion.media import Media, lay
from detect.conversion.names import stem
from detect.conversion.safe_xml import escape
from detect.conversion.text import number, untyped, write_classes, write_text
from detect.data import Box, Dataset, Image, Value
from detect.errors import Problems
from detect.progress import track

FLAGS = ("truncated", "difficult", "occluded")
"""0 or 1 beside the name; an attribute where they are 1. LabelImg writes the first two, the devkit all three."""

UNSPECIFIED = "Unspecified"


def write(dataset: Dataset, folder: Path, media: Media, problems: Problems, origin: int = 0) -> None:
    """Annotations/, JPEGImages/, ImageSets/Main/<split>.txt and classes.txt below `folder`; `origin` as in read."""
    report_attributes(dataset, "VOC", problems, boxes=False)
    lay(dataset, folder / "JPEGImages", media, problems)
    write_classes(dataset.classes, folder)
    often = Counter(stem(image.name) for image in dataset.images)
    lists: dict[str, list[str]] = {}
    for image in track(dataset.images, "Writing XML"):
        # two images called 1.jpg and 1.png: <filename> tells their XML files apart
        name = stem(image.name) if often[stem(image.name)] == 1 else image.name
        write_text(f"{folder}/Annotations/{name}.xml", _xml(image, origin))
        if image.split is not None:
            lists.setdefault(image.split, []).append(name)
    for split, names in lists.items():
        write_text(folder / "ImageSets" / "Main" / f"{split}.txt", "".join(f"{name}\n" for name in names))


def _xml(image: Image, origin: int) -> str:
    folder, _, name = f"JPEGImages/{image.name}".rpartition("/")
    return (
        f"<annotation>\n\t<folder>{escape(folder.rpartition('/')[2])}</folder>\n"
        f"\t<filename>{escape(name)}</filename>\n\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n"
        f"\t<size>\n\t\t<width>{image.width}</width>\n\t\t<height>{image.height}</height>\n"
        f"\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>\n"
        f"{''.join(_object(box, origin) for box in image.boxes)}</annotation>\n"
    )


def _object(box: Box, origin: int) -> str:
    attributes = dict(box.attributes)
    pose = escape(untyped(attributes.pop("pose", UNSPECIFIED)))
    truncated, difficult, occluded = (int(bool(attributes.pop(flag, False))) for flag in FLAGS)
    x1, y1, x2, y2 = (number(value) for value in (box.x1 + origin, box.y1 + origin, box.x2, box.y2))
    return (
        f"\t<object>\n\t\t<name>{escape(box.label)}</name>\n\t\t<pose>{pose}</pose>\n"
        f"\t\t<truncated>{truncated}</truncated>\n\t\t<difficult>{difficult}</difficult>\n"
        + ("\t\t<occluded>1</occluded>\n" if occluded else "")
        + f"\t\t<bndbox>\n\t\t\t<xmin>{x1}</xmin>\n\t\t\t<ymin>{y1}</ymin>\n"
        f"\t\t\t<xmax>{x2}</xmax>\n\t\t\t<ymax>{y2}</ymax>\n\t\t</bndbox>\n"
        f"{_extension(attributes)}\t</object>\n"
    )


def _extension(attributes: dict[str, Value]) -> str:
    """Other attributes as CVAT writes them into VOC; LabelImg passes over the element."""
    if not attributes:
        return ""
    rows = "".join(
        f"\t\t\t<attribute>\n\t\t\t\t<name>{escape(name)}</name>\n"
        f"\t\t\t\t<value>{escape(untyped(value))}</value>\n\t\t\t</attribute>\n"
        for name, value in attributes.items()
    )
    return f"\t\t<attributes>\n{rows}\t\t</attributes>\n"
