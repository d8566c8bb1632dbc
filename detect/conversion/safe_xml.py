"""XML without its dangers: a document type declaration is refused, and with it every entity."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

VOC = "annotation"
"""The root element of VOC's files; CVAT's is called annotations."""

_CHUNK = 1 << 15  # what is made of a chunk stays in the processor's cache
_DOCTYPE = b"<!DOCTYPE"
_SOME = 20
_DECLARATION = 1 << 9
_LOOK = 1 << 14
_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^<>\[]*(?:\[.*?\]\s*)?>)*+<([A-Za-z_][\w.-]*)", re.DOTALL
)
_ENCODING = re.compile(rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)""")
_LINE_ENDS = {ord("\n"): "&#10;", ord("\r"): "&#13;", ord("\t"): "&#9;"}
_ERRORS = (ElementTree.ParseError, ValueError, LookupError)
"""What the parser and the decoders raise."""


class BrokenXML(Exception):
    """The file is not good XML; the text says what is wrong, in a user's words."""


class UnsafeXML(BrokenXML):
    """The file has a document type declaration: the door of entity bombs and of files read from elsewhere."""

    def __init__(self) -> None:
        super().__init__("has a <!DOCTYPE>, which no annotation tool writes and which can hide an attack; refused")


def parse(data: bytes) -> Element:
    """The root element of a whole file. Raises BrokenXML."""
    try:
        data = _plain(data)
        if _DOCTYPE in data:
            raise UnsafeXML
        return ElementTree.XML(data)
    except _ERRORS as error:
        raise BrokenXML(f"is not good XML: {error}") from error


def stream(path: Path, tags: Collection[str]) -> Iterator[Element]:
    """The elements of these tags as they end, each emptied after use: memory stays small however long the file.

    Raises BrokenXML, OSError.
    """
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("end",))
    before = b""
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            try:
                if not before:
                    chunk = _plain(chunk + file.read() if _is_utf16(chunk) else chunk)
                if _DOCTYPE in chunk or _DOCTYPE in before + chunk[: len(_DOCTYPE)]:
                    raise UnsafeXML
                before = chunk[-len(_DOCTYPE) :]
                parser.feed(chunk)
                ended = [element for _, element in cast("Iterator[tuple[str, Element]]", parser.read_events())]
            except _ERRORS as error:
                raise BrokenXML(f"is not good XML: {error}") from error
            for element in ended:
                if element.tag in tags:
                    yield element
                    element.clear()
    try:
        parser.close()
    except _ERRORS as error:
        raise BrokenXML(f"is not good XML: {error}") from error


def telling(root: Path, files: Sequence[str]) -> list[str]:
    """The files by which XML is recognised: all, or where VOC's are among those nearest the top, these.

    There may be a million of VOC's. Its reader opens every file, and reports one of another kind.
    """
    some = heapq.nsmallest(_SOME, files, key=lambda file: (file.count("/"), file))
    return some if any(root_tag(root / file) == VOC for file in some) else list(files)


def root_tag(path: Path) -> str:
    """The name of the root element; "" where there is none. What stands before it may be long: a comment, a licence."""
    try:
        with path.open("rb") as file:
            head = file.read(_LOOK)
            found = _ROOT.match(_plain(head[: len(head) // 2 * 2]))
            return found[1].decode() if found else _parsed_root(head, file)
    except (OSError, *_ERRORS):
        return ""


def _parsed_root(head: bytes, file: BinaryIO) -> str:
    """The name of the root element by the parser, which reads no further than there."""
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("start",))
    chunk = head
    while chunk:
        parser.feed(chunk)
        for _, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
            return str(element.tag)
        chunk = file.read(_CHUNK)
    return ""


def escape(text: str) -> str:
    """Text as the content of an element."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoted(text: str) -> str:
    """Text as the value of an attribute, with its quotation marks."""
    text = escape(text).replace('"', "&quot;")
    return f'"{text.translate(_LINE_ENDS)}"'


def _is_utf16(data: bytes) -> bool:
    return data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]


def _plain(data: bytes) -> bytes:
    """The beginning of a file in an encoding that shows ASCII as it is, so that no word hides from the search.

    UTF-16 becomes UTF-8. Raises ValueError for the others that do not (EBCDIC, UTF-7).
    """
    if _is_utf16(data):
        return re.sub(r"^\s*<\?xml[^>]*\?>", "", data.decode("utf-16").lstrip("\ufeff")).encode()
    declared = _ENCODING.match(data[:_DECLARATION])
    if declared and _DOCTYPE.decode().encode(name := declared[1].decode()) != _DOCTYPE:
        raise ValueError(f"its encoding {name} is none of those that annotation tools use")
    return data
