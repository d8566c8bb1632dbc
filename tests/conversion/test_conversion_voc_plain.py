"""LabelImg's own files read without a parser: never anything that the parser would read otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.conversion.safe_xml import BrokenXML, parse
from detect.conversion.voc.plain import Plain, read_plain

OBJECT = """\t<object>
\t\t<name>{name}</name>
\t\t<pose>Unspecified</pose>
\t\t<truncated>1</truncated>
\t\t<difficult>0</difficult>
\t\t<bndbox>
\t\t\t<xmin>{xmin}</xmin>
\t\t\t<ymin>240</ymin>
\t\t\t<xmax>195</xmax>
\t\t\t<ymax>371</ymax>
\t\t</bndbox>
\t</object>
"""
PAGE = """<annotation verified="yes">
\t<folder>photos</folder>
\t<filename>1.jpg</filename>
\t<path>C:\\photos\\1.jpg</path>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>353</width>
\t\t<height>500</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
{objects}</annotation>
"""


def xml(name: str = "dent", xmin: str = "48", count: int = 2) -> str:
    return PAGE.format(objects=OBJECT.format(name=name, xmin=xmin) * count)


def parsed(data: bytes) -> Plain:
    """The same by the parser."""
    root = parse(data)
    keys = ("name", "truncated", "difficult", "bndbox/xmin", "bndbox/ymin", "bndbox/xmax", "bndbox/ymax")
    objects = [tuple(node.findtext(key) or "" for key in keys) for node in root.iter("object")]
    size = [int(root.findtext(f"size/{key}") or "") for key in ("width", "height")]
    return Plain(root.findtext("filename") or "", size[0], size[1], objects)


def test_what_labelimg_writes() -> None:
    assert read_plain(xml().encode()) == Plain("1.jpg", 353, 500, [("dent", "1", "0", "48", "240", "195", "371")] * 2)
    assert read_plain(xml(count=0).encode()) == Plain("1.jpg", 353, 500, [])
    assert read_plain(xml("Delle 臉").replace("\n", "\r\n").encode()) == parsed(xml("Delle 臉").encode())


@pytest.mark.parametrize(
    "text",
    [
        xml()[:-5],  # breaks off
        xml() + "x",  # something behind the end
        xml() + "<a/>",
        xml("a &amp; b"),  # an entity
        xml("<b>a</b>"),
        xml("a\x01"),  # a character that XML does not allow
        xml(xmin="1e3"),  # numbers as LabelImg does not write them
        xml(xmin="nan"),
        xml(xmin=""),
        xml().replace("</name>", "</name><name>b</name>", 1),
        xml().replace("</object>", "<attributes/></object>", 1),  # written by CVAT
        xml().replace("Unspecified", "Left", 1),
        xml().replace("<bndbox>", "<bndbox><!-- -->", 1),
        '<?xml version="1.0" encoding="latin-1"?>' + xml(),
        '<!DOCTYPE a [<!ENTITY b "c">]>' + xml(),
        "\ufeff" + xml(),
        xml().replace('verified="yes"', 'xmlns="x"'),
    ],
)
def test_all_else_is_left_to_the_parser(text: str) -> None:
    assert read_plain(text.encode()) is None


def test_bytes_that_are_no_text() -> None:
    assert read_plain(xml("Delle").encode().replace(b"Delle", b"Delle\xff")) is None
    assert read_plain(b"") is None


SNIPPETS = [
    b"",
    b"<",
    b">",
    b"&",
    b"]]>",
    b"\0",
    b"\x1d",
    b"\xc2\xa0",
    b"\xef\xbf\xbf",
    b"0",
    b".",
    b"-",
    b" ",
    b"\n",
    b"</object>",
]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_never_other_than_the_parser(data: st.DataObject) -> None:
    content = xml(data.draw(st.text(max_size=5)), count=data.draw(st.integers(0, 2))).encode("utf-8", "surrogatepass")
    for _ in range(data.draw(st.integers(0, 2))):
        start = data.draw(st.integers(0, len(content)))
        content = (
            content[:start] + data.draw(st.sampled_from(SNIPPETS)) + content[start + data.draw(st.integers(0, 3)) :]
        )
    quick = read_plain(content)
    if quick is not None:
        try:
            assert quick == parsed(content)
        except BrokenXML as error:
            pytest.fail(f"read, but no good XML: {error}")


def test_every_real_file_is_read_alike(shared_data: Path) -> None:
    files = sorted((shared_data / "neu-det-voc").rglob("*.xml"))
    assert len(files) == 1800
    for path in files:
        data = path.read_bytes()
        assert read_plain(data) == parsed(data), path
