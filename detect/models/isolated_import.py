"""Importing a library that rearranges the process, and putting everything back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import cv2
import torch
from PIL import Image

# ultralytics replaces these: PIL.Image.open to install a decoder on demand, torch.save to try again for 14 s.
_REPLACED = ((Image, "open"), (torch, "save"), (cv2, "imread"), (cv2, "imwrite"), (cv2, "imshow"))


@contextmanager
def isolated_import(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the block; after it the environment and other libraries are as before."""
    before = dict(os.environ)
    functions = [(module, name, getattr(module, name)) for module, name in _REPLACED]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        for module, name, function in functions:
            setattr(module, name, function)
