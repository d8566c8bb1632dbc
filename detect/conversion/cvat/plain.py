"""CVAT's XML image by image: plain boxes by regular expressions, in half a parser's time, all others by the parser.

The expressions match what CVAT writes, to the last attribute, and so only good XML without entities. An image that
departs from it is cut out and parsed; where the cuts are not sure, the rest is left to the streaming parser.
Why there are two readers: docs/decisions.md, "second readers".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO
from xml.etree.ElementTree import Element

from detect.conversion import safe_xml

PARTS = ("meta", "image", "track")
"""The elements that a file is read by."""

_VALUE = r'[^"<&\x00-\x1f\ufffe\uffff]*'
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?"
_GAP = r"[ \t\r\n]*"
_IMAGE = re.compile(
    rf'<image id="({_VALUE})" name="({_VALUE})"(?: subset="({_VALUE})")?(?: task_id="({_VALUE})")?'
    rf' width="([0-9]{{1,9}})" height="([0-9]{{1,9}})">{_GAP}'
)
_BOX = re.compile(
    rf'<box label="({_VALUE})" source="manual" occluded="0" xtl="({_NUMBER})" ytl="({_NUMBER})" xbr="({_NUMBER})"'
    rf' ybr="({_NUMBER})" z_order="0"(?:/>|>{_GAP}</box>){_GAP}'
)
_BETWEEN = re.compile(_GAP)
_TAIL = re.compile(rf"{_GAP}</annotations>{_GAP}")
_ENCODING = re.compile(r"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)")
_OPEN, _CLOSE = "<image ", "</image>"
_CHUNK = 1 << 16
_MOST = 1 << 26  # characters of a head or an image; beyond, the parser does better


class Plain(NamedTuple):
    """An image whose shapes are plain boxes: for each label, xtl, ytl, xbr, ybr, as written."""

    id: str
    name: str
    subset: str
    task_id: str
    size: tuple[int, int]
    boxes: list[tuple[str, ...]]


class _UnusualError(Exception):
    """The file cannot be cut into images with certainty."""


def items(path: Path, tracks: list[str] | None = None) -> Iterator[Element | Plain]:
    """The <meta> elements and the images of a file, in their order. Raises BrokenXML, OSError.

    Tracks do not belong here; their ids are added to `tracks`.
    """
    given = 0
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for item in _cut(file):
                yield item
                given += 1
    except (_UnusualError, UnicodeDecodeError):
        yield from islice(_without_tracks(path, tracks if tracks is not None else []), given, None)


def _without_tracks(path: Path, tracks: list[str]) -> Iterator[Element]:
    for node in safe_xml.stream(path, PARTS):
        if node.tag == "track":
            tracks.append(node.get("id", ""))
        else:
            yield node


def _cut(file: TextIO) -> Iterator[Element | Plain]:
    """The same, as long as the file is as CVAT writes it. Raises _UnusualError where it is not."""
    text = _until(file, "", _OPEN)
    at = text.find(_OPEN)
    yield from _head(text[:at])
    while text.startswith(_OPEN, at):
        end = text.find(_CLOSE, at)
        if end < 0:
            text, at = _until(file, text[at:], _CLOSE), 0
            continue
        yield _plain(text, at, end) or _image(text[at : end + len(_CLOSE)])
        at = end + len(_CLOSE)
        if len(text) - at < _CHUNK and (more := file.read(_CHUNK)):
            text, at = text[at:] + more, 0
        if found := _BETWEEN.match(text, at):
            at = found.end()
    if not _TAIL.fullmatch(text[at:] + file.read(_CHUNK)) or file.read(1):
        raise _UnusualError


def _until(file: TextIO, text: str, mark: str) -> str:
    """The text and what follows it, until a mark is in it."""
    pieces, last = [text], text
    size = len(text)
    while mark not in last:
        more = file.read(_CHUNK)
        size += len(more)
        if not more or size > _MOST:
            raise _UnusualError
        last = pieces[-1][-len(mark) :] + more
        pieces.append(more)
    return "".join(pieces)


def _head(text: str) -> Iterator[Element]:
    """What stands before the first image."""
    declared = _ENCODING.search(text)
    if declared and declared[1].lower() != "utf-8":
        raise _UnusualError
    root = _parsed(text + "</annotations>", "annotations")
    metas = root.findall("meta")
    if _cut_alone(root) != len(metas):
        raise _UnusualError
    yield from metas


def _plain(text: str, at: int, end: int) -> Plain | None:
    """The image between two places of the text; None where it holds anything but plain boxes."""
    image = _IMAGE.match(text, at)
    if image is None:
        return None
    at, boxes = image.end(), []
    while found := _BOX.match(text, at):
        boxes.append(found.groups())
        at = found.end()
    if at != end:
        return None
    number, name, subset, task, width, height = image.groups("")
    return Plain(number, name, subset, task, (int(width), int(height)), boxes)


def _image(text: str) -> Element:
    """An image that was cut out."""
    root = _parsed(text, "image")
    if _cut_alone(root) != 1:
        raise _UnusualError
    return root


def _parsed(text: str, tag: str) -> Element:
    try:
        root = safe_xml.parse(text.encode())
    except safe_xml.BrokenXML:
        raise _UnusualError from None  # broken, or cut in the wrong place: the parser will report it
    if root.tag != tag:
        raise _UnusualError
    return root


def _cut_alone(root: Element) -> int:
    """How many elements, the root included, are of those that the parser gives out one by one."""
    return sum(node.tag in PARTS for node in root.iter())
