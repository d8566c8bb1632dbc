"""`detect review` on the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detect import conversion
from detect.data import Dataset
from detect.review.pages import Page, _files
from tests.review.forked import LONG, Nursery
from tests.review.user import FOUND, Detect, Prompt, environment, processes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give DATA and one or two PREDICTIONS"),
        (["data"], "give DATA and one or two PREDICTIONS"),
        (["a", "b", "c", "d"], "give DATA and one or two PREDICTIONS"),
        (["a", "b", "--to", "voc"], "give DATA and one or two PREDICTIONS"),
        (["--collect", "cars"], "--collect NAME needs DEST and --to FORMAT"),
        (["--collect", "cars", "dest"], "--collect NAME needs DEST and --to FORMAT"),
        (["--collect", "cars", "dest", "--to", "voc", "--split", "val"], "--split cannot be used with --collect"),
    ],
)
def test_bad_usage(detect: Detect, arguments: list[str], said: str) -> None:
    done = detect("review", *arguments, check=False)
    assert done.returncode == 2 and said in done.stderr


def test_a_dest_that_is_there_is_refused_before_anything_starts(detect: Detect, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").touch()
    done = detect("review", "--collect", "cars", tmp_path / "old", "--to", "voc", check=False)
    assert done.returncode == 1 and "already there" in done.stderr
    done = detect("review", "--collect", "cars", tmp_path / "new", "--to", "vocc", check=False)
    assert done.returncode == 2 and "vocc" in done.stderr


def test_pages_without_a_server(detect: Detect, sample: tuple[Path, Dataset], tmp_path: Path) -> None:
    out = tmp_path / "pages"
    options = ["--resamples", "50", "--name", "pages", "--export", out, "--json"]
    done = detect("review", sample[0], *FOUND, *options)
    views = json.loads(done.stdout)["views"]
    index = (out / "index.html").read_text()
    assert "missed damage" in index and "AP50 0.6" in index
    page = (out / "missed-damage.html").read_text()
    assert page.count("<figure>") == views["missed damage"]
    shown = {line.split('"')[3] for line in page.splitlines() if line.startswith("<img")}
    assert len(shown) == views["missed damage"] and all((out / name).stat().st_size > 5000 for name in shown)
    again = detect("review", sample[0], FOUND[0], "--export", out, check=False)
    assert again.returncode == 1 and "already there" in again.stderr


def test_classes_that_differ_in_what_no_file_can_hold_have_pages_of_their_own() -> None:
    pages = [Page(f"class: {name}", "", ()) for name in ("tire flat", "tire_flat", "царапина", "вмятина")]
    assert list(_files(pages).values()) == [
        "class-tire-flat.html",
        "2-class-tire-flat.html",
        "class.html",
        "4-class.html",
    ]


def test_collecting_only_what_is_disputed(detect: Detect, sample: tuple[Path, Dataset], tmp_path: Path) -> None:
    detect("review", sample[0], FOUND[0], "--name", "disputed", "--resamples", "0", "--no-app", "-q")
    options = ["--to", "cvat", "--only", "disputed", "--json"]
    done = detect("review", "--collect", "disputed", tmp_path / "part", *options)
    told = json.loads(done.stdout)
    dataset = conversion.read(tmp_path / "part")
    assert told["images"] == len(dataset) and 0 < len(dataset) < 40
    known = {image.name: image.boxes for image in sample[1].images}
    assert {image.name: image.boxes for image in dataset.images} == {i.name: known[i.name] for i in dataset.images}


def test_photos_that_were_moved_away(
    detect: Detect, sample: tuple[Path, Dataset], tmp_path_factory: pytest.TempPathFactory
) -> None:
    old, new = (tmp_path_factory.mktemp("moving") / "cars" for _ in range(2))
    shutil.copytree(sample[0], old)
    options = ["--name", "moving", "--resamples", "0", "--no-app", "-q"]
    detect("review", old, FOUND[0], *options)
    old.rename(new)
    dest = new.parent / "fixed"
    done = detect("review", "--collect", "moving", dest, "--to", "yolo", check=False)
    assert done.returncode == 1 and "40 of 40 photos are not there" in done.stderr and not dest.exists()
    detect("review", "--collect", "moving", new.parent / "fixed.json", "--to", "coco")  # that needs no photos
    detect("review", new, FOUND[0], *options)
    detect("review", "--collect", "moving", dest, "--to", "yolo")
    assert len(conversion.read(dest)) == 40


def test_a_zip_is_gone_when_the_command_ends(detect: Detect, tmp_path: Path) -> None:
    (tmp_path / "data.zip").touch()
    done = detect("review", tmp_path / "data.zip", FOUND[0], check=False)
    assert done.returncode == 1 and "unpack the zip first" in done.stderr


def test_a_port_that_is_taken(detect: Detect, sample: tuple[Path, Dataset]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        options = ["--name", "taken", "--resamples", "0", "--port", port, "--remote"]
        done = detect("review", sample[0], FOUND[0], *options, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in done.stderr and "--port" in done.stderr


def test_a_database_that_is_not_there(detect: Detect, sample: tuple[Path, Dataset]) -> None:
    uri = "mongodb://user:secret@127.0.0.1:9/?serverSelectionTimeoutMS=500"
    done = detect("review", sample[0], FOUND[0], "--resamples", "0", check=False, FIFTYONE_DATABASE_URI=uri)
    assert done.returncode == 1 and "FiftyOne cannot use the database 127.0.0.1:9" in done.stderr
    assert "secret" not in done.stderr and "Traceback" not in done.stderr


def serving(home: Path) -> Any:
    """A client of this user's database, once it is up."""
    from pymongo import MongoClient

    port, end = home / "damage-detect" / "review" / "port", time.monotonic() + LONG
    while not port.exists() and time.monotonic() < end:
        time.sleep(0.02)
    return MongoClient("127.0.0.1", int(port.read_text()))


