"""The App: a server of FiftyOne's on this machine, until the command is stopped."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
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
from detect.review.fiftyone import server
from detect.review.reachable import check_port

START = 180  # seconds for the App to start. FiftyOne gives it 60, too few beside a training.
ServerService._wait_for_child_port = partialmethod(ServerService._wait_for_child_port, timeout=START)
ServerService.command = property(lambda service: server.command(service.port, service.address))  # ours


def serve(there: Any, *, address: str, port: int, browser: bool, ready: Callable[[str], None]) -> None:
    """Show a dataset until Ctrl-C, SIGTERM or SIGHUP; `ready` is called with the address.

    Raises DetectError where the port is taken, or the machine is too busy to start the App in time.
    """
    check_port(address, port)
    host = f"[{address}]" if ":" in address else address
    # FiftyOne prints that it cannot reach its own server while that starts, and other chat; its errors are logged.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), _plugins():
        try:
            session = fo.launch_app(there, spaces=_panels(), remote=True, address=address, port=port, auto=False)
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


@contextmanager
def _plugins() -> Iterator[None]:
    """Let the App load the keys and buttons of a review, beside the plugins of a folder that the user names, if any.

    FiftyOne knows one folder of plugins. It gets one with links, and no other of the user's is touched or loaded.
    """
    theirs = os.environ.get("FIFTYONE_PLUGINS_DIR")
    with tempfile.TemporaryDirectory(prefix="detect-review-") as folder:
        (Path(folder) / "review").symlink_to(Path(__file__).parent / "plugin")
        if theirs and Path(theirs).is_dir():
            (Path(folder) / "yours").symlink_to(Path(theirs).resolve())
        with _environment(FIFTYONE_PLUGINS_DIR=folder, FIFTYONE_PLUGINS_CACHE_ENABLED="true"):
            yield


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """These variables for the processes that are started meanwhile; then as before."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _panels() -> Any:
    """The photos, and beside them, as a tab, the panel of the review."""
    photos, progress = fo.Panel(type="Samples", pinned=True), fo.Panel(type="review_progress")
    return fo.Space(children=[photos, progress], active_child=photos.component_id)


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
