"""Label Studio JSON (and JSON-MIN): a list of tasks, each with an image and the annotations of one or more people.

A rectangle is x, y, width, height in percent of the image, turned clockwise about its top-left corner by `rotation`
degrees; an ellipse is its centre and two radii, turned about the centre.
Source: https://labelstud.io/guide/export, https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from detect.convert import json_file
from detect.convert.pages import Corners, Page, Sheet, assemble
from detect.convert.shapes import extent, turned_ellipse, turned_rectangle
from detect.convert.sizes import Size
from detect.convert.source import Source
from detect.convert.tidy import Found, Labels
from detect.data import NONE, Attributes, Box, Dataset, Value
from detect.errors import DataError
from detect.progress import track

HEAD = re.compile(
    r'\s*\[\s*\{(?=.*"(?:data"\s*:\s*\{|(?:annotations|completions)"\s*:\s*\[\s*\{[^{}]*"result"|lead_time"\s*:'
    r'|original_width"\s*:))(?!.*"coordinates"\s*:)',
    re.S,
)
_IMAGE_KEYS = ("image", "img", "photo", "picture", "url", "image_url")
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of an uploaded file."""


def recognise(source: Source) -> bool:
    """JSON that is a list of tasks."""
    return json_file.some_begin(source, HEAD)


def read(source: Source) -> Dataset:
    """Every task of every file. Of several people's annotations the latest counts; skipped tasks are left out."""
    files = json_file.beginning(source, HEAD)
    if not files:
        raise DataError(f"{source.path}: there is no Label Studio JSON in it")
    labels = Labels(source.problems, closed=False)
    pages = [page for file in track(files, "Reading tasks") for page in _pages(Sheet(source, file, labels))]
    return assemble(pages, labels, source)


def _pages(sheet: Sheet) -> Iterator[Page]:
    for place, task in json_file.rows(sheet, json_file.load_for(sheet), "task"):
        where = f"task {task.get('id', place)}"
        data = task["data"] if isinstance(task.get("data"), dict) else task
        link = _image_link(data)
        if link is None:
            sheet.add("error", "image without name", "the task names no image", where)
            continue
        results = _results(task, sheet, where)
        if results is None:
            continue
        rows = list(json_file.rows(sheet, results, f"{where}: result"))
        boxes, size = _boxes([row for _, row in rows], sheet, where)
        yield sheet.page(_file_name(link, sheet), boxes, f"{where}: result", where=where, size=size)


def _image_link(data: dict[str, Any]) -> str | None:
    """Where the task's image is: under a usual key, else the only text that looks like an image's address."""
    usual = [data[key] for key in _IMAGE_KEYS if isinstance(data.get(key), str)]
    others = [text for text in data.values() if isinstance(text, str) and "/" in text]
    return next((link for link in [*usual, *others] if link), None)


def _file_name(link: str, sheet: Sheet) -> str:
    """The file's name in an address such as /data/upload/3/0f1e2d3c-car.jpg, or /data/local-files/?d=a/car.jpg."""
    from urllib.parse import parse_qs, unquote, urlsplit

    parts = urlsplit(link)
    local = parse_qs(parts.query).get("d")
    path = local[0] if local else unquote(parts.path)
    if not local and ("/upload/" in path or parts.scheme):
        path = path.rpartition("/")[2]
    bare = _UPLOADED.sub("", path.rpartition("/")[2])
    photos = sheet.source.photos
    return bare if not photos.find(path) and photos.find(bare) else path


def _results(task: dict[str, Any], sheet: Sheet, where: str) -> Any:
    """The results that count; None, and reported, where the task was skipped."""
    made = task.get("annotations", task.get("completions"))
    if made is None and "data" not in task:  # JSON-MIN: the regions stand in the task, under the control's name
        regions = [value for value in task.values() if isinstance(value, list)]
        return next((value for value in regions if value and isinstance(value[0], dict)), [])
    all_made = [row for _, row in json_file.rows(sheet, made, f"{where}: annotation")]
    kept = [row for row in all_made if not row.get("was_cancelled")]
    if all_made and not kept:
        sheet.add("dropped", "skipped task", "was skipped by who annotated it; not an image", where)
        return None
    if not kept:
        sheet.add("note", "image without annotations", "nobody annotated it; kept as an image without boxes", where)
        return []
    best = max(kept, key=lambda row: (bool(row.get("ground_truth")), str(row.get("updated_at", ""))))
    if len(kept) > 1:
        what = f"annotated {len(kept)} times; taken is {best.get('id', 'the first')}, ground truth or else the latest"
        sheet.add("dropped", "further annotations of an image", what, where)
    return best.get("result")


