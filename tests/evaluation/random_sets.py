"""Random data with everything that makes matching hard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from detect.data import NONE, Attributes, Box, Dataset, Image, Predictions

knobs = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "images": st.integers(1, 5),
        "classes": st.integers(1, 4),
        "truths": st.integers(0, 7),  # per image, at most
        "found": st.integers(0, 3),  # detections near each truth, at most
        "noise": st.integers(0, 6),  # detections anywhere
        "levels": st.sampled_from([1, 3, 10, 1000]),  # distinct scores: few make many ties
        "flags": st.floats(0, 0.5),  # share of crowds and of ignored truths
        "digits": st.sampled_from([0, 1, 2]),  # decimals of a pixel: few put many boxes exactly on a threshold
    }
)


# Sets on which tidecv and COCO's matching agree: no crowds, no ties, no IoU exactly on a threshold, few boxes.
TIDE_SETS: list[dict[str, Any]] = [
    {"seed": 1, "images": 30, "classes": 3, "truths": 6, "found": 2, "noise": 4},
    {"seed": 2, "images": 60, "classes": 1, "truths": 3, "found": 3, "noise": 6},
    {"seed": 3, "images": 20, "classes": 5, "truths": 7, "found": 1, "noise": 2},
    {"seed": 4, "images": 80, "classes": 4, "truths": 4, "found": 2, "noise": 1},
]
for _set in TIDE_SETS:
    _set |= {"levels": 10**9, "flags": 0.0, "digits": 6}


SIZES = (8.0, 31.0, 32.0, 33.0, 96.0, 130.0)  # 32 and 96 lie on the borders between small, medium and large
AREAS = (0, 1023.5, 1024, 9216, 9217, 2e10)


def random_set(
    *,
    seed: int,
    images: int,
    classes: int,
    truths: int,
    found: int,
    noise: int,
    levels: int,
    flags: float,
    digits: int,
) -> tuple[Dataset, Predictions]:
    """Data and predictions; some images, classes and both stay empty. One more class than is ever used."""
    rng = np.random.default_rng(seed)
    names = tuple(f"class{k}" for k in range(classes + 1))

    def label() -> str:
        return names[rng.integers(classes)]

    def guess(like: Box | None) -> Box:
        """A detection near this truth, or anywhere."""
        corners = _anywhere(rng) if like is None else np.array(like.xyxy) + rng.normal(0, 4, 4)
        name = like.label if like is not None and rng.random() < 0.8 else label()
        return _box(rng, name, corners, digits, levels)

    pictures, predictions = [], {}
    for number in range(images):
        real = [
            _box(rng, label(), _anywhere(rng), digits)._replace(attributes=_marks(rng, flags))
            for _ in range(rng.integers(truths + 1))
        ]
        near = [guess(box) for box in real for _ in range(rng.integers(found + 1))]
        anywhere = [guess(None) for _ in range(rng.integers(noise + 1))]
        pictures.append(Image(f"{number}.jpg", 200, 200, tuple(real)))
        predictions[f"{number}.jpg"] = (*near, *anywhere)
    return Dataset(names, tuple(pictures)), Predictions(names, predictions)


def tide_set(number: int) -> tuple[Dataset, Predictions]:
    """One of TIDE_SETS; without COCO's `area`, which tidecv does not know."""
    dataset, predictions = random_set(**TIDE_SETS[number])
    bare = [replace(i, boxes=tuple(b._replace(attributes=NONE) for b in i.boxes)) for i in dataset.images]
    return Dataset(dataset.classes, tuple(bare)), predictions


def _anywhere(rng: np.random.Generator) -> NDArray[np.float64]:
    corner, size = rng.uniform(0, 60, 2), rng.choice(SIZES, 2)
    return np.concatenate([corner, corner + size])


def _box(
    rng: np.random.Generator, label: str, corners: NDArray[np.float64], digits: int, levels: int | None = None
) -> Box:
    """x, y, width and height to these decimals; far corners with the noise of adding or, as readers do, without.

    A prediction has a score in so many `levels`.
    """
    low, high = np.minimum(corners[:2], corners[2:]), np.maximum(corners[:2], corners[2:])
    x, y = low.round(digits).tolist()
    w, h = (high - low).round(digits).tolist()
    far = (x + w, y + h) if rng.random() < 0.5 else (round(x + w, 6), round(y + h, 6))
    score = None if levels is None else float(rng.integers(0, levels + 1) / levels)
    return Box(label, x, y, *far, score)


def _marks(rng: np.random.Generator, flags: float) -> Attributes:
    given: dict[str, Any] = {}
    if rng.random() < flags:
        given["iscrowd"] = 1
    if rng.random() < flags:
        given["ignore"] = 1
    if rng.random() < 0.3:
        given["area"] = float(rng.choice(AREAS))
    return Attributes(given)
