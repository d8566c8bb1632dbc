"""Any dataset, written and read again, is equal but for what FORMATS declares lost."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detect.conversion import FORMATS, coco, read, write
from detect.conversion.media import Media
from detect.conversion.names import has_drive, is_container, split_word
from detect.conversion.source import Source
from detect.data import NONE, Attributes, Box, Dataset, Image, Value
from detect.errors import Problems
from detect.questions import Question

Tree = Callable[..., Path]


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG: all that is read of it."""
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">IIBBBBBI", width, height, 8, 0, 0, 0, 0, 0)


letters = st.characters(categories=("L", "N", "P", "S"), exclude_characters="/\\")
label = st.text(letters | st.just(" "), min_size=1, max_size=12).filter(lambda text: text == text.strip())
part = st.text(letters, min_size=1, max_size=8).filter(
    lambda text: (
        not text.startswith((".", "~"))
        and not has_drive(text)
        and not is_container(text)
        and not split_word(text)
        and text != "__MACOSX"
    )
)
name = st.lists(part, min_size=1, max_size=3).map(lambda parts: "/".join(parts) + ".png")
word = st.text(st.characters(categories=["L"]), max_size=8).filter(lambda text: text not in ("true", "false"))
attributes = st.fixed_dictionaries(
    {},
    optional={
        "severity": st.integers(-5, 10**6),
        "depth": st.floats(-1e6, 1e6, allow_subnormal=False),
        "place": word,
        "sure": st.booleans(),
        "occluded": st.just(True),
        "difficult": st.just(True),
        "pose": st.just("Left"),
        "group_id": st.integers(1, 9),
    },
).map(lambda values: Attributes(cast(dict[str, Value], values)))


@st.composite
def boxes(draw: st.DrawFn, labels: list[str], width: int, height: int) -> Box:
    decimals = draw(st.sampled_from([0, 2, 6]))
    unit = 10**decimals
    x1, y1 = draw(st.integers(0, width * unit - 1)), draw(st.integers(0, height * unit - 1))
    x2, y2 = draw(st.integers(x1 + 1, width * unit)), draw(st.integers(y1 + 1, height * unit))
    corners = (x1 / unit, y1 / unit, x2 / unit, y2 / unit)
    return Box(draw(st.sampled_from(labels)), *corners, None, draw(attributes))


@st.composite
def questions(draw: st.DrawFn, least: int) -> dict[str, Question]:
    columns = ("image", "split", "width", "height", "file", "filename", "file_name", "path", "photo", "name", "subset")
    called = label.filter(lambda text: text.casefold() not in (*columns, "x1", "y1", "bbox"))
    names = draw(st.lists(called, min_size=least, max_size=2, unique=True))
    return {
        one: Question(tuple(draw(st.lists(label, min_size=1, max_size=4, unique=True))), draw(st.booleans()))
        for one in names
    }


@st.composite
def datasets(draw: st.DrawFn, least_questions: int = 0) -> Dataset:
    labels = draw(st.lists(label, min_size=1, max_size=4, unique=True))
    names = draw(st.lists(name, min_size=1, max_size=4, unique_by=str.lower))
    # a file cannot be a folder as well
    names = [n for n in names if not any(other.lower().startswith(f"{n.lower()}/") for other in names)]
    images, asked = [], draw(questions(least_questions))
    for one in sorted(names):
        width, height = draw(st.integers(1, 9000)), draw(st.integers(1, 9000))
        found = draw(st.lists(boxes(labels, width, height), max_size=3, unique_by=lambda box: box[:5]))
        split = draw(st.sampled_from([None, "train", "val", "test", "holdout"]))
        said = {key: draw(st.sampled_from(asked[key].labels)) for key in asked if draw(st.booleans())}
        images.append(Image(one, width, height, tuple(found), split, draw(attributes), labels=said))
    return Dataset(tuple(labels), tuple(images), asked)


def without_attributes(dataset: Dataset, *, of_boxes: bool) -> Dataset:
    """As a format leaves it that holds no attributes of images nor labels of photos."""

    def bare(image: Image) -> Image:
        kept = tuple(box._replace(attributes=NONE) for box in image.boxes) if of_boxes else image.boxes
        return replace(image, attributes=NONE, boxes=kept, labels={})

    return replace(dataset, images=tuple(map(bare, dataset.images)), questions={})


def labels_alone(dataset: Dataset, most: int) -> Dataset:
    """As a format leaves it that holds labels of photos, for so many questions, and neither boxes nor attributes."""
    kept = dict(list(dataset.questions.items())[:most])

    def bare(image: Image) -> Image:
        said = {question: label for question, label in image.labels.items() if question in kept}
        return replace(image, attributes=NONE, boxes=(), labels=said)

    return Dataset((), tuple(map(bare, dataset.images)), kept)


DECLARED: dict[str, Callable[[Dataset], Dataset]] = {
    "coco": lambda dataset: dataset,
    "cvat": lambda dataset: without_attributes(dataset, of_boxes=False),
    "voc": lambda dataset: without_attributes(dataset, of_boxes=False),
    "voc-devkit": lambda dataset: without_attributes(dataset, of_boxes=False),
    "yolo": lambda dataset: without_attributes(dataset, of_boxes=True),
    "darknet": lambda dataset: without_attributes(dataset, of_boxes=True),
    "createml": lambda dataset: without_attributes(dataset, of_boxes=True),
    "csv": lambda dataset: labels_alone(dataset, 99),
    "class-folders": lambda dataset: labels_alone(dataset, 1),
}


def untried() -> set[str]:
    """The formats that are written, but of which no test here reads what was written."""
    return {row.name for row in FORMATS.values() if row.written} - {*DECLARED, "coco-results"}