def _boxes(rows: list[dict[str, Any]], sheet: Sheet, where: str) -> tuple[Found, Size | None]:
    """The boxes of a task's results, and the size of the image that they state."""
    boxes = Found()
    size: Size | None = None
    attributes = _by_region(rows)
    for place, row in enumerate(rows, 1):
        value = row["value"] if isinstance(row.get("value"), dict) else row
        here = f"{where}: result {place}"
        kind = str(row.get("type") or next((key for key in value if str(key).endswith("labels")), ""))
        stated = json_file.numbers(row, ("original_width", "original_height"))
        if kind in ("choices", "rating", "number", "textarea", "taxonomy", "relation", "labels", ""):
            continue
        if stated is None or min(stated) <= 0 or max(stated) > 1e9:
            sheet.add("error", "no size", "needs original_width and original_height", here)
            continue
        size = size or (int(stated[0]), int(stated[1]))
        if box := _box(kind, value, stated, attributes.get(str(row.get("id")), NONE), sheet, here):
            boxes.add(place, box)
    return boxes, size


def _box(
    kind: str, value: dict[str, Any], size: list[float], attributes: Attributes, sheet: Sheet, where: str
) -> Box | None:
    names = next((v for k, v in value.items() if str(k).endswith("labels") and isinstance(v, list)), [])
    label = names[0] if names and isinstance(names[0], str) else None
    if len(names) > 1:
        sheet.add("dropped", "further label", f"has the labels {names}; the first counts", where)
    if not kind.startswith(("rectangle", "polygon", "ellipse")):
        sheet.add("dropped", f"{kind.removesuffix('labels') or 'region'} not converted", "is no box", where)
        return None
    found = _corners(kind, value, size)
    if found is None:
        sheet.add("error", "not a number", f"a {kind.removesuffix('labels')} needs its coordinates as numbers", where)
        return None
    corners, became = found
    return sheet.box(label, corners, where, attributes, became)


def _corners(kind: str, value: dict[str, Any], size: list[float]) -> tuple[Corners, str] | None:
    """The upright box of a region in pixels, and what kind of shape it was ("" for an upright box)."""
    sx, sy = size[0] / 100, size[1] / 100
    turn = json_file.numbers({"rotation": 0, **value}, ("rotation",))
    if turn is None:
        return None
    if kind.startswith("polygon"):
        points = json_file.points(value.get("points"))
        return (extent([(x * sx, y * sy) for x, y in points]), "polygon") if points else None
    if kind.startswith("ellipse"):
        middle = json_file.numbers(value, ("x", "y", "radiusX", "radiusY"))
        if middle is None:
            return None
        x, y, rx, ry = middle
        return turned_ellipse(x * sx, y * sy, rx * sx, ry * sy, turn[0]), "ellipse"
    plain = json_file.numbers(value, ("x", "y", "width", "height"))
    if plain is None:
        return None
    x, y, w, h = (number * scale for number, scale in zip(plain, (sx, sy, sx, sy), strict=True))
    if turn[0] % 360 == 0:
        return (x, y, x + w, y + h), ""
    return turned_rectangle(x, y, x + w, y + h, turn[0], about=(x, y)), "rotated box"


def _by_region(rows: list[dict[str, Any]]) -> dict[str, Attributes]:
    """What else people said of a region (choices, numbers, ratings, text): attributes under the control's name."""
    found: dict[str, dict[str, Value]] = {}
    for row in rows:
        value, kind = row.get("value"), row.get("type")
        if not isinstance(value, dict) or kind not in ("choices", "rating", "number", "textarea"):
            continue
        said = value.get("text" if kind == "textarea" else str(kind))
        if isinstance(said, list):
            said = ", ".join(map(str, said))
        if isinstance(said, str | int | float):
            found.setdefault(str(row.get("id")), {})[str(row.get("from_name", kind))] = said
    return {region: Attributes(values) for region, values in found.items()}
