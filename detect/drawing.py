"""Boxes onto a picture.

Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any colour vision tell apart;
a tag names the class besides, so colour never carries meaning alone.
"""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from detect.data import Box, Image
from detect.decoding import InMemory, PilImage, as_picture, open_upright, picture_problem
from detect.errors import ConfigError

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont
    from PIL.ImageFont import ImageFont as BitmapFont

    Font = FreeTypeFont | BitmapFont

PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#BBBBBB")
HALO = "#111111"  # under each coloured line, so that it shows on snow as well as on black paint
LONGEST_TAG = 80  # characters
SMALLEST_TAG = 11  # pixels of letter height; smaller cannot be read

Rectangle = tuple[float, float, float, float]


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """A colour ("#RRGGBB") per class, by its place in the list; beyond eight, darker and lighter ones follow."""
    return {label: _shade(PALETTE[i % len(PALETTE)], i // len(PALETTE)) for i, label in enumerate(classes)}


def draw(
    picture: Image | str | Path | InMemory,
    boxes: Sequence[Box] | None = None,
    *,
    colours: Mapping[str, str] | Sequence[str] | None = None,
    dashed: bool | Sequence[bool] = False,
    tags: Sequence[str] | Literal["label", "none"] = "label",
) -> PilImage:
    """The picture with the boxes drawn, as a PIL image: a copy. Boxes are in pixels of the upright picture.

    `picture` is an Image, a path, a PIL image or a uint8 array (height, width, 3) of RGB. Without `boxes` the Image's
    own are drawn. `colours` is a mapping from label (see class_colours), or one colour per box; None takes one from the
    label's name, the same in every picture. `dashed` is for all or one per box: truth is drawn solid and predictions
    dashed where both stand in one picture. `tags` is one text per box, or "label" for the label and score, or "none".
    Line width and letters grow with the picture; tags stay inside it and, where there is room, off one another.

    Raises DataError where there is no such photo or it cannot be read; ConfigError for what is no picture, and for
    boxes that are not given.
    """
    from PIL import ImageDraw

    image = _upright(picture)
    if boxes is None:
        if not isinstance(picture, Image):
            raise ConfigError("draw needs boxes, or an Image, which has its own")
        boxes = picture.boxes
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


def _upright(picture: Image | str | Path | InMemory) -> PilImage:
    """A copy that can be drawn on."""
    if isinstance(picture, Image):
        return picture.open()
    if isinstance(picture, str | Path):
        return open_upright(Path(picture))
    if problem := picture_problem(picture):
        raise ConfigError(f"draw: {problem}")
    upright = as_picture(picture, "the picture to draw on")
    return upright.copy() if upright is picture else upright


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
