"""`detect convert` as a user meets it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detect import progress
from detect.cli import main
from detect.cli.convert import WRITTEN
from detect.cli.reading import FORMATS as READ
from detect.conversion import FORMATS, read

Tree = Callable[..., Path]

GOOD = {"1.jpg": (100, 50), "1.txt": "0 0.5 0.5 0.2 0.4\n0 1 0.5 0.2 0.4\n", "2.jpg": (9, 9), "classes.txt": "dent\n"}


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    yield
    progress.set_quiet(False)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


def test_the_choices_are_the_formats() -> None:
    assert list(READ) == list(FORMATS)
    assert set(WRITTEN) == {row.name for row in FORMATS.values() if row.written}


def test_it_says_what_it_did(tree: Tree, tmp_path: Path) -> None:
    result = run(tree(GOOD), tmp_path / "out", "--to", "coco")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'out'}: 2 images, 2 boxes, 1 class (coco)\n"
    assert "1 repaired: box clipped" in result.stderr
    assert "1 note: image without annotations" in result.stderr
    assert len(read(tmp_path / "out")) == 2


def test_quiet(tree: Tree, tmp_path: Path) -> None:
    result = run(tree(GOOD), tmp_path / "out", "--to", "coco", "--quiet")
    assert (result.exit_code, result.stderr) == (0, "")


def test_json(tree: Tree, tmp_path: Path) -> None:
    result = run(tree(GOOD), tmp_path / "out.json", "--to", "coco", "--json")
    assert json.loads(result.stdout) == {
        "dest": str(tmp_path / "out.json"), "format": "coco",
        "images": 2, "boxes": 2, "classes": ["dent"], "splits": {},
        "problems": [
            {"level": "repaired", "kind": "box clipped", "count": 1},
            {"level": "note", "kind": "image without annotations", "count": 1},
        ],
        "rejects": None,
    }  # fmt: skip


def test_errors_write_nothing(tree: Tree, tmp_path: Path) -> None:
    root = tree({**GOOD, "1.txt": "3 0.5 0.5 0.2 0.4\n0 x 0.5 0.2 0.4\n"})
    result = run(root, tmp_path / "out", "--to", "coco", "--from", "yolo")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"error: {root}/1.txt: line 1: class index 3 is out of range; the classes go from 0 to 0",
        f"{root}/1.txt: line 2: '0 x 0.5 0.2 0.4' holds something that is no number",
    ]
    assert not (tmp_path / "out").exists() and not (tmp_path / "rejects.jsonl").exists()


def test_skip_leaves_out_the_bad_and_lists_it(tree: Tree, tmp_path: Path) -> None:
    root = tree({**GOOD, "1.txt": "3 0.5 0.5 0.2 0.4\n0 0.5 0.5 0.2 0.4\n0 0.5 0.5 0 0\n"})
    result = run(root, tmp_path / "out", "--to", "yolo", "--on-error", "skip")
    assert result.exit_code == 0
    assert f"{tmp_path / 'rejects.jsonl'}: what was left out" in result.stdout
    rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(r["level"], r["file"], r["where"]) for r in rejects] == [
        ("error", f"{root}/1.txt", "line 1"),
        ("dropped", f"{root}/1.txt", "line 3"),
        ("dropped", f"{root}/1.jpg", ""),  # for its bad row
    ]
    assert [(image.name, len(image.boxes)) for image in read(tmp_path / "out").images] == [("2.jpg", 0)]


def test_skip_without_anything_bad_writes_no_list(tree: Tree, tmp_path: Path) -> None:
    result = run(tree(GOOD), tmp_path / "out", "--to", "yolo", "--on-error", "skip")
    assert result.exit_code == 0 and not (tmp_path / "rejects.jsonl").exists()


def test_without_images(tree: Tree, tmp_path: Path) -> None:
    assert run(tree(GOOD), tmp_path / "out", "--to", "voc", "--no-images").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Annotations", "classes.txt"]


def test_images_elsewhere(tree: Tree, tmp_path: Path) -> None:
    photos = tree({"1.jpg": (100, 50)}, "photos")
    root = tree({"1.txt": "0 0.5 0.5 0.2 0.4\n", "classes.txt": "dent\n"})
    assert run(root, tmp_path / "out", "--to", "cvat", "--images", photos).exit_code == 0
    assert (tmp_path / "out/images/1.jpg").samefile(photos / "1.jpg")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere", "out", "--to", "coco"), 1, "nowhere: there is no such file or folder"),
        (("nowhere", "out"), 2, "Missing option '--to'"),
        (("nowhere", "out", "--to", "tfrecord"), 2, "'tfrecord' is not one of"),
        (
            ("nowhere", "out.json", "--to", "yolo"),
            2,
            "only coco and coco-results can be written to one .json file; name a folder for yolo",
        ),
        (("nowhere", ".", "--to", "yolo"), 1, "already there"),
    ],
)
def test_bad_arguments(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "something").touch()
    result = run(*arguments)
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr


def test_without_a_collection_problems_are_logged(tree: Tree, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "detect"):
        read(tree(GOOD))
    assert [(record.levelname, record.message.partition(": /")[0]) for record in caplog.records] == [
        ("WARNING", "1 repaired: box clipped"),
        ("INFO", "1 note: image without annotations"),
    ]
