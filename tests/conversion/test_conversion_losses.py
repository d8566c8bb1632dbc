"""What is reported as lost: what is missed afterwards, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from detect.conversion import write
from detect.data import Attributes, Box, Dataset, Image, Value
from detect.errors import Problems

ATTRIBUTES: list[tuple[str, dict[str, Value], str]] = [
    # format, attributes of a box, what is lost
    ("yolo", {"occluded": False}, ""),  # CVAT's COCO says it of every box
    ("yolo", {"truncated": 0, "difficult": 0, "ignore": 0, "iscrowd": 0}, ""),  # flags that are not set
    ("yolo", {"area": 1234.5}, ""),  # that of the outline, which differs from width x height
    ("yolo", {"occluded": True}, "1 box attributes dropped, YOLO holds none: 1 x occluded"),
    ("yolo", {"iscrowd": 1, "area": 3}, "1 box attributes dropped, YOLO holds none: 1 x iscrowd"),
    ("yolo", {"severity": 0}, "1 box attributes dropped, YOLO holds none: 1 x severity"),  # a number, no flag
    ("yolo", {"repaired": False}, "1 box attributes dropped, YOLO holds none: 1 x repaired"),  # the user's own
    ("darknet", {"occluded": False, "area": 2}, ""),
    ("createml", {"occluded": False, "area": 2}, ""),
    ("createml", {"rotation": 12.5}, "1 box attributes dropped, Create ML holds none: 1 x rotation"),
    ("voc", {"occluded": False, "severity": 3}, ""),  # which hold the others
    ("cvat", {"occluded": False, "severity": 3}, ""),
]


@pytest.mark.parametrize(("target", "attributes", "lost"), ATTRIBUTES)
def test_only_an_attribute_that_says_something_is_lost(
    target: str, attributes: dict[str, Value], lost: str, tmp_path: Path
) -> None:
    box, problems = Box("dent", 1, 1, 5, 5, attributes=Attributes(attributes)), Problems()
    write(
        Dataset(("dent",), (Image("1.jpg", 9, 9, (box,)),)), tmp_path / "out", target, media="none", problems=problems
    )
    assert [problem.what for problem in problems if problem.level == "lost"] == ([lost] if lost else [])


def test_results_lose_what_is_not_the_score(tmp_path: Path) -> None:
    box, problems = Box("dent", 1, 1, 5, 5, attributes=Attributes(score=0.5, occluded=False, place="door")), Problems()
    dataset = Dataset(("dent",), (Image("1.jpg", 9, 9, (box,)),))
    write(dataset, tmp_path / "out.json", "coco-results", problems=problems)
    assert [problem.what for problem in problems] == ["1 box attributes dropped, COCO results hold only the score"]


SPLITS: list[tuple[list[str | None], str]] = [
    # the splits of the images, of which it cannot be told any more which image is in which
    (["train", "val"], "train or val"),
    (["test", "train", "val"], "train or val or test"),
    (["train", None], "train"),
    (["train", "train"], ""),  # as in one file of CVAT: all images are in it
    ([None, None], ""),
]


@pytest.mark.parametrize(("splits", "lost"), SPLITS)
def test_one_file_loses_splits_where_there_are_several(splits: list[str | None], lost: str, tmp_path: Path) -> None:
    problems = Problems()
    images = tuple(Image(f"{number}.jpg", 9, 9, (), split) for number, split in enumerate(splits))
    write(Dataset((), images), tmp_path / "out.json", "coco", problems=problems)
    said = f"out.json: the file holds all images and does not say which of them are {lost} (name a folder to keep the"
    assert [said in str(problem) for problem in problems] == [True] * bool(lost)
