"""YOLO text labels: one file per image, one row per box, `class cx cy w h` as shares of the image.

Two headers are read: LabelImg's classes.txt beside or above the labels, and Ultralytics' data.yaml, which names
classes and splits. Geometry: docs/formats.md. Source: LabelImg, libs/yolo_io.py;
https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from detect.conversion.lost_content import report_attributes
from detect.conversion.media import Media, lay
from detect.conversion.names import image_names, posix, stem, suffix
from detect.conversion.sizes import Size, settle_size
from detect.conversion.source import Photos, Source
from detect.conversion.text import decode, read_bytes, write_classes, write_text
from detect.conversion.tidy import NEW, PRECISION, Found, gathered, is_named, leave_out, tidy
from detect.conversion.unread import FilesBeside
from detect.conversion.yolo.layout import Layout, find_layout, is_yolo
from detect.conversion.yolo.row_forms import Forms
from detect.conversion.yolo.rows import Rows
from detect.data import NONE, Box, Dataset, Image
from detect.errors import DataError, Problems
from detect.progress import track

recognise = is_yolo

_ROW = "%d %.12f %.12f %.12f %.12f\n"
"""With 12 digits the millionth of a pixel survives in images of up to 100,000 pixels."""

_UNIT = 10**PRECISION


def read(source: Source) -> Dataset:
    """Every image that the header lists, or that lies below the folder; one without a label file has no boxes."""
    layout, problems = find_layout(source), source.problems
    rows = Rows(Forms(layout.key_points, lists=layout.lists), problems)
    names = image_names([posix(file) for file in layout.images])
    beside = FilesBeside(layout.root, layout.others, Photos(layout.images_root, tuple(layout.images)))
    images: list[Image] = []
    unusual: list[tuple[Image, str]] = []  # with the label file, which is read when all have been seen
    entries = zip(layout.images, names, layout.split_of(names), strict=True)
    for file, name, split in track(entries, "Reading labels", len(names)):
        path, text = f"{layout.images_root}/{file}", layout.labels.find(file)
        if text is None:
            if beside.unread(file, problems):
                continue
            what = "has no label file; kept as an image without boxes"
            problems.add("note", "image without annotations", what, file=path)
        if not is_named(name, path, problems) or not (size := settle_size(path, None, path, problems)):
            continue
        content = _content(layout, text, path, problems)
        if content is None:
            continue
        table = layout.tables.of(text) if text else {}
        found = _plain(content, table, size)
        if found is None:
            rows.see(content, table)
            unusual.append((Image(name, *size, (), split, path=Path(path)), str(text)))
        else:
            boxes = tidy(found, *size, f"{layout.root}/{text}", "line", problems)
            images.append(Image(name, *size, boxes, split, path=Path(path)))
    images += _with_unusual_rows(unusual, rows, layout, problems)
    layout.report(problems)
    return gathered(layout.tables.classes, images, problems)


def _with_unusual_rows(
    unusual: Sequence[tuple[Image, str]], rows: Rows, layout: Layout, problems: Problems
) -> Iterator[Image]:
    """The images whose labels are not all plain boxes, with their boxes; one with a bad row is left out."""
    for image, text in track(unusual, "Reading unusual rows", len(unusual)):
        file, size = f"{layout.root}/{text}", (image.width, image.height)
        content = _content(layout, text, str(image.path), problems)
        if content is None:
            continue
        found = rows.boxes(content, layout.tables.of(text), size, file)
        boxes = tidy(found, *size, file, "line", problems)
        if found.whole:
            yield replace(image, boxes=boxes)
        else:
            leave_out(str(image.path), file, problems)


def _content(layout: Layout, text: str | None, image: str, problems: Problems) -> str | None:
    """What a label file holds, nothing for none; None, and the image is left out, where it cannot be read."""
    if text is None:
        return ""
    file = f"{layout.root}/{text}"
    try:
        return decode(read_bytes(file), file)
    except DataError as error:
        problems.items.extend(error.problems)
        leave_out(image, file, problems)
        return None


def _plain(content: str, table: Mapping[str, str], size: Size) -> Found | None:
    """The boxes of a label file, None where one of its rows is no plain box."""
    found = Found()
    width, height = size[0] * _UNIT, size[1] * _UNIT
    for place, line in enumerate(content.splitlines(), 1):
        if values := line.split():
            box = _usual(values, table, width, height)
            if box is None:
                return None
            found.boxes.append(box)
            found.places.append(place)
    return found


def _usual(values: list[str], table: Mapping[str, str], width: int, height: int) -> Box | None:
    """The box of a row as tools write it, there may be a million; None for any other. Sizes in millionths of a pixel.

    Adding a half and cutting is what `round` does, in a third of its time.
    """
    label = table.get(values[0])
    if label is None or len(values) != 5:
        return None
    try:
        cx, cy, w, h = float(values[1]), float(values[2]), float(values[3]) / 2, float(values[4]) / 2
    except ValueError:
        return None
    if not (0 <= cx <= 1 and 0 <= cy <= 1 and 0 < w <= 1 and 0 < h <= 1):
        return None
    x1, y1 = int((cx - w) * width + 0.5) / _UNIT, int((cy - h) * height + 0.5) / _UNIT
    x2, y2 = int((cx + w) * width + 0.5) / _UNIT, int((cy + h) * height + 0.5) / _UNIT
    return NEW(Box, (label, x1, y1, x2, y2, None, NONE))


def write(dataset: Dataset, folder: Path, media: Media, problems: Problems) -> None:
    """data.yaml, classes.txt, images/, labels/ and, where there are splits, a list of images for each."""
    report_attributes(dataset, "YOLO", problems)
    dataset = without_clashes(dataset, problems)
    lay(dataset, folder / "images", media, problems)
    write_labels(dataset, folder / "labels")
    write_classes(dataset.classes, folder)
    write_text(folder / "data.yaml", _header(dataset, folder))


def write_labels(dataset: Dataset, folder: Path) -> None:
    """The label file of each image, under the image's name, in a folder."""
    numbers = {label: number for number, label in enumerate(dataset.classes)}
    for image in track(dataset.images, "Writing labels"):
        wide, high, rows = image.width, image.height, []
        for label, x1, y1, x2, y2, _, _ in image.boxes:
            cx, cy, w, h = (x1 + x2) / (2 * wide), (y1 + y2) / (2 * high), (x2 - x1) / wide, (y2 - y1) / high
            rows.append(_ROW % (numbers[label], cx, cy, w, h))
        write_text(f"{folder}/{stem(image.name)}.txt", "".join(rows))


