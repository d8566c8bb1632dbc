"""Random data with everything that makes matching hard."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from detect.data import Attributes, Box, Dataset, Image, Predictions

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

    def box(label: str, corners: Any, score: float | None = None, attributes: Attributes | None = None) -> Box:
        low, high = np.minimum(corners[:2], corners[2:]), np.maximum(corners[:2], corners[2:])
        x, y = low.round(digits).tolist()
        w, h = (high - low).round(digits).tolist()
        return Box(label, x, y, x + w, y + h, score, attributes or Attributes())  # as a reader of COCO does

    def score() -> float:
        return float(rng.integers(0, levels + 1) / levels)

    def anywhere() -> Any:
        corner, size = rng.uniform(0, 60, 2), rng.choice([8.0, 31.0, 32.0, 33.0, 96.0, 130.0], 2)
        return np.concatenate([corner, corner + size])

    def marks() -> Attributes:
        given: dict[str, Any] = {}
        if rng.random() < flags:
            given["iscrowd"] = 1
        if rng.random() < flags:
            given["ignore"] = 1
        if rng.random() < 0.3:
            given["area"] = float(rng.choice([0, 1023.5, 1024, 9216, 9217, 2e10]))
        return Attributes(given)

    pictures, predictions = [], {}
    for number in range(images):
        real = [box(names[rng.integers(classes)], anywhere(), None, marks()) for _ in range(rng.integers(truths + 1))]
        guesses = [
            box(
                t.label if rng.random() < 0.8 else names[rng.integers(classes)],
                np.array(t.xyxy) + rng.normal(0, 4, 4),
                score(),
            )
            for t in real
            for _ in range(rng.integers(found + 1))
        ]
        guesses += [box(names[rng.integers(classes)], anywhere(), score()) for _ in range(rng.integers(noise + 1))]
        pictures.append(Image(f"{number}.jpg", 200, 200, tuple(real)))
        predictions[f"{number}.jpg"] = tuple(guesses)
    return Dataset(names, tuple(pictures)), Predictions(names, predictions)
