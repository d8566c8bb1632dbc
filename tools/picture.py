"""Lay six drawn photos side by side into docs/picture.jpg: python tools/picture.py demo/drawn."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageOps

from detect.files import atomic_file

TARGET = Path(__file__).resolve().parents[1] / "docs" / "picture.jpg"
CELL = (400, 300)
ACROSS, DOWN = 3, 2


def main(folder: Path, names: list[str]) -> None:
    """Take the named photos of the folder, or six evenly spaced ones."""
    photos = sorted(folder.rglob("*.jpg"))
    count = ACROSS * DOWN
    chosen = [folder / name for name in names] or photos[:: max(1, len(photos) // count)][:count]
    sheet = Image.new("RGB", (CELL[0] * ACROSS, CELL[1] * DOWN))
    for place, path in enumerate(chosen):
        with Image.open(path) as photo:
            cell = ImageOps.fit(photo.convert("RGB"), CELL, Image.Resampling.LANCZOS)
        sheet.paste(cell, (place % ACROSS * CELL[0], place // ACROSS * CELL[1]))
    with atomic_file(TARGET) as temporary:
        sheet.save(temporary, format="JPEG", quality=82, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
