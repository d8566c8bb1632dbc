"""The MongoDB that FiftyOne keeps its data in: found or started, shared by the commands of one user, stopped.

Left alone FiftyOne attaches to any FiftyOne database that runs on the machine. Here it gets one of its own: another
port, a folder under the user's data directory, reached from this machine only. Commands that run side by side use it
together; the last one stops it. One that outlived a kill -9 is found by the next command, which checks whose it is.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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
            with _alone(home):
                port = _ours(home) or _start(home)
                _lock(users, shared=True)
            yield f"mongodb://127.0.0.1:{port}/?serverSelectionTimeoutMS={1000 * PATIENCE // 3:.0f}"
        finally:
            with _alone(home):
                if _lock(users, wait=False):  # nobody else holds it
                    _stop(_port(home))


def find_mongod() -> Path:
    """The server's program: that of FiftyOne or of the extra `mongod`, or the one on the PATH.

    Raises DetectError, with the ways to get one, where there is none that is new enough.
    """
    spec = find_spec("fiftyone")
    own = Path(spec.origin).parent / "db" / "bin" / "mongod" if spec and spec.origin else None
    on_path = shutil.which("mongod")
    found = [place for place in (own, Path(on_path) if on_path else None) if place is not None and place.is_file()]
    said = []
    for place in found:
        version, text = _version(place)
        if version >= OLDEST:
            return place
        said.append(f"{place}: {text}")
    wrong = "; ".join(said) or "none was found"
    raise DetectError(
        f"FiftyOne needs a MongoDB server (mongod) of version {OLDEST[0]}.{OLDEST[1]} or newer: {wrong}. "
        "pip install 'damage-detect[mongod]' brings one for Debian and Ubuntu on x86-64; else install one from "
        "https://www.mongodb.com/try/download/community, or name a database with FIFTYONE_DATABASE_URI"
    )


def _version(mongod: Path) -> tuple[tuple[int, ...], str]:
    """Its version, and what it said; (0,) where it does not run."""
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
        # A session of its own: Ctrl-C is for us, and the database goes last.
        silent = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=silent, stderr=silent, start_new_session=True)  # noqa: S603 as above
        try:
            (home / "port").write_text(str(port))
            end = time.monotonic() + PATIENCE
            while process.poll() is None and time.monotonic() < end:
                if _ours(home):
                    return port
                time.sleep(0.05)
        except BaseException:  # Ctrl-C above all: one that does not listen yet could not be stopped later
            _ended(process)
            raise
        _ended(process)
    raise DetectError(f"the database did not start; {log} says why:\n{_tail(log)}")


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Let a server end that never answered; by force where it does not."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ours(home: Path) -> int | None:
    """The port of our server, if it runs and is ours: it must keep its data in our folder."""
    port = _port(home)
    if port is None:
        return None
    with suppress(Exception):  # whatever else listens there
        options = _client(port).admin.command("getCmdLineOpts")["parsed"]
        if Path(options["storage"]["dbPath"]) == home / "db":
            return port
    return None


def _stop(port: int | None) -> None:
    """Let the server write everything and end; wait until it has."""
    if port is None:
        return
    with suppress(Exception):  # it closes the connection instead of an answer
        _client(port).admin.command("shutdown")
    end = time.monotonic() + PATIENCE
    while _listens(port) and time.monotonic() < end:
        time.sleep(0.05)


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


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Only one command at a time starts or stops the server."""
    with (home / "start.lock").open("a") as file:
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


def _tail(log: Path) -> str:
    with suppress(OSError):
        return "\n".join(log.read_text(errors="replace").strip().split("\n")[-3:])[:2000]
    return "it is empty"
