"""`detect` in a process of its own, forked from one that has imported what a training needs."""

from __future__ import annotations

import os
import signal
import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

SERVER = get_context("forkserver")
SERVER.set_forkserver_preload([
    "detect.cli", "detect.training.torchvision.method", "detect.training.yolox.method", "detect.training.yolo.trainer",
    "lightning_fabric", "ultralytics",
    "torch.utils.tensorboard",
])  # fmt: skip


class Forked:
    """A running command, which leads a group of processes."""

    def __init__(self, arguments: list[str], **variables: str) -> None:
        self._reader, writer = SERVER.Pipe(duplex=False)
        self._process = SERVER.Process(target=_detect, args=(writer, arguments, variables))
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


def _detect(remarks: Connection, arguments: list[str], variables: dict[str, str]) -> None:
    os.setsid()
    os.fsync = lambda fd: None  # as for the tests
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(remarks.fileno(), 2)
    remarks.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    os.environ.update(variables)
    sys.argv = [str(Path(sys.executable).with_name("detect")), *arguments]  # what a second process is started by
    from detect.cli import main

    main()