def wait_for(server: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """FiftyOne's entry of the dataset, once it is `wanted`."""
    end = time.monotonic() + LONG
    while (entry := server.fiftyone.datasets.find_one(wanted)) is None and time.monotonic() < end:
        time.sleep(0.002)
    assert entry is not None
    return dict(entry)


KILLS = [
    ("command", signal.SIGTERM), ("command", signal.SIGINT), ("command", signal.SIGHUP), ("command", signal.SIGKILL),
    ("server", signal.SIGKILL),
]  # fmt: skip


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user whose commands and databases are killed."""
    return tmp_path_factory.mktemp("crashing")


@pytest.fixture(scope="module")
def again(nursery: Nursery, crashing: Path) -> Iterator[Prompt]:
    """What that user does next."""
    with Prompt(nursery, crashing) as prompt:
        yield prompt


def test_killed_in_mid_load_the_next_start_works_and_no_tag_is_lost(
    sample: tuple[Path, Dataset], nursery: Nursery, crashing: Path, again: Prompt, tmp_path: Path
) -> None:
    arguments = ["review", sample[0], *FOUND, "--resamples", "0", "--no-app", "-q", "--json"]
    for victim, stop in KILLS:
        killed_in_mid_load(nursery, [*arguments, "--name", f"{victim}-{stop.name}"], crashing, victim, stop)
    for victim, stop in KILLS:
        name = f"{victim}-{stop.name}"
        assert json.loads(again(*arguments, "--name", name).stdout)["images"] == 40
        options = ["--to", "coco", "--json"]
        collected = again("review", "--collect", name, tmp_path / f"{name}.json", *options)
        assert [change["by"] for change in json.loads(collected.stdout)["changes"]] == ["fix:drop"], name
    assert processes(crashing) == []


def killed_in_mid_load(
    nursery: Nursery, arguments: list[object], home: Path, victim: str, stop: signal.Signals
) -> None:
    """Begin a review, tag a photo in the database, and send the signal; what is told and left is looked at."""
    from pymongo import WriteConcern

    process = nursery.start(["-m", "detect", *map(str, arguments)], environment(home))
    server = serving(home)
    entry = wait_for(server, {"info.detect.models": {"$gt": {}}, "name": arguments[-1]})
    photos = server.fiftyone[entry["sample_collection_name"]].with_options(write_concern=WriteConcern(j=True))
    photos.update_one({}, {"$push": {"tags": "fix:drop"}})
    os.kill(process.pid if victim == "command" else server.admin.command("serverStatus")["pid"], stop)
    status, _, said = process.end()
    assert "Traceback" not in said
    if victim == "server":
        assert status == 1 and "give the command again" in said
    elif stop == signal.SIGKILL:
        assert status == -signal.SIGKILL
    else:
        # A shell calls both 130: Python ends itself by SIGINT where one came while code from a string was run.
        assert status in (130, -signal.SIGINT)
    if (victim, stop) != ("command", signal.SIGKILL):
        assert processes(home) == []


def test_the_database_killed_while_photos_are_loaded(
    sample: tuple[Path, Dataset], nursery: Nursery, crashing: Path, again: Prompt
) -> None:
    arguments = ["review", sample[0], FOUND[0], "--name", "half", "--resamples", "0", "--no-app", "-q", "--json"]
    process = nursery.start(["-m", "detect", *map(str, arguments)], environment(crashing))
    server = serving(crashing)
    assert "half (loading" in wait_for(server, {"name": {"$regex": "^half"}})["name"]
    os.kill(server.admin.command("serverStatus")["pid"], signal.SIGKILL)
    status, _, said = process.end()
    assert status == 1 and "give the command again" in said and "Traceback" not in said
    assert processes(crashing) == []
    assert json.loads(again(*arguments).stdout)["images"] == 40
