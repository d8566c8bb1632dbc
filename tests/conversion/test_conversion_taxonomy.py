"""Several sources as one dataset, with one vocabulary: --merge, --map, --drop, --classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from detect import progress
from detect.cli import main
from detect.conversion import read
from detect.conversion.taxonomy import merge, parse_classes, relabel
from detect.data import Box, Dataset, Image
from detect.errors import ConfigError, Problems

Tree = Callable[..., Path]


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    yield
    progress.set_quiet(False)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


def folder(tree: Tree, name: str, photo: str, classes: str, rows: str) -> Path:
    return tree({photo: (100, 50), f"{Path(photo).stem}.txt": rows, "classes.txt": classes}, name)


ONE, TWO = "0 0.5 0.5 0.2 0.4\n", "0 0.5 0.5 0.2 0.4\n1 0.2 0.2 0.1 0.1\n"


def box(label: str, at: float = 1.0) -> Box:
    return Box(label, at, 1.0, at + 2, 3.0)


DATA = Dataset(("a", "b", "c"), (Image("1.jpg", 9, 9, (box("a"), box("b", 2.0), box("c", 3.0))), Image("2.jpg", 9, 9)))


@pytest.mark.parametrize(
    ("mapping", "drop", "classes", "expected", "labels"),
    [
        ({}, (), (), ("a", "b", "c"), ["a", "b", "c"]),
        ({"a": "x"}, (), (), ("x", "b", "c"), ["x", "b", "c"]),
        ({"a": "b"}, (), (), ("b", "c"), ["b", "b", "c"]),  # two become one
        ({"a": "b", "b": "a"}, (), (), ("b", "a", "c"), ["b", "a", "c"]),  # swapped, not chained
        ({}, ("b",), (), ("a", "c"), ["a", "c"]),
        ({"b": "a"}, ("a",), (), ("a", "c"), ["a", "c"]),  # drop names labels as the source has them
        ({}, (), ("c", "b", "a"), ("c", "b", "a"), ["a", "b", "c"]),
        ({}, (), ("c", "new"), ("c", "new", "a", "b"), ["a", "b", "c"]),  # listed ones first, even unused ones
    ],
)
def test_relabel(
    mapping: dict[str, str],
    drop: tuple[str, ...],
    classes: tuple[str, ...],
    expected: tuple[str, ...],
    labels: list[str],
) -> None:
    problems = Problems()
    found = relabel(DATA, mapping, problems, drop=drop, classes=classes)
    assert found.classes == expected
    assert [b.label for b in found.images[0].boxes] == labels
    assert found.images[1] == DATA.images[1]  # an image without boxes is kept always
    dropped = sum(label in drop for label in DATA.classes)
    assert problems.counts().get(("dropped", "dropped label"), 0) == dropped


def test_classes_that_are_not_listed_are_reported() -> None:
    problems = Problems()
    relabel(DATA, {}, problems, classes=("c", "b"))
    assert [str(p) for p in problems] == ["class 'a' is not listed; kept after the others"]


def test_merge_keeps_images_of_one_name_apart() -> None:
    one, other = (Dataset((c,), (Image("1.jpg", 9, 9, (box(c),)),)) for c in ("b", "a"))
    problems = Problems()
    merged = merge([("cvat", one), ("cvat", other)], problems)
    assert merged.classes == ("b", "a")
    assert {i.name: [b.label for b in i.boxes] for i in merged.images} == {"cvat/1.jpg": ["b"], "cvat-2/1.jpg": ["a"]}
    assert problems.counts() == {("note", "images called after their source"): 1}


def test_merge_leaves_names_that_differ() -> None:
    parts = [(str(n), Dataset(("a",), (Image(f"{n}.jpg", 9, 9),))) for n in (2, 1)]
    problems = Problems()
    assert [i.name for i in merge(parts, problems).images] == ["1.jpg", "2.jpg"]
    assert len(problems) == 0


def test_two_sources_on_the_command_line(tree: Tree, tmp_path: Path) -> None:
    first = folder(tree, "first", "1.jpg", "Dent\nrust\n", TWO)
    second = folder(tree, "second", "1.jpg", "dents\n", ONE)
    words = ("--map", "Dent=dent", "--map", "dents=dent", "--drop", "rust", "--classes", "scratch,dent")
    result = run(first, tmp_path / "out", "--merge", second, "--to", "yolo", *words, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["images"], told["boxes"], told["classes"]) == (2, 2, ["scratch", "dent"])
    dataset = read(tmp_path / "out")
    assert dataset.classes == ("scratch", "dent")
    assert [(i.name, [b.label for b in i.boxes]) for i in dataset.images] == [
        ("first/1.jpg", ["dent"]),
        ("second/1.jpg", ["dent"]),
    ]


@pytest.mark.parametrize("text", ["Dent: dent\nnever seen: rust\n", "map:\n  Dent: dent\n"])
def test_a_mapping_in_a_file_may_know_more_labels(tree: Tree, tmp_path: Path, text: str) -> None:
    (tmp_path / "words.yaml").write_text(text)
    source = folder(tree, "first", "1.jpg", "Dent\nrust\n", TWO)
    result = run(source, tmp_path / "out", "--to", "coco", "--map", tmp_path / "words.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert read(tmp_path / "out").classes == ("dent", "rust")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--map", "Dnet=dent"), 1, "the data has no label 'Dnet'; did you mean 'Dent'? (labels: Dent, rust)"),
        (("--map", "Dent"), 2, "expected old=new, or a .yaml file"),
        (("--map", "=dent"), 2, "expected old=new"),
        (("--map", "nowhere.yaml"), 1, "there is no such file"),
        (("--map", "list.yaml"), 1, "must hold pairs old: new"),
        (("--drop", "rus"), 1, "--drop: the data has no label 'rus'; did you mean 'rust'?"),
        (("--classes", "a,a"), 2, "'a' appears twice"),
        (("--classes", ","), 2, "names no class"),
    ],
)
def test_mistakes(
    tree: Tree, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.yaml").write_text("- a\n- b\n")
    result = run(folder(tree, "first", "1.jpg", "Dent\nrust\n", TWO), "out", "--to", "yolo", *arguments)
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
    assert not (tmp_path / "out").exists()


def test_classes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("scratch\r\n dent \n")
    assert parse_classes(str(tmp_path / "classes.txt")) == ("scratch", "dent")
    assert parse_classes("scratch, dent") == ("scratch", "dent")
    with pytest.raises(ConfigError):
        parse_classes("")


def test_boxes_that_become_the_same_are_kept_once() -> None:
    problems = Problems()
    image = Image("1.jpg", 9, 9, (box("a"), box("b"), box("c")))
    found = relabel(Dataset(("a", "b", "c"), (image,)), {"a": "b"}, problems)
    assert found.images[0].boxes == (box("b"), box("c"))
    assert problems.counts() == {("dropped", "duplicate box"): 1}
