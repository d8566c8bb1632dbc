"""Rooms that can be called: `from detect import train` gives a package with the name of its one function."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


class Room(ModuleType):
    """A package that can be called like its function `call`."""

    call: Callable[..., Any]

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Call the function."""
        return self.call(*given, **named)


def open_as(function: Callable[..., Any]) -> None:
    """Let the package in which this function stands be called in its place, with its signature."""
    room = sys.modules[function.__module__]
    room.__class__ = Room
    vars(room).update(call=function, __signature__=inspect.signature(function))
