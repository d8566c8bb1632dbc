"""Pictures from files that may be anything, and boxes drawn so that they can be read."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detect.data import Box
from detect.drawing import MAX_PIXELS, PALETTE, class_colours, draw, open_upright
from detect.errors import DataError

GREY = (128, 128, 128)


def blank(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), GREY)


def changed(picture: Image.Image) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which pixels (H, W) are no longer grey."""
    return np.asarray(np.any(np.asarray(picture) != GREY[0], axis=2))


@pytest.mark.parametrize(
    ("size", "box"),
    [
        pytest.param((8, 8), (1, 1, 7, 7), id="a picture smaller than its tag"),
        pytest.param((60, 40), (20, 10, 40, 30), id="a thumbnail"),
        pytest.param((200, 200), (150, 0, 200, 12), id="in the top right corner"),
        pytest.param((640, 480), (600, 470, 640, 480), id="in the bottom right corner"),
        pytest.param((640, 480), (-20, -20, 700, 500), id="larger than the picture"),
        pytest.param((640, 480), (300, 200, 300, 200), id="without extent"),
        pytest.param((640, 480), (900, 900, 950, 950), id="outside"),
        pytest.param((2000, 40), (10, 10, 100, 30), id="a strip"),
    ],
)
def test_something_is_drawn_wherever_the_box_lies(size: tuple[int, int], box: tuple[float, ...]) -> None:
    x1, y1, x2, y2 = box[:4]
    drawn = draw(blank(*size), [Box("rear bumper, dented", x1, y1, x2, y2, 0.5)])
    assert drawn.size == size
    assert changed(drawn).any()


def test_no_boxes_leave_the_picture_as_it_was() -> None:
    picture = blank(50, 40)
    assert not changed(draw(picture, [])).any()


def test_the_picture_given_is_not_changed() -> None:
    picture, array = blank(50, 40), np.full((40, 50, 3), 128, dtype=np.uint8)
    from_array = draw(array, [Box("dent", 5, 5, 40, 35)])
    assert not changed(picture).any()
    assert (array == 128).all()
    assert (np.asarray(from_array) == np.asarray(draw(picture, [Box("dent", 5, 5, 40, 35)]))).all()


def test_the_outline_is_where_the_box_is() -> None:
    drawn = changed(draw(blank(400, 300), [Box("dent", 100, 50, 300, 250)], tags="none"))
    rows, columns = np.nonzero(drawn)
    assert (columns.min(), columns.max()) == pytest.approx((100, 300), abs=2)
    assert (rows.min(), rows.max()) == pytest.approx((50, 250), abs=2)
    assert not drawn[60:240, 110:290].any()  # its inside stays visible


@pytest.mark.parametrize("edge", [(0, 0, 200, 20), (0, 180, 200, 200), (180, 80, 200, 120)])
def test_a_tag_stays_whole_inside_the_picture(edge: tuple[float, float, float, float]) -> None:
    """Its filled area is the same at the border as in the middle of the picture."""

    def painted(box: tuple[float, float, float, float]) -> int:
        drawn = np.asarray(draw(blank(200, 200), [Box("dent", *box)], colours={"dent": "#FF0000"}))
        outline = np.asarray(draw(blank(200, 200), [Box("dent", *box)], colours={"dent": "#FF0000"}, tags="none"))
        return int(np.any(drawn != outline, axis=2).sum())

    assert painted(edge) == pytest.approx(painted((80, 80, 100, 100)), rel=0.35)


def test_tags_of_boxes_on_one_spot_do_not_hide_each_other() -> None:
    box = Box("dent", 200, 200, 300, 300)
    one = changed(draw(blank(640, 480), [box])).sum()
    two = changed(draw(blank(640, 480), [box, box._replace(label="tent")])).sum()
    outline = changed(draw(blank(640, 480), [box], tags="none")).sum()
    assert two - outline > 1.8 * (one - outline)


def test_lines_and_letters_grow_with_the_picture() -> None:
    def share(size: int) -> float:
        box = Box("dent", size * 0.25, size * 0.25, size * 0.75, size * 0.75)
        return float(changed(draw(blank(size, size), [box])).mean())

    assert share(3000) == pytest.approx(share(1000), rel=0.25)


def test_dashed_paints_less_colour_than_solid() -> None:
    box, red = Box("dent", 20, 20, 280, 180), {"dent": "#FF0000"}

    def reds(dashed: bool) -> int:
        drawn = np.asarray(draw(blank(300, 200), [box], colours=red, dashed=dashed, tags="none"))
        return int((drawn == (255, 0, 0)).all(axis=2).sum())

    assert reds(True) == pytest.approx(0.5 * reds(False), rel=0.2)


