"""The size of an upright photo from its header: JPEG and PNG quickly, all else by Pillow, and all alike."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import imagesize
import pytest
from PIL import Image as Pillow

from detect.conversion.sizes import _pillow_size, _quick_size, upright_size
from detect.decoding import open_upright


def jpeg(width: int, height: int, orientation: int | None = None, *, order: str = "<", before: bytes = b"") -> bytes:
    """A JPEG; with an EXIF block of our own making, and other segments before its frame."""
    buffer = io.BytesIO()
    Pillow.new("L", (width, height)).save(buffer, "JPEG")
    data = buffer.getvalue()
    exif = b""
    if orientation is not None:
        mark = b"II*\0" if order == "<" else b"MM\0*"
        tag = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
        tiff = mark + struct.pack(f"{order}IH", 8, 1) + tag + bytes(4)
        exif = b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff
    return data[:2] + before + exif + data[2:]


def segment(size: int, marker: int = 0xED) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", size + 2) + bytes(size)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(tmp_path: Path, orientation: int, order: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(40, 30, orientation, order=order))
    assert _quick_size(path.read_bytes()) == ((30, 40) if orientation in (5, 6, 7, 8) else (40, 30))
    assert upright_size(path) == imagesize.get(str(path))


@pytest.mark.parametrize(
    "before",
    [
        segment(10),
        segment(60_000),  # a thumbnail: the frame stands behind the first read
        segment(60_000) * 3,
        segment(65_000) * 8,  # behind the second as well
        b"\xff\xff" + segment(10),  # fill bytes
    ],
)
def test_segments_before_the_frame(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(40, 30, 6, before=before))
    assert upright_size(path) == (30, 40)


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "JPEG2000", "PPM"])
def test_other_formats(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.photo"
    Pillow.new("RGB", (40, 30)).save(path, form)
    assert upright_size(path) == (40, 30)


@pytest.mark.parametrize("form", ["png", "webp", "tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_png_webp_or_tiff_with_exif(tmp_path: Path, form: str, orientation: int) -> None:
    path, exif = tmp_path / f"a.{form}", Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.new("L", (40, 30)).save(path, exif=exif)
    assert upright_size(path) == ((30, 40) if orientation == 6 else (40, 30)) == open_upright(path).size
    assert _pillow_size(path, upright=False) == (40, 30)


def test_broken_exif_says_nothing_of_the_orientation(tmp_path: Path) -> None:
    exif = b"Exif\0\0" + b"XX*\0" + b"\xff" * 20
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(40, 30, before=b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif))
    assert _quick_size(path.read_bytes()) is None
    assert upright_size(path) == (40, 30) == imagesize.get(str(path))


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\x00\x00" * 9, jpeg(40, 30)[:80], b"\x89PNG\r\n\x1a\n",
     b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x00\x00\x00\x00\x05\x08"],
)  # fmt: skip
def test_what_is_no_image(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    assert upright_size(tmp_path / "a.jpg") is None
    assert upright_size(tmp_path / "nowhere.jpg") is None


def test_every_cut_of_a_photo_is_read_or_refused(tmp_path: Path) -> None:
    data = jpeg(40, 30, 6)
    for end in range(0, len(data), 7):
        assert _quick_size(data[:end]) in (None, (30, 40))


def test_all_real_photos_are_as_large_as_the_library_says(shared_data: Path) -> None:
    photos = [p for p in shared_data.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp")]
    assert len(photos) > 5000
    different = [p for p in photos if upright_size(p) != (size if min(size := imagesize.get(str(p))) > 0 else None)]
    assert different == []
