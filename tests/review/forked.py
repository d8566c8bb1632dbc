"""Processes forked from one that has imported what FiftyOne needs: a new one would take seconds for that alone.

FiftyOne itself each of them imports, as a new one would: it reads its settings from the environment meanwhile.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

LONG = 300  # seconds until a process that hangs is given up
NEEDED = (
    "boto3", "eta.core.serial", "jinja2", "matplotlib", "mongoengine", "motor.motor_asyncio", "pandas",
    "plotly.graph_objects", "psutil", "pydash", "requests", "rich.table", "scipy.ndimage", "scipy.spatial",
    "scipy.stats", "setuptools", "skimage", "sklearn.linear_model", "sklearn.metrics", "sse_starlette", "starlette",
    "strawberry", "tqdm", "uvicorn", "yaml",
)  # fmt: skip
ROOMS = ("detect.cli.review", "detect.conversion", "detect.evaluation", "detect.review")
ENVIRONMENT = 1 << 20  # bytes that an order with an environment may have


class Nursery:
    """The process that is forked, while the block lasts."""

    def __enter__(self) -> Nursery:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(LONG)
        with theirs:
            command = [sys.executable, "-P", __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        return self

    def __exit__(self, *given: object) -> None:
        self._orders.close()
        assert self._process.wait(LONG) == 0

    def start(self, program: Sequence[str], environment: Mapping[str, str], *, stderr: int | None = None) -> Forked:
        """What `python -P` would make of this program, `-m MODULE ...` or `-c CODE ...`; `stderr`: None for a pipe."""
        pipes = [os.pipe(), os.pipe(), os.pipe()]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1] if stderr is None else stderr]
        socket.send_fds(self._orders, [json.dumps([list(program), dict(environment)]).encode()], theirs)
        number = int(self._orders.recv(100))
        for descriptor in (pipes[0][0], pipes[1][1], pipes[2][1]):
            os.close(descriptor)
        return Forked(self, number, pipes[0][1], pipes[1][0], pipes[2][0])

    def ended(self, number: int) -> int:
        """Wait until this process has ended; its exit status, or minus the number of the signal, as `Popen` has it."""
        self._orders.send(str(number).encode())
        return int(self._orders.recv(100))


class Forked:
    """A process of the nursery's, with its streams."""

    def __init__(self, nursery: Nursery, number: int, stdin: int, stdout: int, stderr: int) -> None:
        self._nursery, self.pid = nursery, number
        self.stdin, self.stdout, self.stderr = open(stdin, "w"), open(stdout), open(stderr)  # noqa: SIM115

    def kill(self) -> None:
        """End it by force."""
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> tuple[int, str, str]:
        """Close its input, and wait until it has ended; its exit status, results and remarks."""
        watchdog = threading.Timer(LONG, self.kill)
        watchdog.start()
        with self.stdin, self.stdout, self.stderr:
            self.stdin.close()
            said, remarks = self.stdout.read(), self.stderr.read()
        status = self._nursery.ended(self.pid)
        watchdog.cancel()
        return status, said, remarks


def _ordered(orders: socket.socket) -> list[str] | None:
    """Fork as ordered: returns the program in each process that was forked, and None in this one, at its end."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(orders, ENVIRONMENT, 3)
        if not text:
            return None
        if not descriptors:
            orders.send(str(os.waitstatus_to_exitcode(os.waitpid(int(text), 0)[1])).encode())
            continue
        number = os.fork()
        if not number:
            program, environment = json.loads(text)
            os.environ.clear()
            os.environ.update(environment)
            for place, descriptor in enumerate(descriptors):
                os.dup2(descriptor, place)
                os.close(descriptor)
            orders.close()
            return list(program)
        for descriptor in descriptors:
            os.close(descriptor)
        orders.send(str(number).encode())


def _main() -> None:
    for module in (*NEEDED, *ROOMS):
        with suppress(ImportError):  # then FiftyOne needs it no longer
            import_module(module)
    program = _ordered(socket.socket(fileno=int(sys.argv[1])))
    if program is None:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
    sys.argv = [sys.executable, *program[2:]]
    if program[0] == "-m":
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        mine: dict[str, Any] = {"__name__": "__main__"}
        exec(program[1], mine)  # noqa: S102 the test's own


if __name__ == "__main__":
    _main()
