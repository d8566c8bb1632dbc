"""CVAT's XML cut into images: never anything that the streaming parser would read otherwise."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.conversion.cvat import plain
from detect.conversion.cvat.plain import Plain, items
from detect.conversion.safe_xml import BrokenXML, stream

BOX = (
    '<box label="dent" source="manual" occluded="0" xtl="1.50" ytl="2" xbr="30.25" ybr="40" z_order="0">\n    </box>\n'
)
OTHER = '<polygon label="dent" points="1,1;9,1;9,9"><attribute name="a">b &amp; c</attribute></polygon>\n'
HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
    "  <meta><task><id>1</id></task></meta>\n"
)
TAIL = "</annotations>\n"


def image(*shapes: str, number: int = 0, more: str = "") -> str:
    return f'  <image id="{number}" name="{number}.jpg"{more} width="100" height="50">\n{"".join(shapes)}  </image>\n'


def document(*images: str) -> str:
    return HEAD + "".join(images) + TAIL


def told(item: Element | Plain) -> tuple[object, ...]:
    """What an item says, whichever way it was read."""
    if isinstance(item, Plain):
        return item.id, item.name, item.subset, item.task_id, item.size, item.boxes
    if item.tag == "meta":
        return ("meta", item.findtext("task/id"))
    keys = ("label", "xtl", "ytl", "xbr", "ybr")
    plain = all(shape.tag == "box" and len(shape) == 0 for shape in item)
    shapes = [tuple(shape.get(key) for key in keys) if plain else (shape.tag, *shape.attrib.values()) for shape in item]
    size = tuple(int(text) if (text := item.get(key, "0")).isdecimal() else text for key in ("width", "height"))
    return item.get("id", ""), item.get("name", ""), item.get("subset", ""), item.get("task_id", ""), size, shapes


def said(source: Iterator[Element | Plain]) -> list[object]:
    """What a source says; last of all that it breaks off, where it does."""
    found: list[object] = []
    try:
        found.extend(map(told, source))
    except BrokenXML:
        found.append(BrokenXML)
    return found


def check(path: Path) -> list[object]:
    """Cut and parsed say the same; of a broken file the parser, which takes many images at once, may say less."""
    cut, parsed = said(items(path)), said(stream(path, ("meta", "image")))
    if parsed[-1:] == [BrokenXML]:
        assert cut[-1] == BrokenXML
        assert cut[: len(parsed) - 1] == parsed[:-1]
    else:
        assert cut == parsed
    return cut


CASES = [
    # text, how many of its images are read without the parser
    (document(), 0),
    (document(image()), 1),
    (document(image(BOX), image(BOX, BOX, number=1)), 2),
    (document(image(BOX, more=' subset="Train" task_id="3"')), 1),
    (document(image(BOX)).replace(">\n    </box>", "/>"), 1),  # as `detect` writes it
    (document(image(BOX), image(OTHER, number=1), image(BOX, number=2)), 2),  # one of three is parsed
    (document(image(BOX)).replace("\n", "\r\n"), 1),
    ("\ufeff" + document(image(BOX)), 1),
    (document(image(BOX)).replace("1.50", "1.5e1"), 0),
    (document(image(BOX)).replace('"dent"', '"a &amp; b"'), 0),
    (document(image(BOX)).replace('z_order="0"', 'z_order="1"'), 0),
    (document(image(BOX), '<image id="1" name="1.jpg" width="9" height="9"/>'), 1),  # no end of its own
    (document(image(BOX), "<!-- <image> -->", image(BOX, number=1)), 1),
    (document(image("<!-- </image> -->", BOX)), 0),
    (document("<!-- ", image(BOX), " -->"), 0),
    (document("<![CDATA[", image(BOX), "]]>"), 0),
    (document(image(BOX), '<track id="0"/>'), 1),
    (document(image(BOX)).replace("utf-8", "latin-1"), 0),
    (document(image(BOX))[: -len(TAIL)], 1),  # breaks off behind an image
    (document(image(BOX))[:-40], 0),
    (document(image(BOX)) + "<a/>", 1),
    (document(image(BOX)).replace("<annotations>", "<other>").replace("</annotations>", "</other>"), 0),
    (document(image(BOX)).replace("</meta>", "</meta><image/>"), 0),
]


@pytest.mark.parametrize(("text", "plain"), CASES)
def test_cut_and_parsed_are_alike(text: str, plain: int, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode())
    check(path)
    read: list[Element | Plain] = []
    with suppress(BrokenXML):
        read.extend(items(path))
    assert sum(isinstance(item, Plain) for item in read) == plain


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_however_the_file_is_read(chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_CHUNK", chunk)
    path = tmp_path / "a.xml"
    path.write_text(document(*(image(BOX, number=n) if n % 3 else image(OTHER, number=n) for n in range(9))))
    assert len(check(path)) == 10


SNIPPETS = [b"", b"<", b">", b"&", b'"', b"<!--", b"-->", b"]]>", b"\0", b"\xff", b"\xc2\xa0", b"0", b" ", b"\n"]
SNIPPETS += [b"</image>", b"<image ", b"<image/>", b"</annotations>"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_files_are_read_alike(data: st.DataObject) -> None:
    shapes = st.lists(st.sampled_from([BOX, OTHER]), max_size=2)
    content = document(*(image(*data.draw(shapes), number=n) for n in range(data.draw(st.integers(0, 3))))).encode()
    for _ in range(data.draw(st.integers(0, 2))):
        start = data.draw(st.integers(0, len(content)))
        content = (
            content[:start] + data.draw(st.sampled_from(SNIPPETS)) + content[start + data.draw(st.integers(0, 4)) :]
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xml"
        path.write_bytes(content)
        check(path)