def _header(dataset: Dataset, folder: Path) -> str:
    """The text of data.yaml; writes the lists it names. Without `path`, so that the folder can be moved."""
    import yaml

    lists: dict[str, list[str]] = {}
    if dataset.splits:
        for image in dataset.images:
            lists.setdefault(image.split or "default", []).append(f"./images/{image.name}\n")
    for split, rows in lists.items():
        write_text(folder / f"{split}.txt", "".join(rows))
    some = "train" if "train" in lists else next(iter(lists), None)
    entries = {split: f"{split}.txt" for split in ("train", "val", "test", *lists) if split in lists}
    for needed in ("train", "val"):  # Ultralytics refuses a file without these two
        entries.setdefault(needed, f"{some}.txt" if some else "images")
    head = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)
    names = yaml.safe_dump({"names": dict(enumerate(dataset.classes))}, sort_keys=False, allow_unicode=True)
    return head + names


def without_clashes(dataset: Dataset, problems: Problems) -> Dataset:
    """No two images that would share a label file: of 1.jpg and 1.png the second becomes 1_png.png."""
    if len({stem(image.name).lower() for image in dataset.images}) == len(dataset):
        return dataset
    taken: set[str] = set()
    images = []
    for image in dataset.images:
        name = image.name
        while stem(name).lower() in taken:
            name = f"{stem(name)}_{suffix(name)[1:] or 'x'}{name[len(stem(name)) :]}"
        if name != image.name:
            problems.add("lost", "image renamed", f"becomes {name}: YOLO has one label file per name", file=image.name)
        taken.add(stem(name).lower())
        images.append(image if name == image.name else replace(image, name=name))
    return replace(dataset, images=tuple(images))
