"""A user of `detect review` with a home of its own: what the tests of the room have in common.

The golden predictions are of detectors trained on other drawn photos (`detect sample --images 640`, as in the demo):
`detect predict RUN sample --confidence 0.15`, with `detect sample sample --images 40 --seed 11 --format cvat`.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
FOUND = (GOLDEN / "sample-fasterrcnn.json", GOLDEN / "sample-ssdlite.json")
LONG = 300  # seconds until a command that hangs is given up

Detect = Callable[..., subprocess.CompletedProcess[str]]


def needed(what: str, there: bool) -> None:
    """Skip where something is not installed, but never in CI."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {what}, which is not here")


def environment(home: Path) -> dict[str, str]:
    """A user with nothing but this home: no database or settings of the machine's real user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIFTYONE_")}
    return {**kept, "XDG_DATA_HOME": str(home), "HOME": str(home)}


class App(NamedTuple):
    """A running `detect review`: its address, and the process."""

    url: str
    process: subprocess.Popen[str]


def started(command: list[str], home: Path, **more: Any) -> subprocess.Popen[str]:
    """A process of this user's that minds Ctrl-C, which what is started in the background of a shell does not."""
    minding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, text=True, env=environment(home), preexec_fn=minding, **more)


def processes(home: Path) -> list[str]:
    """The command lines of the processes that were started with this home."""
    found = []
    mark = f"XDG_DATA_HOME={home}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            mine = mark in (entry / "environ").read_bytes().split(b"\0") and entry.name != str(os.getpid())
            if mine and (line := (entry / "cmdline").read_bytes()):
                found.append(line.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found
