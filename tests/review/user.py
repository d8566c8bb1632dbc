"""A user of `detect review` with a home of its own: what the tests of the room have in common.

The golden predictions are of detectors trained on other drawn photos (`detect sample --images 640`, as in the demo):
`detect predict RUN sample --confidence 0.15`, with `detect sample sample --images 40 --seed 11 --format cvat`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.review.forked import LONG, Nursery

GOLDEN = Path(__file__).parents[1] / "golden"
FOUND = (GOLDEN / "sample-fasterrcnn.json", GOLDEN / "sample-ssdlite.json")

Detect = Callable[..., subprocess.CompletedProcess[str]]


def needed(what: str, there: bool) -> None:
    """Skip where something is not installed, but never in CI."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {what}, which is not here")


def environment(home: Path) -> dict[str, str]:
    """A user with nothing but this home: no database or settings of the machine's real user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIFTYONE_")}
    return {**kept, "XDG_DATA_HOME": str(home), "HOME": str(home)}


# Commands, a line of JSON each, one after another: their exit status, results and remarks come back as a line of JSON.
PROMPT = """
import json, os, sys, traceback
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from click.testing import CliRunner
from detect.cli import main
from detect.progress import set_quiet
for line in sys.stdin:
    set_quiet(False)
    done = CliRunner().invoke(main, json.loads(line))
    broken = done.exception is not None and not isinstance(done.exception, SystemExit)
    more = "".join(traceback.format_exception(done.exception)) if broken else ""
    print(json.dumps([done.exit_code, done.stdout, done.stderr + more]), file=answers, flush=True)
"""


class Prompt:
    """A user at a prompt, whose commands run in one process: each by itself would import FiftyOne anew.

    `processes` does not see it, as it sees no forked one.
    """

    def __init__(self, nursery: Nursery, home: Path) -> None:
        self._process = nursery.start(["-c", PROMPT], environment(home), stderr=2)  # as it comes

    def __call__(self, *arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `detect` with these arguments."""
        self._process.stdin.write(json.dumps([*map(str, arguments)]) + "\n")
        self._process.stdin.flush()
        watchdog = threading.Timer(LONG, self._process.kill)
        watchdog.start()
        status, results, remarks = json.loads(self._process.stdout.readline() or '[-9, "", "it hung"]')
        watchdog.cancel()
        assert not check or status == 0, remarks
        return subprocess.CompletedProcess([*map(str, arguments)], status, results, remarks)

    def __enter__(self) -> Prompt:
        return self

    def __exit__(self, *given: object) -> None:
        assert self._process.end()[0] == 0


class App(NamedTuple):
    """A running `detect review`: its address, and the process."""

    url: str
    process: subprocess.Popen[str]


def started(command: list[str], home: Path, **more: Any) -> subprocess.Popen[str]:
    """A process of this user's that minds Ctrl-C, which what is started in the background of a shell does not."""
    minding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, text=True, env=environment(home), preexec_fn=minding, **more)


def processes(home: Path) -> list[str]:
    """The command lines of the processes that were started with this home, by us or by those that we forked."""
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
