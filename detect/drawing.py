"""Boxes onto a picture, and pictures from files that may be anything.

Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any colour vision tell apart;
a tag names the class besides, so colour never carries meaning alone.
"""

from __future__ import annotations

import importlib.util
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from detect.data import Box
from detect.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont
    from PIL.ImageFont import ImageFont as BitmapFont

    Font = FreeTypeFont | BitmapFont

PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#BBBBBB")
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
MAX_PIXELS = 100_000_000  # more is refused before decoding: a few kB can claim gigabytes
HALO = "#111111"  # under each coloured line, so that it shows on snow as well as on black paint
LONGEST_TAG = 80  # characters
SMALLEST_TAG = 11  # pixels of letter height; smaller cannot be read

Rectangle = tuple[float, float, float, float]


def open_upright(path: Path, *, longest: int | None = None, enough: int | None = None) -> Picture:
    """The photo as RGB, turned as its EXIF orientation says, at most `longest` pixels on its longer side.

    With `enough` a JPEG may come smaller than it is, at 1/2, 1/4 or 1/8, if its longer side still has so many pixels.
    Only JPEG, PNG, WebP, BMP and TIFF of at most 100 megapixels are decoded. Raises DataError naming the file where
    it is absent, no such image, cut short or too large.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"{path}: {image.width} x {image.height} pixels is more than {MAX_PIXELS:,}")
            if (side := longest or enough) is not None:
                share = side / max(image.size)  # a JPEG is decoded at 1/2, 1/4 or 1/8: up to five times faster
                image.draft("RGB", (max(1, int(image.width * share)), max(1, int(image.height * share))))
            upright = as_rgb(image, in_place=True)  # a copy costs half as much as decoding
            upright.load()  # before the file is closed
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except UnidentifiedImageError:
        damaged = "cannot be read as an image: its header is damaged"
        wrong = "not an image (JPEG, PNG, WebP, BMP and TIFF are read)"
        raise DataError(f"{path}: {damaged if _begins_well(path) else wrong}") from None
    except DataError:
        raise
    except Exception as error:  # a damaged file can make a decoder stumble anywhere
        raise DataError(f"{path}: cannot be read as an image: {error}") from None
    if longest is not None and max(upright.size) > longest:
        upright.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return upright


def as_rgb(picture: Picture, *, in_place: bool = False) -> Picture:
    """The picture as RGB of 8 bits, turned as its EXIF orientation says; `in_place` may turn `picture` itself."""
    from PIL import ImageOps

    decode(picture)
    upright = _eight_bits(picture)
    if in_place or upright is not picture:
        ImageOps.exif_transpose(upright, in_place=True)
    else:
        upright = ImageOps.exif_transpose(upright)
    return upright if upright.mode == "RGB" else upright.convert("RGB")


def decode(picture: Picture) -> None:
    """Read the pixels of a picture that PIL has opened. Raises what its decoder raises on a damaged file.

    PIL (11 to 13 at least) maps grey TIFF into memory, in the shape that it has after turning: a picture that
    lies on its side comes out with its rows mixed up. Without the file's name it is read, and comes out whole.
    """
    name = getattr(picture, "filename", "")
    if picture.format == "TIFF":
        picture.filename = ""  # type: ignore[attr-defined]
    try:
        picture.load()
    finally:
        if picture.format == "TIFF":
            picture.filename = name  # type: ignore[attr-defined]


def _begins_well(path: Path) -> bool:
    """Whether the first bytes are those of a format that is read."""
    from PIL import Image

    with path.open("rb") as file:
        first = file.read(16)
    accepts = [Image.OPEN[name][1] for name in FORMATS if name in Image.OPEN]
    return any(accept is not None and accept(first) is True for accept in accepts)


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """A colour ("#RRGGBB") per class, by its place in the list; beyond eight, darker and lighter ones follow."""
    return {label: _shade(PALETTE[i % len(PALETTE)], i // len(PALETTE)) for i, label in enumerate(classes)}


def draw(
    picture: Picture | NDArray[np.uint8],
    boxes: Sequence[Box],
    *,
    colours: Mapping[str, str] | Sequence[str] | None = None,
    dashed: bool | Sequence[bool] = False,
    tags: Sequence[str] | Literal["label", "none"] = "label",
) -> Picture:
    """A copy of the picture (PIL image, or uint8 (H, W, 3) RGB) with the boxes drawn; pixels of the picture.

    `colours` is a mapping from label (see class_colours), or one colour per box; None takes one from the label's
    name, the same in every picture. `dashed` is for all or one per box: truth is drawn solid and predictions dashed
    where both stand in one picture. `tags` is one text per box, or "label" for the label and score, or "none".
    Line width and letters grow with the picture; tags stay inside it and, where there is room, off one another.
    """
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    image = image.convert("RGB") if image.mode != "RGB" else image.copy()
    pen = ImageDraw.Draw(image)
    paints = _paints(boxes, colours)
    texts = _texts(boxes, tags)
    broken = [dashed] * len(boxes) if isinstance(dashed, bool) else dashed
    order = sorted(range(len(boxes)), key=lambda i: boxes[i].score or 0.0)  # the surest lies on top
    for i in order:
        _outline(pen, _inside(boxes[i].xyxy, image.size), paints[i], _line_width(image.size), broken[i])
    placed: list[Rectangle] = []
    for i in reversed(order):
        if texts[i]:
            placed.append(_tag(pen, texts[i], boxes[i].xyxy, paints[i], image.size, placed))
    return image


def _eight_bits(image: Picture) -> Picture:
    """The same picture in 8 bits per channel: PIL clips 16-bit grey instead of scaling it."""
    from PIL import Image

    if image.mode not in ("I", "F") and not image.mode.startswith("I;"):
        return image
    grey = np.asarray(image, dtype=np.float64)
    scaled = np.clip(grey / (257.0 if grey.max(initial=0) > 255 else 1.0), 0, 255).astype(np.uint8)
    result = Image.fromarray(scaled)
    result.info.update(image.info)
    result.getexif().update(image.getexif())
    return result


def _shade(colour: str, step: int) -> str:
    """Step 0 is the colour itself, 1 is darker, 2 lighter, 3 darker again ..."""
    if step == 0:
        return colour
    towards, share = (0, 0.4) if step % 2 else (255, 0.5)
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(c + (towards - c) * share):02X}" for c in channels)


def _paints(boxes: Sequence[Box], colours: Mapping[str, str] | Sequence[str] | None) -> list[str]:
    if colours is not None and not isinstance(colours, Mapping):
        return list(colours)
    known = colours or {}
    return [known.get(b.label) or PALETTE[zlib.crc32(b.label.encode()) % len(PALETTE)] for b in boxes]


def _texts(boxes: Sequence[Box], tags: Sequence[str] | Literal["label", "none"]) -> list[str]:
    if tags == "none":
        return [""] * len(boxes)
    if tags == "label":
        tags = [b.label if b.score is None else f"{b.label} {b.score:.2f}" for b in boxes]
    return [" ".join(text.split())[:LONGEST_TAG] for text in tags]


def _line_width(size: tuple[int, int]) -> int:
    return max(2, round(max(size) / 160))


def _inside(box: Rectangle, size: tuple[int, int]) -> Rectangle:
    """The box cut to the picture's pixels, so that an edge on the border still shows."""
    x1, x2 = sorted(min(max(x, 0), size[0] - 1) for x in (box[0], box[2]))
    y1, y2 = sorted(min(max(y, 0), size[1] - 1) for y in (box[1], box[3]))
    return x1, y1, x2, y2