def test_colours_and_tags_may_be_given_per_box() -> None:
    boxes = [Box("dent", 10, 10, 90, 90), Box("dent", 110, 10, 190, 90)]
    drawn = np.asarray(draw(blank(200, 100), boxes, colours=["#FF0000", "#0000FF"], tags=["", ""]))
    assert (drawn[:, :100] == (255, 0, 0)).all(axis=2).any()
    assert (drawn[:, 100:] == (0, 0, 255)).all(axis=2).any()
    assert not (drawn[:, :100] == (0, 0, 255)).all(axis=2).any()


def test_a_class_keeps_its_colour() -> None:
    alone = np.asarray(draw(blank(100, 100), [Box("dent", 10, 10, 90, 90)], tags="none"))
    beside = draw(blank(100, 100), [Box("dent", 10, 10, 90, 90), Box("crack", 200, 200, 210, 210)], tags="none")
    assert (alone[11, 50] == np.asarray(beside)[11, 50]).all()


def test_many_classes_have_many_colours() -> None:
    colours = class_colours([f"class{i}" for i in range(24)])
    assert len(set(colours.values())) == 24
    assert tuple(colours.values())[: len(PALETTE)] == PALETTE


def test_labels_in_any_alphabet_are_drawn() -> None:
    texts = ["вмятина", "Beule größer", "εκδορά", "", "a" * 500, "line\nbreak"]
    boxes = [Box(text, 20, 20 * i, 60, 20 * i + 10) for i, text in enumerate(texts)]
    assert changed(draw(blank(200, 200), boxes)).any()


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    photo = Image.new("RGB", (80, 40), "white")
    photo.paste((255, 0, 0), (0, 0, 10, 40))  # red on its left
    exif = photo.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise: left becomes top
    photo.save(tmp_path / "a.jpg", exif=exif, quality=95)
    upright = open_upright(tmp_path / "a.jpg")
    assert upright.size == (40, 80)
    red, green, _ = np.asarray(upright)[3, 20]
    assert (red > 200, green < 60) == (True, True)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["L", "I;16", "RGB", "RGBA", "CMYK"])
def test_a_tiff_is_turned_as_a_picture_without_orientation_is(tmp_path: Path, mode: str, orientation: int) -> None:
    """PIL mixes up the rows of some, which lie on their side, when it opens them by name."""
    colours = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    picture = Image.fromarray(colours[..., 0].astype(np.uint16) * 257)
    if mode != "I;16":
        picture = Image.fromarray(colours, "CMYK" if mode == "CMYK" else "RGBA").convert(mode)
    picture.save(tmp_path / "flat.tif")
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "turned.tif", exif=exif)
    expected = np.asarray(open_upright(tmp_path / "flat.tif"))
    if orientation in (5, 6, 7, 8):
        expected = expected.transpose(1, 0, 2)
    expected = expected[:, ::-1] if orientation in (2, 3, 6, 7) else expected
    expected = expected[::-1] if orientation in (3, 4, 7, 8) else expected
    np.testing.assert_array_equal(np.asarray(open_upright(tmp_path / "turned.tif")), expected)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_longest_shrinks_and_never_enlarges(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    blank(900, 300).save(path)
    assert open_upright(path, longest=300).size == (300, 100)
    assert open_upright(path, longest=2000).size == (900, 300)


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("L", 200, 200),
        ("P", 0, 0),
        ("RGBA", (200, 200, 200, 255), 200),
        ("CMYK", (0, 0, 0, 0), 255),
        ("I;16", 200 * 257, 200),  # 16 bits are scaled, not cut off
    ],
)
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str, value: object, expected: int) -> None:
    path = tmp_path / "a.tif"
    Image.new(mode, (6, 5), value).save(path)  # type: ignore[arg-type]
    opened = open_upright(path)
    assert (opened.mode, opened.size) == ("RGB", (6, 5))
    assert np.asarray(opened).max() == pytest.approx(expected, abs=1)


def bomb(path: Path, width: int, height: int) -> None:
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )


def test_what_is_no_photo_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a photo", encoding="utf-8")
    (tmp_path / "empty.jpg").touch()
    blank(300, 300).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:700])
    blank(9, 9).save(tmp_path / "moving.gif")
    bomb(tmp_path / "large.png", 20_000, MAX_PIXELS // 20_000 + 1)
    bomb(tmp_path / "bomb.png", 60_000, 60_000)
    for name in ("text.jpg", "empty.jpg", "cut.jpg", "moving.gif", "large.png", "bomb.png", "absent.jpg"):
        with pytest.raises(DataError, match=name):
            open_upright(tmp_path / name)


def test_a_damaged_header_is_no_crash(tmp_path: Path) -> None:
    """A TIFF without its photometric interpretation: a decoder may stumble over what is missing."""
    Image.new("RGB", (9, 9)).save(tmp_path / "a.tif")
    whole = (tmp_path / "a.tif").read_bytes()
    damaged = whole.replace(struct.pack("<HH", 262, 3), struct.pack("<HH", 60000, 3))
    assert damaged != whole
    (tmp_path / "a.tif").write_bytes(damaged)
    with pytest.raises(DataError, match=r"a\.tif: cannot be read as an image"):
        open_upright(tmp_path / "a.tif")