def test_every_format_that_is_written_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert untried() == set()
    monkeypatch.setitem(FORMATS, "made-up", replace(FORMATS["yolo"], name="made-up"))
    assert untried() == {"made-up"}


def test_a_format_that_loses_a_box_without_a_word_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(source: Source) -> bool:
        return False

    def forgetful(dataset: Dataset, folder: Path, media: Media, problems: Problems) -> None:
        images = tuple(replace(image, boxes=image.boxes[:1]) for image in dataset.images)
        coco.write(replace(dataset, images=images), folder, media, problems)

    monkeypatch.setitem(FORMATS, "made-up", replace(FORMATS["coco"], name="made-up", write=forgetful, recognise=never))
    one, two = Box("dent", 0.0, 0.0, 5.0, 5.0), Box("dent", 3.0, 3.0, 9.0, 9.0)
    check_round_trip("made-up", Dataset(("dent",), (Image("1.png", 9, 9, (one,)),)), lambda dataset: dataset)
    with pytest.raises(AssertionError):
        check_round_trip("made-up", Dataset(("dent",), (Image("1.png", 9, 9, (one, two)),)), lambda dataset: dataset)


@pytest.mark.parametrize("form", DECLARED)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_written_and_read_again(form: str, data: st.DataObject) -> None:
    check_round_trip(form, data.draw(datasets(least_questions=int(form == "class-folders"))), DECLARED[form])


def check_round_trip(form: str, dataset: Dataset, declared: Callable[[Dataset], Dataset]) -> None:
    """Written and read again it is what `declared` makes of it, and what is lost is reported."""
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "in"
        images = []
        for image in dataset.images:
            path = photos / image.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(image.width, image.height))
            images.append(replace(image, path=path))
        lost, problems = Problems(), Problems()
        out = write(replace(dataset, images=tuple(images)), Path(folder) / "out", form, problems=lost)
        back = read(out, format=form if form in ("voc-devkit", "made-up") else None, problems=problems)
    assert back == declared(dataset)
    assert len(problems) == 0
    assert bool(lost.items) == (declared(dataset) != dataset)  # what is lost is reported, and nothing else


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(dataset=datasets(), score=st.floats(0, 1))
def test_results_beside_their_ground_truth(dataset: Dataset, score: float) -> None:
    def scored(image: Image) -> Image:
        boxes = tuple(box._replace(attributes=Attributes(score=score)) for box in image.boxes)
        return replace(image, split=None, attributes=NONE, boxes=boxes)

    dataset = replace(dataset, images=tuple(map(scored, dataset.images)))
    with tempfile.TemporaryDirectory() as folder:
        truth = write(dataset, Path(folder) / "truth.json", "coco")
        back = read(write(dataset, Path(folder) / "found.json", "coco-results"), ids=truth)
    assert back == dataset


@pytest.mark.parametrize("form", ["coco", "cvat", "voc"])
def test_without_images_the_sizes_stay(form: str, tmp_path: Path) -> None:
    dataset = Dataset(("a",), (Image("x/1.jpg", 90, 70, (Box("a", 1.0, 2.0, 3.5, 4.0),), "val"),))
    assert read(write(dataset, tmp_path / "out", form, media="none")) == dataset


def test_from_format_to_format_and_back(tree: Tree, tmp_path: Path) -> None:
    photos = tree({f"{n}.png": (100, 60) for n in "abc"} | {"sub/a.png": (64, 64)})
    kept = Attributes(difficult=True, severity=4, place="left door")
    rows = {
        "a.png": (Box("dent", 0.0, 0.0, 100.0, 60.0), Box("scratch", 1.25, 2.333333, 50.5, 9.0, None, kept)),
        "b.png": (),  # undamaged
        "c.png": (Box("dent", 3.0, 4.0, 5.0, 6.0),),
        "sub/a.png": (Box("scratch", 10.0, 10.0, 20.0, 20.0),),
    }
    splits = dict(zip(rows, ("train", "train", "val", "test"), strict=True))
    images = [
        Image(n, *((64, 64) if "/" in n else (100, 60)), found, splits[n], path=photos / n) for n, found in rows.items()
    ]
    dataset = Dataset(("scratch", "dent", "never used"), tuple(images))
    lossless = dataset
    for form in ("voc", "coco", "cvat", "voc"):
        lossless = read(write(lossless, tmp_path / f"lossless-{len(list(tmp_path.iterdir()))}", form))
        assert lossless == dataset
    chain, problems = dataset, Problems()
    for step, form in enumerate(("voc", "coco", "yolo", "cvat", "voc")):
        chain = read(write(chain, tmp_path / f"{step}-{form}", form, problems=problems))
    assert chain == without_attributes(dataset, of_boxes=True)
    assert [str(problem) for problem in problems] == [
        "3 box attributes dropped, YOLO holds none: 1 x difficult, 1 x severity, 1 x place"
    ]


@pytest.mark.parametrize("form", [name for name in DECLARED if name != "createml"])
def test_a_photo_beside_a_folder_of_splits(tree: Tree, tmp_path: Path, form: str) -> None:
    # 1.jpg and train/1.jpg: the name alone fits both, the path only one
    root = tree({"1.jpg": (9, 9), "train/1.jpg": (8, 8)})
    images = (Image("1.jpg", 9, 9, split="train", path=root / "1.jpg"),
              Image("train/1.jpg", 8, 8, split="train", path=root / "train/1.jpg"))  # fmt: skip
    dataset = Dataset(("a",), images, {"damaged": Question(("no", "yes"))})
    out = write(dataset, tmp_path / "out", form)
    assert read(out, format="voc-devkit" if form == "voc-devkit" else None) == DECLARED[form](dataset)