def _outline(pen: ImageDraw, box: Rectangle, colour: str, width: int, dashed: bool) -> None:
    x1, y1, x2, y2 = box
    pen.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline=HALO, width=width + 2)
    if not dashed:
        pen.rectangle(box, outline=colour, width=width)
        return
    far_x, far_y = max(x1, x2 - width + 1), max(y1, y2 - width + 1)
    for a, b in _dashes(x1, x2, width):
        pen.rectangle((a, y1, b, y1 + width - 1), fill=colour)
        pen.rectangle((a, far_y, b, far_y + width - 1), fill=colour)
    for a, b in _dashes(y1, y2, width):
        pen.rectangle((x1, a, x1 + width - 1, b), fill=colour)
        pen.rectangle((far_x, a, far_x + width - 1, b), fill=colour)


def _dashes(start: float, end: float, width: int) -> Iterator[tuple[float, float]]:
    """Stretches of paint from start to end: an odd number of equal parts, so that every corner is painted."""
    parts = max(1, round((end - start) / (width * 4))) | 1
    step = (end - start) / parts
    for i in range(0, parts, 2):
        yield start + i * step, start + (i + 1) * step


def _tag(
    pen: ImageDraw, text: str, box: Rectangle, colour: str, size: tuple[int, int], placed: list[Rectangle]
) -> Rectangle:
    """Paint one tag and return the rectangle it covers."""
    font, text = _fitting(text, size)
    left, top, right, bottom = font.getbbox(text + "Xg")  # every tag as high as its tallest letters
    right = left + font.getlength(text)
    pad = max(2, round((bottom - top) * 0.15))
    width, height = right - left + 2 * pad, bottom - top + 2 * pad
    x, y = _free_place(box, (width, height), size, placed)
    pen.rectangle((x, y, x + width, y + height), fill=colour, outline=HALO)
    pen.text((x + pad - left, y + pad - top), text, fill=_ink(colour), font=font)
    return x, y, x + width, y + height


