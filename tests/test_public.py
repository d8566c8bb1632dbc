"""`from detect import ...`: every public name is there, typed and lazy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import detect


def test_every_public_name_is_there() -> None:
    homes = [name for names in detect._HOMES.values() for name in names]
    assert sorted(homes) == detect.__all__
    for name in detect.__all__:
        assert getattr(detect, name).__name__.split(".")[-1] == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'boxes'"):
        detect.boxes  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, detect; print([m for m in ('numpy', 'torch', 'cv2', 'click', 'yaml') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("name", ["train", "predict"])
def test_a_room_can_be_called_like_its_function(name: str) -> None:
    """However it was imported, and whatever of it was imported before."""
    code = (
        f"import inspect; from detect import {name} as first; from detect.{name} import {name} as function\n"
        f"import detect; from detect import {name} as second\n"
        f"assert callable(first) and first is second is detect.{name} and inspect.isfunction(function)\n"
        "assert inspect.signature(first) == inspect.signature(function)\n"
        "try: first()\n"
        "except TypeError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"{name}() missing" in done.stdout, done.stderr
