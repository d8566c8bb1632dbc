"""Which photos look alike: an embedding map to lasso, and a sort by similarity, in the App."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fiftyone.brain as fob
import numpy as np
from numpy.typing import NDArray

from detect.errors import DataError

MAP, SIMILAR = "map", "similar"  # the keys of both in the App
MAX_PCA = 50  # photos that are laid out by PCA; a t-SNE needs more


def add_map(there: Any, names: Sequence[str], vectors: NDArray[np.float32]) -> None:
    """Lay out these photos by their vectors (N, F), and let them be sorted by likeness; earlier ones are replaced.

    Raises DataError for fewer than three photos.
    """
    if len(names) < 3:
        raise DataError(f"{len(names)} photos are too few for a map; leave --embeddings out")
    for key in (MAP, SIMILAR):
        if key in there.list_brain_runs():
            there.delete_brain_run(key)
    view = there.select_by("name", list(names), ordered=True)
    method = "tsne" if len(names) > MAX_PCA else "pca"
    fob.compute_visualization(view, embeddings=vectors, method=method, brain_key=MAP, seed=0, verbose=False)
    fob.compute_similarity(view, embeddings=vectors, backend="sklearn", brain_key=SIMILAR)
