"""A drawn dataset, what two detectors found in it, and a home of its own for the database of reviews.

The golden predictions are of detectors trained on other drawn photos (`detect sample --images 640`, as in the demo):
`detect predict RUN sample --confidence 0.15`, with `detect sample sample --images 40 --seed 11 --format cvat`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from detect.data import Dataset
from detect.sample import write_sample

GOLDEN = Path(__file__).parents[1] / "golden"
FOUND = (GOLDEN / "sample-fasterrcnn.json", GOLDEN / "sample-ssdlite.json")
LONG = 300  # seconds until a command that hangs is given up

Detect = Callable[..., subprocess.CompletedProcess[str]]


def needed(what: str, there: bool) -> None:
    """Skip where something is not installed, but never in CI."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {what}, which is not here")


@pytest.fixture(scope="session")
def mongod() -> None:
    """FiftyOne and a database server."""
    needed("fiftyone (the extra review)", find_spec("fiftyone") is not None)
    own = Path(str(find_spec("fiftyone").origin)).parent / "db" / "bin" / "mongod"  # type: ignore[union-attr]
    needed("mongod (the extra mongod)", own.is_file() or shutil.which("mongod") is not None)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    """Forty drawn photos as a CVAT export, and the same as a dataset."""
    from detect import convert

    folder = tmp_path_factory.mktemp("review") / "cars"
    write_sample(folder, images=40, seed=11, format="cvat")
    return folder, convert.read(folder)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, mongod: None) -> Path:
    """The user's data directory, for all tests that share a database."""
    return tmp_path_factory.mktemp("home")


def environment(home: Path) -> dict[str, str]:
    """A user with nothing but this home: no database or settings of the machine's real user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIFTYONE_")}
    return {**kept, "XDG_DATA_HOME": str(home), "HOME": str(home)}


@pytest.fixture(scope="session")
def detect(home: Path) -> Detect:
    """Run `detect` as a user would."""

    def run(*arguments: object, home: Path = home, check: bool = True, **more: str) -> Any:
        command = [sys.executable, "-P", "-m", "detect", *map(str, arguments)]
        env = {**environment(home), **more}
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=LONG)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


class App(NamedTuple):
    """A running `detect review`: its address, and the process."""

    url: str
    process: subprocess.Popen[str]


@pytest.fixture(scope="session")
def app(sample: tuple[Path, Dataset], home: Path) -> Iterator[App]:
    """The App on the sample with both detectors' predictions; it ends by SIGTERM and leaves nothing behind."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--resamples", "0", "--remote", "--port", str(port), "--group", r"(claim-\d+)"]
    command = [sys.executable, "-P", "-m", "detect", "review", str(sample[0]), *map(str, FOUND), *options]
    with started(command, home, stderr=subprocess.PIPE) as process:
        watchdog = threading.Timer(LONG, process.kill)
        watchdog.start()
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("http://"):
                break
        watchdog.cancel()
        assert said and said[-1].startswith("http://"), said
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        yield App(said[-1].split()[0], process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONG) == 0
    assert processes(home) == []


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
