"""What one kind of detector is: a record of plain values, read without the library that the detector needs."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, NamedTuple


class Variant(NamedTuple):
    """One model of a family.

    `parameters` with 6 classes; `imgsz` in pixels, the only input size where it is `fixed`; `seconds` of CPU time to
    learn from one photo of that size, both passes, measured on an AMD EPYC (None: not measured).
    """

    parameters: int
    imgsz: int
    seconds: float | None
    fixed: bool = False


@dataclass(frozen=True)
class Family:
    """One kind of detector. Functions are named as "module:function" and imported when they are first called.

    build (recipe, classes, tensors) -> torch module: a fresh network for so many classes; `tensors` are those that it
        will be given.
    load (weights, device=, source=, threads=) -> Detector: a trained one, ready for photos; `threads` of the processor,
        0: see threads.py.
    fit (job, resume=) -> None: its training loop, which lives in `detect.training`.
    preview (job, keys) -> iterator of (picture, boxes (N, 4), labels): what the loop would learn from.
    graph (torch module) -> torch module from an image (1, 3, H, W) in 0..1 to boxes (N, 4) in its pixels, scores (N,)
        and labels (N,): what `detect export` writes. None: it cannot be exported.
    raw: the parts of the torch module ("" is all of it) whose outputs are raw, before any threshold, and always in one
        order; `detect export` compares them where the detector finds nothing.
    raw_by_proposal: parts whose outputs have a row for each proposal; the first gives the proposals themselves (P, 4).
    trial (job) -> function that makes a training step on so many grey pictures, for `batch: auto`. None: there is none.
    features (weights, device, source) -> function from (1, 3, H, W) to features (1, F, h, w). None: no embeddings.
    layout (model, imgsz) -> Layout: its default anchors. None: it has none.
    """

    name: str
    library: str
    models: Mapping[str, Variant]
    build: str
    load: str
    fit: str
    preview: str
    graph: str | None = None
    raw: tuple[str, ...] = ("",)
    raw_by_proposal: tuple[str, ...] = ()
    trial: str | None = None
    features: str | None = None
    layout: str | None = None
    unlisted: tuple[str, ...] = ()  # models too large for a CPU, which are not in the list
    keys: Set[str] = field(default_factory=frozenset)  # of a recipe, of those that not every family uses
    ascending: tuple[tuple[str, str], ...] = ()  # pairs of keys of `overlap`: the first may not exceed the second
    positive: str = ""  # the key of `overlap` from which on an anchor is to find a box
    padded: bool = False  # its input is padded with grey to multiples of 32
    square: bool = False  # its input is squeezed to a square
    least_batch: int = 1  # the smallest batch of photos from which its batch normalisation can learn

    @property
    def names(self) -> tuple[str, ...]:
        """Every model that it can build."""
        return (*self.models, *self.unlisted)

    @property
    def has_anchors(self) -> bool:
        """Whether it has anchors that can be fitted to the data."""
        return self.layout is not None


def resolve(function: str) -> Any:
    """The function that a family names as "module:function"."""
    module, _, name = function.partition(":")
    return getattr(import_module(module), name)
