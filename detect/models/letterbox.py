"""Photos of any size into a model's input and boxes back out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detect.models.detector import Picture

STRIDE = 32
GREY = 114
Scale = tuple[float, float]  # across and down, which differ where a side was rounded to whole pixels


class Placed(NamedTuple):
    """A picture as model input: pixels (3, H, W) uint8, the scale, and the padding left and top in pixels."""

    pixels: Picture
    scale: Scale
    left: int
    top: int

    def undo(self, xyxy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (N, 4) in input pixels to boxes in the pixels of the picture; they may reach over its edges."""
        return back(xyxy - [self.left, self.top, self.left, self.top], self.scale)


def letterbox(picture: Picture, imgsz: int) -> Placed:
    """Scale a picture (h, w, 3) so that its longer side is imgsz, and pad with grey to multiples of 32.

    The same interpolation and grey as in training and validation, so that scores mean the same.
    """
    import cv2

    height, width = picture.shape[:2]
    scale = imgsz / max(height, width)
    new_w, new_h = max(1, round(width * scale)), max(1, round(height * scale))
    if (new_w, new_h) != (width, height):
        picture = cv2.resize(picture, (new_w, new_h), interpolation=cv2.INTER_LINEAR)
    full_w, full_h = -(-new_w // STRIDE) * STRIDE, -(-new_h // STRIDE) * STRIDE
    left, top = (full_w - new_w) // 2, (full_h - new_h) // 2
    canvas = np.full((full_h, full_w, 3), GREY, dtype=np.uint8)
    canvas[top : top + new_h, left : left + new_w] = picture
    return Placed(canvas.transpose(2, 0, 1).copy(), (new_w / width, new_h / height), left, top)


def resize(picture: Picture, imgsz: int) -> tuple[Picture, Scale]:
    """A picture (h, w, 3) whose longer side is imgsz, by area where it shrinks: thin scratches must not vanish.

    The second is its pixels per pixel of the one given.
    """
    import cv2

    height, width = picture.shape[:2]
    factor = imgsz / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if size != (width, height):
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    return picture, (size[0] / width, size[1] / height)


def back(xyxy: NDArray[np.float64], scale: Scale) -> NDArray[np.float64]:
    """Boxes (N, 4) in a scaled picture to boxes in the one that it was made from."""
    return np.asarray(xyxy / np.array(scale * 2))


def same_shape(pictures: Sequence[Any]) -> list[list[int]]:
    """The numbers of those inputs that can share a pass: padding would change what a network sees at the edge."""
    groups: dict[Any, list[int]] = {}
    for i, one in enumerate(pictures):
        groups.setdefault(one.shape, []).append(i)
    return list(groups.values())
