"""A drawn dataset, a home of its own for the database of reviews, and the App running on both."""

from __future__ import annotations

import logging
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from logging.handlers import BufferingHandler
from pathlib import Path

import pytest

from detect.data import Dataset
from detect.review import Reviews, reviewing
from detect.sample import write_sample
from tests.review.forked import LONG, Nursery
from tests.review.user import FOUND, App, Detect, Prompt, environment, needed, processes, started


@pytest.fixture(scope="session")
def mongod() -> None:
    """FiftyOne and a database server."""
    needed("fiftyone (the extra review)", find_spec("fiftyone") is not None)
    own = Path(str(find_spec("fiftyone").origin)).parent / "db" / "bin" / "mongod"  # type: ignore[union-attr]
    needed("mongod (the extra mongod)", own.is_file() or shutil.which("mongod") is not None)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    """Forty drawn photos as a CVAT export, and the same as a dataset."""
    from detect import conversion

    folder = tmp_path_factory.mktemp("review") / "cars"
    write_sample(folder, images=40, seed=11, format="cvat")
    return folder, conversion.read(folder)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, mongod: None) -> Path:
    """The user's data directory, for all tests that share a database."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def nursery(mongod: None) -> Iterator[Nursery]:
    """Where new processes cost little."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture(scope="session")
def detect(nursery: Nursery, home: Path) -> Iterator[Detect]:
    """Run `detect` as a user would; in a process of its own where the environment is another one."""
    with Prompt(nursery, home) as prompt:

        def run(*arguments: object, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
            if not more:
                return prompt(*arguments, check=check)
            command = ["-m", "detect", *map(str, arguments)]
            done = subprocess.CompletedProcess(command, *nursery.start(command, {**environment(home), **more}).end())
            assert not check or done.returncode == 0, done.stderr
            return done

        yield run


@pytest.fixture(scope="module")
def reviews(home: Path) -> Iterator[Reviews]:
    """Reviews in this process; a second module finds its way to them, too, and each leaves them without an error."""
    errors = BufferingHandler(100)
    errors.setLevel(logging.ERROR)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(home).items():
            patch.setenv(name, value)
        logging.getLogger("fiftyone").addHandler(errors)
        try:
            with reviewing() as opened:
                yield opened
                errors.flush()  # what the tests did there is theirs to judge
        finally:
            logging.getLogger("fiftyone").removeHandler(errors)
    assert [record.getMessage() for record in errors.buffer] == []
    for thread in threading.enumerate():
        if thread.name.startswith("pymongo"):  # it may be on its way out
            thread.join(LONG)
            assert not thread.is_alive(), thread.name


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
