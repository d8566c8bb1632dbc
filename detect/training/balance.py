"""Rare classes: how often each photo is seen, and how much each class counts in the loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from detect.data import Image
from detect.recipes import Balance


def repeat_factors(images: Sequence[Image], threshold: float) -> tuple[float, ...]:
    """How often each photo is seen per epoch (Gupta et al., LVIS, CVPR 2019); empty where each is seen once.

    A class in a share f of the images asks for max(1, sqrt(threshold / f)); a photo gets the most that its classes ask
    for, and one without damage 1.
    """
    holders = Counter(label for image in images for label in {box.label for box in image.boxes})
    wanted = {label: max(1.0, (threshold * len(images) / count) ** 0.5) for label, count in holders.items()}
    factors = tuple(max((wanted[box.label] for box in image.boxes), default=1.0) for image in images)
    return factors if any(factor > 1 for factor in factors) else ()


def class_weights(images: Sequence[Image], classes: Sequence[str], balance: Balance) -> tuple[float, ...]:
    """The weight of each class in the loss, 1 on average over the boxes; empty where all count alike.

    Inverse of the number of boxes n, or of the effective number (1 - beta^n) / (1 - beta) of Cui et al., CVPR 2019. A
    class without boxes gets 1.
    """
    counts = Counter(box.label for image in images for box in image.boxes)
    n = np.array([counts[label] for label in classes], dtype=np.float64)
    if balance.weights == "none" or not n.any():
        return ()
    amount = n if balance.weights == "inverse" else (1 - balance.beta**n) / (1 - balance.beta)
    weights = np.divide(1.0, amount, out=np.zeros_like(amount), where=n > 0)
    weights /= (weights * n).sum() / n.sum()
    return tuple(np.where(n > 0, weights, 1.0).tolist())
