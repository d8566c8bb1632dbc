"""The files of predictions: one JSON file, JSON Lines, or a folder with a JSON or text file for each photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detect.conversion import json_file
from detect.conversion.names import without_containers
from detect.conversion.predictions.layouts import EXPECTED, read_document, recognised
from detect.conversion.predictions.listing import Listing
from detect.conversion.predictions.per_photo import image_of, read_photos
from detect.conversion.predictions.text_files import is_text, read_texts
from detect.conversion.source import walk
from detect.errors import DataError

_JSON = (".json", ".jsonl", ".ndjson")
_PICKLES = (".pkl", ".pickle", ".pth", ".pt", ".npy", ".npz")


def open_listing(path: Path) -> Listing:
    """What a file or folder of predictions says. Raises DataError where nothing in it is known."""
    if path.is_dir():
        return _folder(path)
    if path.suffix.lower() in _PICKLES:
        raise DataError(f"{path}: is a file of Python or numpy, which is not read (write COCO results as JSON)")
    if path.suffix.lower() in (".txt", ".csv", ".zip"):
        raise DataError(f"{path}: is no JSON (name the folder with a text file for each photo, or unpack the zip)")
    return read_document(load(path), str(path))


def load(path: Path) -> Any:
    """The content of a JSON file, or a list of the objects in a file with one on each line (JSON Lines)."""
    import orjson

    from detect.conversion.text import read_bytes

    try:
        return json_file.load(path)
    except DataError as error:
        lines = [line for line in read_bytes(path).splitlines() if line.strip()]
        try:
            rows = [orjson.loads(line) for line in lines]
        except orjson.JSONDecodeError:
            raise error from None
        if len(rows) < 2 or not all(isinstance(row, dict) for row in rows):
            raise
        return rows


def _folder(path: Path) -> Listing:
    files = sorted(walk(path))
    documents = {file: load(path / file) for file in files if file.lower().endswith(_JSON)}
    known = {file: _layout(document, path / file) for file, document in documents.items()}
    photos = [file for file, layout in known.items() if layout == "server"]
    whole = [file for file, layout in known.items() if layout not in (None, "server")]
    texts = [file for file in files if is_text(file)]
    kinds = [*whole[:3], *(["a JSON file for each photo"] if photos else []), *(["text files"] if texts else [])]
    if len(kinds) > 1:
        raise DataError(f"{path}: holds several predictions: {', '.join(kinds)} (name one file, or its folder)")
    if whole:
        return open_listing(path / whole[0])
    if texts:
        return read_texts(path, texts)
    if not photos:
        raise DataError(f"{path}: holds no predictions that are known: {EXPECTED}")
    if unread := [file for file, layout in known.items() if layout is None]:
        raise DataError(f"{path / unread[0]}: is not what was found in a photo, as {photos[0]} beside it is")
    return read_photos([(_photo(file, documents[file]), documents[file], file) for file in photos], str(path))


def _layout(document: Any, path: Path) -> str | None:
    """The name of its layout; "server" also where nothing was found in the photo."""
    if document in ([], {"predictions": []}):
        return "server"
    try:
        found = recognised(document)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    return found.name if found is not None else None


def _photo(file: str, document: Any) -> str:
    """What the photo of a file is called: by the answer itself, or as the file."""
    rows: Sequence[Any] = document if isinstance(document, list) else [document, *document.get("predictions", [])]
    named = next((name for row in rows if isinstance(row, dict) and (name := image_of(row)) is not None), None)
    return str(named) if named is not None else without_containers(file.rpartition(".")[0])
