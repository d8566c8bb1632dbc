"""Small datasets on the disk, written from a dict of path -> content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.conversion.grey import photo

Content = str | bytes | tuple[int, ...]
"""Text, bytes, or an image: (width, height) or (stored width, stored height, EXIF orientation)."""
Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes files below a new folder and returns it."""

    def make(files: Mapping[str, Content], name: str = "source") -> Path:
        root = tmp_path / name
        root.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            path = root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, tuple):
                form = {".png": "PNG", ".bmp": "BMP"}.get(path.suffix.lower(), "JPEG")
                content = photo(*content, **({"form": form} if len(content) == 2 else {}))
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make
