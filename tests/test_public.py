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
        assert getattr(detect, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'boxes'"):
        detect.boxes  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, detect; print([m for m in ('numpy', 'torch', 'cv2', 'click', 'yaml') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
