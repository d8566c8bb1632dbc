"""Numbers in COCO: as JSON has them, or as text ("10"), which some scripts write."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

SANE = 1e9
"""Pixels; no side of an image is longer."""

_PLAIN = frozenset({float, int})
_TEXT = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?\s*", re.ASCII)


def numbers(values: Iterable[Any]) -> list[float] | None:
    """The values as numbers, NaN included; None where one is none, or more than a float can hold."""
    values = list(values)
    try:
        if _PLAIN.issuperset(map(type, values)):  # as nearly always, and there may be a million
            return list(map(float, values))
        return [float(value) if type(value) in _PLAIN else _from_text(value) for value in values]
    except (ValueError, OverflowError):
        return None


def _from_text(value: Any) -> float:
    if type(value) is str and _TEXT.fullmatch(value):
        return float(value)
    raise ValueError
