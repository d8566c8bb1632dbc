"""Dataset descriptions, and those that come along in datasets/."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detect.conversion import FORMATS, read
from detect.conversion.description import KEYS, is_description
from detect.conversion.taxonomy import parse_mapping
from detect.conversion.yaml_file import load
from detect.errors import ConfigError, DataError, Problems

Tree = Callable[..., Path]
DATASETS = Path(__file__).resolve().parents[2] / "datasets"

ROW = "0 0.5 0.5 0.2 0.4\n1 0.2 0.2 0.1 0.1\n"
PART = {"1.jpg": (100, 50), "1.txt": ROW, "classes.txt": "Dent\nscratch\n"}


def parts(*folders: str) -> dict[str, object]:
    return {f"{folder}/{file}": content for folder in folders for file, content in PART.items()}


def test_a_plain_description(tree: Tree) -> None:
    root = tree({"mine.yaml": "format: yolo\nroot: data\n", **parts("data")})
    dataset = read(root / "mine.yaml")
    assert (dataset.classes, [image.name for image in dataset.images]) == (("Dent", "scratch"), ["1.jpg"])


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("path: [a, b]", {"a/1.jpg": None, "b/1.jpg": None}),  # one name in two parts: told apart
        ("path: {train: a, valid: b}", {"a/1.jpg": "train", "b/1.jpg": "val"}),  # a split each
        ("path: {train: [a, b], val: c}", {"a/1.jpg": "train", "b/1.jpg": "train", "c/1.jpg": "val"}),
        ("path: a\nimages: a", {"1.jpg": None}),
    ],
)
def test_parts_and_splits(tree: Tree, text: str, images: dict[str, str | None]) -> None:
    root = tree({"mine.yaml": f"format: yolo\n{text}\n", **parts("a", "b", "c")})
    assert {image.name: image.split for image in read(root / "mine.yaml").images} == images


def test_images_apart(tree: Tree) -> None:
    root = tree({"mine.yaml": "format: yolo\npath: {train: a, val: b}\nimages: {train: x, val: y}\n",
                 "a/1.txt": ROW, "a/classes.txt": "d\ns\n", "b/2.txt": ROW, "b/classes.txt": "d\ns\n",
                 "x/1.jpg": (100, 50), "y/2.jpg": (100, 50)})  # fmt: skip
    assert [(i.name, i.split, len(i.boxes)) for i in read(root / "mine.yaml").images] == [
        ("1.jpg", "train", 2),
        ("2.jpg", "val", 2),
    ]


@pytest.mark.parametrize(
    ("text", "classes", "labels"),
    [
        ("map: {Dent: dent}", ("dent", "scratch"), ["dent", "scratch"]),
        ("map: {scratch: Dent}", ("Dent",), ["Dent", "Dent"]),  # merged
        ("classes: [scratch, Dent]", ("scratch", "Dent"), ["Dent", "scratch"]),  # another order
        (
            "classes: [rust, dent]\nmap: {Dent: dent}",
            ("rust", "dent", "scratch"),
            ["dent", "scratch"],
        ),  # one undeclared
    ],
)
def test_classes_and_map(tree: Tree, text: str, classes: tuple[str, ...], labels: list[str]) -> None:
    problems = Problems()
    root = tree({"mine.yaml": f"format: yolo\nroot: data\n{text}\n", **parts("data")})
    dataset = read(root / "mine.yaml", problems=problems)
    assert (dataset.classes, [box.label for box in dataset.images[0].boxes]) == (classes, labels)
    assert [problem.kind for problem in problems] == (["undeclared class"] if "rust" in text else [])


def test_a_label_to_map_that_is_not_there_is_noted(tree: Tree) -> None:
    problems = Problems()
    root = tree({"mine.yaml": "format: yolo\nroot: data\nmap: {dnet: dent}\n", **parts("data")})
    read(root / "mine.yaml", problems=problems)
    assert problems.counts() == {("note", "nothing to map"): 1}


def test_every_mistake_at_once(tree: Tree) -> None:
    root = tree({"mine.yaml": "format: yolo\nclases: [a]\nmap: [a]\nroot: [x]\npath: {train: {a: [[b]]}}\n"})
    with pytest.raises(ConfigError) as caught:
        read(root / "mine.yaml")
    assert [line.partition("mine.yaml: ")[2] for line in str(caught.value).splitlines()] == [
        "unknown key `clases` (did you mean `classes`?)",
        "`map` must be a mapping from a label to another",
        "`root` must be text",
        "`path` must be a path, a list of paths, or a mapping from split to paths",
    ]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("format: yollo\nroot: data", ConfigError, "did you mean yolo"),
        ("format: yolo\npath: [data, data]\nimages: [data, data, data]", ConfigError, "as many as `path` does"),
        ("format: yolo\nroot: gone\nget: Ask Anna.", DataError, "gone: Ask Anna."),
        ("format: yolo\nroot: gone", DataError, "put it there, or change `root`"),
    ],
)
def test_mistakes(tree: Tree, text: str, error: type[Exception], words: str) -> None:
    root = tree({"mine.yaml": f"{text}\n", **parts("data")})
    with pytest.raises(error) as caught:
        read(root / "mine.yaml")
    assert words in str(caught.value)


def test_a_description_names_its_images_itself(tree: Tree) -> None:
    root = tree({"mine.yaml": "format: yolo\nroot: data\n", **parts("data")})
    with pytest.raises(ConfigError, match="names its images itself"):
        read(root / "mine.yaml", images=root)


YAML = sorted(DATASETS.glob("*.yaml"))
SHIPPED = [path for path in YAML if "format" in load(path)]
MAPPING = DATASETS / "cardd-types.yaml"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_descriptions(path: Path) -> None:
    assert is_description(path)
    document = load(path)
    assert set(document) <= set(KEYS) and {"title", "format", "root", "licence", "get"} <= set(document)
    assert document["format"] in FORMATS
    if not (path.parent / document["root"]).exists():
        with pytest.raises(DataError, match="the data is not at"):  # keys and values are good, the data is not here
            read(path)
    assert path.name in (DATASETS / "README.md").read_text()


def test_all_are_here() -> None:
    assert {path.stem for path in SHIPPED} == {"sample", "neu-det", "cardd", "rdd2022", "template"}
    assert [path for path in YAML if path not in SHIPPED] == [MAPPING]


def test_the_mapping_leads_to_the_six_types() -> None:
    spellings = load(MAPPING)
    mapping = parse_mapping([str(MAPPING)], tuple(spellings))
    types = load(DATASETS / "cardd.yaml")["classes"]
    assert mapping == spellings
    assert set(mapping.values()) == set(types)
    assert {label: mapping[label] for label in types} == {label: label for label in types}


def test_the_mapping_file_says_how_to_use_it() -> None:
    assert f"--map datasets/{MAPPING.name}\n" in MAPPING.read_text("utf-8").partition("\n\n")[0]
    assert MAPPING.name in (DATASETS / "README.md").read_text("utf-8")


def test_the_mapping_on_labels_that_people_use() -> None:
    found = ("scratches", "damaged_light", "dent", "damaged window", "damaged hood", "damaged_door", "damaged bumper")
    assert parse_mapping([str(MAPPING)], found) == {
        "scratches": "scratch",
        "damaged_light": "lamp broken",
        "dent": "dent",
        "damaged window": "glass shatter",
    }


def test_the_template_shows_every_key() -> None:
    assert set(load(DATASETS / "template.yaml")) == set(KEYS)


def test_neu_det_as_described(shared_data: Path, tmp_path: Path) -> None:
    text = (DATASETS / "neu-det.yaml").read_text()
    path = tmp_path / "neu.yaml"
    path.write_text(text.replace("root: neu-det", f"root: {shared_data / 'neu-det-voc'}"))
    dataset = read(path)
    assert (len(dataset), dataset.boxes) == (1800, 4186)
    assert {split: len(dataset.only(split)) for split in dataset.splits} == {"train": 1770, "val": 30}
