"""Splits and folds: the shares, the groups, the duplicates, the seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.data import Box, Dataset, Image
from detect.errors import ConfigError, DataError, Problems
from detect.splitting import counts, deviation, duplicates, folds, normalised, parse_ratios, split

CLAIM = r"claim_(\d+)"


def claims(images: int, claims: int, classes: int = 8, seed: int = 0) -> Dataset:
    """A seeded dataset: classes of very unequal size, a fifth of the images without boxes."""
    chance = np.random.default_rng(seed)
    labels = tuple(f"class {n}" for n in range(classes))
    share = 1 / np.arange(1, classes + 1) ** 1.5

    def image(number: int) -> Image:
        drawn = chance.choice(classes, chance.poisson(3) * (chance.random() > 0.2), p=share / share.sum())
        name = f"claim_{chance.integers(claims):04d}/{number}.jpg"
        return Image(name, 100, 100, tuple(Box(labels[n], 0, 0, 9, 9) for n in drawn))

    return Dataset(labels, tuple(image(number) for number in range(images)))


def sides(dataset: Dataset) -> dict[str, str | None]:
    return {image.name: image.split for image in dataset.images}


def claims_on_two_sides(dataset: Dataset) -> int:
    of_claim: dict[str, set[str | None]] = {}
    for image in dataset.images:
        of_claim.setdefault(image.name.split("/")[0], set()).add(image.split)
    return sum(len(splits) > 1 for splits in of_claim.values())


RATIOS = [
    # as typed, as understood
    ("70/20/10", {"train": 0.7, "val": 0.2, "test": 0.1}),
    ("80/20", {"train": 0.8, "val": 0.2}),  # two numbers: no test
    ("7/2/1", {"train": 0.7, "val": 0.2, "test": 0.1}),  # scaled to a sum of 1
    ("0.5/0.5", {"train": 0.5, "val": 0.5}),
    (" 80 / 20 ", {"train": 0.8, "val": 0.2}),  # blanks
    ("train=70,val=30", {"train": 0.7, "val": 0.3}),  # named
    ("train=3, test=1", {"train": 0.75, "test": 0.25}),  # named: val may be left out
]


@pytest.mark.parametrize(("text", "understood"), RATIOS)
def test_ratios(text: str, understood: dict[str, float]) -> None:
    assert parse_ratios(text) == pytest.approx(understood)
    assert list(parse_ratios(text)) == list(understood)


WRONG_RATIOS = [
    # as typed, what must be said
    ("100", "2 (train, val) or 3 numbers"),
    ("60/20/10/10", "2 (train, val) or 3 numbers"),
    ("80/0", "val must be a positive number, got 0; leave it out"),
    ("120/-20", "val must be a positive number"),
    ("nan/1", "train must be a positive number"),
    ("inf/1", "train must be a positive number"),
    ("seventy/30", "expected numbers such as 70/20/10"),
    ("", "expected numbers such as 70/20/10"),
    ("70/20/", "expected numbers such as 70/20/10"),
    ("train=70,30", "expected numbers such as 70/20/10"),
    ("train=100", "at least two splits"),
    ("train=70,train=30", "a split appears twice"),
    ("train=70,../x=30", "no name for a split"),  # names become folders
]


@pytest.mark.parametrize(("text", "said"), WRONG_RATIOS)
def test_wrong_ratios_are_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_ratios(text)
    assert said in str(caught.value)


def test_a_large_grouped_dataset_keeps_its_shares() -> None:
    data = claims(5_000, 1_000)
    divided = split(data, [70, 20, 10], group=CLAIM)
    assert claims_on_two_sides(divided) == 0
    points, what, where = deviation(counts(divided), normalised([70, 20, 10]))
    assert points < 0.25, (what, where)  # half a box of the rarest class is 0.21


def test_nothing_but_the_split_changes() -> None:
    data = claims(50, 20)
    divided = split(data, [8, 2])
    assert tuple(replace(image, split=None) for image in divided.images) == data.images
    assert divided.classes == data.classes
    assert set(sides(divided).values()) == {"train", "val"}


SMALL = [
    # images, ratios, images per split
    (10, [70, 20, 10], (7, 2, 1)),
    (10, [80, 20], (8, 2)),
    (3, [70, 20, 10], (1, 1, 1)),  # no split stays empty while there is an image for each
    (5, [98, 1, 1], (3, 1, 1)),
    (1001, [1, 1], (501, 500)),
]


@pytest.mark.parametrize(("images", "ratios", "expected"), SMALL)
def test_counts_of_images_alike(images: int, ratios: list[float], expected: tuple[int, ...]) -> None:
    data = Dataset(("dent",), tuple(Image(f"{n}.jpg", 9, 9, (Box("dent", 0, 0, 5, 5),)) for n in range(images)))
    found = Counter(sides(split(data, ratios)).values())
    assert tuple(found[name] for name in ("train", "val", "test") if name in found) == expected


def test_a_rare_class_is_divided_first() -> None:
    common = [Image(f"{n}.jpg", 9, 9, (Box("dent", 0, 0, 5, 5),)) for n in range(990)]
    rare = [Image(f"rare{n}.jpg", 9, 9, (Box("dent", 0, 0, 5, 5), Box("crack", 0, 0, 5, 5))) for n in range(10)]
    divided = split(Dataset(("dent", "crack"), (*common, *rare)), [70, 20, 10])
    assert [part["classes"] for part in counts(divided).values()] == [
        {"dent": 700, "crack": 7},
        {"dent": 200, "crack": 2},
        {"dent": 100, "crack": 1},
    ]


def test_undamaged_images_are_shared_out_too() -> None:
    clean = [Image(f"clean{n}.jpg", 9, 9) for n in range(100)]
    hurt = [Image(f"{n}.jpg", 9, 9, (Box("dent", 0, 0, 5, 5),) * (n % 4 + 1)) for n in range(100)]
    divided = split(Dataset(("dent",), (*clean, *hurt)), [70, 20, 10])
    assert [part["negatives"] for part in counts(divided).values()] == [70, 20, 10]


def test_the_seed_decides_and_the_order_does_not() -> None:
    data = claims(300, 80)
    shuffled = list(data.images)
    random.Random(1).shuffle(shuffled)  # noqa: S311
    once = sides(split(data, [70, 20, 10], group=CLAIM, seed=3))
    assert sides(split(replace(data, images=tuple(shuffled)), [70, 20, 10], group=CLAIM, seed=3)) == once
    assert sides(split(data, [70, 20, 10], group=CLAIM, seed=4)) != once


def test_the_split_is_the_same_on_every_machine() -> None:
    data = Dataset(("dent",), tuple(Image(f"{n}.jpg", 9, 9, (Box("dent", 0, 0, 5, 5),)) for n in range(12)))
    val = [name for name, side in sides(split(data, [75, 25])).items() if side == "val"]
    assert val == ["5.jpg", "7.jpg", "10.jpg"]


GROUPS = [
    # expression, names, the sets that stay together
    (r"claim_\d+", ["claim_1/a", "claim_2/a", "claim_1/b"], [{"claim_1/a", "claim_1/b"}, {"claim_2/a"}]),  # the match
    (r"(\d+)_[ab]", ["1_a", "2_a", "1_b"], [{"1_a", "1_b"}, {"2_a"}]),  # what stands in parentheses
    (r"(\w)-\d-(\w)", ["x-1-y", "x-2-y", "x-1-z"], [{"x-1-y", "x-2-y"}, {"x-1-z"}]),  # two parentheses
]


@pytest.mark.parametrize(("group", "names", "together"), GROUPS)
def test_what_a_group_is(group: str, names: list[str], together: list[set[str]]) -> None:
    data = Dataset((), tuple(Image(name, 9, 9) for name in names))
    by_split: dict[str | None, set[str]] = {}
    for name, side in sides(split(data, [1, 1], group=group)).items():
        by_split.setdefault(side, set()).add(name)
    assert sorted(by_split.values(), key=len) == sorted(together, key=len)


def test_images_without_a_group_are_an_error_that_names_them() -> None:
    data = Dataset((), tuple(Image(name, 9, 9) for name in ("claim_1.jpg", "IMG_7.jpg", "claim_2.jpg", "x.jpg")))
    with pytest.raises(DataError) as caught:
        split(data, [1, 1], group=CLAIM)
    assert [problem.file for problem in caught.value.problems] == ["IMG_7.jpg", "x.jpg"]
    assert CLAIM in str(caught.value)


TOO_FEW = [
    # names, group, what must be said
    (["claim_1/a", "claim_1/b"], CLAIM, "2 images in 1 groups cannot fill 2 splits"),
    (["a"], None, "1 images in 1 groups cannot fill 2 splits"),
    ([], None, "0 images in 0 groups cannot fill 2 splits"),
]


@pytest.mark.parametrize(("names", "group", "said"), TOO_FEW)
def test_too_few_groups(names: list[str], group: str | None, said: str) -> None:
    data = Dataset((), tuple(Image(name, 9, 9) for name in names))
    with pytest.raises(DataError, match=said):
        split(data, [1, 1], group=group)
    with pytest.raises(DataError, match=said):
        folds(data, 2, group=group)


def test_a_broken_expression_is_explained() -> None:
    with pytest.raises(ConfigError, match="is no regular expression"):
        split(claims(10, 5), [1, 1], group="claim_(")


def files(folder: Path, contents: dict[str, bytes]) -> tuple[Image, ...]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return tuple(Image(name, 9, 9, path=folder / name) for name in contents)


def test_duplicates_are_equal_bytes_and_not_equal_sizes(tmp_path: Path) -> None:
    images = files(tmp_path, {"a": b"same", "b": b"diff", "c": b"same", "d": b"longer", "e": b"diff", "f": b"same"})
    assert duplicates(images) == [["a", "c", "f"], ["b", "e"]]
    assert duplicates([Image("nowhere.jpg", 9, 9), Image("nowhere2.jpg", 9, 9)]) == []


@pytest.mark.parametrize("seed", range(8))
def test_duplicates_stay_in_one_split_and_are_reported(tmp_path: Path, seed: int) -> None:
    images = files(tmp_path, {f"{n}.jpg": b"%d" % (n % 7) for n in range(14)})  # each twice
    problems = Problems()
    of = sides(split(Dataset((), images), [1, 1], seed=seed, problems=problems))
    assert all(of[f"{n}.jpg"] == of[f"{n + 7}.jpg"] for n in range(7))
    assert problems.counts() == {("note", "exact duplicates kept in one split"): 7}


def test_a_duplicate_joins_two_claims(tmp_path: Path) -> None:
    contents = {"claim_1-a": b"1", "claim_1-b": b"twin", "claim_2-a": b"twin", "claim_2-b": b"2", "claim_3-a": b"3"}
    of = sides(split(Dataset((), files(tmp_path, contents)), [1, 1], group=CLAIM))
    assert len({of[name] for name in contents if name != "claim_3-a"}) == 1
    assert of["claim_3-a"] != of["claim_1-a"]


def test_an_image_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg: No such file"):
        split(Dataset((), (Image("gone.jpg", 9, 9, path=tmp_path / "gone.jpg"),)), [1, 1])


def test_an_old_split_is_replaced_and_reported() -> None:
    data = Dataset((), tuple(Image(f"{n}", 9, 9, split="test") for n in range(4)))
    problems = Problems()
    assert split(data, [1, 1], problems=problems).splits == ("train", "val")
    assert [p.what for p in problems] == ["the data came with test; divided anew"]


def test_folds_hold_every_image_out_once_and_divide_no_claim() -> None:
    data = claims(500, 120)
    parts = folds(data, 5, group=CLAIM)
    held_out = [image.name for part in parts for image in part.only("val").images]
    assert sorted(held_out) == sorted(image.name for image in data.images)
    assert all(len(part) == 500 and claims_on_two_sides(part) == 0 for part in parts)
    assert {len(part.only("val")) for part in parts} <= set(range(97, 104))
    assert folds(data, 5, group=CLAIM, seed=1) != parts


def test_one_fold_is_none() -> None:
    with pytest.raises(ConfigError, match="2 folds or more, got 1"):
        folds(claims(10, 5), 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(3, 60), st.integers(3, 30), st.integers(0, 99), st.sampled_from([[70, 20, 10], [1, 1], [5, 4, 1]]))
def test_no_claim_is_divided_and_no_split_empty(images: int, number: int, seed: int, ratios: list[float]) -> None:
    data = claims(images, number, classes=3, seed=seed)
    groups = {image.name.split("/")[0] for image in data.images}
    if len(groups) < len(ratios):
        return
    divided = split(data, ratios, group=CLAIM, seed=seed)
    assert claims_on_two_sides(divided) == 0
    assert len(divided.splits) == len(ratios)
    assert sum(part["groups"] for part in counts(divided, CLAIM).values()) == len(groups)


def test_deviation_by_hand() -> None:
    boxes = (Box("dent", 0, 0, 5, 5),)
    data = Dataset(("dent", "crack"), (
        Image("a", 9, 9, boxes * 3, "train"), Image("b", 9, 9, (), "train"), Image("c", 9, 9, boxes, "val"),
    ))  # fmt: skip
    assert counts(data) == {
        "train": {"images": 2, "negatives": 1, "boxes": 3, "classes": {"dent": 3, "crack": 0}},
        "val": {"images": 1, "negatives": 0, "boxes": 1, "classes": {"dent": 1, "crack": 0}},
    }
    # images 2/3 and 1/3, negatives 1 and 0, dents 3/4 and 1/4, cracks: none to share
    worst, *where = deviation(counts(data), {"train": 0.7, "val": 0.3})
    assert worst == pytest.approx(30)
    assert where == ["negatives", "train"]
