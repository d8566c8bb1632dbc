"""Grey images as bytes."""

from __future__ import annotations

import io
from functools import cache


@cache
def photo(width: int, height: int, orientation: int = 1, form: str = "JPEG") -> bytes:
    """The bytes of a grey image as stored, before any rotation that its EXIF orientation asks for."""
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("L", (width, height), 128).save(buffer, form, **({"exif": exif} if form == "JPEG" else {}))
    return buffer.getvalue()
