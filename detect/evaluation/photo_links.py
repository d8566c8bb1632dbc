"""Where a report finds the full photos: by paths that go on working when the folder around both is moved or copied."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from detect.data import Image

UNPACKED = "damage-detect-"  # folders in the system's temporary one, where a zip was unpacked for this run


def photo_links(images: Iterable[Image], folder: Path) -> dict[str, str]:
    """The path of each photo as seen from `folder`, with `/`, by the name of its image.

    Only of photos that lie beside the report: what both have above them must be more than the disk or the folder of all
    homes, so that no link holds the name of a user or a machine. Photos that are not there, or in a zip, have none.
    """
    start = _normal(folder)
    links = {}
    for image in images:
        if image.path is None or not image.path.is_file():
            continue
        photo = _normal(image.path)
        if _beside(photo, start) and not _is_unpacked(photo):
            links[image.name] = Path(os.path.relpath(photo, start)).as_posix()
    return links


def _normal(path: Path) -> Path:
    """The whole path without `..`; links stay, since a browser goes up from where it found the report."""
    return Path(os.path.normpath(path.absolute()))


def _beside(photo: Path, folder: Path) -> bool:
    try:
        common = Path(os.path.commonpath([photo, folder]))
    except ValueError:  # two drives of Windows
        return False
    return common != Path(common.anchor) and common not in Path.home().parents


def _is_unpacked(photo: Path) -> bool:
    temporary = _normal(Path(tempfile.gettempdir()))
    return photo.is_relative_to(temporary) and photo.relative_to(temporary).parts[0].startswith(UNPACKED)
