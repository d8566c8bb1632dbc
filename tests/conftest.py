"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from detect.progress import set_quiet

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """`--quiet` is a switch of the process; one test must not silence the next."""
    yield
    set_quiet(False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real datasets beside the checkout. Absent: skip, but never in CI."""
    if not SHARED_DATA.is_dir():
        message = "needs the real datasets in ../shared/data, which are not here"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return SHARED_DATA
