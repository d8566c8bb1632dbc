"""What the files beside photos are: those that are passed over are named, by their kind."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from detect.conversion.names import is_image, suffix
from detect.errors import Problem

PHOTO, VIDEO, TEXT, RENAMED = "photo", "video", "text file", "photo under another name"
VIDEOS = frozenset(
    {".mp4", ".m4v", ".mov", ".qt", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".m2ts", ".vob", ".wmv"}
    | {".asf", ".flv", ".3gp", ".3g2", ".ogv", ".mjpeg", ".mjpg", ".h264", ".h265", ".hevc", ".mxf", ".insv"}
)
_KINDS = {
    "raw photo": ".dng .cr2 .cr3 .crw .nef .nrw .arw .srf .raf .orf .rw2 .pef .srw",
    "PDF file": ".pdf",
    "archive": ".zip .rar .7z .tar .gz .tgz .bz2 .xz .zst",
    "document": ".doc .docx .odt .rtf .ppt .pptx .odp .xls .xlsx .ods .eml .msg .htm .html",
    TEXT: ".txt .json .jsonl .ndjson .xml .csv .tsv .yaml .yml .md .log .data .names .cache",
}
_BY_SUFFIX = {ending: kind for kind, endings in _KINDS.items() for ending in endings.split()}
_REMEDIES = {
    VIDEO: "--every N takes every Nth of its frames",
    "raw photo": "save it as JPEG or PNG",
    RENAMED: "give it the ending of a photo, such as .jpg",
    "PDF file": "save its pages as JPEG or PNG",
    "archive": "unpack it, if there are photos in it",
    "document": "save the photos in it as files, if there are any",
}
NEVER_READ = ("raw photo", "PDF file", "document")
"""Kinds that may hold photos and that nothing here reads."""

_LOOK = 1 << 10


def kind_of(path: Path) -> str:
    """PHOTO, VIDEO, "text file" and so on: by the ending of the name, else by how the file begins.

    What has not the ending of a photo and begins as one is a RENAMED one, also where it is called as a video.
    """
    ending = suffix(path.name)
    if is_image(path.name):
        return PHOTO
    if (kind := _BY_SUFFIX.get(ending)) is not None:
        return kind
    head = _head(path)
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n", b"II*\0", b"MM\0*")) or _riff(head) == b"WEBP":
        return RENAMED
    return VIDEO if ending in VIDEOS or _is_video(head) else "other file"


def holds_video(path: Path) -> bool:
    """Whether a file begins as MP4, QuickTime, AVI, Matroska, MPEG, ASF or FLV do."""
    return _is_video(_head(path))


def passed_over(files: Iterable[tuple[Path, str]], root: Path, **remedies: str) -> list[Problem]:
    """A note for each file with its kind, but one for all text files, of which there may be one for each photo."""
    notes: list[Problem] = []
    texts: list[Path] = []
    for path, kind in files:
        if kind == TEXT:
            texts.append(path)
        else:
            remedy = remedies.get(kind, _REMEDIES.get(kind, ""))
            notes.append(Problem("note", f"{kind} passed over", f"is {_a(kind)}", str(path), remedy=remedy))
    if texts:
        what = f"{len(texts):,} text files, first {texts[0].relative_to(root).as_posix()}"
        notes.append(Problem("note", "text files passed over", what, str(root)))
    return notes


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"


def _head(path: Path) -> bytes:
    """The first bytes of a file; none where it cannot be opened."""
    try:
        with path.open("rb") as file:
            return file.read(_LOOK)
    except OSError:
        return b""


def _is_video(head: bytes) -> bool:
    if head[4:8] == b"ftyp":
        return head[8:11] not in (b"hei", b"hev", b"mif", b"msf", b"avi", b"M4A", b"M4B")  # photos and sound
    starts = (b"\x1a\x45\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV\1", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")
    stream = any(head[first::step][:4] == b"GGGG" for first, step in ((0, 188), (4, 192)))  # MPEG transport stream
    old = head[4:8] in (b"moov", b"mdat", b"wide")  # QuickTime
    return head.startswith(starts) or _riff(head) == b"AVI " or stream or old


def _riff(head: bytes) -> bytes:
    """What a RIFF file holds; b"" for another file."""
    return head[8:12] if head[:4] == b"RIFF" else b""
