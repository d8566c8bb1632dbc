"""LabelImg's own files by two regular expressions, in a third of the time of an XML parser.

They match what LabelImg's writer makes, to the last tag, and so only good XML without entities. Whatever departs
from it in any way, the parser reads (docs/decisions.md, "second readers"). Source: LabelImg, libs/pascal_voc_io.py
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TEXT = r"[^<&\]\x00-\x08\x0b-\x1f\ufffe\uffff]*"  # no ]]>, no line ends that XML would change
_GAP = r"[ \t\r\n]*"
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?"


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile(_GAP.join((*parts, "")).replace("TEXT", _TEXT).replace("NUMBER", _NUMBER))


_HEAD = _pattern(
    "",
    '<annotation(?: verified="(?:yes|no)")?>',
    "<folder>TEXT</folder>",
    "<filename>(TEXT)</filename>",
    "(?:<path>TEXT</path>)?",
    "<source>",
    "<database>TEXT</database>",
    "</source>",
    "<size>",
    "<width>([0-9]{1,9})</width>",
    "<height>([0-9]{1,9})</height>",
    "<depth>[0-9]*</depth>",
    "</size>",
    "<segmented>[0-9]*</segmented>",
)
_OBJECT = _pattern(
    "<object>",
    "<name>(TEXT)</name>",
    "<pose>Unspecified</pose>",
    "<truncated>([01])</truncated>",
    "<difficult>([01])</difficult>",
    "<bndbox>",
    "<xmin>(NUMBER)</xmin>",
    "<ymin>(NUMBER)</ymin>",
    "<xmax>(NUMBER)</xmax>",
    "<ymax>(NUMBER)</ymax>",
    "</bndbox>",
    "</object>",
)
_TAIL = _pattern("</annotation>")


class Plain(NamedTuple):
    """A file of LabelImg's: for each object name, truncated, difficult, xmin, ymin, xmax, ymax, as written."""

    filename: str
    width: int
    height: int
    objects: list[tuple[str, ...]]


def read_plain(data: bytes) -> Plain | None:
    """The content of a file that is just as LabelImg writes it; None for any other, good or bad."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    head = _HEAD.match(text)
    if head is None:
        return None
    at, objects = head.end(), []
    while found := _OBJECT.match(text, at):
        objects.append(found.groups())
        at = found.end()
    if _TAIL.fullmatch(text, at) is None:
        return None
    return Plain(head[1], int(head[2]), int(head[3]), objects)
