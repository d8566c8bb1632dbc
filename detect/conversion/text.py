"""Bytes, lines, numbers and attribute values as annotation files write them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from detect.conversion.tidy import PRECISION
from detect.data import Value
from detect.errors import DataError, Problem

_MANY = 1 << 16


class Numbers(dict[str, float]):
    """From text to number, one object for equal ones: coordinates recur, and a million boxes hold four million.

    Raises ValueError where the text is no number.
    """

    def __missing__(self, text: str) -> float:
        value = float(text)
        if len(self) < _KEPT:
            self[text] = value
        return value


_KEPT = 200_000
_WHOLE = re.compile(r"-?(0|[1-9]\d*)")
_DECIMAL = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|-?\d+e[+-]?\d+")


def read_bytes(path: str | Path) -> bytes:
    """The whole file. Raises DataError where it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY)  # three times as fast as Path.read_bytes for many small files
        try:
            data = os.read(handle, _MANY)
            if len(data) == _MANY:
                with open(handle, "rb", closefd=False) as file:
                    data += file.read()
        finally:
            os.close(handle)
    except OSError as error:
        what = broken_link(path) or f"cannot be read: {error.strerror or error}"
        raise DataError(Problem("error", "cannot be read", what, str(path))) from error
    return data


def broken_link(path: str | Path) -> str:
    """What is wrong with a symbolic link that leads to no file, or in a circle; "" for whatever else a path is."""
    try:
        target = Path(path).readlink()
    except OSError:
        return ""
    return "" if os.path.exists(path) else f"is a broken symbolic link: {target} is not there"  # noqa: PTH110 takes text


def write_text(path: str | Path, text: str) -> None:
    """A new file inside a folder that is itself written atomically; folders above it are made where missing."""
    data = text.encode()
    try:
        _write(path, data)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)


def _write(path: str | Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)  # for many small files, see read_bytes
    try:
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)


def decode(data: bytes, path: str | Path) -> str:
    """UTF-8 with or without a byte order mark, or UTF-16 with one. Raises DataError for anything else."""
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        where, remedy = f"byte {error.start}", "save it as UTF-8"
        raise DataError(Problem("error", "not UTF-8", "the text is not UTF-8", str(path), where, remedy)) from error


def lines(path: str | Path) -> list[str]:
    """The lines of a text file without white space around them; empty ones at the end are left out."""
    found = [line.strip() for line in re.split(r"\r\n|\r|\n", decode(read_bytes(path), path))]
    while found and not found[-1]:
        found.pop()
    return found


def declared_classes(folder: Path) -> list[str]:
    """The classes in a classes.txt of that folder, which fixes their order; none where there is no such file."""
    path = folder / "classes.txt"
    return lines(path) if path.is_file() else []


def write_classes(classes: Iterable[str], folder: Path) -> None:
    """classes.txt, one class per line."""
    write_text(folder / "classes.txt", "".join(f"{label}\n" for label in classes))


def number(value: float) -> str:
    """The shortest text of a coordinate, to the millionth of a pixel: 12, 12.5."""
    whole = int(value)
    return str(whole) if whole == value else f"{value:.{PRECISION}f}".rstrip("0").rstrip(".")


def typed(text: str) -> Value:
    """An attribute's value from text that does not say its type: true, 3, 2.5, or the text itself."""
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text) and len(text) < 19:
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def untyped(value: Value) -> str:
    """An attribute's value as text, so that `typed` gives it back."""
    return str(value).lower() if isinstance(value, bool) else str(value)