def _free_place(
    box: Rectangle, tag: tuple[float, float], size: tuple[int, int], placed: list[Rectangle]
) -> tuple[float, float]:
    """Top-left corner of the first place around the box that covers no other tag; else the usual one."""
    (x1, y1, x2, y2), (width, height) = box, tag
    below, inside = y2 + 1, y1 + 1
    wishes = [(x1, y1 - height), (x1, below), (x2 - width, y1 - height), (x2 - width, below), (x1, inside)]
    room = (max(0.0, size[0] - 1 - width), max(0.0, size[1] - 1 - height))
    places = [(min(max(x, 0.0), room[0]), min(max(y, 0.0), room[1])) for x, y in wishes]
    for x, y in places:
        if not any(x < r and x + width > q and y < b and y + height > t for q, t, r, b in placed):
            return x, y
    return places[0]


def _fitting(text: str, size: tuple[int, int]) -> tuple[Font, str]:
    """Letters that suit the picture, smaller or cut short where the text would not fit across it."""
    letters = max(SMALLEST_TAG, round(max(size) / 38))
    widest = size[0] - 8
    font = _font(letters)
    if (needs := font.getlength(text)) > widest:
        font = _font(max(SMALLEST_TAG, int(letters * widest / needs)))
    while len(text) > 1 and font.getlength(text) > widest:
        text = text[:-2] + "…"
    return font, text


def _ink(colour: str) -> str:
    """Black or white, whichever reads better on the colour (luma of Rec. 601)."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 120 else "#FFFFFF"


@lru_cache(maxsize=32)
def _font(letters: int) -> Any:
    """DejaVu Sans, which matplotlib brings along and which knows most alphabets; else PIL's own."""
    from PIL import ImageFont

    spec = importlib.util.find_spec("matplotlib")
    if spec is not None and spec.origin:
        path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
        if path.is_file():
            return ImageFont.truetype(str(path), letters, layout_engine=ImageFont.Layout.BASIC)
    return ImageFont.load_default(letters)
