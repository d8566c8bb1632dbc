"""The MongoDB that FiftyOne keeps its data in: found or started, shared by the commands of one user, stopped.

Left alone FiftyOne attaches to any FiftyOne database that runs on the machine. Here it gets one of its own: another
port, a folder under the user's data directory, reached from this machine only. Commands that run side by side use it
together; the last one stops it. One that outlived a kill -9 is found by the next command, by the lock in its folder.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from detect.errors import DetectError, MissingExtra

OLDEST = (6, 0)  # the version of MongoDB that FiftyOne asks for
PATIENCE = 30.0  # seconds for a start; recovery after a crash takes some
CACHE = "0.5"  # GB of memory that the database may hold


def folder() -> Path:
    """Where reviews are kept: $XDG_DATA_HOME/damage-detect/review, by default in ~/.local/share."""
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "damage-detect" / "review"


@contextmanager
def running() -> Iterator[str]:
    """The address of the database for FiftyOne: $FIFTYONE_DATABASE_URI, which a team may share, or a private one.

    Raises MissingExtra without FiftyOne; DetectError where no mongod is found, or it does not start.
    """
    if find_spec("fiftyone") is None:
        raise MissingExtra("fiftyone", "review")
    if shared := os.environ.get("FIFTYONE_DATABASE_URI"):
        yield shared
        return
    home = folder()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / "users.lock").open("a") as users:
        try:
            with one_at_a_time(home / "start.lock"):
                port = _running(home) or _start(home)
                _lock(users, shared=True)
            yield f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS={1000 * PATIENCE // 3:.0f}"
        finally:
            with one_at_a_time(home / "start.lock"):
                if _lock(users, wait=False):  # nobody else holds it
                    _stop(_server(home))


def find_mongod() -> Path:
    """The server's program: that of FiftyOne or of the extra `mongod`, or the one on the PATH.

    Raises DetectError, with the ways to get one, where there is none that is new enough.
    """
    spec = find_spec("fiftyone")
    own = Path(spec.origin).parent / "db" / "bin" / "mongod" if spec and spec.origin else None
    on_path = shutil.which("mongod")
    found = [place for place in (own, Path(on_path) if on_path else None) if place is not None and place.is_file()]
    tried = []
    for place in found:
        version, text = _version(place)
        if version >= OLDEST:
            return place
        tried.append(f"{place}: {text}")
    wrong = "; ".join(tried) or "none was found"
    raise DetectError(
        f"FiftyOne needs a MongoDB server (mongod) of version {OLDEST[0]}.{OLDEST[1]} or newer: {wrong}. "
        "pip install 'damage-detect[mongod]' brings one for Debian and Ubuntu on x86-64; else install one from "
        "https://www.mongodb.com/try/download/community, or name a database with FIFTYONE_DATABASE_URI"
    )


def _version(mongod: Path) -> tuple[tuple[int, ...], str]:
    """Its version, and its own text about it; (0,) where it does not run."""
    try:
        done = subprocess.run([mongod, "--version"], capture_output=True, text=True, timeout=60)  # noqa: S603 a server
    except (OSError, subprocess.SubprocessError) as error:
        return (0,), str(error)
    text = (done.stdout or done.stderr).strip()
    number = re.search(r"v(\d+)\.(\d+)", text)
    return (int(number[1]), int(number[2])) if number else (0,), text.split("\n")[0]


def _start(home: Path) -> int:
    """Start a server on a free port, wait for it; the port."""
    mongod, log = find_mongod(), home / "mongod.log"
    (home / "db").mkdir(exist_ok=True, mode=0o700)
    for attempt in range(3):  # somebody may take the port first
        port = _free_port(_port(home) if attempt == 0 else None)
        command = [
            str(mongod), "--dbpath", str(home / "db"), "--port", str(port), "--bind_ip", "127.0.0.1",
            "--nounixsocket", "--wiredTigerCacheSizeGB", CACHE, "--logpath", str(log),
        ]  # fmt: skip
        log.unlink(missing_ok=True)  # else it is kept under another name, each time
        # A session of its own: Ctrl-C is for us, and the database goes last.
        silent = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=silent, stderr=silent, start_new_session=True)  # noqa: S603 as above
        try:
            if _answers(home, port, process.poll):
                (home / "port").write_text(str(port))
                return port
        except BaseException:  # Ctrl-C above all: one that does not listen yet could not be stopped later
            _ended(process)
            raise
        _ended(process)
    raise DetectError(f"the database did not start; {log} says why:\n{_why(log)}")


def _answers(home: Path, port: int, ended: Callable[[], int | None]) -> bool:
    """Wait until our server answers on this port; False where it `ended`, takes too long, or another answers."""
    end = time.monotonic() + PATIENCE
    while ended() is None and time.monotonic() < end:
        with suppress(Exception):  # whatever else listens there
            options = _client(port).admin.command("getCmdLineOpts")["parsed"]
            return Path(options["storage"]["dbPath"]) == home / "db"
        time.sleep(0.05)
    return False


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Let a server end that never answered; by force where it does not."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _running(home: Path) -> int | None:
    """The port of our server where it runs already. Raises DetectError where it runs and does not answer."""
    if (server := _server(home)) is None:
        return None
    if _answers(home, server.port, lambda: None if server.process.is_running() else 1):
        return server.port
    if not server.process.is_running():
        return None
    raise DetectError(
        f"the database, process {server.process.pid}, does not answer; end it (kill {server.process.pid}) "
        "and give the command again"
    )


class _Server(NamedTuple):
    process: Any
    port: int


def _server(home: Path) -> _Server | None:
    """The server that keeps its data in our folder, if there is one: its lock names it, its command line proves it."""
    import psutil

    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((home / "db" / "mongod.lock").read_text()))
        command = process.cmdline()
        if command[command.index("--dbpath") + 1] == str(home / "db"):
            return _Server(process, int(command[command.index("--port") + 1]))
    return None


def _stop(server: _Server | None) -> None:
    """Let the server write everything and end; wait until it has."""
    import psutil

    if server is None:
        return
    end = time.monotonic() + PATIENCE
    with suppress(psutil.Error):
        server.process.terminate()  # as `shutdown` in its shell does
        # It has ended, too, where the command that started it has not asked how yet.
        while server.process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
            time.sleep(0.02)


def _client(port: int) -> Any:
    from pymongo import MongoClient

    return MongoClient("127.0.0.1", port, serverSelectionTimeoutMS=500, connectTimeoutMS=500)


def _port(home: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int((home / "port").read_text())
    return None


def _free_port(wish: int | None = None) -> int:
    """The wished one (that of before: a process that goes on with FiftyOne knows no other), or any that is free."""
    for port in (wish, None):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port or 0))
            return int(probe.getsockname()[1])
    raise DetectError("this machine has no free port for a database")


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Only one command at a time is in such a block: starts or stops the server, or loads a review."""
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock.open("a") as file:
        _lock(file)
        yield


def _lock(file: Any, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock a file until it is closed (the system does that for the killed); False where another has it."""
    import fcntl

    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _why(log: Path) -> str:
    """The errors in a log of MongoDB's (a JSON document in each line), or its end where it names none."""
    with suppress(OSError):
        lines = log.read_text(errors="replace").strip().split("\n")
        errors = [line for line in lines if '"s":"E"' in line or '"s":"F"' in line]
        return "\n".join((errors or lines)[-3:])[:2000]
    return "it is empty"
