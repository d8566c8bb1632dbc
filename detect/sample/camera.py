"""Where the camera stands, and what its sensor and its lens do to a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detect.sample.canvas import Map

DISTANCE = 6.0  # from the camera to the car, metres


def look(
    at: tuple[float, float],
    field: float,
    width: int,
    height: int,
    *,
    yaw: float = 0.0,
    roll: float = 0.0,
    mirror: bool = False,
) -> NDArray[np.float64]:
    """A camera (3, 3) that maps metres of the car's plane to pixels.

    It shows `field` metres across with `at` in the middle of the picture; `yaw` turns the plane about its vertical
    through `at` so that one end comes nearer, `roll` tilts the picture, both in radians. `mirror` swaps left and right.
    """
    flip = -1.0 if mirror else 1.0
    scale = width / field
    centred = np.array([[1, 0, -at[0]], [0, 1, -at[1]], [0, 0, 1.0]])
    turned = np.array([[flip * np.cos(yaw), 0, 0], [0, 1, 0], [flip * np.sin(yaw) / DISTANCE, 0, 1.0]])
    cos, sin = scale * np.cos(roll), scale * np.sin(roll)
    picture = np.array([[cos, sin, width / 2], [sin, -cos, height / 2], [0, 0, 1.0]])
    return np.asarray(picture @ turned @ centred)


@dataclass(frozen=True, slots=True)
class Sensor:
    """What happens to a picture on its way to the file."""

    blur: float  # of the lens, pixels of a picture 640 wide
    shake: float  # length of the motion blur, likewise
    shake_angle: float
    noise: float  # standard deviation, 1 is white
    warmth: float
    quality: int  # of the JPEG, 1 to 100
    orientation: int  # EXIF: 1 upright, 3, 6 or 8 stored turned
    seed: int

    def develop(self, picture: Map) -> NDArray[np.uint8]:
        """An upright picture (3, H, W) in 0..1 as 8-bit RGB (H, W, 3)."""
        rng = np.random.default_rng(self.seed)
        _, height, width = picture.shape
        unit = max(height, width) / 640
        grain = rng.standard_normal((height, width), dtype=np.float32)
        pixels = np.empty((height, width, 3), np.uint8)
        for k, plane in enumerate(picture):
            if self.blur * unit > 0.2:
                plane = cv2.GaussianBlur(plane, (0, 0), self.blur * unit)
            if self.shake * unit >= 1.5:
                plane = cv2.filter2D(plane, -1, _streak(self.shake * unit, self.shake_angle))
            tint = cv2.resize(rng.standard_normal((height // 2, width // 2), dtype=np.float32), (width, height))
            noise = (grain + np.float32(0.6) * tint) * (np.float32(0.5) + np.sqrt(plane)) * np.float32(255 * self.noise)
            noise += plane * np.float32(255 * (1 + self.warmth * (1 - k))) + np.float32(0.5)
            pixels[:, :, k] = np.clip(noise, 0, 255)
        return pixels


def make_sensor(rng: np.random.Generator, night: bool, orientation: int) -> Sensor:
    """A camera's state by chance; by night it is noisier."""
    return Sensor(
        blur=float(rng.uniform(0.25, 0.75)),
        shake=float(rng.uniform(1.5, 3.5)) if rng.random() < 0.08 else 0.0,
        shake_angle=float(rng.uniform(0, np.pi)),
        noise=float(rng.uniform(0.004, 0.016)) * (2.0 if night else 1.0),
        warmth=float(rng.normal(0, 0.015)),
        quality=int(rng.integers(80, 95)),
        orientation=orientation,
        seed=int(rng.integers(2**31)),
    )


def _streak(length: float, angle: float) -> Map:
    """The kernel of a straight motion: a line of `length` pixels, sum 1."""
    size = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((size, size), np.float32)
    middle, dx, dy = size // 2, np.cos(angle) * length / 2, np.sin(angle) * length / 2
    ends = [(round((middle + s * dx) * 16), round((middle + s * dy) * 16)) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return kernel / max(1e-6, float(kernel.sum()))
