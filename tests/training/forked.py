"""`detect` in a process of its own, forked from one that has imported what a training needs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.popen_fork import Popen
from pathlib import Path
from types import SimpleNamespace

SERVER = get_context("forkserver")
SERVER.set_forkserver_preload([
    "detect.cli", "detect.training.torchvision.method", "detect.training.yolox.method", "detect.training.yolo.trainer",
    "lightning_fabric", "ultralytics", "torch.utils.tensorboard", "tests.training.narrow",
])  # fmt: skip


class Forked:
    """A running command, which leads a group of processes.

    `narrow`: its networks are, and the second processes that it starts are forked.
    """

    def __init__(self, arguments: list[str], *, narrow: bool = False, **variables: str) -> None:
        self._reader, writer = SERVER.Pipe(duplex=False)
        self._process = SERVER.Process(target=_detect, args=(writer, arguments, variables, narrow))
        self._process.start()
        writer.close()  # it is read to the end of all that were started with it

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """It has not ended."""
        return self._process.is_alive()

    def end(self) -> tuple[int, str]:
        """Its status and what it and its children remarked, when all of them have ended."""
        with open(self._reader.fileno(), encoding="utf-8", closefd=False) as remarks:
            told = remarks.read()
        self._reader.close()
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode, told


class _Second(Popen):
    """Stands for subprocess.Popen: a child that is forked, and need not import what its parent has imported."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], cwd: str | None) -> None:
        super().__init__(get_context("fork").Process(target=_again, args=(env,)))  # its parent waits for it no longer

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _again(variables: Mapping[str, str]) -> None:
    from detect.cli import main

    os.environ.update(variables)
    main()


def _detect(remarks: Connection, arguments: list[str], variables: dict[str, str], narrow: bool) -> None:
    os.setsid()
    os.fsync = lambda fd: None  # as for the tests
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(remarks.fileno(), 2)
    remarks.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    os.environ.update(variables)
    sys.argv = [str(Path(sys.executable).with_name("detect")), *arguments]  # what a second process is started by
    from detect.cli import main

    if not narrow:
        main()
    from lightning_fabric.strategies.launchers import subprocess_script

    from tests.training.narrow import narrowed

    subprocess_script.subprocess = SimpleNamespace(Popen=_Second)
    with narrowed():
        main()
