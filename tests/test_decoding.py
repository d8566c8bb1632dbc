"""Pictures from files that may be anything."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detect.decoding import MAX_PIXELS, open_upright
from detect.errors import DataError

GREY = (128, 128, 128)


def blank(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), GREY)


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
