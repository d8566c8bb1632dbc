"""Label Studio JSON (and JSON-MIN): a list of tasks, each with an image and the annotations of one or more people.

A rectangle is x, y, width, height in percent of the image, turned clockwise about its top-left corner by `rotation`
degrees; an ellipse is its centre and two radii, turned about the centre.
Source: https://labelstud.io/guide/export, https://labelstud.io/guide/task_format
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from detect.conversion import json_file, json_kinds
from detect.conversion.entries import Corners, Entry, FileReader, assemble
from detect.conversion.names import is_image
from detect.conversion.shapes import extent, turned_ellipse, turned_rectangle
from detect.conversion.sizes import Size
from detect.conversion.source import Source
from detect.conversion.tidy import Found, Labels
from detect.data import NONE, Attributes, Box, Dataset, Value
from detect.errors import DataError
from detect.progress import track

_IMAGE_KEYS = ("image", "img", "photo", "picture", "url", "image_url")
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of an uploaded file."""
_ANSWERS = ("choices", "rating", "number", "textarea", "taxonomy", "datetime")
"""The types of results that answer a question about a region or an image."""
_PLACE = ("x", "y", "width", "height", "rotation", "radiusX", "radiusY", "points")


def recognise(source: Source) -> bool:
    """JSON that is a list of tasks."""
    return json_kinds.any_of(source, "label-studio")


def read(source: Source) -> Dataset:
    """Every task of every file. Of several people's annotations the latest counts; skipped tasks are left out."""
    files = json_kinds.files_of(source, "label-studio")
    if not files:
        raise DataError(f"{source.path}: there is no Label Studio JSON in it")
    labels = Labels(source.problems, closed=False)
    entries = [entry for file in track(files, "Reading tasks") for entry in _entries(FileReader(source, file, labels))]
    return assemble(entries, labels, source)


def _entries(reader: FileReader) -> Iterator[Entry]:
    for where, task in _tasks(reader):
        link = image_link(task["data"] if isinstance(task.get("data"), dict) else task)
        if link is None:
            reader.add("error", "image without name", "the task names no image", where)
            continue
        since = len(reader.source.problems)
        results = _results(task, reader, where)
        if results is None:
            continue
        boxes, size, rest = _boxes(results, reader, where)
        boxes.check(reader.source.problems, since)
        name = _file_name(link, reader)
        yield reader.entry(name, boxes, f"{where}: result", where=where, size=size, attributes=rest)


def _tasks(reader: FileReader) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each task and what messages call it. JSON-MIN has a row for each person who annotated it: the latest counts."""
    tasks: dict[object, list[tuple[str, dict[str, Any]]]] = {}
    for place, row in json_file.rows(reader, json_file.load_for(reader), "task"):
        where = f"task {row.get('id', place)}"
        tasks.setdefault(where if "id" in row and _is_flat(row) else place, []).append((where, row))
    for rows in tasks.values():
        where, best = max(rows, key=lambda item: str(item[1].get("updated_at", "")))
        if len(rows) > 1:
            what = f"annotated {len(rows)} times; taken is {best.get('annotation_id', 'the first')}, the latest"
            reader.add("dropped", "further annotations of an image", what, where)
        yield where, best


def _is_flat(task: dict[str, Any]) -> bool:
    """Tell whether this is a row of JSON-MIN: the regions stand in the task, under the control's name."""
    return not {"data", "annotations", "completions"} & task.keys()


def image_link(data: dict[str, Any]) -> str | None:
    """Where the task's image is: under a usual key, else the first text that looks like an image's address."""
    texts = {key: text for key, text in data.items() if isinstance(text, str) and not text.startswith("data:")}
    usual = [texts[key] for key in _IMAGE_KEYS if key in texts]
    images = [text for text in texts.values() if is_image(text) or is_image(text.partition("?")[0])]
    others = [text for text in texts.values() if "/" in text]
    return next((link for link in [*usual, *images, *others] if link), None)


def _file_name(link: str, reader: FileReader) -> str:
    """The file's name in an address such as /data/upload/3/0f1e2d3c-car.jpg, or /data/local-files/?d=a/car.jpg.

    What was not uploaded keeps its folders, since photos of two claims may have the same name.
    """
    from urllib.parse import parse_qs, unquote, urlsplit

    try:
        parts = urlsplit(link)
    except ValueError:  # "http://[" and the like: no address
        return link
    photos = reader.source.photos
    local = parse_qs(parts.query).get("d") if parts.path.endswith("/local-files/") else None
    path = local[0] if local else unquote(parts.path)
    if not local and "/upload/" in path:
        path = path.rpartition("/")[2]
    elif local or parts.netloc:
        path = path.lstrip("/")
        found = photos.find(path)
        path = found[0] if len(found) == 1 else path
    bare = _UPLOADED.sub("", path.rpartition("/")[2])
    return bare if not photos.find(path) and photos.find(bare) else path or link


def _results(task: dict[str, Any], reader: FileReader, where: str) -> list[dict[str, Any]] | None:
    """The results that count; None, and reported, where the task was skipped."""
    if _is_flat(task):
        return _flat_results(task, reader, where)
    made = task.get("annotations", task.get("completions"))
    all_made = [row for _, row in json_file.rows(reader, made, f"{where}: annotation")]
    kept = [row for row in all_made if not row.get("was_cancelled") and not row.get("skipped")]
    if all_made and not kept:
        reader.add("dropped", "skipped task", "was skipped by the annotator; not an image", where)
        return None
    if not kept:
        reader.add("note", "image without annotations", "nobody annotated it; kept as an image without boxes", where)
        return []
    best = max(kept, key=lambda row: (bool(row.get("ground_truth")), str(row.get("updated_at", ""))))
    if len(kept) > 1:
        what = f"annotated {len(kept)} times; taken is {best.get('id', 'the first')}, ground truth or else the latest"
        reader.add("dropped", "further annotations of an image", what, where)
    return [row for _, row in json_file.rows(reader, best.get("result"), f"{where}: result")]


