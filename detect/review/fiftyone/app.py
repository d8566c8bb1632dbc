"""The App: a server of FiftyOne's on this machine, until the command is stopped."""

from __future__ import annotations

import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partialmethod
from pathlib import Path
from typing import Any

import fiftyone as fo
from fiftyone.core.odm import database
from fiftyone.core.service import ServerService, ServiceListenTimeout

from detect.errors import DetectError

START = 180  # seconds for the App to start. FiftyOne gives it 60, too few beside a training.
ServerService._wait_for_child_port = partialmethod(ServerService._wait_for_child_port, timeout=START)


def serve(there: Any, *, address: str, port: int, browser: bool, ready: Callable[[str], None]) -> None:
    """Show a dataset until Ctrl-C, SIGTERM or SIGHUP; `ready` is called with the address.

    Raises DetectError where the port is taken, or the machine is too busy to start the App in time.
    """
    free_port(address, port)
    host = f"[{address}]" if ":" in address else address
    # FiftyOne prints that it cannot reach its own server while that starts, and other chat; its errors are logged.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            session = fo.launch_app(there, remote=True, address=address, port=port, auto=False)
        except ServiceListenTimeout:
            raise DetectError(
                f"the App did not start on {host}:{port} within {START} s; give the command again"
            ) from None
        try:
            with _until_stopped() as wait:
                while not _answers(address, port):
                    if wait(0.1):
                        return
                url = f"http://{host}:{port}/datasets/{there.slug}"
                ready(url)
                if browser:
                    webbrowser.open(url)
                while not wait(5):
                    database.get_db_conn().command("ping")  # without it the App would be a dead picture
        finally:
            session.close()
            fo.close_app()


def free_port(address: str, port: int) -> None:
    """Raise DetectError where something listens there already, or the address is none of this machine's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise DetectError(
                f"{address}:{port} cannot be used: {error.strerror}; give another one with --port"
            ) from None


def _answers(address: str, port: int) -> bool:
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 compared, not bound
    try:
        socket.create_connection((here, port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def _until_stopped() -> Iterator[Callable[[float], bool]]:
    """`wait(seconds)`: whether SIGINT, SIGTERM or SIGHUP came; all are as before afterwards."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield stop.wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
