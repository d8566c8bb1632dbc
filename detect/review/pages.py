"""A static look at a review: pages of photos with their boxes drawn, one page per view, without a server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from detect.data import Box, Dataset, Image
from detect.drawing import draw
from detect.errors import DataError
from detect.evaluation import Evaluation
from detect.evaluation.gallery import enlarged
from detect.evaluation.worst_images import what_is_wrong
from detect.files import atomic_folder
from detect.progress import track
from detect.review.colours import GREEN, GREY, LEGEND, LIGHT_GREEN, MAGENTA, YELLOW
from detect.review.findings import FALSE, FOUND, MISSED, RIGHT, UNSURE, Findings

LONGEST = 800  # pixels of the longer side
TRUTH = {FOUND: GREEN, MISSED: YELLOW}
PREDICTION = {RIGHT: LIGHT_GREEN, FALSE: MAGENTA}


class Page(NamedTuple):
    """A view as a page: its name, what it shows, and the names of its images, worst first."""

    name: str
    about: str
    images: Sequence[str]


def write_pages(
    dest: Path, title: str, note: str, pages: Sequence[Page], dataset: Dataset, result: Evaluation, found: Findings
) -> None:
    """Write index.html, a page per view and the drawn photos to the new folder `dest`, all or nothing.

    Photos that cannot be read are listed without a picture. Raises DetectError where `dest` has something in it.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.get_template("pages.html")
    shown = {name for page in pages for name in page.images}
    files = _files(pages)
    places = {name: place for place, name in enumerate(result.table.images)}
    with atomic_folder(dest) as folder:
        (folder / "photos").mkdir()
        cases = {}
        images = [image for image in dataset.images if image.name in shown]
        for number, image in enumerate(track(images, "drawing"), 1):
            place = places[image.name]
            file = f"photos/{number:05}.jpg"
            drawn = _draw(image, place, found, folder / file)
            line = "; ".join(filter(None, [*_issues(image, place, found), what_is_wrong(result.outcomes, place)]))
            cases[image.name] = {"name": image.name, "file": file if drawn else "", "line": line or "no mistake"}
        context = {"title": title, "note": note, "pages": pages, "files": files, "cases": cases, "legend": LEGEND}
        for page in (None, *pages):
            html = template.render(page=page, **context)
            (folder / (files[page.name] if page else "index.html")).write_text(html, encoding="utf-8")


def _files(pages: Sequence[Page]) -> dict[str, str]:
    """The file of each page by its name; two classes may differ in what no file name can hold."""
    files: dict[str, str] = {}
    for number, page in enumerate(pages, 1):
        file = re.sub(r"[^a-z0-9]+", "-", page.name.lower()).strip("-") + ".html"
        files[page.name] = file if file not in files.values() else f"{number}-{file}"
    return files


def _draw(image: Image, place: int, found: Findings, file: Path) -> bool:
    """Save the photo with its boxes; False where it cannot be read."""
    try:
        photo = enlarged(image.open(longest=LONGEST))
    except DataError:
        return False
    across, down = photo.width / image.width, photo.height / image.height
    marks = [*_truths(image, place, found), *_detections(place, found)]
    boxes = [Box(b.label, b.x1 * across, b.y1 * down, b.x2 * across, b.y2 * down, b.score) for b, _ in marks]
    tags = [_tag(box, colour) for box, (_, colour) in zip(boxes, marks, strict=True)]
    dashed = [box.score is not None for box in boxes]
    draw(photo, boxes, colours=[colour for _, colour in marks], tags=tags, dashed=dashed).save(file, quality=85)
    return True


def _issues(image: Image, place: int, found: Findings) -> Iterator[str]:
    """What is probably wrong with its annotation."""
    words = {"class": "is another class", "box": "has other edges", "extra": "is not there"}
    first = int(found.truth_starts[place])
    for number, box in enumerate(image.boxes):
        if issue := str(found.truths.issue[first + number]):
            yield f"perhaps the {box.label} {words[issue]} ({found.truths.issue_score[first + number]:.2f})"


def _tag(box: Box, colour: str) -> str:
    """A true box that was found needs no tag: the prediction on it has one."""
    if box.score is not None:
        return f"{box.label} {box.score:.2f}"
    return "" if colour == GREEN else box.label


def _truths(image: Image, place: int, found: Findings) -> Iterator[tuple[Box, str]]:
    first = int(found.truth_starts[place])
    for number, box in enumerate(image.boxes):
        yield box, TRUTH.get(str(found.truths.status[first + number]), GREY)


def _detections(place: int, found: Findings) -> Iterator[tuple[Box, str]]:
    rows = found.detections
    for row in range(int(found.starts[place]), int(found.starts[place + 1])):
        if rows.status[row] != UNSURE:
            x1, y1, x2, y2 = rows.xyxy[row].tolist()
            box = Box(str(rows.label[row]), x1, y1, x2, y2, float(rows.score[row]))
            yield box, PREDICTION.get(str(rows.status[row]), GREY)
