"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real datasets beside the checkout. Absent: skip, but never in CI."""
    if not SHARED_DATA.is_dir():
        message = "needs the real datasets in ../shared/data, which are not here"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return SHARED_DATA
