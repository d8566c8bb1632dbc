"""Labels of whole photos in tables, folders and COCO: what is read, what is written, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from detect.conversion import FORMATS, merge, read, relabel, write
from detect.data import Attributes, Box, Dataset, Image
from detect.errors import ConfigError, DataError, Problems
from detect.questions import Question

Tree = Callable[..., Path]

QUESTIONS = {
    "damaged": Question(("no", "yes")),
    "severity, all told": Question(("none", "light", "write-off; total", "front/left"), ordered=True),
}


@pytest.fixture
def dataset(tree: Tree) -> Dataset:
    """Photos with labels for two questions, one and none; in names and labels, what parts cells and paths."""
    names = ["claim, 1/a;b.png", 'claim, 1/"c".png', "d.png", "e.png"]
    root = tree(dict.fromkeys(names, (20, 10)), "photos")
    labels: list[dict[str, str]] = [
        {"damaged": "yes", "severity, all told": "write-off; total"},
        {"damaged": "yes", "severity, all told": "front/left"},
        {"damaged": "no"},
        {},
    ]
    images = [
        Image(name, 20, 10, split=split, path=root / name, labels=said)
        for name, split, said in zip(names, ("train", "holdout", "val", None), labels, strict=True)
    ]
    return Dataset((), tuple(sorted(images, key=lambda image: image.name)), QUESTIONS)


def test_a_table_holds_all_of_it(dataset: Dataset, tmp_path: Path) -> None:
    problems = Problems()
    out = write(dataset, tmp_path / "out", "csv", problems=problems)
    assert read(out, problems=problems) == dataset
    assert read(out / "labels.csv", problems=problems) == dataset
    assert len(problems) == 0
    assert (out / "labels.csv").read_text().splitlines()[:2] == [
        'image,split,width,height,damaged,"severity, all told"',
        '"claim, 1/""c"".png",holdout,20,10,yes,front/left',
    ]


def test_a_table_without_photos_keeps_the_sizes(dataset: Dataset, tmp_path: Path) -> None:
    assert read(write(dataset, tmp_path / "out", "csv", media="none")) == dataset


def test_folders_hold_one_question(dataset: Dataset, tmp_path: Path) -> None:
    problems = Problems()
    out = write(dataset, tmp_path / "out", "class-folders", problems=problems)
    assert [str(problem) for problem in problems] == [
        "2 photo labels dropped (severity, all told): a folder per label holds 'damaged' alone"
    ]
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png")) == [
        "default/unlabelled/e.png", 'holdout/yes/claim, 1/"c".png', "train/yes/claim, 1/a;b.png", "val/no/d.png",
    ]  # fmt: skip
    some = {"damaged": QUESTIONS["damaged"]}
    kept = [replace(i, labels={k: v for k, v in i.labels.items() if k == "damaged"}) for i in dataset]
    assert read(out) == Dataset((), tuple(kept), some)


def test_folders_of_labels_that_no_folder_can_be_called(dataset: Dataset, tmp_path: Path) -> None:
    labels = ("front/left", "front_left", "..", "unlabelled", "Yes", "yes", "train", "a:b")
    images = [replace(image, labels={"view": label}, split=None) for image, label in zip(dataset, labels, strict=False)]
    data = Dataset((), tuple(images), {"view": Question(labels)})
    assert read(write(data, tmp_path / "out", "class-folders")) == data
    images[0] = replace(images[0], labels={"view": "train"})
    images[1] = replace(images[1], labels={})
    data = replace(data, images=tuple(images))
    assert read(write(data, tmp_path / "again", "class-folders")) == data


def test_coco_holds_labels_beside_boxes(dataset: Dataset, tmp_path: Path) -> None:
    boxed = [replace(i, boxes=(Box("dent", 1.0, 1.0, 5.0, 5.0),), attributes=Attributes(place="left")) for i in dataset]
    data = Dataset(("dent",), tuple(boxed), QUESTIONS)
    problems = Problems()
    assert read(write(data, tmp_path / "out", "coco", problems=problems), problems=problems) == data
    assert len(problems) == 0
    one = read(write(data, tmp_path / "one.json", "coco"), images=tmp_path / "photos")
    assert one == replace(data, images=tuple(replace(image, split=None) for image in data))


@pytest.mark.parametrize("form", [row.name for row in FORMATS.values() if row.written and not row.photo_labels])
def test_other_formats_say_what_they_lose(form: str, dataset: Dataset, tmp_path: Path) -> None:
    problems = Problems()
    write(dataset, tmp_path / ("out.json" if form == "coco-results" else "out"), form, problems=problems)
    said = f"5 photo labels dropped (damaged, severity, all told): {form} holds none"
    assert ("photo labels", said) in [(problem.kind, problem.what) for problem in problems if problem.level == "lost"]


def test_what_tables_and_folders_lose_is_said(dataset: Dataset, tmp_path: Path) -> None:
    box = Box("dent", 1.0, 1.0, 5.0, 5.0)
    data = Dataset(("dent", "crack"), tuple(replace(image, boxes=(box, box)) for image in dataset), QUESTIONS)
    for form, title in (("csv", "CSV"), ("class-folders", "a folder per label")):
        problems = Problems()
        write(data, tmp_path / form, form, problems=problems)
        assert problems.items[0].what == f"8 boxes of 2 classes dropped, {title} holds none"


FOREIGN = [
    # a table of another tool, with commas and in the German of Excel
    "\ufefffilename,label\r\n1.jpg,dent\r\n\r\nsub/2.jpg, scratch\r\n3.jpg,\r\n",
    "File;Label;\n1.jpg;dent;\n2.jpg;scratch;\n3.jpg;;\n",
    'path\tLabel\nC:\\photos\\1.jpg\tdent\n2.jpg\t"scratch"\n3.jpg\t\n',
]


@pytest.mark.parametrize("text", FOREIGN)
def test_tables_of_others(text: str, tree: Tree) -> None:
    root = tree({"labels.csv": text, "1.jpg": (9, 9), "sub/2.jpg": (9, 9), "3.jpg": (8, 8)})
    data = read(root)
    (question,) = data.questions
    assert question.casefold() == "label"
    assert data.questions[question] == Question(("dent", "scratch"))  # in alphabetical order
    assert {Path(image.name).name: dict(image.labels) for image in data} == {
        "1.jpg": {question: "dent"},
        "2.jpg": {question: "scratch"},
        "3.jpg": {},
    }
    assert all(image.path is not None for image in data)


def test_folders_of_others(tree: Tree) -> None:
    root = tree({"train/dent/1.jpg": (9, 9), "train/ok/2.jpg": (9, 9), "val/mask/sub/3.jpg": (9, 9)})
    data = read(root, format="class-folders")
    assert [(i.name, i.split, dict(i.labels)) for i in data] == [
        ("1.jpg", "train", {"class": "dent"}),
        ("2.jpg", "train", {"class": "ok"}),
        ("sub/3.jpg", "val", {"class": "mask"}),
    ]
    assert data.questions == {"class": Question(("dent", "mask", "ok"))}
    with pytest.raises(DataError, match="where each folder is a label, say --from class-folders"):
        read(root)  # nothing tells them from folders of claims


def test_photos_of_one_name_in_two_folders_stay_two(tree: Tree) -> None:
    data = read(tree({"dent/1.jpg": (9, 9), "ok/1.jpg": (9, 9)}), format="class-folders")
    assert [(i.name, dict(i.labels)) for i in data] == [
        ("dent/1.jpg", {"class": "dent"}), ("ok/1.jpg", {"class": "ok"}),
    ]  # fmt: skip


BAD_TABLES = [
    # the table, what must be said of it
    ("label,dent\n1.jpg,x\n", "line 1: no column is called image, file"),
    ("image,xmin,label\n1.jpg,3,x\n", "line 1: column 'xmin' is of boxes"),
    ("image,label,label\n1.jpg,x,y\n", "line 1: two columns have the same name"),
    ("image,label\n1.jpg,x\n1.jpg,x,y\n", "line 3: has 3 cells, the first row has 2"),
    ('image,label\n1.jpg,"x\ny"\n,x\n', "line 4: names no image"),
    ("image,label\n1.jpg,x\n1.jpg,y\n", "image twice|annotated twice"),
    ("image,label\nabsent.jpg,x\n", r"labels\.csv: line 2: the image is missing and the file gives no size"),
    ('image,label\n1.jpg,"x"y\n', "line 2: is no good row of a table"),
    (f"image,{'x' * 200_000}\n1.jpg,x\n", "line 1: is no good row of a table: field larger"),
]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])  # the last one as old spreadsheets write it
def test_line_ends_of_a_table(end: str, tree: Tree) -> None:
    root = tree({"1.jpg": (9, 9)})
    (root / "labels.csv").write_text(f"image;label{end}1.jpg;x{end}", newline="")
    assert [dict(image.labels) for image in read(root, format="csv").images] == [{"label": "x"}]


@pytest.mark.parametrize(("text", "said"), BAD_TABLES)
def test_bad_tables(text: str, said: str, tree: Tree) -> None:
    root = tree({"labels.csv": text, "1.jpg": (9, 9)})
    with pytest.raises(DataError, match=said):
        read(root, format="csv")


def test_a_bad_row_leaves_out_its_photo_alone(tree: Tree) -> None:
    root = tree({"labels.csv": "image,label\n1.jpg,x,y\n2.jpg,z\n", "1.jpg": (9, 9), "2.jpg": (9, 9)})
    problems = Problems()
    assert [image.name for image in read(root, on_error="skip", problems=problems)] == ["2.jpg"]
    assert [str(problem) for problem in problems.errors] == [
        f"{root}/labels.csv: line 2: has 3 cells, the first row has 2"
    ]


def test_labels_that_are_not_declared(tree: Tree) -> None:
    header = "questions: {severity: {labels: [none, light], ordered: true}}\n"
    table = "image,severity,claim\n1.jpg,heavy,7\n2.jpg,light,8\n"
    root = tree({"labels.csv": table, "labels.yaml": header, "1.jpg": (9, 9), "2.jpg": (9, 9)})
    problems = Problems()
    data = read(root, problems=problems)
    assert data.questions == {"severity": Question(("none", "light", "heavy"), ordered=True)}
    assert [(problem.level, problem.kind, problem.where) for problem in problems] == [
        ("dropped", "column", "line 1"),
        ("repaired", "undeclared photo label", "line 2"),
    ]


BAD_HEADERS = [
    ("questions: [a]", "must be pairs of a name and its labels"),
    ("questions: {a: [x]}", 'a: needs "labels", a list of text'),
    ("questions: {a: {labels: [x, x]}}", "label 'x' stands twice"),
    ("questions: {a: {labels: []}}", "a question needs labels"),
]


@pytest.mark.parametrize(("header", "said"), BAD_HEADERS)
def test_bad_headers(header: str, said: str, tree: Tree) -> None:
    root = tree({"labels.csv": "image,a\n1.jpg,x\n", "labels.yaml": header, "1.jpg": (9, 9)})
    with pytest.raises(DataError, match=said):
        read(root)


def test_bad_labels_in_coco(tree: Tree) -> None:
    rows = [{"id": n, "file_name": f"{n}.jpg", "width": 9, "height": 9, "labels": said}
            for n, said in enumerate([{"a": 3}, "x", {"a": ""}])]  # fmt: skip
    root = tree({"a.json": json.dumps({"images": rows, "annotations": [], "categories": []})})
    with pytest.raises(DataError) as caught:
        read(root)
    places = ["image 0: a: a label is text, got '3'", "image 1: must be pairs", "image 2: a: a label is text, got ''"]
    assert [place in line for place, line in zip(places, str(caught.value).splitlines(), strict=True)] == [True] * 3


def test_what_cannot_be_written(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs labels of photos"):
        write(Dataset((), dataset.images[:0]), tmp_path / "out", "class-folders")
    with pytest.raises(ConfigError, match="cannot be left out"):
        write(dataset, tmp_path / "out", "class-folders", media="none")
    with pytest.raises(ConfigError, match="cannot be called 'Split' in CSV"):
        write(Dataset((), (), {"Split": Question(("a",))}), tmp_path / "out", "csv")
    with pytest.raises(DataError, match="cannot be printed"):
        write(Dataset((), (), {"a": Question(("x\ny",))}), tmp_path / "out", "csv")
    assert not (tmp_path / "out").exists()


def test_labels_survive_merging_and_renaming(dataset: Dataset) -> None:
    other = Dataset((), (Image("z.png", 9, 9, labels={"damaged": "so"}),), {"damaged": Question(("so", "no"))})
    both = merge([("one", dataset), ("two", other)], Problems())
    assert both.questions["damaged"] == Question(("no", "yes", "so"))
    assert both.questions["severity, all told"] == QUESTIONS["severity, all told"]
    assert {i.name: i.labels for i in both} == {i.name: i.labels for i in (*dataset, *other)}
    assert relabel(dataset, {}, Problems()) == dataset