def _flat_results(task: dict[str, Any], reader: FileReader, where: str) -> list[dict[str, Any]]:
    """The regions of a JSON-MIN task as results.

    There a region has no id, but every answer about it repeats its place. A single choice or text does not: to which
    region it belongs cannot be known.
    """
    found = []
    for name, values in task.items():
        if isinstance(values, list) and any(isinstance(value, dict) and _kind(value) for value in values):
            regions = [value for value in values if not isinstance(value, str)]
            for _, value in json_file.rows(reader, regions, f"{where}: {name}"):
                region = str([value.get(key) for key in _PLACE])
                found.append({**value, "id": region, "from_name": name, "type": _kind(value), "value": value})
    return found


def _kind(value: dict[str, Any]) -> str:
    """The type of a region that does not state it; "" where this is none."""
    if "original_width" not in value:
        return next((key for key in value if key.endswith("labels")), "")
    stated = [key for key in value if key.endswith("labels") or key in _ANSWERS]
    shapes = {"text": "textarea", "points": "polygon", "radiusX": "ellipse", "rle": "brush", "height": "rectangle"}
    drawn = [kind for key, kind in shapes.items() if key in value]
    return [*stated, *drawn, "keypoint"][0]


def _boxes(rows: list[dict[str, Any]], reader: FileReader, where: str) -> tuple[Found, Size | None, Attributes]:
    """The boxes of a task's results, the size of the image that they state, and the answers about the whole image."""
    boxes = Found()
    size: Size | None = None
    answers, labels = _by_region(rows)
    for place, row in enumerate(rows, 1):
        value = row["value"] if isinstance(row.get("value"), dict) else {}
        here, region, kind = f"{where}: result {place}", str(row.get("id")), str(row.get("type", _kind(value)))
        if kind in (*_ANSWERS, "relation", "labels"):
            continue
        attributes = answers.pop(region, NONE)
        if not kind.startswith(("rectangle", "polygon", "ellipse")):
            reader.add("dropped", f"{kind.removesuffix('labels') or 'region'} not converted", "is no box", here)
            continue
        stated = json_file.numbers(row, ("original_width", "original_height"))
        if stated is None or not all(0 < number < 1e9 for number in stated):
            reader.add("error", "no size", "needs original_width and original_height", here)
            continue
        size = size or (int(stated[0]), int(stated[1]))
        names = _labels(value) or labels.get(region, [])
        if box := _box(kind, {**value, "labels": names}, stated, attributes, reader, here):
            boxes.add(place, box)
    return boxes, size, Attributes({name: value for rest in answers.values() for name, value in rest.items()})


def _labels(value: dict[str, Any]) -> list[Any]:
    """The labels of a region, under the name of its control's type (rectanglelabels)."""
    return next((found for key, found in value.items() if key.endswith("labels") and isinstance(found, list)), [])


def _box(
    kind: str, value: dict[str, Any], size: list[float], attributes: Attributes, reader: FileReader, where: str
) -> Box | None:
    names = value["labels"]
    label = names[0] if names and isinstance(names[0], str) else None
    if len(names) > 1:
        reader.add("dropped", "further label", f"has the labels {names}; the first counts", where)
    found = _corners(kind, value, size)
    if found is None:
        reader.add("error", "not a number", f"a {kind.removesuffix('labels')} needs its coordinates as numbers", where)
        return None
    corners, became = found
    return reader.box(label, corners, where, attributes, became)


def _corners(kind: str, value: dict[str, Any], size: list[float]) -> tuple[Corners, str] | None:
    """The upright box of a region in pixels, and what kind of shape it was ("" for an upright box)."""
    sx, sy = size[0] / 100, size[1] / 100
    turn = json_file.numbers({"rotation": 0, **value}, ("rotation",))
    if turn is None or not isfinite(turn[0]):
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


def _by_region(rows: list[dict[str, Any]]) -> tuple[dict[str, Attributes], dict[str, list[Any]]]:
    """By the id of the region: the answers about it, under the control's name; its labels, where a tag gives them.

    Label Studio has tags that draw and label (RectangleLabels), and one that draws (Rectangle) with one that labels.
    """
    answers: dict[str, dict[str, Value]] = {}
    labels: dict[str, list[Any]] = {}
    for row in rows:
        value, kind, region = row.get("value"), row.get("type"), str(row.get("id"))
        if not isinstance(value, dict):
            continue
        if kind == "labels":
            labels[region] = _labels(value)
        elif kind in _ANSWERS and (text := _text(value.get("text" if kind == "textarea" else str(kind)))) is not None:
            answers.setdefault(region, {})[str(row.get("from_name", kind))] = text
    return {region: Attributes(values) for region, values in answers.items()}, labels


def _text(answer: Any) -> Value | None:
    """An answer as one value: several joined, of a taxonomy the way down to each."""
    if isinstance(answer, list):
        return ", ".join("/".join(map(str, part)) if isinstance(part, list) else str(part) for part in answer)
    return answer if isinstance(answer, str | int | float) else None
