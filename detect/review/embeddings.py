"""The vectors of photos, see `detect.models.embed`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detect.data import Image
from detect.progress import track


def vectors(images: Sequence[Image], weights: str | Path) -> NDArray[np.float32]:
    """(N, F) what the network in these weights sees in each photo. Raises ModelError, DataError, MissingExtra."""
    from detect.models import require_torch

    require_torch()
    from detect.models.embed import embedder

    embed, rows = embedder(weights), []
    for image in track(images, "embedding"):
        rows.append(embed([np.asarray(image.open(enough=640))])[0])
    return np.stack(rows)
