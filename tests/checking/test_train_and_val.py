"""What is said of data before a training: classes and boxes that are missing, photos on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from detect.checking import Finding, before_training, in_several_splits, raise_errors
from detect.data import Attributes, Box, Dataset, Image
from detect.errors import DataError

CLASSES = ("dent", "rust", "crack")
CROWD, IGNORED = Attributes({"iscrowd": 1}), Attributes({"ignore": "true"})


def data(folder: Path, *photos: tuple[str | None, str], classes: tuple[str, ...] = CLASSES) -> Dataset:
    """A photo for each (split, labels of its boxes); "label!" is a crowd, "label?" ignored. No two files are alike."""
    images = []
    for k, (split, labels) in enumerate(photos):
        path = folder / f"{k}.jpg"
        path.write_bytes(bytes(k + 1))
        marks = {"!": CROWD, "?": IGNORED}
        boxes = tuple(
            Box(label.rstrip("!?"), i, 0, i + 5, 5, None, marks.get(label[-1], Attributes()))
            for i, label in enumerate(labels.split())
        )
        images.append(Image(path.name, 50, 50, boxes, split, path=path))
    return Dataset(classes, tuple(images))


FINDINGS: list[tuple[list[tuple[str | None, str]], list[tuple[str, str, int, tuple[str, ...]]], str]] = [
    # the photos, what is found: (level, kind, count, examples), and a part of what is said
    ([("train", "dent rust crack"), ("val", "crack rust dent")], [], ""),
    # a photo without boxes is data, in train and in val
    ([("train", "dent rust crack"), ("train", ""), ("val", "crack rust dent"), ("val", "")], [], ""),
    # in val alone, with how many boxes: crowds there do not count
    (
        [("train", "dent rust"), ("val", "crack crack crack! dent rust")],
        [("note", "class missing in train", 1, ("crack",))],
        "1 class has no box in train (not learnt, AP 0 on val): crack (2 in val)",
    ),
    # in train alone; a crowd is learnt from like any other
    (
        [("train", "dent rust crack crack!"), ("val", "dent")],
        [("note", "class missing in val", 2, ("rust", "crack"))],
        "2 classes have no box in val (not measured, left out of mAP): rust (1 in train), crack (2 in train)",
    ),
    # in val only as crowds or ignored: no zero there either
    (
        [("train", "dent rust crack"), ("val", "dent rust! crack?")],
        [("note", "class missing in val", 2, ("rust", "crack"))],
        "rust (1 in train), crack (1 in train)",
    ),
    # in neither, though in test
    (
        [("train", "dent rust"), ("val", "dent rust"), ("test", "crack")],
        [("note", "class missing in both", 1, ("crack",))],
        "1 class has no box in train or val: crack",
    ),
    # all three at once, in this order
    (
        [("train", "dent"), ("val", "rust")],
        [
            ("note", "class missing in train", 1, ("rust",)),
            ("note", "class missing in val", 1, ("dent",)),
            ("note", "class missing in both", 1, ("crack",)),
        ],
        "",
    ),
    # nothing to learn
    (
        [("train", ""), ("val", "dent")],
        [("error", "split without boxes", 1, ())],
        "split 'train' has no boxes, so there is nothing to learn (divide the data anew with `detect split`)",
    ),
    # nothing to measure on
    (
        [("train", "dent"), ("val", "")],
        [("error", "split without boxes", 1, ())],
        "split 'val' has no boxes, so no epoch could be compared with another",
    ),
    # nor where all of them are crowds
    (
        [("train", "dent"), ("val", "dent! rust?")],
        [("error", "split without boxes", 1, ())],
        "split 'val' has no boxes that count (all 2 are crowds or marked `ignore`), so no epoch",
    ),
    # no boxes at all
    (
        [("train", ""), ("val", "")],
        [("error", "split without boxes", 1, ())] * 2,
        "no photo has one: was all of it read?",
    ),
    # a split that is not there, and the other is empty, too: both are said
    (
        [("train", ""), ("test", "dent")],
        [("error", "split missing", 1, ()), ("error", "split without boxes", 1, ())],
        "there are no images in split 'val'; the data has: train, test",
    ),
    # another name for val
    (
        [("train", "dent"), ("validation", "dent")],
        [("error", "split missing", 1, ())],
        "the data has: train, validation (`detect split` makes both)",
    ),
    # no splits at all
    (
        [(None, "dent"), (None, "dent")],
        [("error", "split missing", 1, ())] * 2,
        "there are no images in split 'train'; the data has: no splits; make them with `detect split`",
    ),
    # no images at all
    ([], [("error", "split missing", 1, ())] * 2, "no splits"),
]


@pytest.mark.parametrize(("photos", "found", "said"), FINDINGS)
def test_findings_before_a_training(
    photos: list[tuple[str | None, str]], found: list[Any], said: str, tmp_path: Path
) -> None:
    findings = before_training(data(tmp_path, *photos))
    assert [(one.level, one.kind, one.count, one.examples) for one in findings] == found
    assert said in "\n".join(map(str, findings))


def test_no_classes_are_no_boxes(tmp_path: Path) -> None:
    findings = before_training(data(tmp_path, ("train", ""), ("val", ""), classes=()))
    assert [one.kind for one in findings] == ["split without boxes"] * 2


def test_of_many_classes_the_first_are_named(tmp_path: Path) -> None:
    classes = tuple(f"c{k}" for k in range(80))
    (one,) = before_training(data(tmp_path, ("train", "c0"), ("val", "c0"), classes=classes))
    assert str(one).startswith("79 classes have no box in train or val: c1, c2, c3, c4, c5, c6, c7, c8 and 71 more")
    assert (one.count, one.examples) == (79, tuple(f"c{k}" for k in range(1, 9)))


def test_photos_that_are_not_there_are_errors_beside_the_others(tmp_path: Path) -> None:
    some = data(tmp_path, ("train", ""), ("train", ""), ("val", "dent"), ("test", "dent"))
    for name in ("1.jpg", "3.jpg"):
        (tmp_path / name).unlink()
    findings = before_training(some)
    assert [one.kind for one in findings] == ["photo missing", "split without boxes"]
    assert "1 of 2 photos is not there, first 1.jpg" in str(findings[0])
    with pytest.raises(DataError) as raised:
        raise_errors(findings)
    assert [problem.kind for problem in raised.value.problems] == ["photo missing", "split without boxes"]


SHARED: list[tuple[dict[str, str], str | None, int, str]] = [
    # photos as "split/name": content; the split that is asked about; how many; what is said of the first
    ({"train/a": "1", "train/b": "22", "val/c": "333"}, None, 0, ""),
    ({"train/a": "1", "train/b": "1", "val/c": "2"}, None, 0, ""),  # twice in one split; c is of the same size
    ({"train/a": "1", "val/b": "1"}, None, 1, "1 photo stands in more than one split, equal byte for byte, first "
     "train/a (train) = val/b (val): metrics come out too high (`detect split` divides none)"),
    # one photo in four files of three splits is one photo; another one
    ({"train/a": "1", "train/b": "1", "val/c": "1", "test/d": "1", "train/e": "2", "val/f": "2"}, None, 2, "2 photos "
     "stand in more than one split, equal byte for byte, first train/a (train) = train/b (train) = val/c (val) = "),
    ({"train/a": "1", "test/b": "1"}, None, 1, "train/a (train) = test/b (test)"),  # not val's metrics, but test's
    ({"train/a": "1", "none/b": "1"}, None, 0, ""),  # a photo in no split leads nobody astray
    ({"train/a": "1", "val/b": "1", "test/c": "2", "train/d": "2"}, "test", 1, "first test/c (test) = train/d (train)"),
    ({"train/a": "1", "val/b": "1", "test/c": "2"}, "test", 0, ""),
]  # fmt: skip


@pytest.mark.parametrize(("files", "split", "count", "said"), SHARED)
def test_photos_in_several_splits(
    files: dict[str, str], split: str | None, count: int, said: str, tmp_path: Path
) -> None:
    images = []
    for name, content in files.items():
        side = name.partition("/")[0]
        (path := tmp_path / name).parent.mkdir(exist_ok=True)
        path.write_text(content)
        images.append(Image(name, 9, 9, split=None if side == "none" else side, path=path))
    findings = in_several_splits(Dataset((), tuple(images)), split)
    kept = [(one.level, one.kind, one.count, len(one.examples)) for one in findings]
    assert kept == [("note", "photo in several splits", count, count)] * (count > 0)
    assert said in "\n".join(map(str, findings))


def test_only_photos_of_equal_size_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = data(tmp_path, ("train", "dent"), ("train", "dent"), ("val", "dent"), ("val", "dent"))
    (tmp_path / "3.jpg").write_bytes((tmp_path / "1.jpg").read_bytes())
    read, opened = Path.open, list[str]()

    def watched(self: Path, *given: Any, **more: Any) -> Any:
        opened.append(self.name)
        return read(self, *given, **more)

    monkeypatch.setattr(Path, "open", watched)
    (one,) = in_several_splits(some)
    assert (one.count, one.examples, sorted(opened)) == (1, ("1.jpg = 3.jpg",), ["1.jpg", "3.jpg"])
    opened.clear()
    assert "photo in several splits" not in [one.kind for one in before_training(some, photos=False)]
    assert opened == []


def test_a_photo_of_test_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    some = data(tmp_path, ("train", "dent rust crack"), ("val", "dent rust crack"), ("test", "dent"))
    (tmp_path / "2.jpg").unlink()
    assert before_training(some) == ()


def test_notes_raise_nothing() -> None:
    raise_errors([Finding("note", "class missing in val", "1 class has no box in val")])
    raise_errors([])
