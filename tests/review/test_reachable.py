"""What cannot be reached is said with its reason, and before the data are read."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detect.errors import DetectError
from detect.review import reachable
from detect.review.fiftyone import not_installed
from detect.review.reachable import check_database, check_port
from tests.review.forked import Nursery
from tests.review.user import FOUND, Detect, environment


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A server on this machine that says this to everybody, or nothing; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                held.append(client)
                if answer is not None:
                    client.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        for client in held:
            client.close()


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("mongodb://127.0.0.1:9", "FiftyOne cannot use the database 127.0.0.1:9: .*refused"),
        ("mongodb://me:secret@127.0.0.1:9/x?retryWrites=true", "the database 127.0.0.1:9/x: .*refused"),
        ("mongodb://nobody.invalid", "the database nobody.invalid: "),  # no such host
        ("127.0.0.1:9", "refused"),
        ("http://127.0.0.1:9", "the database http://127.0.0.1:9: "),
        ("mongodb://127.0.0.1:99999", "the database 127.0.0.1:99999: "),  # no port
        ("mongodb://me:sec@ret@127.0.0.1:9", "Username and password must be escaped"),
        ("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50", "refused"),  # the user's own patience
    ],
)
def test_a_database_that_does_not_answer(uri: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachable, "WAIT", 0.4)
    monkeypatch.setattr(reachable, "CONNECT", 0.2)
    with pytest.raises(DetectError, match=why) as error:
        check_database(uri)
    assert "secret" not in str(error.value) and "sec@" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "timed out"),  # it takes the call and says nothing
        (b"HTTP/1.0 400 Bad Request\r\n\r\n", ""),  # something else listens there
    ],
)
def test_something_that_is_no_database(answer: bytes | None, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachable, "WAIT", 0.8)
    monkeypatch.setattr(reachable, "CONNECT", 0.2)
    with listening(answer) as port, pytest.raises(DetectError, match=f"127.0.0.1:{port}: .*{why}") as error:
        check_database(f"mongodb://127.0.0.1:{port}")
    assert "Topology" not in str(error.value)


def test_the_longest_wait_is_under_ten_seconds() -> None:
    assert reachable.WAIT + reachable.CONNECT < 10


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("192.0.2.1", "cannot be used: "),  # none of this machine's
        ("nobody.invalid", "cannot be used: "),
    ],
)
def test_an_address_that_is_not_here(address: str, why: str) -> None:
    with pytest.raises(DetectError, match=why):
        check_port(address, 5151)


def test_a_port_in_use_is_said_before_the_data_are_read(detect: Detect, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = detect("review", tmp_path / "no data", FOUND[0], "--port", port, check=False)
        assert done.returncode == 1 and f"127.0.0.1:{port} cannot be used" in done.stderr
        done = detect("review", tmp_path / "no data", FOUND[0], "--port", port, "--no-app", check=False)
        assert "no data" in done.stderr and "cannot be used" not in done.stderr  # no App, no port


def test_a_lost_database_is_said_before_the_data_are_read(detect: Detect, tmp_path: Path) -> None:
    uri = "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100"
    for arguments in ([tmp_path / "no data", FOUND[0]], ["--collect", "cars", tmp_path / "dest", "--to", "voc"]):
        done = detect("review", *arguments, check=False, FIFTYONE_DATABASE_URI=uri)
        assert done.returncode == 1 and "cannot use the database 127.0.0.1:9: " in done.stderr
        assert "refused" in done.stderr


def test_what_fiftyone_imports_for_nothing_is_as_not_installed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with not_installed("colorsys"), pytest.raises(ImportError):
        import colorsys
    import colorsys

    with not_installed("colorsys"):  # in use: others may import it meanwhile
        assert sys.modules["colorsys"] is colorsys
    assert sys.modules["colorsys"] is colorsys


def test_a_review_does_not_wait_for_databricks(nursery: Nursery, home: Path) -> None:
    code = "import sys; from detect.review import reviewing\nwith reviewing(): print('databricks.sdk' in sys.modules)"
    assert nursery.start(["-c", code], environment(home)).end()[:2] == (0, "False\n")
